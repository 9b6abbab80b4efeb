"""The JSON Schema of a world's file says what the reader says."""

import tomllib
from datetime import datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from simulator.core import resources
from simulator.core.settings import ConfigurationError
from simulator.worlds.rows import world_schema
from simulator.worlds.world import FOLDER, parse_world, world_names
from tests.worlds.test_seeding import TWO
from tests.worlds.test_world import ORGANISATION, WHOLE

ARRIVALS = """
[[organisation.arrivals]]
server = "main"
assigned_by = "admin@acme.example"
count = 5
every_s = 3600
"""
VALIDATOR = Draft202012Validator(world_schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)


def plain(value: Any) -> Any:
    """Return what TOML says as JSON says it."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value.isoformat() if isinstance(value, datetime) else value


def complaints(source: str) -> list[str]:
    document = plain(tomllib.loads(source))
    return [error.message for error in VALIDATOR.iter_errors(document)]


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(world_schema())


@pytest.mark.parametrize("name", world_names())
def test_a_shipped_world_keeps_to_it(name: str) -> None:
    assert complaints(resources.read_text(FOLDER, f"{name}.toml")) == []


@pytest.mark.parametrize("source", [WHOLE, TWO, WHOLE + ARRIVALS], ids=["whole", "two", "arrivals"])
def test_what_the_reader_takes_keeps_to_it(source: str) -> None:
    parse_world(source, "w.toml")

    assert complaints(source) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param('name = "Acme"', 'name = ""', id="empty-text"),
        pytest.param('name = "Acme"', 'name = "A\\nB"', id="two-lines"),
        pytest.param('name = "Acme"', "name = 1", id="number-for-text"),
        pytest.param('id = "acme"', 'id = "a/b"', id="identifier"),
        pytest.param("it@acme.example", "nobody", id="email"),
        pytest.param('org_type = "org"', 'org_type = "ngo"', id="choice"),
        pytest.param('org_id = "77"', "", id="missing"),
        pytest.param('org_id = "77"', 'org_id = "77"\ncolour = "red"', id="unknown-key"),
        pytest.param("count = 10", "count = 0", id="number-too-small"),
        pytest.param("count = 10", "count = true", id="boolean-for-number"),
        pytest.param("count = 10", "", id="neither-count-nor-device"),
        pytest.param('["iPad", "Mac"]', "[]", id="empty-list"),
        pytest.param('["iPad", "Mac"]', '["Car"]', id="unknown-family"),
        pytest.param('["iPad", "Mac"]', '"iPad"', id="text-for-list"),
        pytest.param("2026-01-05T10:00:00Z", '"noon"', id="text-for-time"),
        pytest.param("every_s = 3600", "every_s = 0", id="arrivals-always"),
        pytest.param("count = 5", "count = 5\ntimes = 0", id="arrivals-never"),
        pytest.param('name = "small"', "", id="world-without-name"),
    ],
)
def test_what_the_reader_refuses_breaks_it(old: str, new: str) -> None:
    source = WHOLE + ARRIVALS
    assert old in source
    wrong = source.replace(old, new, 1)

    with pytest.raises(ConfigurationError):
        parse_world(wrong, "w.toml")

    assert complaints(wrong)


@pytest.mark.parametrize("source", ["", '[world]\nname = "x"\n', ORGANISATION])
def test_a_world_needs_both_its_tables(source: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_world(source, "w.toml")

    assert complaints(source)
