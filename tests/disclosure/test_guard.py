"""The guard: what it finds in the bytes of an exchange, and what it leaves alone."""

import base64
import gzip
import re
import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import convert, to_builtins
from msgspec.structs import replace

from simulator.core.messages import (
    Delivery,
    Exchange,
    FaultApplication,
    Finding,
    Goaway,
    Peer,
    Request,
    Response,
    Tls,
)
from simulator.disclosure.observe.values import Fingerprinter
from simulator.disclosure.redact.encodings import LongNames, decodings, long_runs, without_names
from simulator.disclosure.redact.guard import SecretGuard
from simulator.disclosure.redact.markers import parse_body_marker, parse_marker
from simulator.disclosure.redact.vault import Vault
from simulator.store.records import decode, row_of, rows_of

SECRET = "k3y-that-0nly-we-know/of="
MARK = Fingerprinter(b"k").mark("dep.access_secret", SECRET)


def guard(*more: str) -> SecretGuard:
    made = SecretGuard((), Fingerprinter(b"k"))
    for secret in (SECRET, *more):
        made.add("dep.access_secret", secret)
    return made


def exchange(body: bytes = b"", **request: object) -> Exchange:
    peer = Peer("127.0.0.1", 1, 1, Tls("TLSv1.3", "c", sni=str(request.pop("sni", ""))))
    facts = {"method": "GET", "target": "/a", "headers": (("host", "a"),)} | request
    sent = Request(body=body, scheme="https", peer=peer, **facts)  # type: ignore[arg-type]
    return Exchange(1, sent, 1, response=Response(200, (("a", "b"),), b"{}"))


def stored(one: Exchange) -> Exchange:
    return decode(one.seq, row_of(one, guard())[-1])


def test_what_holds_no_secret_is_stored_as_it_is() -> None:
    one = exchange(b'{"a": "b"}')

    assert row_of(one, guard()) == row_of(one)


@pytest.mark.parametrize(
    ("target", "stored_as"),
    [
        pytest.param(f"/x/{SECRET}?a", f"/x/{MARK}?a", id="as-it-is"),
        pytest.param(f"/x?{SECRET}=1", f"/x?{MARK}=1", id="name-of-a-parameter"),
        pytest.param(f"/{SECRET}{SECRET}", f"/{MARK}{MARK}", id="twice"),
    ],
)
def test_a_secret_that_stands_as_it_is_is_replaced_exactly(target: str, stored_as: str) -> None:
    assert stored(exchange(target=target)).request.target == stored_as


def test_every_field_is_looked_at() -> None:
    one = exchange(
        SECRET.encode(), method=SECRET, headers=((SECRET, "a"), ("b", SECRET)), sni=f"{SECRET}.x"
    )
    one.session = one.client = one.error = SECRET
    one.response = Response(200, ((SECRET, SECRET),), f'{{"{SECRET}": 1}}'.encode())

    kept = stored(one)

    assert str(kept).count(str(MARK)) == 11
    assert kept.request.peer.tls is not None
    assert kept.request.peer.tls.sni == f"{MARK}.x"


def test_a_word_that_says_a_secret_is_replaced_and_no_other() -> None:
    body = b'{"keep": "this", "a": "%s"}' % base64.b64encode(f"a {SECRET} z".encode())

    kept = stored(exchange(body)).request.body.decode()

    start, end = '{"keep": "this", "a": "', '"}'
    assert kept.startswith(start)
    assert kept.endswith(end)
    assert parse_marker(kept.removeprefix(start).removesuffix(end)) is not None


def test_bytes_that_are_no_text_are_kept_as_figures_only() -> None:
    kept = stored(exchange(b"\xff" + SECRET.encode())).request.body

    marker = parse_body_marker(kept)
    assert marker is not None
    assert bytes(marker) == kept
    assert marker.length == len(SECRET) + 1


def test_a_secret_in_words_that_no_single_one_says_takes_the_field_with_it() -> None:
    body = "".join(f"&#{ord(character)}; "[:-1] for character in SECRET).replace(";", ";\n", 3)

    kept = stored(exchange(body.encode())).request.body

    assert parse_marker(kept.decode()) is not None


