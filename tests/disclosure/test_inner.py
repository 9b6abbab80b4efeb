"""What stands inside secrets is disclosed too, and survives their sealing."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.disclosure.observe.inner import Inner, pack, unpack
from simulator.disclosure.observe.plans import compile_row
from simulator.disclosure.redact.markers import Marker, parse_marker
from simulator.protocol.fields import Strings
from tests.disclosure.made_up import (
    APNS,
    CONFIGURE,
    DEVICE,
    OBSERVER,
    PUSH,
    REGISTER,
    SIGNATURE,
    VPP,
    coded,
    observed,
    provider_token,
    push,
    recorded,
    sealed,
)
from tests.disclosure.test_sealing_properties import trees

CORE = "FAKE-content-token-0001"
CONTENT = {"token": CORE, "expDate": "2027-06-30", "orgName": "Acme"}


def content_token(tree: Any) -> str:
    """Return *tree* as a content token: JSON in padded base64."""
    return base64.b64encode(json.dumps(tree).encode()).decode()


def register(token: Any, *headers: tuple[str, str]) -> Any:
    return push("x", headers, json.dumps({"sToken": token}).encode())


def test_a_content_token_is_taken_apart_and_sealed() -> None:
    sent = register(content_token(CONTENT))

    stored = sealed(sent, REGISTER)

    assert content_token(CONTENT).encode() not in stored.body
    assert b"Acme" not in stored.body
    records = OBSERVER.observe(stored, REGISTER, VPP)
    assert [(one.at, one.concept, one.via) for one in records] == [
        ("/sToken", "vpp.content_token", ""),
        ("/sToken#/orgName", "org.name", "base64-json"),
        ("/sToken#/expDate", "vpp.content_token.expiry", "base64-json"),
    ]
    assert OBSERVER.texts(stored, REGISTER, VPP) == [None, "Acme", "2027-06-30"]


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(coded(CONTENT), id="without-padding"),
        pytest.param(f" {content_token(CONTENT)}\n", id="white-space"),
    ],
)
def test_a_content_token_is_read_however_it_is_coded(token: str) -> None:
    records = recorded(register(token), REGISTER)

    assert [one.at for one in records[1:]] == ["/sToken#/orgName", "/sToken#/expDate"]
    assert records == observed(register(token), REGISTER)


@pytest.mark.parametrize(
    "token",
    [
        "no base64!",
        "é" * 8,
        base64.b64encode(b"no json").decode(),
        content_token(["a"]),
        content_token("a"),
        12,
        None,
        "",
    ],
)
def test_a_content_token_of_another_kind_is_one_record(token: Any) -> None:
    (record,) = recorded(register(token), REGISTER)

    assert record.concept == "vpp.content_token"
    assert observed(register(token), REGISTER) == [record]


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("a.b", id="two-segments"),
        pytest.param("a.b.c", id="no-json"),
        pytest.param(f"{coded([1])}.{coded('x')}.{SIGNATURE}", id="no-objects"),
    ],
)
def test_a_provider_token_of_another_kind_is_one_record(token: str) -> None:
    sent = push(headers=(("authorization", f"bearer {token}"),), body=b"")

    _, record = recorded(sent)

    assert record.concept == "push.provider_token"
    assert observed(sent)[1:] == [record]


def test_the_same_token_joins_header_and_body() -> None:
    token = content_token(CONTENT)
    header = push("x", (("Authorization", f"Bearer {token}"),), b"")

    in_header = recorded(header, CONFIGURE)
    in_body = recorded(register(token), REGISTER)

    assert [one.fp for one in in_header] == [one.fp for one in in_body]
    assert in_header[1].at == "authorization#/orgName"


def test_what_nobody_documented_inside_counts_and_its_secrets_are_sealed() -> None:
    claims = {
        "iss": {"team": "T"},
        "list": [1, []],
        "password": "hunter2",
        "url": "https://a.example/?t=hunter2",
        "again": provider_token(),
        "mdm": "7E2C1A9B",
        "device": DEVICE,
    }
    sent = push(headers=(("authorization", f"bearer {provider_token(claims)}"),), body=b"")

    stored = sealed(sent)

    _, _, _, *records = OBSERVER.observe(stored, PUSH, APNS)
    found = {one.at.removeprefix("authorization#"): one for one in records}
    assert list(found) == [
        "/iss/team",
        "/alg",
        "/list/0",
        "/list/1",
        "/password",
        "/url",
        "/again",
        "/mdm",
        "/device",
    ]
    assert found["/list/0"].generic == "authorization#/list/*"
    assert {at for at, one in found.items() if one.documented} == {"/alg"}
    assert found["/mdm"].concept == "push.magic"
    (_, marker) = (stored.header("authorization") or "").split(" ", 1)
    inside = str(unpack((parse_marker(marker) or Marker("", "", 0, "")).inside))
    for secret in ("hunter2", SIGNATURE, "7E2C1A9B", DEVICE):
        assert secret not in inside
    assert OBSERVER.observe(stored, PUSH, APNS) == observed(sent)


def test_the_core_of_a_content_token_is_stored_nowhere() -> None:
    tree = {**CONTENT, "orgName": CORE, "more": f"x {CORE}"}
    sent = register(content_token(tree), ("user-agent", CORE), ("accept", CORE))

    stored = sealed(sent, REGISTER)

    assert CORE not in str(stored)
    for one in OBSERVER.texts(stored, REGISTER, VPP):
        assert CORE not in (one or "")
    records = OBSERVER.observe(stored, REGISTER, VPP)
    assert records == observed(sent, REGISTER)
    assert records[0].flags == ("misplaced-credential",)


@pytest.mark.parametrize(
    ("name", "value", "concept"),
    [
        ("x-odd", content_token(CONTENT), "vpp.content_token"),
        ("user-agent", provider_token(), "net.user_agent"),
        ("x-odd", provider_token(), "net.authorization"),
    ],
)
def test_a_token_in_a_wrong_place_is_known_by_its_look(name: str, value: str, concept: str) -> None:
    sent = push(headers=((name, value),), body=b"")

    stored = sealed(sent)

    assert value not in str(stored.headers)
    record = observed(sent)[1]
    assert (record.concept, "misplaced-credential" in record.flags) == (concept, True)
    assert recorded(sent) == observed(sent)


def test_a_client_cannot_forge_what_is_inside() -> None:
    forged = str(
        Marker("push.provider_token", "text", 9, "0" * 16, (), pack([Inner("/a", "/a", 1)]))
    )
    sent = push(headers=(("authorization", f"bearer {forged}"),), body=b"")

    _, record = recorded(sent)

    assert (record.len, record.concept) == (len(forged), "push.provider_token")
    assert record.fp != "0" * 16


def test_a_token_in_a_query_survives_its_coding() -> None:
    token = content_token({**CONTENT, "orgName": "Å & Ö+?"}).replace("+", "%2B").replace("=", "%3D")
    sent = push(f"x?sToken={token}", body=b"")

    records = recorded(sent)

    assert [one.at for one in records] == [
        "{token}",
        "sToken",
        "sToken#/orgName",
        "sToken#/expDate",
    ]
    assert records == observed(sent)


def test_repeated_keys_inside_each_count() -> None:
    token = base64.b64encode(b'{"orgName": "a", "expDate": 1, "orgName": "b"}').decode()

    _, *records = recorded(register(token), REGISTER)

    assert [one.at for one in records] == [
        "/sToken#/orgName",
        "/sToken#/orgName",
        "/sToken#/expDate",
    ]
    assert records[0].fp != records[1].fp


def test_a_decoder_that_does_not_fit_the_concept_is_refused() -> None:
    row = Strings("name", "Name.", concept="org.name", decode="jwt")

    with pytest.raises(ValueError, match=r"org\.name cannot be decoded as jwt"):
        compile_row(row)


@given(st.lists(st.builds(Inner, st.text(), st.text(), st.none() | st.integers() | st.text())))
def test_packing_loses_nothing_and_needs_no_escape(found: list[Inner]) -> None:
    packed = pack(found)

    assert unpack(packed) == tuple(found)
    marker = Marker("org.name", "text", 1, "0" * 16, (), packed)
    assert parse_marker(str(marker)) == marker
    assert json.dumps(str(marker)) == f'"{marker}"'


@given(trees(), trees())
def test_a_stored_token_discloses_what_the_original_did(head: Any, claims: Any) -> None:
    sent = push(
        headers=(("authorization", f"bearer {provider_token(_plain(claims), _plain(head))}"),),
        body=json.dumps({"mdm": _plain(head)}).encode(),
    )

    assert recorded(sent) == observed(sent)


@given(trees())
def test_a_stored_content_token_discloses_what_the_original_did(tree: Any) -> None:
    sent = register(content_token({**CONTENT, "token": _plain(tree), "orgName": _plain(tree)}))

    assert recorded(sent, REGISTER) == observed(sent, REGISTER)


def _plain(tree: Any) -> Any:
    """Return a tree of pairs as plain objects."""
    if isinstance(tree, list):
        pairs = tree and all(isinstance(item, tuple) for item in tree)
        return (
            {key: _plain(value) for key, value in tree}
            if pairs
            else [_plain(item) for item in tree]
        )
    return tree
