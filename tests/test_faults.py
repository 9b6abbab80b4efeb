"""Faults: whatever Apple can answer, on demand, and on record."""

import re
from typing import Any

import pytest

from simulator import services
from simulator.core.state import Body
from simulator.faults import faults, generic, outcomes
from simulator.faults.faults import Fault
from simulator.services.apns import pushes, topics
from tests.apple import AGENT, START_MS, Answer, Apple, request


@pytest.fixture
def apple() -> Apple:
    made = Apple()
    made.add("SN1", "SN2", "SN3")
    return made


def arm(apple: Apple, **body: Any) -> str:
    """Arm a fault as the control API does, and return its id."""
    limits = {name: body.pop(name) for name in ("count", "after", "until_ms") if name in body}
    chance = {"probability": body.pop("probability", 1)}
    asked = outcomes.read(apple.catalogue, body)
    named: Any = {asked.kind: asked.name}
    fault = Fault("", asked.match, given=asked.given, **named, **limits, **chance)
    return apple.run(lambda state: faults.arm(state, fault)).id


def account(apple: Apple, session: str) -> Answer:
    return apple.call("GET", "/account", session=session)


def counted(apple: Apple) -> list[tuple[int, int, bool]]:
    shown = apple.run(lambda state: faults.listed(state, apple.now_ms))
    return [(one["matched"], one["touched"], one["spent"]) for one in shown]


# Every outcome

MENU = outcomes.menu(services.load())
ERRORS = [
    pytest.param(one, id=one.name)
    for one in MENU.values()
    if one.row and one.service != generic.SERVICE
]


def push(apple: Apple, topic: str = "com.apple.mgmt.x") -> Answer:
    headers = [("Host", "api.push.apple.com"), ("apns-topic", topic), ("User-Agent", AGENT)]
    return apple.send(request("POST", f"/3/device/{'a1' * 32}", headers, b'{"mdm":"M"}'))


def any_call(apple: Apple, service: str) -> Answer:
    """Send a request that the first operation of *service* takes: faults come before all else."""
    rows = apple.catalogue
    operation = next(one for one in rows.operations.values() if one.service == service)
    path = re.sub(r"\{\w+\}", "x", operation.path)
    headers = [("Host", rows.services[service].hosts[0]), ("User-Agent", AGENT)]
    return apple.send(request(operation.methods[0], path, headers))


@pytest.mark.parametrize("outcome", ERRORS)
def test_every_error_row_of_every_service_can_be_asked_for(outcome: outcomes.Outcome) -> None:
    apple = Apple()
    session = apple.session()
    fault = arm(apple, outcome=outcome.name, match={"service": outcome.service})

    ask = {"dep": lambda: account(apple, session), "apns": lambda: push(apple)}
    answer = ask.get(outcome.service, lambda: any_call(apple, outcome.service))()

    assert outcome.row is not None
    assert answer.status == outcome.row.status
    assert answer.exchange.error == outcome.code
    assert [(one.fault, one.does) for one in answer.exchange.faults] == [(fault, outcome.name)]


def test_a_refusal_on_demand_is_byte_for_byte_the_real_one(apple: Apple) -> None:
    session = apple.session()
    arm(apple, outcome="dep.UNAUTHORIZED", count=1)

    asked_for = account(apple, session)
    real = account(apple, "none")

    assert asked_for.response.body == real.response.body
    kept = [pair for pair in asked_for.response.headers if pair[0] != "X-ADM-Auth-Session"]
    assert tuple(kept) == real.response.headers
    assert asked_for.exchange.client == "dep:a"
    assert asked_for.rules == []


def test_an_outcome_takes_its_parameters(apple: Apple) -> None:
    arm(apple, outcome={"name": "dep.TOO_MANY_REQUESTS", "retry_after_s": 120})
    arm(apple, outcome={"name": "apns.Unregistered", "timestamp": 1_700_000_000_000})

    busy, gone = account(apple, "none"), push(apple)

    assert (busy.status, busy.header("Retry-After")) == (429, "120")
    assert gone.json == {"reason": "Unregistered", "timestamp": 1_700_000_000_000}
    assert gone.exchange.response.status == 410


def test_a_certificate_refused_on_demand_ends_the_connection(apple: Apple) -> None:
    arm(apple, outcome="apns.BadCertificate")

    answer = push(apple)

    assert answer.response.goaway is not None
    assert answer.response.goaway.debug == b'{"reason":"BadCertificate"}'


