"""The simulated services as OpenAPI, made from their rows."""

import json

import pytest
from click.testing import CliRunner

from simulator import services
from simulator.cli import main
from simulator.protocol.fields import (
    Boolean,
    Field,
    Integer,
    Number,
    Object,
    String,
    Strings,
    Table,
)
from simulator.protocol.openapi import document, object_schema, schema

CATALOGUE = services.load()
DOCUMENT = document(CATALOGUE, "1.0")


@pytest.mark.parametrize(
    ("row", "shape"),
    [
        pytest.param(
            String("a", "A.", shortest=1, longest=5, values=("x", "y")),
            {"type": "string", "minLength": 1, "maxLength": 5, "enum": ["x", "y"]},
            id="string",
        ),
        pytest.param(
            Integer("a", "A.", least=0, most=5),
            {"type": "integer", "minimum": 0, "maximum": 5},
            id="integer",
        ),
        pytest.param(Number("a", "A.", most=0.5), {"type": "number", "maximum": 0.5}, id="number"),
        pytest.param(Boolean("a", "A."), {"type": "boolean"}, id="boolean"),
        pytest.param(Field("a", "A."), {}, id="anything"),
        pytest.param(
            Strings("a", "A.", values=("x",)),
            {"type": "array", "items": {"type": "string", "enum": ["x"]}},
            id="strings",
        ),
        pytest.param(
            Table("a", "A.", value=Boolean("v", "V.")),
            {
                "type": "object",
                "additionalProperties": {"type": "boolean", "description": "V."},
            },
            id="table",
        ),
        pytest.param(
            Object("a", "A.", fields=(Boolean("b", "B.", required=True),)),
            {
                "type": "object",
                "properties": {"b": {"type": "boolean", "description": "B."}},
                "required": ["b"],
            },
            id="object",
        ),
    ],
)
def test_a_row_is_a_schema(row: Field, shape: dict[str, object]) -> None:
    assert schema(row) == {"description": "A.", **shape}


def test_a_schema_says_what_its_row_says() -> None:
    row = String("a", "A.", concept="org.name", versions="3+", deprecated="no", example="x")

    assert schema(row) == {
        "description": "A.",
        "deprecated": True,
        "x-concept": "org.name",
        "x-versions": "3+",
        "examples": ["x"],
        "type": "string",
    }
    assert object_schema([row], closed=True)["additionalProperties"] is False


def test_every_operation_is_there_with_its_fields_and_errors() -> None:
    found = {
        one["operationId"]: one for path in DOCUMENT["paths"].values() for one in path.values()
    }

    assert set(CATALOGUE.operations) <= set(found)
    for name, operation in CATALOGUE.operations.items():
        codes = [
            code
            for answer in found[name]["responses"].values()
            for code in answer.get("x-error-codes", ())
        ]
        errors = [row.code for row in CATALOGUE.errors(operation) if row.status != 200]
        assert set(errors) <= set(codes)
    assert "put" in DOCUMENT["paths"]["/profile/devices"]
    assert len(found) == sum(len(one.methods) for one in CATALOGUE.operations.values())


def test_the_command_line_prints_it() -> None:
    result = CliRunner().invoke(main, ["catalogue", "--openapi"])

    assert result.exit_code == 0
    assert json.loads(result.output)["paths"] == json.loads(json.dumps(DOCUMENT["paths"]))
