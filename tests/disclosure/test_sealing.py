"""Sealed requests and answers, one by one."""

import base64
import gzip
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.messages import Response
from simulator.disclosure.redact.sealing import character_offsets, value_spans
from tests.disclosure.factories import (
    CATALOGUE,
    DEFINE,
    FINGERPRINTER,
    GET,
    MADE,
    OBSERVER,
    PUSH,
    TOKEN,
    observed,
    post,
    recorded,
    request,
    sealed,
)

SECRET = "FAKE-enrol-secret-1"
ESCAPED = "".join(f"\\u{ord(character):04x}" for character in SECRET)
BROKEN = [
    pytest.param(f'{{"escrow_key": "{SECRET}", oops'.encode(), id="not-json"),
    pytest.param(f'{{"escrow\\u005fkey": "{ESCAPED}", '.encode(), id="escaped"),
    pytest.param(f'{{"url": "https://a.example/e?t={SECRET}'.encode(), id="cut-in-a-url"),
    pytest.param(f'{{"url": "https:\\/\\/a.example\\u003ft={SECRET}", '.encode(), id="escaped-url"),
    pytest.param(f'{{"escrow_key": "{SECRET}'.encode(), id="cut-in-the-value"),
    pytest.param(f'"," x "escrow_key": "{SECRET}", y'.encode(), id="odd-quotes"),
    pytest.param(f"escrow_key={SECRET}&limit=1".encode(), id="form"),
    pytest.param(f"{{'escrow_key': '{SECRET}'}}".encode(), id="other-quotes"),
    pytest.param(json.dumps({"escrow_key": SECRET}).encode("utf-16"), id="utf-16"),
    pytest.param(b"\xff" + SECRET.encode(), id="binary"),
    pytest.param(gzip.compress(SECRET.encode())[:-5], id="gzip-cut"),
    pytest.param(
        f'<sealed-body opaque 1 0123456789abcdef>\n{{"escrow_key":"{SECRET}"}}'.encode(),
        id="forged",
    ),
]


@pytest.mark.parametrize("body", BROKEN)
@pytest.mark.parametrize("problem", ["", "truncated", "too-large"])
def test_a_body_that_cannot_be_read_is_scrubbed_and_keeps_its_figures(
    body: bytes, problem: str
) -> None:
    sent = request(body=body, problem=problem, headers=(("Content-Encoding", "identity"),))

    stored = sealed(sent)

    for form in (SECRET, ESCAPED, base64.b64encode(SECRET.encode()).decode()):
        assert form.encode() not in stored.body
    records = OBSERVER.observe(stored, DEFINE, MADE)
    assert records == observed(sent)
    assert records[-1].shape == "opaque"
    assert records[-1].len == len(body)
    assert ("truncated" in records[-1].flags) is bool(problem)


@pytest.mark.parametrize("problem", ["truncated", "too-large"])
def test_a_cut_body_that_can_be_read_keeps_no_secret_in_any_place(problem: str) -> None:
    sent = post({"escrow_key": SECRET, "message": f"it is {SECRET}"}, problem=problem)

    stored = sealed(sent)

    assert SECRET.encode() not in stored.body
    (record,) = OBSERVER.observe(stored, DEFINE, MADE)
    assert (record.shape, record.len) == ("opaque", len(sent.body))


@given(st.binary(max_size=200), st.sampled_from(["", "truncated"]))
def test_any_bytes_are_stored_and_read_alike(body: bytes, problem: str) -> None:
    sent = request(body=body, problem=problem)

    assert recorded(sent) == observed(sent)


def test_a_huge_unreadable_body_is_cut_short() -> None:
    sent = request(body=b'"\\' * 200_000)

    stored = sealed(sent)

    assert len(stored.body) < 70_000
    assert OBSERVER.observe(stored, DEFINE, MADE)[-1].len == 400_000


def test_a_coded_body_is_stored_without_its_coding() -> None:
    plain = json.dumps({"limit": 3, "escrow_key": SECRET}).encode()
    sent = request(body=gzip.compress(plain), headers=(("Content-Encoding", "gzip"),))

    stored = sealed(sent)

    assert json.loads(stored.body)["limit"] == 3
    assert SECRET.encode() not in stored.body
    assert OBSERVER.observe(stored, DEFINE, MADE) == observed(sent)


