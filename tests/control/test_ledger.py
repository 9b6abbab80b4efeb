"""The ledger over HTTP: aggregated disclosures, and where their values came from."""

import json

import pytest

from tests.control.conftest import Control

KEYS = (
    "part at generic via concept category subject secret documented declared flags fp shape "
    "len clear"
)


async def busy(control: Control) -> None:
    for number in range(3):
        await control.ask("GET", f"/account?odd={number}", headers={"User-Agent": "ExampleMDM/1"})
    await control.ask("POST", "/devices", json={"devices": ["C8TJ500QF1MN", "C7VJ500QF2AB"]})


async def test_values_are_aggregated_by_place(control: Control) -> None:
    await busy(control)

    _, found = await control.call("GET", "/ledger")

    rows = {(row["operation"], row["generic"]): row for row in found["ledger"]}
    assert all(set(KEYS.split()) <= set(row) for row in found["ledger"])
    odd = rows["dep.account", "odd"]
    assert (odd["requests"], odd["values"], odd["records"]) == (3, 3, 3)
    assert odd["exchanges"] == [1, 2, 3]
    assert len(odd["fingerprints"]) == 3
    assert odd["severity"] == "fail"
    serials = rows["dep.details", "/devices/*"]
    assert (serials["requests"], serials["values"], serials["declared"]) == (1, 2, "S24")
    assert serials["at"] == "/devices/0"
    assert serials["novelty"] == {"foreign": 2}
    assert serials["fides"] == "user.device.device_id"
    assert serials["dpv"] == "https://w3id.org/dpv/pd#UID"


async def test_the_ledger_pages(control: Control) -> None:
    await busy(control)
    _, whole = await control.call("GET", "/ledger")

    rows, after = [], ""
    while True:
        _, page = await control.call("GET", f"/ledger?limit=2{after}")
        rows += page["ledger"]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"

    assert rows == whole["ledger"]
    assert page["total"] == len(rows) == 4


@pytest.mark.parametrize(
    ("query", "places"),
    [
        pytest.param("operation=dep.details", {"/devices/*", "user-agent"}, id="operation"),
        pytest.param("concept=device.serial", {"/devices/*"}, id="concept"),
        pytest.param("part=query", {"odd"}, id="part"),
        pytest.param("severity=fail", {"odd"}, id="severity"),
        pytest.param("flag=undocumented", {"odd"}, id="flag"),
        pytest.param("flag=value", {"/devices/*"}, id="kind-of-flag"),
        pytest.param("novelty=foreign", {"/devices/*"}, id="novelty"),
        pytest.param("declared=S24", {"/devices/*"}, id="declared"),
        pytest.param("q=DEVICES", {"/devices/*"}, id="text"),
        pytest.param("finding=field-unknown", set(), id="finding"),
        pytest.param("status=401&q=devices", {"/devices/*"}, id="status"),
        pytest.param("organisation=nobody", set(), id="organisation"),
        pytest.param("service=apns", set(), id="service"),
    ],
)
async def test_the_ledger_can_be_narrowed(control: Control, query: str, places: set[str]) -> None:
    await busy(control)

    _, found = await control.call("GET", f"/ledger?{query}")

    assert {row["generic"] for row in found["ledger"]} == places


@pytest.mark.parametrize(
    ("query", "detail"),
    [("colour=blue", "colour is not known"), ("after=x", "id of a row"), ("limit=0", "limit")],
)
async def test_what_the_ledger_cannot_be_asked_is_refused(
    control: Control, query: str, detail: str
) -> None:
    status, problem = await control.call("GET", f"/ledger?{query}")

    assert status == 400
    assert detail in problem["detail"]


async def test_each_disclosure_tells_where_its_value_came_from(control: Control) -> None:
    await busy(control)

    _, found = await control.call("GET", "/exchanges/4/disclosures")

    assert {one["at"]: one["novelty"] for one in found["disclosures"]} == {
        "user-agent": "novel",
        "/devices/0": "foreign",
        "/devices/1": "foreign",
    }


async def test_what_a_connection_told_stands_beside_its_first_exchange(control: Control) -> None:
    await control.ask("GET", "/one")

    _, first = await control.call("GET", "/exchanges/1/disclosures")
    _, report = await control.call("GET", "/report")

    (order,) = first["connection"]
    assert (order["part"], order["at"], order["concept"]) == (
        "conn",
        "header_order",
        "net.header_order",
    )
    assert [line["place"] for line in report["connections"]] == ["header_order"]


async def test_what_was_issued_is_known_wherever_its_exchange_is_shown(control: Control) -> None:
    _, devices = await control.call("GET", "/devices?limit=1")
    serial = devices["devices"][0]["serial_number"]
    await control.ask("GET", f"/account?odd={serial}&other=0ZNOBODYHASIT")

    _, page = await control.call("GET", "/exchanges/1/disclosures")
    _, listed = await control.call("GET", "/exchanges?disclosed=true")
    _, har = await control.call("GET", "/report?format=har")
    async with control.http.get(f"{control.base}/api/v1/report?format=jsonl") as answer:
        lines = [json.loads(line) for line in (await answer.text()).splitlines()]

    known = ("device.serial", ["undocumented", "misplaced"])
    unknown = ("unknown", ["undocumented", "undeclared"])
    for records in (page["disclosures"], lines, har["log"]["entries"][0]["_disclosures"]):
        found = {one["at"]: (one["concept"], one["flags"]) for one in records}
        assert (found["odd"], found["other"]) == (known, unknown)
    concepts = [one["concept"] for one in listed["exchanges"][0]["disclosed"]]
    assert concepts[:2] == ["device.serial", "unknown"]
