"""Requests are sealed alike, whether their parts came before or not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from simulator import services
from simulator.disclosure.observe.observation import Observer
from simulator.disclosure.observe.plans import compiled
from simulator.disclosure.redact.scrubbing import Scrubber
from simulator.disclosure.redact.sealing import seal_request
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.fields import Integer, String, Strings
from simulator.protocol.operations import Operation
from simulator.protocol.wire import decode
from tests.disclosure.factories import (
    DEFINE,
    FINGERPRINTER,
    GET,
    MADE,
    OBSERVER,
    TOKEN,
    observed,
    post,
    request,
    sealed,
)

PLAIN = (
    Integer("limit", "Size.", concept="protocol"),
    Strings("devices", "Serials.", concept="device.serial"),
    String("name", "Name.", concept="org.name"),
)
QUICK = [
    pytest.param({"limit": 3, "devices": ["A1", "B2"]}, id="plain"),
    pytest.param({"devices": [["A1"]]}, id="nested"),
    pytest.param({"devices": {"a": 1}}, id="object"),
    pytest.param({"odd": 1}, id="unknown-key"),
    pytest.param({"devices": [TOKEN]}, id="repeats-the-session"),
    pytest.param({"devices": [f"x{TOKEN}y"]}, id="holds-the-session"),
    pytest.param({"devices": ["CS_" + "0a" * 20]}, id="credential"),
    pytest.param({"devices": ["<sealed org.name text 4 0123456789abcdef>"]}, id="marker"),
    pytest.param({"devices": ["CS\u005f" + "é"]}, id="escape"),
]


@pytest.mark.parametrize("tree", QUICK)
@pytest.mark.parametrize("decoded", [True, False])
def test_a_body_that_was_decoded_before_is_sealed_like_any_other(
    tree: object, decoded: bool
) -> None:
    operation = Operation("made.plain", ("POST",), "/plain", "Plain.", DEFINE.handler, PLAIN)
    observer = Observer(Catalogue([(MADE, [operation])]), FINGERPRINTER)
    sent = post(tree, ("X-Session", TOKEN), ("Accept", "*/*"), ("User-Agent", "x"))
    given = decode(sent, 10_000) if decoded else None

    stored = observer.seal_request(sent, operation, MADE, given)

    assert stored == observer.seal_request(sent, operation, MADE)
    assert TOKEN.encode() not in stored.body
    before = observer.observe(sent, operation, MADE, sealed=False)
    assert observer.observe(stored, operation, MADE) == before


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param((("X-Session", ""),), id="empty"),
        pytest.param((("X-Session", TOKEN), ("User-Agent", TOKEN)), id="repeated"),
        pytest.param((("X-Session", TOKEN), ("Accept", TOKEN)), id="in-negotiation"),
        pytest.param((("Accept", "CS_" + "0a" * 20),), id="credential-in-negotiation"),
        pytest.param((("User-Agent", "<sealed org.name text 4 0123456789abcdef>"),), id="marker"),
    ],
)
def test_headers_are_sealed_whatever_they_repeat(
    headers: tuple[tuple[str, str], ...],
) -> None:
    sent = request("GET", headers=headers)

    stored = sealed(sent, GET)

    assert TOKEN not in str(stored.headers)
    assert "CS_" not in str(stored.headers)
    assert OBSERVER.observe(stored, GET, MADE) == observed(sent, GET)


CATALOGUE = services.load()
UUIDS = ("123E4567-e89b-12d3-a456-426655440000", "00000000-0000-0000-0000-000000000000")
NUMBERS = st.sampled_from([*UUIDS, "0", "1772366400", "1" * 25, "<number>", "a b"])
SENT = st.fixed_dictionaries(
    {},
    optional={
        "apns-id": NUMBERS,
        "apns-expiration": NUMBERS,
        "apns-priority": NUMBERS,
        "authorization": st.sampled_from([f"bearer {UUIDS[0]}", UUIDS[0], "1772366400", "x"]),
        "x-email": st.sampled_from(["a@b.example", UUIDS[0]]),
        "token": NUMBERS,
    },
)


@given(st.lists(st.tuples(SENT, st.sampled_from(["", *UUIDS, "1772366400"])), max_size=6))
def test_heads_that_differ_in_numbers_are_sealed_as_requests_are_as_a_whole(
    requests: list[tuple[dict[str, str], str]],
) -> None:
    operation, service = CATALOGUE.operations["apns.push"], CATALOGUE.services["apns"]
    observer, plans = Observer(CATALOGUE, FINGERPRINTER), compiled(CATALOGUE)
    plan, scrubber = plans.request(operation, service), Scrubber(plans.names, FINGERPRINTER)
    for named, magic in requests:
        body = json.dumps({"mdm": magic}).encode()
        sent = replace(request("POST", headers=tuple(named.items())), body=body)
        sent = replace(sent, target=f"/3/device/{'a1' * 32}", method="POST")
        whole = seal_request(sent, decode(sent, 10_000), (), plans, plan, FINGERPRINTER, scrubber)
        assert observer.seal_request(sent, operation, service) == whole.request
