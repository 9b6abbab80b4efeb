"""What comes again is added up by a short way; the ledger is that of the long way."""

import json
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from simulator import services
from simulator.core.messages import Exchange, Finding, Peer, Request, Response, Tls
from simulator.disclosure.observe.inner import Inner, pack
from simulator.disclosure.observe.leaves import Reader
from simulator.disclosure.observe.observation import Observer, version_of
from simulator.disclosure.observe.records import Records
from simulator.disclosure.redact.hiding import resolve
from simulator.disclosure.report import checkpoint
from simulator.disclosure.report.groups import EVIDENCE
from simulator.disclosure.report.ledger import Ledger
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.operations import Operation
from simulator.protocol.service import Service
from tests.disclosure.factories import CATALOGUE, FINGERPRINTER, TOKEN

REAL = services.load()


class LongObserver(Observer):
    """Reads each request as a whole, and keeps nothing."""

    def parts(
        self, request: Request, operation: Operation | None, service: Service | None
    ) -> tuple[Records, ...]:
        plan = self._plans.request(operation, service)
        version = version_of(request, plan)
        reader = Reader(self._plans, plan, sealed=True)
        shown, unreadable = self._connection(request.peer)
        body, opaque = self._recorded_body(request, reader)
        leaves = [*reader.target(request.target), *reader.headers(request.headers), *body]
        return (
            [
                *self._records(shown, version),
                *unreadable,
                *self._records(resolve(leaves), version),
                *opaque,
            ],
        )


HEADERS = (
    ("User-Agent", "ExampleMDM/9.4.1"),
    ("X-Session", TOKEN),
    ("X-ADM-Auth-Session", "1767225600O1OFAKE000000000000000000000000"),
    ("X-Server-Protocol-Version", "1"),
    ("X-Server-Protocol-Version", "10"),
    ("apns-topic", "com.apple.mgmt.External.5f0e4a52-6d0b-4c8e-9a53-2b7f6c1d8e90"),
    ("X-Odd", "something"),
    ("X-Odd", "0Z0000000001"),
    ("Cookie", "itvt=abc; other=def"),
    ("Authorization", 'OAuth realm="ADM", oauth_token="AT_FAKE0000000000000000"'),
    ("Authorization", "Bearer eyJFAKE.eyJFAKE.0000000000000000000000"),
    ("X-Marker", "<sealed push.token hex 64 0000000000000000>"),
)
TARGETS = (
    "/things",
    "/things?device=0Z0000000001&odd=1&device=",
    "/things?back=https://u:p@x.example/?a=b%23c",
    "/push/00ff",
    "/push/",
    "/push/a%2Fb",
    f"/push/{'0f' * 32}",
    f"/push/{'1e' * 32}/more",
    f"/3/device/{'0f' * 32}",
    f"/3/device/{'1e' * 32}",
    "/3/device/<sealed push.token hex 64 0000000000000000>",
    "/profile/devices",
    "/nowhere/at?all",
)
SERIALS = ["0Z0000000001", "0z0000000001", "", "1234567", TOKEN, "a@b.example", "https://x.example"]
KNOWN_TREES: tuple[Any, ...] = (
    {},
    {"mdm": "7E2C1A9B-55D1-4A60-8F0E-7B6C1D2E3F40"},
    {"devices": SERIALS[:3], "profile_uuid": "43277A13FBCA0CFC0000000000000001"},
    {"devices": [f"0Z{number:010}" for number in range(30)]},
    {"devices": [{"no": "text"}, 1, None]},
    {"devices": []},
    {"devices": SERIALS},
    {"profile_uuid": "a@gmail.com"},
    {"profile_uuid": "a@gmail.com", "devices": "0Z0000000001"},
    {"profile_uuid": "43277A13FBCA0CFC0000000000000001", "unknown": "x" * 300},
    {"url": "https://x.example/?token=secret-00", "escrow_key": "secret-00"},
    {"escrow_key": "0Z0000000001", "devices": SERIALS[:1]},
    {"message": "call 070 123 45 67 or a@b.example", "kind": "iOS", "language": "en"},
    {"email": "a@b.example", "contact": "A@B.example", "person": "a@b.example"},
    {"limit": 1, "flag": True, "outcomes": {"0Z0000000001": "SUCCESS"}},
    {"details": {"0Z0000000001": {"key": "secret-00"}}, "rows": [{"serial": "1"}]},
    {"mdm": "<sealed push.magic uuid 36 0000000000000000>"},
)
TREES = st.sampled_from(KNOWN_TREES) | st.dictionaries(
    st.sampled_from(["devices", "profile_uuid", "message", "limit", "odd~/"]),
    st.sampled_from(SERIALS) | st.lists(st.sampled_from(SERIALS), max_size=4) | st.integers(0, 9),
)
BODIES = (
    TREES.map(lambda tree: json.dumps(tree).encode())
    | st.sampled_from(
        (
            b"",
            b"{",
            b"[1]",
            b"\xff\xfe",
            b'{"devices":["a"],"devices":["b","c"]}',
            b'{"devices":["\\u003csealed push.token hex 64 0000000000000000>"]}',
            b'{"devices":["\\u0061@b.example"]}',
        )
    )
    | st.binary(max_size=8)
)
PEERS = st.builds(
    Peer,
    st.just("127.0.0.1"),
    st.just(50000),
    st.integers(1, 2),
    st.sampled_from((None, Tls("TLSv1.3", "X", "a.example", "h2", b"no certificate"))),
    st.booleans(),
    st.sampled_from(("", "3:100")),
)
REQUESTS = st.builds(
    Request,
    st.just("POST"),
    st.sampled_from(TARGETS),
    st.lists(st.sampled_from(HEADERS), max_size=5).map(tuple),
    BODIES,
    st.just("https"),
    PEERS,
    problem=st.sampled_from(("", "", "", "truncated", "malformed")),
)
RESPONSES = st.builds(
    Response,
    st.sampled_from((200, 200, 400, 401)),
    st.sampled_from(((), (("X-ADM-Auth-Session", TOKEN),))),
    st.sampled_from(
        (
            b"",
            b"{",
            b'{"devices":{"0Z0000000001":"SUCCESS"}}',
            json.dumps({"auth_session_token": TOKEN, "org_name": "x"}).encode(),
            b'{"outcomes":{"0Z0000000001":"SUCCESS"},"imei":["1","2"]}',
        )
    ),
)
FINDING = Finding("field-unknown", "body", "/odd", "It is not known.")