# Single items


def assign(apple: Apple, *serials: str, version: int = 10) -> Any:
    session = apple.session()
    defined = apple.call(
        "POST", "/profile", {"profile_name": "P", "url": "https://x.example"}, session=session
    )
    body = {"profile_uuid": defined.json["profile_uuid"], "devices": list(serials)}
    return apple.call("PUT", "/profile/devices", body, session=session, version=version).json


def test_devices_can_be_throttled_on_demand(apple: Apple) -> None:
    given = {"name": "dep.THROTTLED", "items": ["SN1"], "retry_after_s": 86_400}
    arm(apple, outcome=given)

    answer = assign(apple, "SN1", "SN2")

    assert answer["devices"] == {"SN1": "THROTTLED", "SN2": "SUCCESS"}
    assert answer["retry_after_seconds"] == 86_400
    device = apple.home(lambda home: home.get("dep.device", "SN1"))
    assert device is not None
    assert device.body["record"]["profile_status"] == "empty"


def test_an_older_client_is_told_what_it_knows(apple: Apple) -> None:
    arm(apple, outcome="dep.THROTTLED")

    assert assign(apple, "SN1", version=8)["devices"] == {"SN1": "FAILED"}


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        pytest.param("DELETE", "/profile/devices", "FAILED", id="clear"),
        pytest.param("POST", "/devices/disown", "NOT_ACCESSIBLE", id="disown"),
        pytest.param("POST", "/devices", "FAILED", id="details"),
    ],
)
def test_other_calls_have_outcomes_of_single_devices(
    apple: Apple, method: str, path: str, code: str
) -> None:
    arm(apple, outcome={"name": f"dep.{code}", "items": ["SN2"]})

    answer = apple.call(method, path, {"devices": ["SN1", "SN2"]}, session=apple.session()).json

    got = {
        serial: one if isinstance(one, str) else one["response_status"]
        for serial, one in answer["devices"].items()
    }
    assert got == {"SN1": "SUCCESS", "SN2": code}


def test_a_lock_fails_on_demand(apple: Apple) -> None:
    arm(apple, outcome="dep.DEVICE_ALREADY_LOCKED")

    body = {"device": "SN1"}
    answer = apple.call("POST", "/device/activationlock", body, session=apple.session())

    assert answer.json["response_status"] == "DEVICE_ALREADY_LOCKED"
    assert answer.exchange.faults[0].does == "dep.DEVICE_ALREADY_LOCKED"


# Which requests


@pytest.mark.parametrize(
    ("match", "hit"),
    [
        pytest.param({}, True, id="all"),
        pytest.param({"service": "dep"}, True, id="service"),
        pytest.param({"operation": "dep.details"}, True, id="operation"),
        pytest.param({"operation": "dep.account"}, False, id="other-operation"),
        pytest.param({"organisation": "acme"}, True, id="organisation"),
        pytest.param({"organisation": "other"}, False, id="other-organisation"),
        pytest.param({"client": "dep:a"}, True, id="client"),
        pytest.param({"client": "dep:b"}, False, id="other-client"),
        pytest.param({"session": "s1"}, True, id="session"),
        pytest.param({"session": "s2"}, False, id="other-session"),
        pytest.param({"body": {"devices": "SN2"}}, True, id="item"),
        pytest.param({"body": {"devices": "SN9"}}, False, id="other-item"),
        pytest.param({"body": {"devices": {"contains": "N2"}}}, True, id="contains"),
        pytest.param({"body": {"devices": {"present": False}}}, False, id="absent"),
        pytest.param({"header": {"User-Agent": AGENT}}, True, id="header"),
        pytest.param({"header": {"X-Server-Protocol-Version": 10}}, True, id="number"),
        pytest.param({"header": {"X-Other": {"present": True}}}, False, id="no-header"),
    ],
)
def test_a_fault_touches_what_it_matches(apple: Apple, match: Body, hit: bool) -> None:
    session = apple.session()
    arm(apple, outcome="dep.INTERNAL_SERVER_ERROR", match=match)
    headers = [
        ("Host", "mdmenrollment.apple.com"),
        ("X-ADM-Auth-Session", session),
        ("X-Server-Protocol-Version", "10"),
        ("User-Agent", AGENT),
        ("Content-Type", "application/json"),
        ("X-Mdmsim-Session", "s1"),
    ]

    answer = apple.send(request("POST", "/devices", headers, b'{"devices":["SN1","SN2"]}'))

    assert answer.status == (500 if hit else 200)


