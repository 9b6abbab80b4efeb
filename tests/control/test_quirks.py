from typing import Any

import pytest

from simulator import services
from simulator.protocol.reference import SOURCES
from tests.control.conftest import Control

QUIRKS = [
    pytest.param(row, service.name, id=row.id)
    for service in services.load().services.values()
    for row in service.quirks
]


@pytest.mark.parametrize(("row", "service"), QUIRKS)
def test_a_quirk_says_what_it_is_and_where_it_was_seen(row: Any, service: str) -> None:
    assert row.id.startswith(f"{service}.")
    assert row.about.endswith(".")
    assert {tag.split(" ")[0] for tag in row.source.split(", ")} <= set(SOURCES)


async def test_a_quirk_is_listed_switched_on_and_off(control: Control) -> None:
    _, before = await control.call("GET", "/quirks")
    status, on = await control.call("PUT", "/quirks/dep.same-cursor", {"on": True})
    _, off = await control.call("PUT", "/quirks/dep.same-cursor", {"on": False})
    body = {"on": True, "organisation": "demo"}
    _, for_one = await control.call("PUT", "/quirks/dep.same-cursor", body)

    assert len(before["quirks"]) == len(QUIRKS)
    assert not any(one["on"] for one in before["quirks"])
    assert status == 200
    assert (on["on"], on["organisations"]) == (True, ["*"])
    assert (off["on"], off["organisations"]) == (False, [])
    assert for_one["organisations"] == ["demo"]


@pytest.mark.parametrize(
    ("name", "body", "status", "says"),
    [
        pytest.param("dep.nope", {"on": True}, 404, "there are", id="unknown"),
        pytest.param("dep.same-cursor", {}, 400, "the body must name on", id="nothing"),
        pytest.param("dep.same-cursor", {"on": "yes"}, 400, "true or false", id="type"),
        pytest.param(
            "dep.same-cursor", {"on": True, "organisation": "x"}, 404, "has the id x", id="nobody"
        ),
    ],
)
async def test_what_cannot_be_switched_is_a_problem(
    control: Control, name: str, body: Any, status: int, says: str
) -> None:
    answered, problem = await control.call("PUT", f"/quirks/{name}", body)

    assert answered == status
    assert says in problem["detail"]
