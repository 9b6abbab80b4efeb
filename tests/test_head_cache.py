"""What is kept of requests changes nothing: answers, records and state are those without it."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from simulator.core.messages import Request, Response
from simulator.core.settings import Settings
from simulator.core.state import Body, State
from simulator.core.steps import Steps
from simulator.disclosure.observe.observation import Observer
from simulator.disclosure.observe.values import Fingerprinter
from simulator.disclosure.redact.sealer import RequestSealer, ResponseSealer
from simulator.engine.head_cache import HeadCache, HeadCheck, HeadFacts
from simulator.engine.readings import Reading, Readings
from simulator.faults import faults
from simulator.faults.faults import Fault
from simulator.pki.push import PushAuthority, PushCertificate
from simulator.protocol import quirks
from simulator.protocol.operations import Call
from simulator.services import organisations
from simulator.services.apns import keys, registry, topics
from simulator.services.apns.quirks import ONE_STREAM
from simulator.services.dep.quirks import OLD_TOKEN_DIES
from simulator.services.fleet import arrivals
from simulator.services.vpp.domain.locations import SERVICE_STATE
from tests.apple import AGENT, Answer, request
from tests.apple import KEY as FINGERPRINT_KEY
from tests.auth.test_provider_token import KEY, public_pem
from tests.services.apns.conftest import MAGIC, NOW, OTHER, PEER, TOKEN, TOPIC, Apns
from tests.services.apns.test_tokens import signed
from tests.vpp import Vpp

IDENTIFIER = "123e4567-e89b-12d3-a456-426655440000"
SIGNED = (signed(), signed(team="TEAM000002"))
SECOND, SHARED, FOREIGN = "b2" * 32, "c3" * 32, "d4" * 32


@pytest.fixture(scope="module")
def authority() -> PushAuthority:
    return PushAuthority.create(NOW)


class Counting(HeadCache):
    """Counts the requests whose head was known, and those whose head was checked."""

    def __init__(self, way: Any, tally: Counter[str]) -> None:
        super().__init__(way)
        self.tally = tally

    def find(self, call: Call) -> HeadFacts | HeadCheck:
        found = super().find(call)
        self.tally["known" if isinstance(found, HeadFacts) else "checked"] += 1
        return found


class Unchanged(Readings):
    """Says which of its readings somebody has changed."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.read: list[tuple[Reading, str]] = []

    def _read(self, request: Request, host: str | None) -> Reading:
        reading = super()._read(request, host)
        self.read.append((reading, _said(reading)))
        return reading

    def changed(self) -> list[str]:
        return [said for reading, said in self.read if said != _said(reading)]


def _said(reading: Reading) -> str:
    return repr((reading.decoded, reading.pairs, dict(reading.match.path)))


class Forgetful(HeadCache):
    """Knows no head."""

    def find(self, call: Call) -> HeadCheck:
        return HeadCheck(None if call.request.problem else self)


class FirstTime(Observer):
    """Seals each message as if there had been none before."""

    def seal_request(self, *given: Any) -> Request:
        self._sealer = RequestSealer(self._plans, self._fingerprinter, self._scrubber)
        return super().seal_request(*given)

    def sealing_response(self, *given: Any) -> Steps[Response]:
        self._response_sealer = ResponseSealer(self._plans, self._fingerprinter, self._scrubber)
        return super().sealing_response(*given)


@dataclass
class World:
    """All services, with clients of each."""

    apple: Vpp
    apns: Apns
    sessions: list[str]
    stokens: list[str]


Act = Callable[[World], Any]


def world(certificate: PushCertificate, authority: PushAuthority, **given: Any) -> World:
    """Return the services, with devices that have tokens of their own, one shared, one foreign."""
    apple = Vpp(**given)
    apns = Apns(apple, certificate, authority)
    apple.run(lambda state: topics.add(state, "acme", TOPIC))
    apple.run(faults.prepare)
    apple.run(quirks.prepare)
    key = keys.ProviderKey("KEYONE0001", "TEAM000001", public_pem(KEY).decode(), "acme", "")
    apple.run(lambda state: keys.add(state, key))
    for number, token in enumerate((TOKEN, SECOND)):
        apns.check_in(UDID=f"device-{number}", Token=bytes.fromhex(token))
    for number in range(2):
        apns.check_in(UDID=f"sharer-{number}", Token=bytes.fromhex(SHARED), share=True)
    apns.check_in(UDID="foreigner", Topic=OTHER, Token=bytes.fromhex(FOREIGN))
    apple.add("SERIAL0001")
    sessions = [apple.session("a"), apple.session("b"), "1" * 13 + "O1Ojunk"]
    stokens = [apple.stoken, apple.place("branch").stoken, "anVuaw=="]
    return World(apple, apns, sessions, stokens)