def test_a_path_parameter_can_be_matched(apple: Apple) -> None:
    arm(apple, outcome="apns.BadDeviceToken", match={"path": {"token": "a1" * 32}})

    assert push(apple).json == {"reason": "BadDeviceToken"}


def test_a_login_can_be_refused_for_one_organisation(apple: Apple) -> None:
    arm(apple, outcome="dep.token_rejected", match={"organisation": "acme", "client": "dep:a"})

    refused, welcome = apple.log_in(), apple.log_in(apple.oauth("b"))

    assert (refused.status, refused.text) == (403, "token_rejected")
    assert welcome.status == 200


def test_a_label_is_for_us_and_not_disclosed(apple: Apple) -> None:
    headers = [("User-Agent", AGENT), ("x-mdmsim-session", "ci job/7")]

    answer = apple.send(request("GET", "/account", headers))

    assert answer.exchange.session == "ci-job-7"
    assert answer.exchange.request.headers == (("User-Agent", AGENT),)


# How often


def test_a_count_ends_it(apple: Apple) -> None:
    session = apple.session()
    arm(apple, outcome="dep.T_C_NOT_SIGNED", count=2)

    statuses = [account(apple, session).status for _ in range(4)]

    assert statuses == [403, 403, 200, 200]
    assert counted(apple) == [(4, 2, True)]


def test_it_can_begin_with_the_nth(apple: Apple) -> None:
    session = apple.session()
    arm(apple, outcome="dep.T_C_NOT_SIGNED", after=2, count=1)

    statuses = [account(apple, session).status for _ in range(4)]

    assert statuses == [200, 200, 403, 200]


def test_answers_come_in_turn(apple: Apple) -> None:
    session = apple.session()
    arm(apple, outcome="dep.T_C_NOT_SIGNED", count=2)
    arm(apple, outcome="dep.NOT_FOUND", count=1)
    arm(apple, outcome="dep.UNAUTHORIZED", count=1, after=4)

    statuses = [account(apple, session).status for _ in range(6)]

    assert statuses == [403, 403, 404, 200, 401, 200]


def test_it_ends_when_its_time_is_over(apple: Apple) -> None:
    session = apple.session()
    arm(apple, outcome="dep.T_C_NOT_SIGNED", until_ms=START_MS + 60_000)

    before = account(apple, session).status
    apple.advance(60)

    assert (before, account(apple, session).status) == (403, 200)
    assert counted(apple)[0][2]


def test_chance_comes_from_the_seed() -> None:
    def run(seed: int) -> list[int]:
        apple = Apple(seed=seed)
        session = apple.session()
        arm(apple, outcome="dep.T_C_NOT_SIGNED", probability=0.5)
        return [account(apple, session).status for _ in range(40)]

    first, again, other = run(1), run(1), run(2)

    assert first == again != other
    assert 8 < first.count(403) < 32


def test_the_first_outcome_and_the_first_delivery_count(apple: Apple) -> None:
    session = apple.session()
    arm(apple, outcome="dep.T_C_NOT_SIGNED")
    arm(apple, outcome="dep.NOT_FOUND")
    arm(apple, delivery={"name": "delay", "ms": 250})
    arm(apple, delivery="reset")

    answer = account(apple, session)

    assert answer.exchange.error == "T_C_NOT_SIGNED"
    assert answer.response.delivery is not None
    assert answer.response.delivery.wait_ms == 250
    assert [one.does for one in answer.exchange.faults] == ["dep.T_C_NOT_SIGNED", "delay"]
    assert counted(apple) == [(1, 1, False), (1, 0, False), (1, 1, False), (1, 0, False)]


def test_waits_are_spread_and_repeatable() -> None:
    def run(**given: Any) -> list[int]:
        apple = Apple()
        arm(apple, delivery={"name": "delay", **given})
        answers = [account(apple, "none") for _ in range(50)]
        return [one.response.delivery.wait_ms for one in answers if one.response.delivery]

    even, normal = run(ms=100, jitter_ms=50), run(median_ms=100, sigma=0.5)

    assert all(50 <= one <= 150 for one in even)
    assert max(even) - min(even) > 50
    assert sorted(normal)[20] < 100 < sorted(normal)[-15]
    assert max(normal) > 200
    assert (even, normal) == (run(ms=100, jitter_ms=50), run(median_ms=100, sigma=0.5))


