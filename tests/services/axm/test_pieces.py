"""Lists of thousands: what they name is looked up, and done, a piece at a time."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from simulator.core.state import State, StoreAdmin
from simulator.services.axm.blueprint_rows import BLUEPRINT, CONFIGURATION
from simulator.services.axm.content import APP
from simulator.services.axm.people import USER
from simulator.services.fleet import changes, transitions
from simulator.services.fleet import devices as fleet
from tests.axm import Axm

COUNT = 2500
SERIALS = [f"SN{number:04d}" for number in range(COUNT)]
USERS = [f"user{number:04d}" for number in range(COUNT)]
MOST_STEPS = 500
"""Hundreds of steps of the database's machine in a transaction: a thousand look-ups have 400."""
MOST_ROWS = 200
"""Rows of the database in a transaction: 25 devices in the order of one, or of their changes."""


@pytest.fixture
def axm() -> Iterator[Axm]:
    with Axm() as made:
        made.add(*SERIALS)
        made.home(lambda home: home.add_many(APP, [("app", {"attributes": {}})]))
        made.home(lambda home: home.add_many(USER, ((one, {"attributes": {}}) for one in USERS)))
        yield made


def linked(kind: str, identifiers: list[str]) -> Any:
    return {"data": [{"type": kind, "id": one} for one in identifiers]}


def blueprint(kind: str, identifiers: list[str], **more: str) -> Any:
    relationships = {"apps": linked("apps", ["app"]), kind: linked(kind, identifiers)}
    attributes = {"name": "kiosk"}
    data = {"type": "blueprints", "attributes": attributes, "relationships": relationships}
    return {"data": data | more}


def held(axm: Axm, path: str) -> list[str]:
    return [one["id"] for one in axm.pages(path, limit=1000)]


@pytest.mark.parametrize(("kind", "items"), [("orgDevices", SERIALS), ("users", USERS)])
def test_no_call_of_blueprints_looks_up_more_than_a_piece_at_once(
    axm: Axm, kind: str, items: list[str]
) -> None:
    with axm.counting(reads=True) as steps:
        made = axm.api("POST", "/blueprints", blueprint(kind, [*items, "NOPE"])).json
        one = made["data"]["id"]
        path = f"/blueprints/{one}/relationships/{kind}"
        created = held(axm, path)
        replaced = axm.api("PATCH", f"/blueprints/{one}", blueprint(kind, items[:1], id=one))
        some = held(axm, path)
        added = axm.api("POST", path, linked(kind, [*reversed(items), "NOPE"]))
        every = held(axm, path)
        taken = axm.api("DELETE", path, linked(kind, ["NOPE", *items[1:]]))
        few = held(axm, path)

    assert (created, some, every, few) == (items, items[:1], items, items[:1])
    assert [replaced.status, added.status, taken.status] == [200, 204, 204]
    assert max(steps) <= MOST_STEPS


def test_a_blueprint_holds_ten_thousand_of_each(axm: Axm) -> None:
    most = [f"U{number}" for number in range(10_000)]
    axm.home(lambda home: home.add_many(USER, ((one, {}) for one in most)))
    refused = (409, "ENTITY_ERROR.RELATIONSHIP.INVALID")

    made = axm.api("POST", "/blueprints", blueprint("users", most))
    path = f"/blueprints/{made.json['data']['id']}/relationships/users"
    further = axm.api("POST", path, linked("users", USERS[:1]))
    more = axm.api("POST", "/blueprints", blueprint("users", [*most, *USERS[:1]]))

    assert axm.error(further) == (*refused, {"pointer": "/data"})
    assert axm.error(more) == (*refused, {"pointer": "/data/relationships/users/data"})
    assert made.status == 201