ENCODED = {
    "base64": base64.b64encode,
    "base64-shifted": lambda data: base64.b64encode(b"x" + data),
    "base64-twice": lambda data: base64.b64encode(base64.b64encode(data)),
    "base64-in-lines": lambda data: base64.encodebytes(b"a line of other text " * 3 + data),
    "hex": lambda data: data.hex().encode(),
    "hex-upper": lambda data: b"a" + data.hex().upper().encode(),
    "base32": base64.b32encode,
    "base32-shifted": lambda data: b"a" + base64.b32encode(b"xyz" + data).lower(),
    "percent": lambda data: "".join(f"%{one:02x}" for one in data).encode(),
    "percent-of-base64": lambda data: quote(base64.b64encode(data)).encode(),
    "percent-twice": lambda data: quote(quote(data, safe=""), safe="").encode(),
    "utf-16": lambda data: data.decode().encode("utf-16"),
    "utf-16-be": lambda data: data.decode().encode("utf-16-be"),
    "utf-32": lambda data: data.decode().encode("utf-32"),
    "json": lambda data: "".join(f"\\u{one:04X}" for one in data).encode(),
    "json-twice": lambda data: "".join(f"\\\\u{one:04X}" for one in data).encode(),
    "octal": lambda data: "".join(f"\\{one:03o}" for one in data).encode(),
    "braces": lambda data: "".join(f"\\u{{{one:x}}}" for one in data).encode(),
    "eight-digits": lambda data: "".join(f"\\U{one:08x}" for one in data).encode(),
    "percent-u": lambda data: "".join(f"%u{one:04x}" for one in data).encode(),
    "slashes": lambda data: data.replace(b"/", b"\\/"),
    "xml": lambda data: "".join(f"&#x{one:x};" for one in data).encode(),
    "xml-zeros": lambda data: "".join(f"&#{one:07};" for one in data).encode(),
    "xml-decimal": lambda data: "".join(f"&#{one};" for one in data).encode(),
    "percent-of-json": lambda data: quote("".join(f"\\u{one:04x}" for one in data)).encode(),
}


@pytest.mark.parametrize("encoding", ENCODED)
def test_every_encoding_is_undone(encoding: str) -> None:
    data = ENCODED[encoding](SECRET.encode())  # type: ignore[no-untyped-call]

    assert SECRET.encode() not in data
    assert any(SECRET.encode() in decoded for decoded in decodings(data))
    assert guard().holds_secret(b"before " + data + b" after")


@given(st.binary(max_size=99), st.binary(min_size=8, max_size=99), st.binary(max_size=99))
def test_a_vault_finds_what_was_put_into_it_wherever_it_stands(
    before: bytes, secret: bytes, after: bytes
) -> None:
    vault = Vault()
    text = secret.decode("latin-1")
    vault.add("x", text)
    raw = text.encode()

    (found, *_) = vault.find(before + raw + after)

    data = before + raw + after
    assert data[found.start : found.end] == found.secret == raw
    assert vault.holds(data)
    rest = data.replace(raw, b"")
    assert vault.holds(rest) == (raw in rest)


def test_a_vault_takes_the_longer_of_two_that_overlap_and_nothing_short() -> None:
    vault = Vault()
    for secret in ("1234567", "abcdefghij", "abcdefghijklmnopqrstuvwxyz"):
        vault.add("x", secret)

    found = vault.find(b"1234567 abcdefghijklmnopqrstuvwxyz abcdefghij")

    assert len(vault) == 2
    assert [one.secret for one in found] == [b"abcdefghijklmnopqrstuvwxyz", b"abcdefghij"]


def test_secrets_that_are_mostly_alike_are_told_apart() -> None:
    vault = Vault()
    for number in range(2000):
        vault.add("x", f"{number:064x}")

    (found,) = vault.find(b"a" + b"%064x" % 1234 + b"b")

    assert found.secret == b"%064x" % 1234
    assert not vault.holds(b"%064x" % 4321)


def test_random_bytes_say_nothing() -> None:
    made = guard(*(secrets.token_hex(32) for _ in range(100)))

    assert not made.holds_secret(secrets.token_bytes(100_000))
    assert not made.holds_secret(base64.b64encode(secrets.token_bytes(100_000)))
    assert not made.holds_secret(gzip.compress(secrets.token_bytes(10_000)))