def test_what_is_disarmed_touches_no_more(apple: Apple) -> None:
    session = apple.session()
    first = arm(apple, outcome="dep.T_C_NOT_SIGNED")
    arm(apple, outcome="dep.NOT_FOUND", match={"organisation": "acme"})

    apple.run(lambda state: faults.disarm(state, first))
    second = account(apple, session).status
    apple.run(lambda state: faults.disarm(state, organisation="acme"))

    assert (second, account(apple, session).status) == (404, 200)
    assert counted(apple) == []


def test_a_device_push_is_not_stored_when_it_is_refused(apple: Apple) -> None:
    apple.run(lambda state: topics.add(state, "acme", "com.apple.mgmt.x"))
    arm(apple, outcome="apns.InternalServerError")

    push(apple)

    assert apple.home(pushes.counters)["stored"] == 0


# What cannot be


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param({}, "either an outcome or a delivery", id="neither"),
        pytest.param({"outcome": "x", "delivery": "y"}, "either", id="both"),
        pytest.param({"outcome": "T_C_SIGNED"}, "did you mean dep.T_C_NOT_SIGNED", id="near"),
        pytest.param({"outcome": 5}, "outcome must be a name", id="number"),
        pytest.param({"delivery": "explode"}, "there are delay, hang", id="delivery"),
        pytest.param(
            {"outcome": "dep.FAILED", "match": {"operation": "dep.account"}},
            "dep.FAILED happens to ",
            id="nowhere",
        ),
        pytest.param(
            {"outcome": "dep.NOT_FOUND", "match": {"service": "apns"}}, "dep.*", id="service"
        ),
        pytest.param(
            {"delivery": "reset", "match": {"service": "mdm"}},
            "is not known: there are accounts, apns",
            id="unknown",
        ),
        pytest.param(
            {"delivery": "reset", "match": {"operation": "dep.snyc"}}, "dep.sync", id="operation"
        ),
        pytest.param(
            {"delivery": "reset", "match": {"operation": "dep.sync", "body": {"limt": 1}}},
            "match.body.limt does not exist: the body has cursor, limit",
            id="field",
        ),
        pytest.param({"delivery": "reset", "match": {"user": "x"}}, "match.user", id="key"),
        pytest.param({"delivery": "reset", "match": {"service": ""}}, "not empty", id="empty"),
        pytest.param({"delivery": "reset", "match": {"body": 5}}, "match.body must", id="no-names"),
        pytest.param(
            {"delivery": "reset", "match": {"body": {"devices": ["SN1"]}}}, "one value", id="list"
        ),
        pytest.param(
            {"delivery": "reset", "match": {"body": {"devices": {"like": "x"}}}},
            "equals, contains, present",
            id="test",
        ),
        pytest.param(
            {"delivery": "reset", "match": {"body": {"devices": {"contains": 5}}}},
            "contains must be a text",
            id="argument",
        ),
        pytest.param(
            {"delivery": {"name": "delay", "ms": -1}}, "ms must be at least 0", id="negative"
        ),
        pytest.param({"delivery": {"name": "delay", "secs": 1}}, "it takes ms", id="parameter"),
        pytest.param(
            {"outcome": {"name": "dep.NOT_FOUND", "retry_after_s": "1"}}, "an integer", id="type"
        ),
    ],
)
def test_what_cannot_be_asked_for_is_named(apple: Apple, body: Body, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        outcomes.read(apple.catalogue, body)


ALSO = [
    pytest.param(one.name, spelling, id=spelling)
    for one in outcomes.menu(services.load()).values()
    for spelling in (*one.also, *(f"{one.service}.{short}" for short in one.also))
]


@pytest.mark.parametrize(("name", "spelling"), ALSO)
def test_an_outcome_takes_the_documented_spelling(apple: Apple, name: str, spelling: str) -> None:
    assert outcomes.read(apple.catalogue, {"outcome": spelling}).name == name


def test_the_documented_spelling_of_an_apns_reason_is_known() -> None:
    assert ("apns.BadEnvironmentKeyInToken", "BadEnvironmentKeyIdInToken") in [
        tuple(one.values) for one in ALSO
    ]


def test_the_name_alone_will_do_where_it_is_the_only_one(apple: Apple) -> None:
    assert (
        outcomes.read(apple.catalogue, {"outcome": "T_C_NOT_SIGNED"}).name == "dep.T_C_NOT_SIGNED"
    )
    assert outcomes.read(apple.catalogue, {"delivery": "EMPTY_RESPONSE"}).name == "empty"