@pytest.mark.parametrize(
    "coding", [pytest.param("br", id="unknown"), pytest.param("gzip", id="wrong")]
)
def test_a_coding_that_cannot_be_undone_leaves_one_record_and_no_content(coding: str) -> None:
    sent = post({"limit": 3}, ("Content-Encoding", coding))

    stored = sealed(sent)

    assert b"limit" not in stored.body
    assert OBSERVER.observe(stored, DEFINE, MADE) == observed(sent)
    assert observed(sent)[-1].shape == "opaque"


def test_every_other_byte_stays() -> None:
    body = (
        b'{ "limit" : 1e2,\t"url":"https:\\/\\/m\\u002Eexample\\/\\ud83d\\ude00?a=S1&b=\\u0053",'
        b' "escrow_key" : "x\\"y", "escrow_key":12, "devices":[ ] }'
    )

    stored = sealed(request(body=body)).body

    bare = re.sub(rb"<sealed [^>]*>", b"#", stored)
    assert bare == (
        b'{ "limit" : 1e2,\t"url":"https:\\/\\/m\\u002Eexample\\/\\ud83d\\ude00?a=#&b=#",'
        b' "escrow_key" : "#", "escrow_key":"#", "devices":[ ] }'
    )


def test_every_other_letter_of_a_header_stays() -> None:
    sent = request("GET", headers=(("Referer", f"https://m.example/a%20b?a={SECRET}&b=%53#c"),))

    stored = sealed(sent).header("referer")

    assert stored is not None
    assert re.sub("<sealed [^>]*>", "#", stored) == "https://m.example/a%20b?a=#&b=###"
    assert recorded(sent) == observed(sent)


def test_a_request_without_secrets_is_stored_as_it_is() -> None:
    sent = post({"devices": ["C8TJ500QF1MN"]}, ("User-Agent", "x"))

    assert sealed(sent) == sent


def test_a_session_header_is_sealed_whole() -> None:
    sent = request("GET", headers=(("X-Session", TOKEN), ("User-Agent", "x")))

    stored = sealed(sent, GET)

    assert stored.header("x-session") == "<sealed dep.session_token text 46 4c64f5457ca06201>"
    assert stored.header("user-agent") == "x"


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        pytest.param("Host", "anna:hunter2@m.example:8443", "#@m.example:8443", id="host"),
        pytest.param("Host", "m.example", "m.example", id="host-alone"),
        pytest.param("Content-Type", "multipart/mixed; boundary=a@b", "", id="content-type"),
    ],
)
def test_of_a_header_about_the_message_only_the_user_of_a_host_is_sealed(
    name: str, value: str, kept: str
) -> None:
    stored = sealed(request("GET", headers=((name, value),)), GET)

    assert re.sub("<sealed [^>]*>", "#", stored.headers[-1][1]) == (kept or value)


def test_a_client_cannot_forge_a_record() -> None:
    forged = "<sealed org.name text 46 4c64f5457ca06201>"
    sent = post({"message": forged}, ("User-Agent", forged), target="/things?odd=" + forged)

    stored = sealed(sent)

    records = {one.at: one for one in OBSERVER.observe(stored, DEFINE, MADE)}
    assert records["/message"].concept == "lock.message"
    assert records["/message"].len == len(forged)
    assert records["/message"].fp == FINGERPRINTER.fingerprint("lock.message", forged)
    assert records["user-agent"].concept == "net.user_agent"
    assert "4c64f5457ca06201" not in stored.target


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("CS_" + "0a" * 20, id="consumer-secret"),
        pytest.param("x AT_O2109279022O" + "0a" * 20 + " y", id="access-token-inside"),
        pytest.param("1767225600000O1O" + "AB" * 16 + "O" + "CD" * 32, id="session"),
        pytest.param("-----BEGIN RSA PRIVATE KEY-----\nMIIB", id="private-key"),
    ],
)
@pytest.mark.parametrize("name", ["message", "unheard_of"])
def test_a_credential_is_sealed_wherever_it_stands(name: str, value: str) -> None:
    sent = post({name: value})

    stored = sealed(sent)

    assert value.encode() not in stored.body
    (record,) = OBSERVER.observe(stored, DEFINE, MADE)
    assert "misplaced-credential" in record.flags
    assert record in observed(sent)


def test_a_credential_in_the_path_is_not_stored() -> None:
    token = "AT_" + "0a" * 20

    stored = sealed(request("GET", f"/things/{token}?device=1"), None)

    assert token not in stored.target