def kinds(catalogue: Catalogue, names: list[str]) -> Any:
    """Return a strategy of exchanges as recorded, but for their time, number and version."""
    observer = Observer(catalogue, FINGERPRINTER)

    def record(name: str, request: Request, response: Response, **more: Any) -> Exchange:
        operation = catalogue.operations.get(name)
        service = catalogue.services.get(name.partition(".")[0])
        sealed = observer.seal_request(request, operation, service)
        answered = observer.seal_response(response, operation, service)
        known = service.name if service else ""
        return Exchange(
            0, sealed, service=known, operation=operation.name if operation else "",
            response=answered, **more,
        )  # fmt: skip

    return st.builds(
        record,
        st.sampled_from([*names, f"{names[0].partition('.')[0]}.nothing", ""]),
        REQUESTS,
        RESPONSES,
        session=st.sampled_from(("", "one")),
        findings=st.sampled_from(([], [FINDING])),
    )


def runs(kind: Any) -> Any:
    """Return a strategy of whole journals: a few exchanges, again and again."""
    steps = st.tuples(
        st.integers(0, 4),
        st.sampled_from([1, 1, 1, 1, 1, 1, 3, 0, -2]),
        st.sampled_from([1, 1, 1, 5, 0, -3, -2000]),
        st.sampled_from([1, 1, 1, 2]),
    )
    return st.tuples(
        st.lists(kind, min_size=1, max_size=5), st.lists(steps, min_size=1, max_size=60)
    )


def added(ledger: Ledger, kind: list[Exchange], steps: list[Any], *, look: bool) -> Ledger:
    seq, at_ms = 0, 1000
    for number, (which, step, passed, version) in enumerate(steps):
        seq, at_ms = max(seq + step, 0), max(at_ms + passed, 0)
        one = kind[which % len(kind)]
        ledger.add(structs.replace(one, seq=seq, at_ms=at_ms, version=version))
        if look and number % 7 == 0:
            assert ledger.sent is not None  # looking changes nothing
    return ledger


