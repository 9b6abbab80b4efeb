from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from simulator.services.fleet import portal
from tests.apple import Answer, Apple


def define(apple: Apple, session: str) -> str:
    body = {"profile_name": "Staff", "url": "https://mdm.example.com/enrol"}
    uuid: str = apple.call("POST", "/profile", body, session=session).json["profile_uuid"]
    return uuid


def assign(apple: Apple, session: str, uuid: str, *serials: str, **more: Any) -> Answer:
    body = {"profile_uuid": uuid, "devices": list(serials)}
    return apple.call(more.pop("method", "PUT"), "/profile/devices", body, session=session, **more)


def record(apple: Apple, serial: str) -> dict[str, Any]:
    return apple.home(lambda home: portal.device(home, serial)).record


def status(apple: Apple, serial: str) -> str:
    text: str = record(apple, serial)["profile_status"]
    return text


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_profile_is_assigned_per_device(apple: Apple, method: str) -> None:
    apple.add("SN1")
    apple.add("SN2", server="b")
    session = apple.session()
    uuid = define(apple, session)

    answer = assign(apple, session, uuid, "SN1", "SN1", "SN2", "NOPE", method=method)

    assert answer.json == {
        "profile_uuid": uuid,
        "devices": {"SN1": "SUCCESS", "SN2": "NOT_ACCESSIBLE", "NOPE": "NOT_ACCESSIBLE"},
    }
    assert record(apple, "SN1")["profile_assign_time"] == "2026-03-01T12:00:00Z"


def test_depsim_assigns_by_put_only() -> None:
    apple = Apple(dialect="depsim")
    session = apple.session()

    answer = assign(apple, session, define(apple, session), "SN1", method="POST")

    assert answer.status == 405
    assert answer.header("Allow") == "PUT, DELETE"


@pytest.mark.parametrize(
    ("version", "outcome", "retry"),
    [
        pytest.param(8, "FAILED", None, id="8"),
        pytest.param(9, "THROTTLED", None, id="9"),
        pytest.param(10, "THROTTLED", 60, id="10"),
    ],
)
def test_a_throttled_device_by_version(
    apple: Apple, version: int, outcome: str, retry: int | None
) -> None:
    apple.add("SN1", "SN2")
    apple.home(lambda home: portal.throttle(home, "SN2", 60, now_ms=apple.now_ms))
    session = apple.session()
    uuid = define(apple, session)

    answer = assign(apple, session, uuid, "SN1", "SN2", version=version).json

    assert answer["devices"] == {"SN1": "SUCCESS", "SN2": outcome}
    assert answer.get("retry_after_seconds") == retry


def test_throttling_ends_by_the_clock(apple: Apple) -> None:
    apple.add("SN1")
    apple.home(lambda home: portal.throttle(home, "SN1", 60, now_ms=apple.now_ms))
    session = apple.session()
    uuid = define(apple, session)

    apple.advance(60)
    answer = assign(apple, session, uuid, "SN1").json

    assert answer == {"profile_uuid": uuid, "devices": {"SN1": "SUCCESS"}}


@pytest.mark.parametrize(
    ("body", "code", "error"),
    [
        pytest.param({"devices": ["SN1"]}, 400, "PROFILE_UUID_REQUIRED", id="no-profile"),
        pytest.param({"profile_uuid": "", "devices": []}, 400, "PROFILE_UUID_REQUIRED", id="empty"),
        pytest.param({"profile_uuid": "0A1B"}, 400, "DEVICE_ID_REQUIRED", id="no-devices"),
        pytest.param({"profile_uuid": "0A1B", "devices": ["SN1"]}, 404, "NOT_FOUND", id="unknown"),
        pytest.param([1], 400, "MALFORMED_REQUEST_BODY", id="array"),
        pytest.param("x", 400, "MALFORMED_REQUEST_BODY", id="string"),
    ],
)
@pytest.mark.parametrize("strictness", ["apple", "observe"])
def test_a_request_that_names_too_little(body: Any, code: int, error: str, strictness: str) -> None:
    apple = Apple(strictness=strictness)

    answer = apple.call("PUT", "/profile/devices", body, session=apple.session())

    assert (answer.status, answer.text) == (code, error)