@contextmanager
def twins(authority: PushAuthority, **given: Any) -> Iterator[tuple[World, World, Counter[str]]]:
    """Yield two equal worlds, of which the second knows no heads, and what the first counts."""
    certificate, tally = authority.mint(TOPIC, NOW), Counter[str]()
    cached, plain = (world(certificate, authority, **given) for _ in range(2))
    for one, kind in ((cached, lambda way: Counting(way, tally)), (plain, Forgetful)):
        heads = one.apple.engine._heads
        heads.update({name: kind(cache.way) for name, cache in heads.items()})
    engine, other = cached.apple.engine, plain.apple.engine
    limit = Settings().body_limit
    readings = engine._readings = Unchanged(engine.catalogue, limit)
    other._readings = Readings(other.catalogue, limit, 0)
    other._sealer = FirstTime(other.catalogue, Fingerprinter(FINGERPRINT_KEY))
    try:
        yield cached, plain, tally
        assert not readings.changed()
    finally:
        cached.apple.store.close()
        plain.apple.store.close()


def state_of(one: World) -> list[bytes]:
    return one.apple.run(lambda state: list(state.export_snapshot({})))


def sometimes(*values: str) -> st.SearchStrategy[str | None]:
    return st.one_of(st.none(), st.none(), st.none(), st.sampled_from(values))


def present(named: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in named.items() if value is not None}


LABEL = sometimes("run-1")
BODIES = st.sampled_from(
    [b'{"mdm":"%s"}' % MAGIC.encode()] * 6
    + [
        b'{"mdm":"%s"}' % MAGIC.lower().encode(),
        b'{"mdm":"%s","aps":{}}' % MAGIC.encode(),
        b"{}",
        b"",
        b"junk",
    ]
)
TOKENS = st.sampled_from(
    [TOKEN] * 4 + [SECOND] * 3 + [SHARED, FOREIGN, TOKEN.upper(), "e5" * 32, "xy"]
)
PATHS = st.sampled_from(["/3/device/"] * 6 + ["/3/device/x/", "/3/device//", "/3/", "//3/device/"])
TAILS = st.sampled_from([""] * 5 + ["?a=b", "/", "%20"])
PUSH_HEADERS = st.fixed_dictionaries(
    {
        "apns_topic": st.sampled_from([TOPIC, TOPIC, None, OTHER]),
        "apns_push_type": st.sampled_from(["mdm", "mdm", None, "alert", "odd"]),
        "apns_priority": sometimes("10", "7"),
        "apns_expiration": sometimes("0", "1772366400", "soon", ""),
        "apns_id": sometimes(IDENTIFIER, IDENTIFIER.upper(), "1", ""),
        "apns_collapse_id": sometimes("a", "b" * 65),
        "content_encoding": sometimes("identity", "gzip"),
        "x_mdmsim_session": LABEL,
    }
).map(present)
PEERS = st.builds(
    lambda number, first, port: replace(PEER, connection=number, first=first, port=port),
    st.sampled_from([1, 1, 1, 2]),
    st.sampled_from([False, False, False, True]),
    st.sampled_from([50000, 50001]),
)
HOSTS = st.sampled_from(["api.push.apple.com"] * 4 + ["api.sandbox.push.apple.com", "mdm.example"])


@st.composite
def pushing(draw: st.DrawFn) -> Act:
    named: dict[str, Any] = {
        "token": draw(TOKENS) + draw(TAILS),
        "body": draw(BODIES),
        "path": draw(PATHS),
        "host": draw(HOSTS),
        "peer": draw(PEERS),
        "http": draw(st.sampled_from(["2", "2", "2", "1.1"])),
        "method": draw(st.sampled_from(["POST", "POST", "POST", "GET"])),
        **draw(PUSH_HEADERS),
    }
    key = draw(st.sampled_from([None, None, None, 0, 0, 1]))

    def act(one: World) -> Answer:
        signature: dict[str, Any] = (
            {} if key is None else {"authorization": SIGNED[key], "shown": False}
        )
        return one.apns.push(**named, **signature)

    return act


