"""What a server asks for many devices at once: answered at once, and done piece by piece."""

from pathlib import Path
from typing import Any

from simulator.protocol import quirks
from simulator.services import audit
from simulator.services.fleet import arrivals, at_once, orders
from simulator.store.opening import open_store
from tests.apple import Apple

SERIALS = [f"SN{number:04d}" for number in range(450)]
MOST_ROWS = 600
"""Rows of the database that a transaction writes: those of a hundred devices and their events."""
PROFILE = {"profile_name": "Staff", "url": "https://mdm.example.com/enrol"}
CHANGES = [
    ("POST", "/profile", PROFILE, "modified", "assigned"),
    ("DELETE", "/profile/devices", {}, "modified", "removed"),
    ("PUT", "/profile/devices", {}, "modified", "assigned"),
    ("POST", "/devices/disown", {}, "deleted", "empty"),
]


def told(apple: Apple, session: str, cursor: str) -> tuple[list[Any], str]:
    page = apple.call(
        "POST", "/devices/sync", {"cursor": cursor, "limit": 1000}, session=session
    ).json
    rows = page["devices"]
    return [
        (one["serial_number"], one["op_type"], one["op_date"], one["profile_status"])
        for one in rows
    ], page["cursor"]


def test_whoever_looks_sees_all_of_it_and_no_transaction_does_more_than_a_piece(
    apple: Apple,
) -> None:
    apple.add(*SERIALS)
    apple.run(lambda state: quirks.switch(state, "dep.release-tells", "*", is_on=True))
    session = apple.session()
    uuid = apple.call("POST", "/profile", PROFILE, session=session).json["profile_uuid"]
    cursor = apple.call("POST", "/server/devices", {}, session=session).json["cursor"]

    for method, path, body, kind, status in CHANGES:
        with apple.counting() as rows:
            sent = {"profile_uuid": uuid} | body if "/profile/" in path else body
            answer = apple.call(method, path, sent | {"devices": SERIALS}, session=session)
            apple.advance(7)
            seen, cursor = told(apple, session, cursor)

        assert answer.json["devices"] == dict.fromkeys(SERIALS, "SUCCESS")
        at = apple.recorded[-2].at_ms // 1000 % 60
        assert seen == [(one, kind, f"2026-03-01T12:00:{at:02d}Z", status) for one in SERIALS]
        assert max(rows) <= MOST_ROWS, path

    trail = [one.body for one in apple.home(lambda home: audit.read(home, "", 1000))]
    gone = [one for one in trail if one["type"] == "DEVICE_REMOVED_FROM_ORG"]
    assert [one["subject"][0] for one in gone] == SERIALS
    assert len({one["group"] for one in gone}) == 1
    assert apple.home(lambda home: (orders.ordered(home), home.count(at_once.PART))) == ([], 0)


def test_what_a_kill_left_of_it_is_done_before_anybody_looks(tmp_path: Path) -> None:
    path = tmp_path / "mdmsim.db"
    with Apple(store=open_store(path)) as killed:
        killed.add(*SERIALS)
        sent = PROFILE | {"devices": SERIALS}
        session = killed.session()
        killed.call("POST", "/profile", sent, session=session)
        now_ms = killed.now_ms
        assert not killed.home(lambda home: arrivals.materialise_due(home, now_ms))
    with Apple(store=open_store(path)) as again:
        page = again.call("POST", "/server/devices", {"limit": 1000}, session=session).json

    assert {one["profile_status"] for one in page["devices"]} == {"assigned"}
    assert len(page["devices"]) == len(SERIALS)
