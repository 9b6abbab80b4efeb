"""What a sync tells of the actions of the portal, one row for each (dep.md, amendments)."""

from collections.abc import Callable
from typing import Any

import pytest

from simulator.core.state import State
from simulator.protocol import quirks
from simulator.services.fleet import devices as fleet
from simulator.services.fleet import portal, servers
from tests.apple import Apple

DAY_S = 86_400
Act = Callable[[State, int], object]


def sync(apple: Apple, cursor: str, server: str = "a") -> list[dict[str, Any]]:
    session = apple.session(server)
    answer = apple.call("POST", "/devices/sync", {"cursor": cursor}, session=session)
    found: list[dict[str, Any]] = answer.json["devices"]
    return found


def cursor(apple: Apple, server: str = "a") -> str:
    answer = apple.call("POST", "/server/devices", {}, session=apple.session(server))
    return str(answer.json["cursor"])


def disown(apple: Apple) -> None:
    apple.call("POST", "/devices/disown", {"devices": ["SN1"]}, session=apple.session())


ACTIONS: dict[str, tuple[Act, list[str], list[str]]] = {
    "unassign": (lambda home, at: portal.unassign(home, "SN1", now_ms=at), ["deleted"], []),
    "move": (
        lambda home, at: portal.assign(home, "SN1", "b", by="x@acme.example", now_ms=at),
        ["deleted"],
        ["added"],
    ),
    "release": (lambda home, at: portal.release(home, "SN1", now_ms=at), [], []),
    "change": (
        lambda home, at: portal.change_device(home, "SN1", {"asset_tag": "T1"}, now_ms=at),
        ["modified"],
        [],
    ),
    "migrate": (
        lambda home, at: portal.migrate(home, "SN1", at + 1000, now_ms=at),
        ["modified"],
        [],
    ),
    "clear-migration": (
        lambda home, at: portal.clear_migration(home, "SN1", now_ms=at),
        ["modified"],
        [],
    ),
}


@pytest.mark.parametrize(("act", "at_a", "at_b"), list(ACTIONS.values()), ids=list(ACTIONS))
def test_each_action_is_told_as_apple_tells_it(act: Act, at_a: list[str], at_b: list[str]) -> None:
    apple = Apple()
    apple.add("SN1")
    before = {server: cursor(apple, server) for server in ("a", "b")}

    apple.home(lambda home: act(home, apple.now_ms))

    told = {server: sync(apple, before[server], server) for server in before}
    assert [one["op_type"] for one in told["a"]] == at_a
    assert [one["op_type"] for one in told["b"]] == at_b


def test_a_disowned_device_is_told_with_the_quirk_only() -> None:
    for is_on, expected in ((False, []), (True, ["deleted"])):
        apple = Apple()
        apple.add("SN1")
        before = cursor(apple)
        if is_on:
            apple.run(lambda state: quirks.switch(state, "dep.release-tells", "*", is_on=True))

        disown(apple)

        assert [one["op_type"] for one in sync(apple, before)] == expected


def test_a_released_device_comes_back_after_thirty_days() -> None:
    apple = Apple()
    apple.add("SN1")
    apple.home(lambda home: portal.release(home, "SN1", now_ms=apple.now_ms))

    apple.advance(30 * DAY_S - 1)
    with pytest.raises(ValueError, match="can be added again from 2026-03-31T12:00:00Z on"):
        apple.add("SN1")
    apple.advance(1)
    before = cursor(apple)
    apple.add("SN1", events=True)

    assert [one["op_type"] for one in sync(apple, before)] == ["added"]
    back = apple.home(lambda home: portal.device(home, "SN1"))
    assert not back.released


def test_a_moved_device_keeps_the_time_of_its_assignment() -> None:
    apple = Apple()
    apple.add("SN1")
    assigned = apple.home(
        lambda home: fleet.with_profile(portal.device(home, "SN1"), "AB" * 16, apple.now_ms)
    )
    apple.home(lambda home: fleet.write(home, [assigned], (), apple.now_ms))

    apple.home(
        lambda home: portal.assign(home, "SN1", "b", by="x@acme.example", now_ms=apple.now_ms + 9)
    )

    moved = apple.home(lambda home: portal.device(home, "SN1")).record
    assert moved["profile_status"] == "removed"
    assert moved["profile_assign_time"] == "2026-03-01T12:00:00Z"


def test_a_migration_is_completed_once_the_device_has_moved() -> None:
    apple = Apple()
    apple.add("SN1")
    with pytest.raises(ValueError, match="has no deadline to migrate"):
        apple.home(lambda home: portal.complete_migration(home, "SN1", now_ms=apple.now_ms))
    apple.home(lambda home: portal.migrate(home, "SN1", apple.now_ms + 1, now_ms=apple.now_ms))

    apple.home(lambda home: portal.complete_migration(home, "SN1", now_ms=apple.now_ms))

    record = apple.home(lambda home: portal.device(home, "SN1")).record
    assert "mdm_migration_deadline" not in record


def test_a_migrating_device_is_in_no_sync_with_the_quirk() -> None:
    apple = Apple()
    apple.add("SN1")
    before = cursor(apple)
    apple.run(lambda state: quirks.switch(state, "dep.migrating-missing", "*", is_on=True))
    apple.home(lambda home: portal.migrate(home, "SN1", apple.now_ms + 1, now_ms=apple.now_ms))

    assert sync(apple, before) == []
    fetched = apple.call("POST", "/server/devices", {}, session=apple.session())
    assert fetched.json["devices"][0]["mdm_migration_deadline"]


def test_a_server_that_may_not_release_is_denied() -> None:
    apple = Apple()
    apple.add("SN1")
    apple.home(lambda home: servers.change_server(home, "a", may_release=False))

    answer = apple.call("POST", "/devices/disown", {"devices": ["SN1"]}, session=apple.session())

    assert (answer.status, answer.text) == (403, "ACCESS_DENIED")
    assert apple.home(lambda home: portal.device(home, "SN1")).server == "a"


def test_an_old_session_token_dies_once_a_newer_one_was_answered() -> None:
    apple = Apple(session_rotation_s=60)
    apple.run(lambda state: quirks.switch(state, "dep.old-session-dies", "*", is_on=True))
    first = apple.session()
    apple.advance(61)

    rotated = apple.call("GET", "/account", session=first)
    newer = rotated.header("X-ADM-Auth-Session")

    assert (rotated.status, newer != first) == (200, True)
    assert apple.call("GET", "/account", session=first).status == 401
    assert apple.call("GET", "/account", session=newer).status == 200


def test_a_sync_repeats_its_cursor_with_the_quirk() -> None:
    apple = Apple()
    apple.add("SN1")
    start = apple.call("POST", "/devices/sync", {"cursor": cursor(apple)}, session=apple.session())
    apple.run(lambda state: quirks.switch(state, "dep.same-sync-cursor", "*", is_on=True))
    apple.add("SN2", events=True)

    body = {"cursor": start.json["cursor"]}
    first, again = (
        apple.call("POST", "/devices/sync", body, session=apple.session()) for _ in range(2)
    )

    for answer in (first, again):
        assert [one["serial_number"] for one in answer.json["devices"]] == ["SN2"]
        assert answer.json["cursor"] == start.json["cursor"]