@st.composite
def enrolling(draw: st.DrawFn) -> Act:
    method, target, content = draw(
        st.sampled_from(
            [("GET", "/account", b"")] * 4
            + [
                ("GET", "/account?a=b", b""),
                ("GET", "/account", b'{"a":1}'),
                ("POST", "/server/devices", b'{"limit":10}'),
                ("POST", "/server/devices", b"{"),
                ("POST", "/profile/devices", b'{"profile_uuid":"0A","devices":["SERIAL0001"]}'),
                ("POST", "/account", b""),
                ("GET", "/accounts", b""),
            ]
        )
    )
    session = draw(st.sampled_from([0] * 6 + [1, 1, 2, None]))
    named = present(
        {
            "Host": "mdmenrollment.apple.com",
            "User-Agent": draw(st.sampled_from([AGENT] * 6 + ["python-requests/2", None])),
            "X-Server-Protocol-Version": draw(st.sampled_from(["10"] * 6 + ["3", "99", "x", None])),
            "Content-Type": draw(st.sampled_from(["application/json;charset=UTF8"] * 3 + [None])),
            "X-Trace": draw(sometimes("1", "2", "3")),
            "X-Mdmsim-Session": draw(LABEL),
        }
    )
    twice = draw(st.sampled_from([False] * 6 + [True]))
    problem = draw(st.sampled_from([""] * 8 + ["truncated"]))

    def act(one: World) -> Answer:
        headers = list(named.items())
        if session is not None:
            headers += [("X-ADM-Auth-Session", one.sessions[session])] * (1 + twice)
        return one.apple.send(request(method, target, headers, content, problem=problem))

    return act


@st.composite
def licensing(draw: st.DrawFn) -> Act:
    path = draw(st.sampled_from(["/assets"] * 3 + ["/users", "/client/config", "/assetz"]))
    stoken = draw(st.sampled_from([0] * 6 + [1, 1, 2, None]))
    query = present({"pageIndex": draw(sometimes("0", "x")), "odd": draw(sometimes("1"))})
    method = draw(st.sampled_from(["GET"] * 6 + ["POST"]))

    def act(one: World) -> Answer:
        token = None if stoken is None else f"Bearer {one.stokens[stoken]}"
        if method == "POST":
            body = {"users": [{"clientUserId": "u"}]}
            return one.apple.v2("POST", "/users/create", body, token=token)
        return one.apple.v2(method, path, token=token, **query)

    return act


def push(token: str = TOKEN, **more: Any) -> Act:
    return lambda one: one.apns.push(token, apns_topic=TOPIC, apns_push_type="mdm", **more)


def account() -> Act:
    return lambda one: one.apple.call("GET", "/account", session=one.sessions[0])


def assets() -> Act:
    return lambda one: one.apple.v2("GET", "/assets", token=f"Bearer {one.stokens[0]}")


def moving(seconds: float) -> Act:
    return lambda one: one.apple.advance(seconds)


def running(work: Callable[[Any], Any]) -> Act:
    return lambda one: one.apple.run(work)


def homely(work: Callable[[Any], Any]) -> Act:
    return lambda one: one.apple.home(work)


def arriving(home: State, now_ms: int) -> None:
    """Have devices arrive for as long as requests come."""
    arrivals.order(
        home, "a", now_ms=now_ms, by="admin", count=1, every_s=20, seed=1, starts_ms=now_ms + 30_000
    )


def maintained(*, is_on: bool) -> Act:
    body: Body = {"maintenance": is_on}
    return running(lambda state: state.put(SERVICE_STATE, "all", body))


def terms(*, accepted: bool) -> Act:
    return running(
        lambda state: organisations.change_organisation(state, "acme", terms_accepted=accepted)
    )


REVOKING = running(lambda state: topics.revoke(state, TOPIC, "*"))
BARRING = running(lambda state: keys.revoke(state, "KEYONE0001"))
CHANGES = [
    moving(0.4),
    moving(60),
    moving(3601),
    moving(400 * 24 * 3600),
    REVOKING,
    BARRING,
    terms(accepted=False),
    terms(accepted=True),
    maintained(is_on=True),
    maintained(is_on=False),
    lambda one: one.apple.renew(),
    running(lambda state: topics.add(state, "acme", OTHER)),
    homely(lambda home: registry.change(home, TOKEN, state="unregistered", since_ms=1)),
    homely(lambda home: registry.change(home, TOKEN, throttled_until_ms=2**60)),
    homely(lambda home: registry.change(home, TOKEN, environment="production")),
    running(lambda state: faults.arm(state, Fault("", outcome="apns.ServiceUnavailable", count=2))),
    running(
        lambda state: faults.arm(
            state, Fault("", {"organisation": "acme"}, outcome="dep.T_C_NOT_SIGNED", count=2)
        )
    ),
    running(faults.disarm),
    running(lambda state: quirks.switch(state, ONE_STREAM.id, "*", is_on=True)),
    running(lambda state: quirks.switch(state, ONE_STREAM.id, "*", is_on=False)),
    running(lambda state: quirks.switch(state, OLD_TOKEN_DIES.id, "*", is_on=True)),
    running(lambda state: quirks.switch(state, OLD_TOKEN_DIES.id, "*", is_on=False)),
    lambda one: one.apple.home(partial(arriving, now_ms=one.apple.now_ms)),
    lambda one: one.apns.take(),
]
GOOD = [push()] * 4 + [push(SECOND)] * 2 + [account()] * 4 + [assets()] * 4
ACTS = st.one_of(
    pushing(),
    enrolling(),
    licensing(),
    st.sampled_from(GOOD),
    st.sampled_from(GOOD),
    st.sampled_from(GOOD),
    st.sampled_from(CHANGES),
)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "push_auth": st.just("none"),
        "unknown_tokens": st.just("accept"),
        "token_rate": st.just(3),
        "push_streams": st.sampled_from(["fixed", "historic"]),
        "strictness": st.sampled_from(["observe", "strict"]),
        "vpp_requests_per_second": st.just(2),
        "session_rotation_s": st.just(1),
        "dialect": st.just("depsim"),
    },
)