def test_an_empty_assignment_is_a_no_op(apple: Apple) -> None:
    session = apple.session()
    uuid = define(apple, session)

    assert assign(apple, session, uuid).json == {"profile_uuid": uuid, "devices": {}}


def test_clearing_takes_the_profile_and_keeps_its_uuid(apple: Apple) -> None:
    apple.add("SN1", "SN2")
    apple.home(lambda home: portal.fail(home, "SN2", failing=True, now_ms=apple.now_ms))
    session = apple.session()
    uuid = define(apple, session)
    assign(apple, session, uuid, "SN1")
    body = {"devices": ["SN1", "SN2", "NOPE"], "profile_uuid": uuid}

    answer = apple.call("DELETE", "/profile/devices", body, session=session)

    outcome = {"SN1": "SUCCESS", "SN2": "FAILED", "NOPE": "NOT_ACCESSIBLE"}
    assert answer.json == {"devices": outcome}
    after = record(apple, "SN1")
    assert (after["profile_status"], after["profile_uuid"]) == ("removed", uuid)
    assert after["profile_assign_time"] == "2026-03-01T12:00:00Z"
    assert "profile_push_time" not in after


def test_a_failing_device_fails_to_be_assigned(apple: Apple) -> None:
    apple.add("SN1")
    apple.home(lambda home: portal.fail(home, "SN1", failing=True, now_ms=apple.now_ms))
    session = apple.session()

    assert assign(apple, session, define(apple, session), "SN1").json["devices"] == {
        "SN1": "FAILED"
    }


def events(apple: Apple, server: str, cursor: str) -> list[tuple[str, str, str]]:
    answer = apple.call("POST", "/devices/sync", {"cursor": cursor}, session=apple.session(server))
    return [
        (one["serial_number"], one["op_type"], one["profile_status"])
        for one in answer.json["devices"]
    ]


def cursor_of(apple: Apple, server: str) -> str:
    session = apple.session(server)
    cursor: str = apple.call("POST", "/server/devices", {}, session=session).json["cursor"]
    return cursor


def test_a_moved_device_is_deleted_here_and_modified_there(apple: Apple) -> None:
    apple.add("SN1", "SN2")
    session = apple.session()
    assign(apple, session, define(apple, session), "SN1")
    old, new = cursor_of(apple, "a"), cursor_of(apple, "b")

    apple.home(lambda home: portal.assign(home, "SN1", "b", by="x@y.z", now_ms=apple.now_ms))
    apple.home(lambda home: portal.assign(home, "SN2", "b", by="x@y.z", now_ms=apple.now_ms))

    assert events(apple, "a", old) == [("SN1", "deleted", "empty"), ("SN2", "deleted", "empty")]
    assert events(apple, "b", new) == [("SN1", "modified", "removed"), ("SN2", "added", "empty")]


def test_a_device_assigned_again_to_its_server_loses_its_profile(apple: Apple) -> None:
    apple.add("SN1")
    session = apple.session()
    assign(apple, session, define(apple, session), "SN1")
    cursor = cursor_of(apple, "a")

    apple.home(lambda home: portal.assign(home, "SN1", "a", by="x@y.z", now_ms=apple.now_ms))

    assert events(apple, "a", cursor) == [("SN1", "modified", "removed")]


def test_a_device_that_was_unassigned_comes_back_as_added(apple: Apple) -> None:
    apple.add("SN1")
    cursor = cursor_of(apple, "a")

    apple.home(lambda home: portal.unassign(home, "SN1", now_ms=apple.now_ms))
    apple.home(lambda home: portal.assign(home, "SN1", "a", by="x@y.z", now_ms=apple.now_ms))

    assert events(apple, "a", cursor) == [("SN1", "deleted", "empty"), ("SN1", "added", "empty")]


