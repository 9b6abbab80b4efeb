"""Evaluating a capture gives what the journal of the same traffic holds, exchange for exchange."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from simulator.captures.evaluation import Evaluation
from simulator.captures.messages import NO_CONNECTION, Message
from simulator.captures.opening import open_capture
from simulator.core.messages import Exchange, Request
from simulator.core.settings import Settings
from simulator.disclosure.judge.manifest import as_json, judge
from tests.apple import KEY, Apple, request
from tests.captures.hars import entry, log
from tests.disclosure.test_vectors import KNOWN, MANIFEST, request_of

APPLE = Apple.lasting()
HOSTS = ("mdmenrollment.apple.com", "vpp.itunes.apple.com", "api.push.apple.com", "127.0.0.1:8443")
WORDS = st.sampled_from(
    [
        "0ZAAAAAAAAAA",
        "anna@example.com",
        "+46 8 123 45 67",
        "10.1.2.3",
        "x",
        "",
        "ä\u2028",
        "9" * 40,
    ]
)
NAMES = st.sampled_from(
    ["devices", "device", "escrow_key", "url", "email", "odd", "limit", "cursor"]
)
VALUES = st.recursive(
    WORDS | st.none() | st.booleans() | st.integers(-1, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
PATHS = st.sampled_from(
    [
        "/session",
        "/account",
        "/server/devices",
        "/devices",
        "/profile?profile_uuid=AB&x=1&x=",
        "/profile/devices",
        "/device/activationlock",
        "/device/replacementDetails?device=0ZAAAAAAAAAA",
        "/3/device/" + "ab" * 32,
        "/mdm/registerVPPUserSrv?email=a@b.example",
        "/mdm/v2/client/config",
        "/s/suite-1/account",
        "/nowhere",
    ]
)
HEADERS = st.sampled_from(
    [
        ("User-Agent", "ExampleMDM/1"),
        ("X-Server-Protocol-Version", "3"),
        ("X-Server-Protocol-Version", "99"),
        ("X-Forwarded-For", "10.0.0.1"),
        ("X-ADM-Auth-Session", "FAKE-session-1"),
        ("Authorization", "Bearer FAKE-token-123"),
        ("Cookie", "itvt=FAKE; a=b"),
        ("X-Mdmsim-Session", "suite 2"),
        ("Content-Type", "application/json"),
        ("Accept", "text/html"),
    ]
)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    body = draw(
        st.just(b"")
        | st.dictionaries(NAMES, VALUES, max_size=4).map(lambda tree: json.dumps(tree).encode())
        | st.sampled_from([b"{", b'{"a": 1, "a": 2}', b"\xff\xfe", b"a=b&c=d"])
    )
    headers = [("Host", draw(st.sampled_from(HOSTS))), *draw(st.lists(HEADERS, max_size=5))]
    if body and draw(st.booleans()):
        headers.append(("Content-Encoding", "gzip"))
        body = gzip.compress(body, mtime=0)
    method = draw(st.sampled_from(["GET", "POST", "PUT", "DELETE"]))
    return request(method, draw(PATHS), headers, body, http=draw(st.sampled_from(["1.1", "2"])))


def evaluated(path: Path, apple: Apple) -> list[Exchange]:
    """Return the exchanges of a capture."""
    evaluation = Evaluation(apple.catalogue, apple.observer, Settings(), ())
    found = []
    with apple.store.transaction() as state:
        for one in open_capture(path).entries(lambda _: None):
            assert isinstance(one, Message)
            exchange = evaluation.exchange(one, state)
            assert exchange is not None
            found.append(exchange)
    return found


def essence(exchange: Exchange) -> tuple[Any, ...]:
    """Return what disclosures come from: no TLS, and what only a service can know left out."""
    sent, answered = exchange.request, exchange.response
    return (
        exchange.at_ms,
        exchange.service,
        exchange.operation,
        exchange.route,
        exchange.version_sent,
        exchange.version,
        exchange.session,
        replace(sent, peer=NO_CONNECTION),
        (answered.status, answered.headers, answered.body),
    )


@given(st.lists(requests(), min_size=1, max_size=4))
def test_a_capture_gives_the_exchanges_that_the_journal_holds(
    tmp_path_factory: pytest.TempPathFactory, sent: list[Request]
) -> None:
    answers = [APPLE.send(one) for one in sent]
    path = tmp_path_factory.getbasetemp() / "equality.har"
    entries = [entry(one, answer.response) for one, answer in zip(sent, answers, strict=True)]
    path.write_text(json.dumps(log(entries)))

    found = evaluated(path, APPLE)

    assert [essence(one) for one in found] == [essence(one.exchange) for one in answers]


@pytest.mark.parametrize("vector", KNOWN, ids=lambda vector: vector["id"])
def test_each_vector_gives_its_records_as_a_capture(vector: dict[str, Any], tmp_path: Path) -> None:
    sent, apple = request_of(vector), Apple(key=KEY)
    path = tmp_path / "vector.har"
    path.write_text(json.dumps(log([entry(sent, apple.send(sent).response)])))

    (exchange,) = evaluated(path, apple)

    operation = apple.catalogue.operations[exchange.operation]
    service = apple.catalogue.services[exchange.service]
    shown = [
        as_json(judge(one, exchange.service, exchange.operation, MANIFEST))
        for one in apple.observer.observe(exchange.request, operation, service)
    ]
    # A capture does not hold the certificate that the client showed.
    expected = [one for one in vector["expected"] if one["part"] != "tls"]
    names = [name for name in expected[0] if name != "n"]
    assert [{name: one[name] for name in names} for one in shown] == [
        {name: one[name] for name in names} for one in expected
    ]
