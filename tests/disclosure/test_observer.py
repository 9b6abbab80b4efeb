"""The observer itself: what it compiles, compares and keeps."""

from typing import Any

import pytest

from simulator.disclosure.observe.observation import Observer
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.fields import String, Table
from simulator.protocol.operations import Operation
from tests.disclosure.factories import (
    DEFINE,
    FINGERPRINTER,
    GET,
    MADE,
    OBSERVER,
    post,
    request,
)


def test_personal_headers_are_compared_with_the_body() -> None:
    contact = String("from", "Who.", place="header", concept="user.email")
    person = String("person", "Who.", concept="vpp.client_user_id")
    operation = Operation("made.odd", ("POST",), "/odd", "Odd.", DEFINE.handler, (contact, person))
    observer = Observer(Catalogue([(MADE, [operation])]), FINGERPRINTER)

    sent = post({"person": "a@b.example"}, ("From", "a@b.example"))

    _, body = observer.observe(sent, operation, MADE)
    assert "value:same-as:user.email" in body.flags


def test_texts_stand_beside_records() -> None:
    sent = post({"message": "hello", "escrow_key": "x"}, ("User-Agent", "me"))
    stored = OBSERVER.seal_request(sent, DEFINE, MADE)

    assert OBSERVER.texts(stored, DEFINE, MADE) == ["me", "hello", None]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(String("a", "A.", concept="no.such"), id="unknown-concept"),
        pytest.param(Table("a", "A.", concept="lock.escrow_key"), id="secret-keys"),
    ],
)
def test_a_row_that_cannot_be_observed_is_refused(row: Any) -> None:
    operation = Operation("made.odd", ("POST",), "/odd", "Odd.", DEFINE.handler, (row,))

    with pytest.raises(ValueError, match="field a"):
        Observer(Catalogue([(MADE, [operation])]), FINGERPRINTER)


def test_header_records_are_kept_for_a_while_only() -> None:
    observer = Observer(Catalogue([(MADE, [GET])]), FINGERPRINTER)

    for number in range(1100):
        observer.observe(request("GET", headers=(("Via", str(number)),)), GET, MADE)

    assert len(observer._known_headers) <= 1024