def test_assigning_and_fetching_a_profile_are_events(apple: Apple) -> None:
    apple.add("SN1")
    session = apple.session()
    cursor = cursor_of(apple, "a")

    assign(apple, session, define(apple, session), "SN1")
    apple.home(lambda home: portal.activate(home, "SN1", now_ms=apple.now_ms))

    assert events(apple, "a", cursor) == [
        ("SN1", "modified", "assigned"),
        ("SN1", "modified", "pushed"),
    ]


@pytest.mark.parametrize(
    ("action", "message"),
    [
        pytest.param(portal.unassign, "assigned to no server", id="unassign"),
    ],
)
def test_what_the_portal_cannot_do_is_said(apple: Apple, action: Any, message: str) -> None:
    apple.add("SN1")
    apple.home(lambda home: portal.unassign(home, "SN1", now_ms=apple.now_ms))

    with pytest.raises(ValueError, match=message):
        apple.home(lambda home: action(home, "SN1", now_ms=apple.now_ms))


def test_the_portal_names_what_does_not_exist(apple: Apple) -> None:
    with pytest.raises(LookupError, match="no device has the serial number NOPE"):
        apple.home(lambda home: portal.release(home, "NOPE", now_ms=apple.now_ms))
    with pytest.raises(LookupError, match="no DEP server has the id c"):
        apple.home(lambda home: apple.issue(home, "c"))


class Life(RuleBasedStateMachine):
    """Whatever happens to devices: fetch and the replayed sync always agree."""

    serials = ("SN1", "SN2", "SN3")

    make = Apple

    @initialize()
    def start(self) -> None:
        self.apple = self.make()
        self.apple.add(*self.serials)
        self.session = self.apple.session()
        self.uuid = define(self.apple, self.session)
        answer = self.apple.call("POST", "/server/devices", {}, session=self.session).json
        self.cursor = answer["cursor"]
        self.known = {one["serial_number"]: one for one in answer["devices"]}

    @rule(serial=st.sampled_from(serials))
    def assign_profile(self, serial: str) -> None:
        assign(self.apple, self.session, self.uuid, serial)

    @rule(serial=st.sampled_from(serials))
    def clear_profile(self, serial: str) -> None:
        body = {"devices": [serial]}
        self.apple.call("DELETE", "/profile/devices", body, session=self.session)

    @rule(
        serial=st.sampled_from(serials),
        action=st.sampled_from([portal.activate, portal.unassign]),
    )
    def act(self, serial: str, action: Any) -> None:
        before = self.apple.home(lambda home: portal.device(home, serial))
        try:
            self.apple.home(lambda home: action(home, serial, now_ms=self.apple.now_ms))
        except ValueError:
            assert self.apple.home(lambda home: portal.device(home, serial)) == before

    @rule(serial=st.sampled_from(serials), server=st.sampled_from(["a", "b"]))
    def move(self, serial: str, server: str) -> None:
        self.apple.home(
            lambda home: portal.assign(home, serial, server, by="x@y.z", now_ms=self.apple.now_ms)
        )

    @rule()
    def wait(self) -> None:
        self.apple.advance(1)

    @invariant()
    def a_client_that_syncs_knows_what_a_fetch_tells(self) -> None:
        call = self.apple.call
        answer = call("POST", "/devices/sync", {"cursor": self.cursor}, session=self.session).json
        self.cursor = answer["cursor"]
        for event in answer["devices"]:
            kept = {k: v for k, v in event.items() if k not in ("op_type", "op_date")}
            if event["op_type"] == "deleted":
                del self.known[event["serial_number"]]
            else:
                self.known[event["serial_number"]] = kept
        fetched = call("POST", "/server/devices", {}, session=self.session).json["devices"]
        assert {one["serial_number"]: one for one in fetched} == self.known


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