def same(catalogue: Catalogue, journal: Any, *, look: bool) -> None:
    """Hold the short way to the long one."""
    short = added(Ledger(Observer(catalogue, FINGERPRINTER), catalogue), *journal, look=look)
    long = added(Ledger(LongObserver(catalogue, FINGERPRINTER), catalogue), *journal, look=False)

    assert list(short.sent.items()) == list(long.sent.items())
    assert [list(one.flags.items()) for one in short.sent.values()] == [
        list(one.flags.items()) for one in long.sent.values()
    ]
    assert checkpoint.dump(short, "", 0, b"") == checkpoint.dump(long, "", 0, b"")


@given(
    runs(kinds(CATALOGUE, ["made.define", "made.get", "made.login", "made.push"])), st.booleans()
)
def test_a_made_up_service_is_added_up_as_by_the_long_way(
    journal: Any,
    look: bool,
) -> None:
    same(CATALOGUE, journal, look=look)


@given(runs(kinds(REAL, ["apns.push", "dep.assign", "dep.define", "dep.fetch"])), st.booleans())
def test_real_services_are_added_up_as_by_the_long_way(
    journal: Any,
    look: bool,
) -> None:
    same(REAL, journal, look=look)


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("dep.assign", "devices", lambda number: [f"0z{number % 9}", "1", "", "2"][: number % 5]),
        ("dep.assign", "profile_uuid", lambda number: f"43277A13FBCA0CFC000000000000000{number}"),
        ("identity.mdmcert", "key", lambda number: f"Printer of {chr(97 + number % 26) * 3}"),
        ("apns.push", "", lambda number: f"{number % 9:064x}"),
        ("apns.push", "mdm", lambda number: f"7E2C1A9B-55D1-4A60-8F0E-00000000000{number % 9}"),
    ],
    ids=["lists", "texts", "written", "sealed-path", "sealed-body"],
)
def test_values_of_one_form_are_added_up_as_by_the_long_way(
    name: str, field: str, value: Any
) -> None:
    observer, operation = Observer(REAL, FINGERPRINTER), REAL.operations[name]
    service = REAL.services[operation.service]

    def recorded(number: int) -> Exchange:
        target = "/" if field else f"/3/device/{value(number)}"
        body = json.dumps({field: value(number)}).encode() if field else b""
        sent = Request("POST", target, (), body, "https", Peer("", 1, 1, first=False))
        stored = observer.seal_request(sent, operation, service)
        return Exchange(1, stored, service=service.name, operation=name, response=Response(400))

    steps = [(number, 1, 1, 1) for number in range(30)]
    same(REAL, ([recorded(number) for number in range(30)], steps), look=False)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("after", [0, 3, 1001])
def test_time_zero_counts_as_none_for_all_that_comes_again(version: int, after: int) -> None:
    sent = Request("POST", "/things", HEADERS[:1], b"", "https", Peer("", 1, 1, first=False))
    one = Exchange(0, sent, service="made", operation="made.define", response=Response(400))
    times = [(1000, 1)] * 8 + [(0, version), (after, 1)]
    ledgers = [
        Ledger(kind(CATALOGUE, FINGERPRINTER), CATALOGUE) for kind in (Observer, LongObserver)
    ]

    for ledger in ledgers:
        for number, (at_ms, spoken) in enumerate(times, 1):
            ledger.add(structs.replace(one, seq=number, at_ms=at_ms, version=spoken))

    short, long = ledgers
    assert short.sent == long.sent


@pytest.mark.parametrize("name", ["", "apns.push", "dep.assign", "dep.define"])
@pytest.mark.parametrize("tree", KNOWN_TREES, ids=range(len(KNOWN_TREES)))
def test_each_body_is_observed_as_by_the_long_way(name: str, tree: Any) -> None:
    short, long = Observer(REAL, FINGERPRINTER), LongObserver(REAL, FINGERPRINTER)
    operation = REAL.operations.get(name)
    service = REAL.services[operation.service] if operation else None
    body = json.dumps(tree).encode()

    for target in TARGETS:
        for headers in ((), HEADERS[:4], HEADERS[4:8]):
            sent = Request("POST", target, headers, body, "https", Peer("", 1, 1))
            stored = short.seal_request(sent, operation, service)
            found = short.parts(stored, operation, service)
            (wanted,) = long.parts(stored, operation, service)
            assert [*chain.from_iterable(found)] == wanted
            assert len(short.texts(stored, operation, service)) == len(wanted)