def whole_exchange() -> Exchange:
    """Return an exchange in which every text says something."""
    one = exchange(b'{"a": "b"}', sni="sni", http="2", problem="problem", problem_about="about")
    one.organisation, one.client, one.service, one.operation = "acme", "dep:a", "dep", "dep.x"
    one.route, one.version_sent, one.error, one.session = "GET /a", "10", "ERROR", "run-1"
    one.findings = [Finding("rule", "body", "/a", "message", versions="1+", docs="docs")]
    one.faults = [FaultApplication("1", "dep.x")]
    one.request = replace(one.request, peer=replace(one.request.peer, settings="3:100"))
    goaway, delivery = Goaway(b"debug"), Delivery("goaway", debug="debug")
    one.response = replace(one.response, goaway=goaway, notify_topic="token", delivery=delivery)
    return one


def places(tree: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield where each text in *tree* stands."""
    if isinstance(tree, str | bytes):
        yield path
    elif isinstance(tree, dict):
        for name, value in tree.items():
            yield from places(value, (*path, name))
    elif isinstance(tree, list | tuple):
        for place, value in enumerate(tree):
            yield from places(value, (*path, place))


def test_what_was_clean_before_hides_no_secret_at_any_place() -> None:
    watch, clean = guard(), whole_exchange()
    assert row_of(clean, watch) == row_of(clean, watch) == row_of(clean)
    found = list(places(to_builtins(clean, builtin_types=(bytes,))))
    assert len(found) > 30
    for path in found:
        tree: Any = to_builtins(clean, builtin_types=(bytes,))
        *steps, last = path
        node = tree
        for step in steps:
            node[step] = list(node[step]) if isinstance(node[step], tuple) else node[step]
            node = node[step]
        node[last] = SECRET if isinstance(node[last], str) else SECRET.encode()
        planted = convert(tree, Exchange)
        assert SECRET.encode() not in row_of(planted, watch)[-1], path


LATER = "issued-later-0123456789"
TEXTS = st.sampled_from(["a", "a", "a", "b", "5E2C1A9B-55D1", SECRET, quote(SECRET), LATER])


@given(st.lists(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=4), max_size=4))
def test_exchanges_are_cleaned_together_as_each_would_be_alone(
    batches: list[list[tuple[str, str, str]]],
) -> None:
    watch = guard()
    for number, batch in enumerate(batches):
        made = []
        for target, body, answered in batch:
            one = exchange(body.encode(), target=f"/{target}")
            one.response = Response(200, (("a", answered), ("b", "b")), b"{}")
            made.append(one)
        alone = [row_of(one, guard(*[LATER] * (number > 1))) for one in made]
        assert list(rows_of(made, watch)) == alone
        if number:
            watch.add("dep.access_secret", LATER)


@pytest.mark.parametrize("at", [0, 49_152, 65_530, 65_536, 114_680, 199_970])
@pytest.mark.parametrize("written", [SECRET, base64.b64encode(SECRET.encode()).decode()])
def test_a_large_body_that_was_looked_at_in_pieces_hides_nothing(at: int, written: str) -> None:
    looking = guard()
    filler = ". " * 100_000
    body = f"{filler[:at]} {written} {filler[at:]}".encode()
    looking.look_through(body)

    kept = row_of(exchange(body), looking)[-1]

    assert written.encode() not in kept
    assert b"<sealed " in kept


@pytest.mark.parametrize("at", [0, 49_152, 65_530, 65_536, 114_680, 199_970])
@pytest.mark.parametrize("written", [SECRET, base64.b64encode(SECRET.encode()).decode()])
def test_a_page_that_was_looked_at_in_pieces_hides_nothing(at: int, written: str) -> None:
    looking, one = guard(), exchange()
    filler = ". " * 100_000
    one.response = Response(200, (), f"{filler[:at]} {written} {filler[at:]}".encode())
    pieces = len(list(looking.looks_through(one.response.body)))

    kept = row_of(one, looking)[-1]

    assert pieces < 5
    assert written.encode() not in kept
    assert b"<sealed " in kept


def test_a_clean_page_that_was_looked_at_in_pieces_is_not_looked_at_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looking, one, looked = guard(), exchange(), list[int]()

    def look(data: bytes) -> bool:
        looked.append(len(data))
        return False

    one.response = Response(200, (), b'{"serial_number": "C02X00000001"}, ' * 10_000)
    pieces = len(list(looking.looks_through(one.response.body)))
    looking.add("dep.access_secret", LATER)
    monkeypatch.setattr(looking, "holds_secret", look)

    row_of(one, looking)

    assert pieces == 8
    assert max(looked) < 65_536


@pytest.mark.parametrize("written", [SECRET, base64.b64encode(SECRET.encode()).decode()])
def test_a_page_hides_no_secret_in_it_or_beside_it(written: str) -> None:
    page = b'{"serial_number": "C02X00000001"}, ' * 4000
    clean, within, beside = (exchange(target=target) for target in ("/a", "/a", f"/{written}"))
    clean.response = beside.response = Response(200, (), page)
    within.response = Response(200, (), page + written.encode() + page)

    assert row_of(clean, guard()) == row_of(clean)
    for hiding in (within, beside):
        kept = row_of(hiding, guard())[-1]
        assert written.encode() not in kept
        assert b"<sealed " in kept


@given(st.text('aZ09+/_-.="\n', max_size=200))
def test_a_run_of_letters_of_base64_is_found_whole(text: str) -> None:
    data = text.encode()
    assert long_runs(data) == re.findall(rb"[0-9A-Za-z+/_-]{20,}", data)


NAMES = [b"releasedFromOrgDateTime", b"device_assigned_date"]
PIECES = [*map(bytes.decode, NAMES), "1" * 19, "2" * 20, "3" * 21, "%", "=", "a", '"', SECRET]


@given(st.lists(st.sampled_from(PIECES), max_size=8))
def test_names_and_numbers_are_taken_out_and_nothing_else(pieces: list[str]) -> None:
    data = "".join(pieces).encode()
    number = rb"(?<![0-9A-Za-z+/_%-])[0-9]{20,40}(?![0-9A-Za-z+/_%=-])"
    expected = re.sub(number, b" ", data)
    for name in NAMES:
        expected = expected.replace(name, b" ")

    assert without_names(data, LongNames(NAMES)) == expected


@given(st.lists(st.sampled_from(["ab", "\\n", "\r", "\n", " ", "\t"])))
def test_lines_are_joined_however_they_are_broken(parts: list[str]) -> None:
    data = "\n".join(["a", *parts]).encode()
    joined = re.sub(rb"(?:\\[rn]|[\r\n])+[ \t]*", b"", data)
    found = list(decodings(data))
    assert joined == data or joined in found


def test_a_secret_beside_a_large_body_that_is_clean_is_found() -> None:
    looking, later = guard(), "an0ther-that-1s-issued-later"
    body = b". " * 100_000
    hiding = body + later.encode()
    looking.look_through(body)
    looking.look_through(hiding)

    beside = row_of(exchange(body, target=f"/{SECRET}"), looking)[-1]
    looking.add("dep.access_secret", later)
    kept = row_of(exchange(hiding), looking)[-1]

    assert SECRET.encode() not in beside
    assert later.encode() not in kept


def test_a_secret_that_is_issued_later_is_found_in_what_was_clean_before() -> None:
    watch, one = guard(), exchange(b'{"a": "issued-later-0123456789"}')
    assert row_of(one, watch) == row_of(one, watch) == row_of(one)
    watch.add("dep.access_secret", "issued-later-0123456789")
    assert b"issued-later" not in row_of(one, watch)[-1]


@pytest.mark.parametrize(
    "encoded",
    [SECRET.encode().hex(), base64.b64encode(SECRET.encode()).decode(), quote(SECRET, safe="")],
)
def test_numbers_and_long_names_hide_no_secret_beside_them(encoded: str) -> None:
    made = SecretGuard((), Fingerprinter(b"k"), ["releasedFromOrgDateTime"])
    made.add("dep.access_secret", SECRET)
    page = b'{"eid": "89999000000000000000000000000000", "releasedFromOrgDateTime": null}'

    assert not made.holds_secret(page)
    assert made.holds_secret(page + f'{{"a": "{encoded}"}}'.encode())