def test_a_path_parameter_is_sealed() -> None:
    stored = sealed(request(target="/push/" + "ab" * 32), PUSH)

    assert stored.target.startswith("/push/<sealed push.token hex 64 ")
    (record,) = OBSERVER.observe(stored, PUSH, MADE)
    assert (record.part, record.at, record.concept) == ("path", "{token}", "push.token")


def test_an_answer_keeps_no_secret() -> None:
    answer = {
        "auth_session_token": TOKEN,
        "tokens": [{"token": SECRET}],
        "url": f"https://a.example/?t={SECRET}",
        "org_name": "Acme",
    }
    sent = Response(200, (("X-Session", TOKEN), ("A", "b")), json.dumps(answer).encode())

    stored = OBSERVER.seal_response(sent, DEFINE, MADE)

    assert TOKEN not in str(stored)
    assert SECRET not in str(stored)
    assert json.loads(stored.body)["org_name"] == "Acme"
    assert stored.headers[1] == ("A", "b")


def test_an_answer_without_secrets_is_stored_as_it_is() -> None:
    sent = Response(200, (), b'{"org_name": "Acme"}')

    assert OBSERVER.seal_response(sent, GET, MADE) is sent


def test_an_answer_that_is_no_json_is_scrubbed() -> None:
    sent = Response(200, (), f'{{"auth_session_token": "{TOKEN}"'.encode())

    stored = OBSERVER.seal_response(sent, DEFINE, MADE)

    assert TOKEN.encode() not in stored.body


def test_a_request_to_nowhere_is_sealed_too() -> None:
    sent = post(
        {"escrow_key": SECRET},
        ("X-Session", TOKEN),
        ("Authorization", f"Bearer {SECRET}"),
        target=f"/none?escrow_key={SECRET}",
    )
    match = CATALOGUE.match(sent)

    stored = OBSERVER.seal_request(sent, match.operation, None)

    assert SECRET not in str(stored)
    assert TOKEN not in str(stored)
    assert OBSERVER.observe(stored, None, None) == OBSERVER.observe(sent, None, None, sealed=False)


def test_spans_are_those_of_the_values() -> None:
    written_out = '{"a": ["x\\"", 1.5e3, {}], "b": {"c": null, "d": [ ]}, "e": true}'

    spans = [written_out[start:end] for start, end in value_spans(written_out)]

    assert spans == ['"x\\""', "1.5e3", "{}", "null", "[ ]", "true"]


def test_offsets_count_a_surrogate_pair_as_one_character() -> None:
    token = '"a\\ud83d\\ude00\\n\\u0041"'

    assert character_offsets(token, 0, len(token)) == [1, 2, 14, 16, 22]


def test_a_secret_number_is_sealed() -> None:
    stored = sealed(post({"escrow_key": 1234567890}))

    assert b"1234567890" not in stored.body
    assert OBSERVER.observe(stored, DEFINE, MADE) == observed(post({"escrow_key": 1234567890}))


@pytest.mark.parametrize(
    ("target", "header"),
    [
        (f"/nowhere?filter[pwd]={SECRET}", ("A", "b")),
        (f"/nowhere?challenge={SECRET}", ("A", "b")),
        (f"/nowhere/enrol/password/{SECRET}", ("A", "b")),
        ("/nowhere", ("X-Forwarded-Access-Token", SECRET)),
        ("/nowhere", ("X-Session-Id", SECRET)),
        ("/nowhere", ("X-Database", f"postgres://me:{SECRET}@db.example/mdm")),
    ],
)
def test_what_is_called_a_secret_is_not_stored(target: str, header: tuple[str, str]) -> None:
    stored = sealed(request("GET", target, headers=(header,)), None)

    assert SECRET not in f"{stored.target} {stored.headers}"


def test_an_undocumented_password_is_not_stored() -> None:
    stored = sealed(post({"admin_password": "hunter2"}))

    assert b"hunter2" not in stored.body
    (record,) = OBSERVER.observe(stored, DEFINE, MADE)
    assert (record.concept, record.secret) == ("unknown", "no")


def test_a_query_secret_is_not_stored_elsewhere_either() -> None:
    sent = post({"url": f"https://a.example/{TOKEN[:9]}?t={SECRET}", "message": SECRET})

    stored = sealed(sent)

    assert SECRET.encode() not in stored.body
    assert OBSERVER.observe(stored, DEFINE, MADE) == observed(sent)
