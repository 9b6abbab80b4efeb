"""Pushes: the certificate of the connection, the device in the path, the magic in the body."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.messages import Exchange, Request, Response
from simulator.disclosure.judge.manifest import as_json, judge, load_manifest
from simulator.disclosure.observe.observation import Observer, flags_of_opaque
from simulator.disclosure.redact import sealer, sealing
from simulator.disclosure.report.ledger import Ledger
from simulator.protocol.wire import decode
from tests.disclosure.factories import FINGERPRINTER
from tests.disclosure.made_up import (
    APNS,
    CATALOGUE,
    CONFIGURE,
    DEVICE,
    MAGIC,
    OBSERVER,
    PUSH,
    REGISTER,
    SIGNATURE,
    SUBJECT,
    TOPIC,
    certificate,
    observed,
    peer,
    provider_token,
    push,
    recorded,
    sealed,
    service_of,
)
from tests.disclosure.test_vectors import VECTORS, request_of

MANIFEST = load_manifest("intune-to-apple")
OPERATIONS = {"V01": PUSH, "V08": REGISTER, "V11": CONFIGURE}
BEARER = ("authorization", f"bearer {provider_token()}")


def places(records: Any) -> list[str]:
    return [one.at for one in records]


@pytest.mark.parametrize(
    "stored", [pytest.param(False, id="wire"), pytest.param(True, id="stored")]
)
@pytest.mark.parametrize("name", OPERATIONS)
def test_the_vectors_of_services_to_come_give_exactly_their_records(
    name: str, stored: bool
) -> None:
    vector = next(one for one in VECTORS["vectors"] if one["id"] == name)
    operation = OPERATIONS[name]
    sent = request_of(vector)

    found = recorded(sent, operation) if stored else observed(sent, operation)

    judged = [as_json(judge(one, operation.service, vector["op"], MANIFEST)) for one in found]
    expected = [{key: one[key] for key in one if key != "n"} for one in vector["expected"]]
    assert [{key: one[key] for key in expected[0]} for one in judged] == expected


def test_the_certificate_goes_with_the_first_request_of_a_connection_only() -> None:
    first = push(peer=peer(certificate()))
    second = push(peer=peer(certificate(), first=False))

    assert [one.part for one in recorded(first)] == ["tls"] * 4 + ["path", "body"]
    assert [one.part for one in recorded(second)] == ["path", "body"]
    assert [one.part for one in recorded(push())] == ["path", "body"]


def test_a_connection_without_tls_has_no_certificate() -> None:
    plain = Request("POST", "/3/device/ab", (), b"", "http", peer=peer(first=True))

    assert places(observed(plain)) == ["{token}"]


def test_all_of_a_subject_is_told() -> None:
    subject = (
        ("C", "SE"),
        ("title", "Odd"),
        ("O", "Acme"),
        ("OU", "IT"),
        ("OU", "Norr"),
        ("emailAddress", "it@acme.example"),
        ("CN", "mdm.acme.example"),
    )

    records = recorded(push(peer=peer(certificate(subject, 5))))[:-2]

    assert [(one.at, one.concept, one.documented) for one in records] == [
        ("client_cert.subject.CN", "server.cert_name", True),
        ("client_cert.subject.C", "push.cert_country", True),
        ("client_cert.subject.O", "org.name", True),
        ("client_cert.subject.OU", "org.department", True),
        ("client_cert.subject.OU", "org.department", True),
        ("client_cert.subject.emailAddress", "org.email", True),
        ("client_cert.subject.2.5.4.12", "unknown", False),
        ("client_cert.serial", "push.cert_serial", True),
    ]
    assert records[-1].fp == FINGERPRINTER.fingerprint("push.cert_serial", "0x5")


@pytest.mark.parametrize("der", [b"no certificate", certificate()[:-20]])
def test_a_certificate_that_cannot_be_read_is_one_record(der: bytes) -> None:
    sent = push(peer=peer(der))

    record = observed(sent)[0]

    assert (record.part, record.at, record.shape, record.len) == (
        "tls",
        "client_cert",
        "opaque",
        len(der),
    )
    assert (record.concept, record.documented, record.flags) == (
        "unknown",
        False,
        ("undocumented",),
    )
    assert recorded(sent) == observed(sent)


def test_what_a_certificate_says_does_not_hang_on_the_request() -> None:
    named = certificate((("CN", MAGIC), ("O", "anna@acme.example")), 7)
    sent = push(peer=peer(named))

    assert recorded(sent) == observed(sent)
    assert observed(sent)[0].flags == ()


def test_the_topic_joins_wherever_it_stands() -> None:
    upper = f"com.apple.mgmt.External.{TOPIC.rpartition('.')[2].upper()}"
    records = observed(push(headers=(("apns-topic", upper),), peer=peer(certificate())))

    topics = [one for one in records if one.concept == "push.topic"]

    assert places(topics) == ["client_cert.subject.UID", "client_cert.subject.CN", "apns-topic"]
    assert len({one.fp for one in topics}) == 1


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(DEVICE, id="plain"),
        pytest.param(DEVICE.upper(), id="upper-case"),
        pytest.param("%61" + DEVICE[1:], id="percent-encoded"),
        pytest.param("".join(f"%{ord(one):02X}" for one in DEVICE.upper()), id="all-encoded"),
    ],
)
def test_a_device_has_one_fingerprint_however_its_token_is_written(token: str) -> None:
    sent = push(token)

    stored = sealed(sent)

    (record, _) = OBSERVER.observe(stored, PUSH, APNS)
    assert (record.part, record.at, record.concept, record.secret) == (
        "path",
        "{token}",
        "push.token",
        "semi",
    )
    assert (record.fp, record.shape, record.len) == ("628178115acd2a98", "hex", 64)
    assert record.clear is None
    assert stored.target.lower() == "/3/device/<sealed push.token hex 64 628178115acd2a98>"
    assert observed(sent) == recorded(sent)


BASE64 = base64.b64encode(b"\xff\xfb/" * 11).decode()


@pytest.mark.parametrize(
    ("method", "target"),
    [
        pytest.param("GET", f"/3/device/{DEVICE}", id="method"),
        pytest.param("POST", f"/3/device/{DEVICE}/", id="slash"),
        pytest.param("POST", f"/3/device/{BASE64}", id="base64"),
        pytest.param("POST", f"/3/Device/{DEVICE}?x=1", id="case"),
        pytest.param("POST", f"/3/%64evice/{DEVICE}", id="encoded-prefix"),
    ],
)
@pytest.mark.parametrize("service", [APNS, None])
def test_a_token_in_a_path_of_no_operation_is_told_and_not_stored(
    method: str, target: str, service: Any
) -> None:
    sent = Request(method, target, (), b"", "https", peer())

    stored = OBSERVER.seal_request(sent, None, service)

    assert DEVICE not in str(stored)
    assert BASE64 not in str(stored)
    records = OBSERVER.observe(stored, None, service)
    assert (records[0].concept, records[0].documented) == ("push.token", False)
    assert records == OBSERVER.observe(sent, None, service, sealed=False)


@pytest.mark.parametrize(
    "target",
    [
        f"//3/device/{DEVICE}",
        f"/2/device/{DEVICE.upper()}",
        f"https://api.push.apple.com/3/device/{DEVICE}",
    ],
)
def test_a_token_in_any_other_path_is_not_stored(target: str) -> None:
    sent = Request("POST", target, (), b"", "https", peer())

    stored = OBSERVER.seal_request(sent, None, None)

    assert DEVICE not in stored.target.lower()
    assert OBSERVER.observe(stored, None, None) == []


@pytest.mark.parametrize("target", ["/3/device/", "/3/device", "/3", "/3/device//"])
def test_a_path_without_a_token_tells_none(target: str) -> None:
    sent = Request("POST", target, (), b"", "https", peer())

    assert OBSERVER.observe(sent, None, APNS, sealed=False) == []
    assert OBSERVER.seal_request(sent, None, APNS) == sent


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(json.dumps({"mdm": MAGIC}).encode(), id="plain"),
        pytest.param(f'{{"mdm": "{MAGIC}", oops'.encode(), id="not-json"),
        pytest.param(f'{{"mdm":"{MAGIC}'.encode(), id="cut"),
        pytest.param(f"mdm={MAGIC}".encode(), id="form"),
        pytest.param(f'{{"mdm": {{"magic": "{MAGIC}"}}}}'.encode(), id="nested"),
        pytest.param(f'{{"aps": {{"alert": "{MAGIC}"}}, "mdm": "{MAGIC}"}}'.encode(), id="twice"),
        pytest.param(f'{{"mdm": "x", oops {DEVICE} {BEARER[1]}'.encode(), id="others"),
    ],
)
@pytest.mark.parametrize("operation", [PUSH, None])
def test_no_secret_of_a_push_is_stored(body: bytes, operation: Any) -> None:
    sent = push(headers=(BEARER, ("apns-collapse-id", f"x-{DEVICE}")), body=body)

    stored = sealed(sent, operation)

    for secret in (DEVICE, MAGIC, SIGNATURE, provider_token()):
        assert secret not in str(stored)
    assert recorded(sent, operation) == observed(sent, operation)


def test_a_provider_token_is_taken_apart_and_sealed() -> None:
    sent = push(headers=(BEARER,), body=b"")

    _, *records = recorded(sent)

    assert [(one.at, one.via, one.concept, one.clear, one.secret) for one in records] == [
        ("authorization", "", "push.provider_token", None, "yes"),
        ("authorization#/kid", "jwt", "push.key_id", None, "no"),
        ("authorization#/iss", "jwt", "push.team_id", None, "no"),
        ("authorization#/iat", "jwt", "protocol", "1767225600", "no"),
        ("authorization#/alg", "jwt", "protocol", "ES256", "no"),
    ]
    assert all(one.documented for one in records)
    assert records == observed(sent)[1:]
    assert OBSERVER.texts(sealed(sent), PUSH, APNS)[2] == "ABC123DEFG"


AGENT = ("user-agent", "x")
FORMS = [
    pytest.param(push(headers=(AGENT,)), id="plain"),
    pytest.param(push(headers=(AGENT,), body=b""), id="no-body"),
    pytest.param(push("ab" * 9, headers=(AGENT,)), id="short-token"),
    pytest.param(push(body=b'{ "mdm" :\n"\xc3\xa9-magic"}'), id="spaces"),
    pytest.param(push("a", headers=(AGENT,)), id="token-like-all-else"),
    pytest.param(push("a%62", headers=(AGENT,)), id="percent"),
    pytest.param(push("", headers=(AGENT,)), id="no-token"),
    pytest.param(push(headers=(("apns-id", DEVICE),)), id="token-in-header"),
    pytest.param(push(headers=(("accept", MAGIC),)), id="magic-in-header"),
    pytest.param(push(body=b'{"mdm":"mdm"}'), id="key-as-magic"),
    pytest.param(push(body=b'{"mdm":5}'), id="number"),
    pytest.param(push(body=b'{"mdm":["a"]}'), id="list"),
    pytest.param(push(body=b'{"mdm":"a","mdm":"b"}'), id="twice"),
    pytest.param(push(body=b'{"mdm":"\\u0061bc"}'), id="escape"),
    pytest.param(push(body=b'{"mdm":"m-1","aps":{}}'), id="aps"),
    pytest.param(push(body=DEVICE.encode().join((b'{"mdm":"', b'"}'))), id="token-twice"),
    pytest.param(push(headers=(BEARER,)), id="provider-token"),
    pytest.param(push(headers=(("content-encoding", "gzip"),)), id="no-gzip"),
]


@pytest.mark.parametrize("sent", FORMS)
def test_a_push_is_sealed_alike_whether_its_parts_came_before_or_not(sent: Request) -> None:
    first = OBSERVER.seal_request(sent, PUSH, APNS)

    assert first == as_a_whole(sent)
    assert OBSERVER.seal_request(sent, PUSH, APNS) == first


def test_a_push_that_comes_again_is_looked_at_once_unless_it_is_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sealer, "DEVICES", 3)
    observer, plan = Observer(CATALOGUE, FINGERPRINTER), OBSERVER._plans.request(PUSH, APNS)
    made = sealer.RequestSealer(observer._plans, FINGERPRINTER, observer._scrubber)
    large = json.dumps({"mdm": MAGIC + "a" * 512}).encode()
    sent = [push(f"{one:064x}", body=body) for one in range(4) for body in (b"", large)]

    stored = [made.request(one, decode(one, 10_000), (), plan) for one in (*sent, *sent)]

    assert stored == [as_a_whole(one) for one in (*sent, *sent)]
    assert [target[-1] for _, target, _ in made._rests] == ["0", "1", "2"]
    assert {body for _, _, body in made._rests} == {b""}


def as_a_whole(sent: Request) -> Request:
    """Return *sent* sealed with nothing remembered."""
    content = decode(sent, 10_000)
    plan = OBSERVER._plans.request(PUSH, APNS)
    flags = flags_of_opaque(sent, content)
    return sealing.seal_request(
        sent, content, flags, OBSERVER._plans, plan, FINGERPRINTER, OBSERVER._scrubber
    ).request


def test_an_unreadable_certificate_is_no_unreadable_body() -> None:
    sent = sealed(push(peer=peer(b"oops")))
    ledger = Ledger(OBSERVER, CATALOGUE)

    ledger.add(Exchange(1, sent, 1, service="apns", operation="apns.push", response=Response(200)))

    assert ledger.unreadable == 0
    assert [group.text for group in ledger.sent.values()] == [None, None, None]


def test_the_subject_is_shown_as_it_is() -> None:
    texts = OBSERVER.texts(push(peer=peer(certificate())), PUSH, service_of(PUSH))

    assert texts[:4] == [*(value for _, value in SUBJECT), "0x3A5F19C2B7"]


HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["authorization", "apns-topic", "apns-id", "apns-collapse-id", "x-odd"]),
        st.sampled_from(
            [BEARER[1], provider_token(), DEVICE, MAGIC, TOPIC, "bearer x", "OAuth a=1", "", "10"]
        )
        | st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=12),
    ),
    max_size=4,
)
PATHS = st.sampled_from([DEVICE, DEVICE.upper(), MAGIC, "%61b", "a%2Fb", "", "a/b", "x?mdm=y"])
BODIES = st.sampled_from([b"", b'{"mdm":1}', b"{}", b"[]", MAGIC.encode()]) | st.builds(
    lambda magic, more: json.dumps({"mdm": magic, "aps": more}).encode(),
    st.sampled_from([MAGIC, DEVICE, TOPIC]) | st.text(max_size=9),
    st.sampled_from([MAGIC, {"alert": MAGIC}, None, [DEVICE, 2]]),
)


@given(
    PATHS | st.text("ab%/12", max_size=8),
    HEADERS,
    BODIES,
    st.sampled_from([b"", b"odd", certificate(), certificate((("CN", MAGIC), ("O", DEVICE)))]),
    st.sampled_from([PUSH, None]),
)
def test_a_stored_push_discloses_what_the_original_did(
    token: str, headers: Any, body: bytes, der: bytes, operation: Any
) -> None:
    sent = push(token, headers, body, peer=peer(der))

    assert recorded(sent, operation) == observed(sent, operation)
    assert OBSERVER.seal_request(sent, PUSH, APNS, decode(sent, 10_000)) == as_a_whole(sent)
