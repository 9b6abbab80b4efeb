"""Forms and property lists: read, disclosed, and stored without their secrets."""

import base64
import plistlib
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.protocol.body_formats import parse_form, parse_plist
from tests.disclosure.factories import FORM, LIST, MADE, OBSERVER, observed, request, sealed

SECRET = "FAKE-enrol-secret-1"
KEY = "-----BEGIN PRIVATE KEY-----FAKE"
NAMES = ("escrow_key", "message", "url", "email", "person", "contact", "unknown", "token")
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            SECRET,
            KEY,
            f"https://mdm.example/e?token={SECRET}&x",
            "<sealed org.department text 4 0123456789abcdef>",
            "anna@Example.com",
            "a+b&c=d%20",
        ]
    ),
)


def form(pairs: list[tuple[str, str]]) -> bytes:
    return "&".join(
        f"{name}={quote_plus(value, errors='replace')}" for name, value in pairs
    ).encode()


@given(st.lists(st.tuples(st.sampled_from(NAMES), TEXTS), max_size=6))
def test_a_stored_form_discloses_what_the_original_did(pairs: list[tuple[str, str]]) -> None:
    sent = request(target="/form", body=form(pairs))

    stored = sealed(sent, FORM)

    assert OBSERVER.observe(stored, FORM, MADE) == observed(sent, FORM)
    assert KEY.encode() not in stored.body


def test_only_the_secret_of_a_form_is_replaced() -> None:
    sent = request(target="/form", body=b"escrow_key=3UM43-PUYVY&language=sv&kind=i%4FS")

    stored = sealed(sent, FORM).body

    assert stored.startswith(b"escrow_key=<sealed lock.escrow_key text 11 ")
    assert stored.endswith(b">&language=sv&kind=i%4FS")
    kinds = [(one.at, one.concept) for one in observed(sent, FORM)]
    assert kinds == [
        ("/escrow_key", "lock.escrow_key"),
        ("/language", "dep.locale"),
        ("/kind", "device.os"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"escrow_key": "FAKE-enrol-secret-1"}', id="json"),
        pytest.param(b"FAKE-enrol-secret-1", id="bare"),
        pytest.param(b'--x\r\nname="escrow_key"\r\n\r\nFAKE-enrol-secret-1', id="multipart"),
        pytest.param(b"escrow_key=\xff", id="not-utf-8"),
    ],
)
def test_what_is_no_form_is_not_read_and_not_kept(body: bytes) -> None:
    with pytest.raises(ValueError, match="the body is"):
        parse_form(body)

    stored = sealed(request(target="/form", body=body), FORM).body

    assert SECRET.encode() not in stored
    assert OBSERVER.observe(request(target="/form", body=stored), FORM, MADE) == observed(
        request(target="/form", body=body), FORM
    )


def test_a_repeated_name_of_a_form_keeps_all_its_values() -> None:
    records = observed(request(target="/form", body=b"language=sv&language=de"), FORM)

    assert [one.at for one in records] == ["/language", "/language"]


VALUES: st.SearchStrategy[Any] = st.one_of(
    TEXTS,
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.binary(max_size=8),
    st.lists(TEXTS, max_size=3),
    st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=3),
)


@given(
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6),
    st.sampled_from(["binary", "base64"]),
)
def test_a_stored_property_list_discloses_what_the_original_did(
    tree: dict[str, Any], way: str
) -> None:
    body = plistlib.dumps(tree, fmt=plistlib.FMT_BINARY)
    sent = request(target="/list", body=base64.encodebytes(body) if way == "base64" else body)

    stored = sealed(sent, LIST)

    assert OBSERVER.observe(stored, LIST, MADE) == observed(sent, LIST)
    assert KEY.encode() not in stored.body


def test_a_private_key_under_a_repeated_key_of_a_property_list_is_not_stored() -> None:
    pairs = (("language", KEY), ("language", "sv"))
    lines = "".join(f"<key>{name}</key><string>{value}</string>" for name, value in pairs)
    body = f"<plist><dict>{lines}</dict></plist>".encode()

    stored = sealed(request(target="/list", body=base64.b64encode(body)), LIST)

    assert KEY.encode() not in stored.body
    assert parse_plist(stored.body) == {"language": "sv"}


@pytest.mark.parametrize(
    ("text", "start"),
    [
        pytest.param("one\ntwo", b"<?xml", id="plain"),
        # An XML parser reads a line feed where a carriage return was written.
        pytest.param("one\r\ntwo", b"bplist00", id="line-break-of-windows"),
        pytest.param("one\x01two", b"bplist00", id="no-character-of-xml"),
    ],
)
def test_a_sealed_property_list_is_xml_where_xml_can_hold_its_texts(
    text: str, start: bytes
) -> None:
    tree = {"escrow_key": SECRET, "message": text}
    body = plistlib.dumps(tree, fmt=plistlib.FMT_BINARY)

    stored = sealed(request(target="/list", body=body), LIST).body

    assert stored.startswith(start)
    assert plistlib.loads(stored)["message"] == text


def test_what_is_no_property_list_is_not_kept() -> None:
    sent = request(target="/list", body=base64.b64encode(KEY.encode()))

    assert sealed(sent, LIST).body.startswith(b"<sealed-body opaque ")
    assert sealed(sent, LIST).body.endswith(b">\n")


def test_data_and_dates_of_a_property_list_are_texts() -> None:
    tree = {
        "a": b"\x00\x01",
        "b": datetime(2026, 3, 1, tzinfo=UTC).replace(tzinfo=None),
        "c": 2**70,
    }

    assert parse_plist(
        b"<plist><dict><key>c</key><integer>" + str(2**70).encode() + b"</integer></dict></plist>"
    ) == {"c": str(2**70)}
    assert parse_plist(plistlib.dumps({k: v for k, v in tree.items() if k != "c"})) == {
        "a": "AAE=",
        "b": "2026-03-01T00:00:00",
    }


def test_a_property_list_that_grows_when_it_is_read_is_refused() -> None:
    bomb: Any = ["x"] * 10
    for _ in range(8):
        bomb = [bomb] * 10  # the same list ten times: written once, and referred to

    with pytest.raises(ValueError, match="too many values"):
        parse_plist(plistlib.dumps(bomb, fmt=plistlib.FMT_BINARY))


@pytest.mark.parametrize(
    "body",
    [
        b"<plist>",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><plist>&a;</plist>",
        b"bplist00",
        b"no base64!",
        b"YWJj",
    ],
)
def test_what_is_no_property_list_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match="property list"):
        parse_plist(body)
