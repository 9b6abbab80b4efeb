"""A text is found in whatever a client sent, as sent or decoded."""

import gzip
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core.messages import Exchange, Finding, Request, Response
from simulator.store import search
from simulator.store.opening import Place, open_store
from simulator.store.protocols import Store
from simulator.store.sqlite.store import SqliteStore
from simulator.store.sqlite.text_index import PIECE
from tests.apple import request


def sent(target: str = "/x", body: bytes = b"", **more: Any) -> Exchange:
    """Return an exchange with that request."""
    headers = [("Host", "h.example"), ("User-Agent", "ExampleMDM/9.4"), *more.pop("headers", ())]
    return Exchange(1, request("POST", target, headers, body), **more)


PACKED = gzip.compress(json.dumps({"devices": ["C02PACKED"]}).encode())
KINDS = {
    "plain": sent("/server/devices", b'{"serial": "C02Plain", "colour": "gr\xc3\xbcn"}'),
    "packed": sent("/devices", PACKED, headers=[("Content-Encoding", "gzip")]),
    "escaped": sent("/devices", b'{"name": "gr\\u00fcn", "url": "https:\\/\\/a\\/b"}'),
    "query": sent("/profile?profile_uuid=a%20b%2Fc+d"),
    "who": sent(
        organisation="acme",
        client="dep:main",
        service="dep",
        operation="dep.fetch",
        session="label-9",
    ),
    "refused": sent(error="T_C_NOT_SIGNED", response=Response(403, (), b"T_C_NOT_SIGNED")),
    "answered": sent(response=Response(200, (), b"C02ONLYINTHEANSWER")),
    "binary": sent("/x", b"\xff\xfe\x00raw\x00"),
    "found": sent(findings=[Finding("field-unknown", "body", "/x", "onlyinthefinding")]),
}


OTHERS = 2 * PIECE
"""Exchanges after those, so that an index has whole pieces, with nothing that is looked for."""


@pytest.fixture(scope="module", params=["memory", "scan", "index", "postgres"])
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    place: Place = None
    if request.param == "postgres":
        place = request.getfixturevalue("postgres").new()
    elif request.param != "memory":
        place = tmp_path_factory.mktemp(request.param) / "mdmsim.db"
    opened = open_store(place, index_texts=request.param == "index")
    with opened.transaction() as state:
        for exchange in KINDS.values():
            state.record(exchange)
        for _ in range(OTHERS if request.param == "index" else 0):
            state.record(Exchange(1, request_of_others()))
    if isinstance(opened, SqliteStore):
        assert opened.texts_are_indexed(30) is (request.param == "index")
    yield opened
    opened.close()


def request_of_others() -> Request:
    return request("GET", "/else", [("Accept", "else")])


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param("c02plain", {"plain"}, id="body"),
        pytest.param("GRÜN", {"plain", "escaped"}, id="case-beyond-ascii"),
        pytest.param("C02PACKED", {"packed"}, id="coded-body"),
        pytest.param("https://a/b", {"escaped"}, id="escaped-text"),
        pytest.param("a b/c d", {"query"}, id="decoded-query"),
        pytest.param("profile_uuid=a b", {"query"}, id="decoded-pair"),
        pytest.param("a%20b", {"query"}, id="query-as-sent"),
        pytest.param("examplemdm/9", set(KINDS), id="header"),
        pytest.param("user-agent: ExampleMDM", set(KINDS), id="header-with-name"),
        pytest.param("acme", {"who"}, id="organisation"),
        pytest.param("dep:main", {"who"}, id="client"),
        pytest.param("dep.fetch", {"who"}, id="operation"),
        pytest.param("label-9", {"who"}, id="label"),
        pytest.param("403", {"refused"}, id="status"),
        pytest.param("t_c_not", {"refused"}, id="error"),
        pytest.param("C02ONLYINTHEANSWER", set(), id="answer"),
        pytest.param("onlyinthefinding", set(), id="finding"),
        pytest.param("version_sent", set(), id="name-of-ours"),
        pytest.param("raw", {"binary"}, id="binary"),
        pytest.param("POST /server", {"plain"}, id="request-line"),
        pytest.param("-9", {"who"}, id="too-short-for-an-index"),
        pytest.param('"acme"', set(), id="quotes"),
        pytest.param("raw\0", {"binary"}, id="nul"),
        pytest.param("nowhere to be found", set(), id="nothing"),
    ],
)
def test_a_text_is_found(store: Store, wanted: str, expected: set[str]) -> None:
    names = list(KINDS)
    with closing(store.journal()) as journal:
        found = journal.read(match={"q": wanted})
        newest = journal.newest(match={"q": wanted})
        count = journal.count({"q": wanted})

    assert {names[one.seq - 1] for one in found} == expected
    assert [one.seq for one in newest] == [one.seq for one in found][::-1]
    assert count == len(expected)


def test_a_text_goes_with_the_other_filters_and_in_pages(store: Store) -> None:
    def seqs(found: Any) -> list[int]:
        return [one.seq for one in found]

    with closing(store.journal()) as journal:
        assert seqs(journal.read(match={"q": "MDM", "organisation": "acme"})) == [5]
        assert seqs(journal.read(3, 2, {"q": "MDM"})) == [4, 5]
        assert seqs(journal.newest(4, 2, {"q": "MDM"})) == [3, 2]
        assert seqs(journal.read(2**63 - 1, 2, {"q": "MDM"})) == []
        assert seqs(journal.read(0, 0, {"q": "MDM"})) == []


def test_long_journals_are_gone_through_to_their_end() -> None:
    store = open_store(None)
    with store.transaction() as state:
        for number in range(11_000):
            state.record(sent("/last" if number in (0, 5_500, 10_999) else "/x"))
    with store.transaction() as state:
        state.forget({"through": 40}, at_ms=1, reason="test")

    journal = store.journal()

    assert [one.seq for one in journal.read(match={"q": "/last"})] == [5_501, 11_000]
    assert [one.seq for one in journal.newest(match={"q": "/last"})] == [11_000, 5_501]
    assert journal.count({"q": "MDM"}) == 11_000 - 40
    store.close()


words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6)


@given(words, st.sampled_from(["plain", "escaped", "query", "header", "packed"]), st.data())
@settings(max_examples=200, deadline=None)
def test_what_was_sent_is_found_however_it_was_written(
    word: str, way: str, data: st.DataObject
) -> None:
    made = {
        "plain": lambda: sent(body=json.dumps({"a": f"x{word}y"}, ensure_ascii=False).encode()),
        "escaped": lambda: sent(body=json.dumps({"a": f"x{word}y"}).encode()),
        "query": lambda: sent(f"/x?a={quote(f'x{word}y')}"),
        "header": lambda: sent(headers=[("X-Word", f"x{word}y")]),
        "packed": lambda: sent(
            body=gzip.compress(json.dumps({"a": f"x{word}y"}).encode()),
            headers=[("Content-Encoding", "gzip")],
        ),
    }[way]()
    wanted = data.draw(st.sampled_from([word, f"x{word}", f"{word}Y", f"X{word.lower()}y"]))
    store = open_store(None)
    with store.transaction() as state:
        state.record(made)

    assert search.holds(made, wanted)
    assert store.journal().count({"q": wanted}) == 1
    store.close()