MAGIC = "<sealed push.magic uuid 36 {}>"
FIRST = "a" + "1" * 15
INSIDE = pack([Inner("/a", "/a", MAGIC.format(FIRST))])


@pytest.mark.parametrize(
    ("name", "body"),
    [
        pytest.param("apns.push", {"mdm": MAGIC}, id="sealed"),
        pytest.param("apns.push", {"mdm": f"{MAGIC[:-1]} misplaced-credential>"}, id="flagged"),
        pytest.param("apns.push", {"mdm": "<sealed push.magic empty 0 {}>"}, id="empty"),
        pytest.param("apns.push", {"mdm": MAGIC[:-1]}, id="not whole"),
        pytest.param("apns.push", {"mdm": MAGIC.format(FIRST), "odd": "x {}"}, id="elsewhere"),
        pytest.param(
            "apns.push", {"mdm": MAGIC.format("escaped" + FIRST[1:]), "odd": "x {}"}, id="escaped"
        ),
        pytest.param(
            "vpp1.manage",
            {
                "sToken": f"<sealed vpp.content_token text 9 {'0' * 16}><inside {INSIDE}>",
                "odd": "x {}",
            },
            id="inside",
        ),
        pytest.param("made.define", {"outcomes": {MAGIC: "SUCCESS"}}, id="key"),
        pytest.param("", {"mdm": [1, "", MAGIC]}, id="nowhere"),
    ],
)
def test_what_was_sealed_is_added_up_as_by_the_long_way(name: str, body: Any) -> None:
    known = CATALOGUE if name.startswith("made") else REAL
    written = json.dumps(body, separators=(",", ":")).replace("escaped", "\\u0061")
    bodies = [written.replace("{}", one) for one in (FIRST, *(each * 16 for each in "1a0fA_"))]
    made = [
        Request("POST", "/x", (), one.encode(), "https", Peer("", 1, 1, first=False))
        for one in bodies
    ]
    journal = [
        Exchange(1, one, service=name.partition(".")[0], operation=name, response=Response(400))
        for one in made
    ]

    short, long = Observer(known, FINGERPRINTER), LongObserver(known, FINGERPRINTER)
    operation = known.operations.get(name)
    service = known.services[operation.service] if operation else None
    for one in made:
        (wanted,) = long.parts(one, operation, service)
        assert [*chain.from_iterable(short.parts(one, operation, service))] == wanted
    same(known, (journal, [(number, 1, 1, 1) for number in range(30)]), look=False)


@pytest.mark.parametrize("name", ["apns.push", "dep.assign"])
def test_what_comes_again_is_counted_only(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"mdm":"7E2C1A9B-55D1-4A60-8F0E-7B6C1D2E3F40"}'
    sent = Request(
        "POST", f"/3/device/{'0f' * 32}", HEADERS[:1], body, "https", Peer("", 1, 1, first=False)
    )
    observer = Observer(REAL, FINGERPRINTER)
    operation = REAL.operations[name]
    service = REAL.services[operation.service]
    stored = observer.seal_request(sent, operation, service)
    made = Exchange(1, stored, service=service.name, operation=name, response=Response(400))
    ledger = Ledger(observer, REAL)
    looked: list[Records] = []
    look = ledger._look

    def counted(part: Records, *others: Any) -> Any:
        looked.append(part)
        return look(part, *others)

    monkeypatch.setattr(ledger, "_look", counted)

    for number in range(1, 101):
        ledger.add(structs.replace(made, seq=number, at_ms=number))

    agent = next(one for one in ledger.sent.values() if one.example.part == "header")
    assert (agent.seen.requests, agent.seen.records) == (100, 100)
    assert (agent.seen.first_ms, agent.seen.last_ms) == (1, 100)
    assert agent.seen.evidence == [1, 2, 3, 4, 5]
    again = [part for part in looked if type(part) is tuple and part]
    assert len(again) <= 2 * EVIDENCE