def test_answers_records_and_state_are_those_without_it(authority: PushAuthority) -> None:
    seen = Counter[str]()

    @settings(max_examples=30)
    @given(given_settings=SETTINGS, acts=st.lists(ACTS, min_size=4, max_size=12))
    def check(given_settings: dict[str, Any], acts: list[Act]) -> None:
        begin = [push(peer=replace(PEER, first=True)), push(), account(), assets()]
        with twins(authority, **given_settings) as (cached, plain, tally):
            for act in [*begin, *acts, push(), account(), assets()]:
                for _ in range(3):
                    one, other = act(cached), act(plain)
                    assert one == other
                    if isinstance(one, Answer):
                        assert one.exchange == cached.apple.recorded[-1]
            assert cached.apple.recorded == plain.apple.recorded
            assert state_of(cached) == state_of(plain)
            seen.update(tally)

    check()
    assert seen["known"] > seen["checked"]


@pytest.mark.parametrize(
    "like",
    [
        {},
        {"token": SECOND},
        {"body": b'{"mdm": "%s"}' % MAGIC.encode()},
        {"apns_id": IDENTIFIER},
        {"apns_expiration": "1772366400"},
        {"traceparent": "00-1-2-01"},
    ],
    ids=["the same", "another device", "a space", "its own id", "an expiration", "a trace"],
)
def test_a_head_is_known_whatever_no_check_asked_for(
    authority: PushAuthority, like: dict[str, Any]
) -> None:
    # Names count, as a field must not stand twice: each push has the same.
    more = {name: "1" for name in like if name not in ("token", "body")}
    with twins(authority) as (cached, plain, tally):
        for act in (push(**more), push(**more | like)):
            assert act(cached) == act(plain)
        assert tally == {"known": 1, "checked": 1}


@pytest.mark.parametrize(
    ("ask", "change", "status"),
    [
        (push(), REVOKING, 403),
        (push(), moving(800 * 24 * 3600), 403),
        (account(), moving(3601), 401),
        (account(), terms(accepted=False), 403),
        (assets(), lambda one: one.apple.renew(), 401),
        (assets(), maintained(is_on=True), 503),
        (assets(), moving(800 * 24 * 3600), 401),
    ],
    ids=[
        "certificate revoked",
        "certificate expired",
        "session expired",
        "terms",
        "content token revoked",
        "maintenance",
        "content token expired",
    ],
)
def test_what_has_changed_since_is_seen(
    authority: PushAuthority, ask: Act, change: Act, status: int
) -> None:
    with twins(authority) as (cached, _, tally):
        assert [ask(cached).status, ask(cached).status] == [200, 200]
        assert tally["known"] == 1
        change(cached)
        assert ask(cached).status == status


def test_a_provider_token_is_verified_once_and_expires(authority: PushAuthority) -> None:
    def ask(one: World) -> Answer:
        return one.apns.push(SHARED, shown=False, authorization=SIGNED[0], apns_topic=TOPIC)

    with twins(authority, mdm_by_token="accept") as (cached, _, tally):
        assert [ask(cached).status, ask(cached).status] == [200, 200]
        assert tally == {"known": 1, "checked": 1}
        moving(3600)(cached)
        assert ask(cached).status == 200
        moving(0.001)(cached)
        assert (ask(cached).status, ask(cached).exchange.error) == (403, "ExpiredProviderToken")


@pytest.mark.parametrize("path", ["/3/device/x/", "/3/device//", "//3/device/", "/3/devices/"])
def test_a_path_that_no_operation_has_is_refused_after_a_good_push(
    authority: PushAuthority, path: str
) -> None:
    with twins(authority) as (cached, _, _):
        assert push()(cached).status == 200
        refused = push(path=path)(cached)
        assert refused.status == 404
        assert refused.exchange.error == "BadPath"
        assert TOKEN not in repr(cached.apple.recorded)
        assert TOKEN.encode() not in b"".join(_journal(cached))


def _journal(one: World) -> Iterator[bytes]:
    yield from (content for _, content in one.apple.store.journal().raw())