def test_a_page_of_blueprints_ends_once_they_hold_ten_thousand(axm: Axm) -> None:
    axm.home(lambda home: home.add_many(USER, ((f"U{number}", {}) for number in range(2500))))
    users = [*USERS, *(f"U{number}" for number in range(2500))]
    made = [axm.api("POST", "/blueprints", blueprint("users", users)).json for _ in range(5)]

    with axm.counting(reads=True) as steps:
        first = axm.get("/blueprints", include="users")
        rest = axm.get("/blueprints", include="users", cursor=first["meta"]["paging"]["nextCursor"])

    shown = [[one["id"] for one in page["data"]] for page in (first, rest)]
    assert [len(page) for page in shown] == [2, 2]
    assert [*shown[0], *shown[1]] == sorted(one["data"]["id"] for one in made)[:4]
    assert "nextCursor" in rest["meta"]["paging"]
    assert max(steps) <= 2 * MOST_STEPS
    last = axm.get("/blueprints", cursor=rest["meta"]["paging"]["nextCursor"])
    assert len(last["data"]) == 1
    assert "nextCursor" not in last["meta"]["paging"]


def test_who_holds_a_configuration_is_looked_up_in_pieces(axm: Axm) -> None:
    held, free = "held", "free"
    body = {"attributes": {"type": "CUSTOM_SETTING", "name": "c"}, "version": 1}
    blueprints: list[tuple[str, Any, Any]] = [
        (f"{number}", {"attributes": {}, "related": {"users": USERS, "configurations": some}}, {})
        for number, some in enumerate([[], [], [], [], [held], []])
    ]
    axm.home(lambda home: home.put_many(CONFIGURATION, ((one, body, {}) for one in (held, free))))
    axm.home(lambda home: home.put_many(BLUEPRINT, blueprints))

    with axm.counting(reads=True) as transactions:
        refused = axm.api("DELETE", f"/configurations/{held}")
        deleted = axm.api("DELETE", f"/configurations/{free}")

    assert (refused.status, deleted.status) == (409, 204)
    # A token; four blueprints, the fifth, the answer; four, the other two, the answer.
    assert len(transactions) == 7


@pytest.mark.parametrize("is_read", [True, False])
def test_an_activity_is_ordered_and_done_in_pieces(axm: Axm, *, is_read: bool) -> None:
    with axm.counting(reads=is_read) as counts:
        ordered = axm.order("ASSIGN_DEVICES", *SERIALS, server="b")
        done = axm.done(ordered)

    assert done["subStatus"] == "COMPLETED_WITH_SUCCESS"
    assert max(counts) <= (MOST_STEPS if is_read else MOST_ROWS)
    assert axm.get(f"/mdmServers/{axm.uuid('b')}")["data"]["attributes"]["deviceCount"] == COUNT


def test_whoever_names_a_device_that_is_not_there_is_told_which(axm: Axm) -> None:
    refused = axm.order("UNASSIGN_DEVICES", *SERIALS[:2000], "NOPE", *SERIALS[2000:])

    where = {"pointer": "/data/relationships/devices/data/2000/id"}
    assert axm.error(refused) == (409, "ENTITY_ERROR.RELATIONSHIP.INVALID", where)
    assert axm.home(lambda home: (home.count(changes.CHANGE), home.count(changes.PART))) == (0, 0)


def test_a_device_that_is_released_during_the_look_up_fails_for_itself(
    axm: Axm, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = axm.run

    def release(home: State) -> None:
        device = fleet.find(home, "a", SERIALS[:1])[SERIALS[0]]
        assert device is not None
        transitions.release(home, [device], axm.now_ms)

    def run_a_piece(piece: Callable[[StoreAdmin], Any]) -> Any:
        was_last = run(piece)
        if was_last:
            monkeypatch.undo()
            axm.home(release)
        return was_last

    monkeypatch.setattr(axm, "run", run_a_piece)
    done = axm.done(axm.order("UNASSIGN_DEVICES", *SERIALS))

    assert done["subStatus"] == "COMPLETED_WITH_ERROR"
    (change,) = axm.home(lambda home: home.scan(changes.CHANGE))
    assert (change.body["devices"], change.body["failed"]) == (COUNT, 1)
