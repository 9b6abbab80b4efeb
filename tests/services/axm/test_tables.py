"""Cases that the rows themselves give."""

from typing import Any

import pytest

from simulator import services
from simulator.protocol.fields import Field, Object, span
from simulator.protocol.operations import Operation
from simulator.services.axm import SERVICE
from tests.axm import Axm
from tests.services.axm.shapes import RESOURCE, SHAPES, fits, shape_of
from tests.services.axm.test_isolation import Two

CATALOGUE = services.load()
ALL = [one for one in CATALOGUE.operations.values() if one.service == "axm"]
OPERATIONS = [pytest.param(one, id=one.name) for one in ALL if one.auth]
LISTS = [
    pytest.param(one, id=one.name)
    for one in ALL
    if any(row.name == "cursor" for row in one.request) and "{" not in one.path
]
ROWS = [
    pytest.param(one, row, id=f"{one.name}-{row.name}-{row.place}")
    for one in ALL
    for row in one.request
    if row.place in ("body", "query")
]
RULED = [
    pytest.param(one, row, id=f"{one.name}-{row.name}")
    for one in ALL
    for row in one.request
    if row.place == "query" and row.invalid is not None
]
TIMES = {
    "filter[startTimestamp]": "2026-01-01T00:00:00Z",
    "filter[endTimestamp]": "2027-01-01T00:00:00Z",
}


@pytest.fixture(scope="module")
def axm() -> Two:
    """A simulator that tests only read: the rival's things are its own here."""
    axm = Two()
    axm._token = axm.access_token(axm.theirs)
    return axm


def path_of(axm: Two, one: Operation) -> str:
    kind = one.path.split("/")[2]
    path = one.path.removeprefix("/v1").replace("{rel}", "orgDevices")
    return path.replace("{id}", axm.ids.get(kind, ""))


def query_of(one: Operation) -> dict[str, Any]:
    return TIMES if one.name == "axm.audit.list" else {}


@pytest.mark.parametrize(("one", "row"), ROWS)
def test_a_row_has_a_concept_and_a_source(one: Operation, row: Field) -> None:
    assert row.concept
    assert row.source


@pytest.mark.parametrize("one", OPERATIONS)
def test_every_operation_wants_a_token(axm: Two, one: Operation) -> None:
    answer = axm.api(one.methods[0], path_of(axm, one), token="none")

    assert axm.error(answer) == (401, "NOT_AUTHORIZED", None)


@pytest.mark.parametrize(("one", "row"), RULED)
def test_a_query_value_that_breaks_its_rule_is_named(axm: Two, one: Operation, row: Field) -> None:
    query = query_of(one) | {row.name: "of no kind"}

    answer = axm.api(one.methods[0], path_of(axm, one), **query)

    assert axm.error(answer) == (400, "PARAMETER_ERROR.INVALID", {"parameter": row.name})
    assert any(one.at == row.name and one.refused for one in answer.exchange.findings)


@pytest.mark.parametrize("one", LISTS)
def test_every_list_has_the_shape_of_a_page(axm: Two, one: Operation) -> None:
    document = axm.get(path_of(axm, one), **query_of(one), limit=1)

    assert set(document) == {"data", "links", "meta"}
    assert document["meta"]["paging"]["limit"] == 1
    assert document["links"]["self"].startswith("https://api-business.apple.com/v1/")
    assert len(document["data"]) <= 1
    for row in document["data"]:
        assert row["type"] == one.path.split("/")[2]


def undocumented(rows: tuple[Field, ...], value: Any, version: int, at: str = "") -> list[str]:
    """Return where *value* has what no row of that version documents."""
    found = []
    known = {row.name: row for row in rows if span(row.versions)[0] <= version}
    for name, child in value.items():
        row = known.get(name)
        if row is None:
            found.append(f"{at}/{name}")
        elif isinstance(row, Object) and row.fields:
            for each in child if isinstance(child, list) else [child]:
                found += undocumented(row.fields, each or {}, version, f"{at}/{name}")
    return found


READS = [
    pytest.param(one, id=one.name)
    for one in ALL
    if one.auth and one.methods == ("GET",) and one.response
]


@pytest.mark.parametrize("one", READS)
def test_an_answer_has_documented_fields_only(axm: Two, one: Operation) -> None:
    answer = axm.get(path_of(axm, one), **query_of(one))

    assert undocumented(one.response, answer, 26) == []


@pytest.mark.parametrize("one", READS)
def test_an_answer_has_the_published_shape(axm: Two, one: Operation) -> None:
    document = axm.get(path_of(axm, one), **query_of(one))

    data = document["data"]
    assert {"data", "links"} <= document.keys() <= {"data", "links", "meta", "included"}
    for resource in data if isinstance(data, list) else [data]:
        assert {"type", "id"} <= resource.keys() <= {*RESOURCE}
        if not one.path.count("/relationships/"):
            attributes, related = SHAPES[resource["type"]]
            assert resource.get("relationships", {}).keys() <= set(related.split())
            for name, value in resource["attributes"].items():
                assert fits(shape_of(attributes, name), value), f"{name}: {value!r}"


@pytest.mark.parametrize("version", ["1.0", "1.2", "1.3", "1.4", "1.5", "2.0", "2.1", "2.3", "2.5"])
def test_an_older_version_has_the_fields_of_its_own(version: str) -> None:
    number = int(version.replace(".", ""))
    axm = Axm(axm_version=version)
    axm.add("SN1", imei=["1"], eid="2", ethernet_mac_address="3")
    for one in (CATALOGUE.operations[name] for name in ("axm.devices.list", "axm.servers.list")):
        answer = axm.get(one.path.removeprefix("/v1"))
        assert undocumented(one.response, answer, number) == []


def test_every_error_is_reached_or_said_to_be_on_demand() -> None:
    codes = {row.code for one in ALL for row in CATALOGUE.errors(one)}
    assert {row.code for row in SERVICE.on_demand} == {
        "unauthorized_client",
        "ENTITY_UNPROCESSABLE",
        "SERVICE_UNAVAILABLE",
    }
    assert not codes & {row.code for row in SERVICE.on_demand}
