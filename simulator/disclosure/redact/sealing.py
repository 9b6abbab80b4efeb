"""Sealing: take the secrets out of a message before it is written down.

Each secret value is replaced at its exact position by a marker; every other
byte stays. See ``markers.py`` for what a marker looks like.

Longer than 300 lines: each kind of message is sealed in a few lines, by the same few helpers.
"""

import plistlib
import re
from collections.abc import Iterable
from contextlib import suppress
from itertools import count
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from simulator.core.messages import Headers, Request
from simulator.core.steps import Steps, finished
from simulator.disclosure.concepts import UNKNOWN
from simulator.disclosure.observe.flags import is_personal
from simulator.disclosure.observe.inner import Inner, pack
from simulator.disclosure.observe.leaf import INSIDE, ObservedValue, ValueLocation
from simulator.disclosure.observe.leaves import Reader
from simulator.disclosure.observe.plans import ObservationPlan, Plans
from simulator.disclosure.observe.values import Fingerprinter
from simulator.disclosure.redact.hiding import is_notable, resolve, resolving
from simulator.disclosure.redact.known import NO_RECORD, credential_in
from simulator.disclosure.redact.markers import BodyMarker, Marker
from simulator.disclosure.redact.scrubbing import Scrubber
from simulator.disclosure.redact.vault import finder
from simulator.protocol.body_formats import unwrapped
from simulator.protocol.wire import Decoded

_PIECE = 100
"""Values that are sealed before others may have their turn."""
_VALUE = re.compile(
    r'"[^"\\]*(?:\\.[^"\\]*)*"'
    r"|-?[0-9][0-9.eE+-]*|true|false|null|\{[ \t\r\n]*\}|\[[ \t\r\n]*\]",
    re.DOTALL,
)
"""One value that holds no other, or a key, in a text that is known to be JSON."""
_KEY = re.compile(r"[ \t\r\n]*:")
_CHARACTER = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|\\u[0-9a-fA-F]{4}|\\.|.",
    re.DOTALL,
)


class _Edit(Struct, frozen=True):
    """Replace a stretch of text."""

    start: int
    end: int
    text: str


def _apply(text: str, edits: Iterable[_Edit]) -> str:
    parts: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda one: one.start):
        parts += (text[at : edit.start], edit.text)
        at = edit.end
    return "".join((*parts, text[at:]))


class Sealed(Struct, frozen=True):
    """A request without its secrets."""

    request: Request
    secrets: list[str]
    """What was taken out, as it was meant."""
    said: str
    """All its values, as sent and as they are meant."""
    is_personal: bool
    """Whether it holds what names or reaches somebody, which is compared with all else."""


def seal_request(
    request: Request,
    content: Decoded,
    opaque: tuple[str, ...],
    plans: Plans,
    plan: ObservationPlan,
    fingerprinter: Fingerprinter,
    scrubber: Scrubber,
) -> Sealed:
    """Seal any request; *opaque* holds the flags of a body that cannot be read, if so."""
    reader = Reader(plans, plan, sealed=False, is_notable=is_notable)
    leaves = _leaves(request, content, reader)
    settled = resolve(leaves)
    if reader.passed and any(map(finder(_texts(settled)), reader.passed)):
        reader = Reader(plans, plan, sealed=False)
        leaves = _leaves(request, content, reader)
        settled = resolve(leaves)
    said = [request.target, *(value for _, value in request.headers), *reader.passed]
    said += [leaf.value for leaf in leaves if isinstance(leaf.value, str)]
    hidden = [leaf for leaf in settled if leaf.hidden]
    by_part: dict[str, list[ObservedValue]] = {
        part: [] for part in ("header", "target", "body", "form", INSIDE)
    }
    for leaf in hidden:
        if leaf.spot is not None:
            by_part[leaf.spot.part].append(leaf)
    body = content.content if content.coded else request.body
    secrets = _texts(settled)
    if opaque:
        figures = BodyMarker(
            len(content.content), fingerprinter.fingerprint(UNKNOWN, content.content), opaque
        )
        # Nothing tells where secrets would stand in what is in no form, or in base64.
        dark = (
            (not content.coded and _is_coded(request))
            or plan.body_format != "json"
            or content.problem == "body-unread"
        )
        kept = b"" if dark else scrubber.body(content.content, secrets)
        body = bytes(figures) + kept
    elif by_part["form"]:
        body = _seal_query(body.decode(), by_part["form"], fingerprinter).encode()
    elif plan.body_format == "plist" and content.readable:
        # What stands under a key that is there twice is in no tree.
        text = unwrapped(content.content).decode(errors="replace")
        if by_part["body"] or credential_in(text):
            body = _seal_plist(content.tree, by_part["body"], fingerprinter)
    elif by_part["body"]:
        body = finished(_sealing_json(body, by_part["body"], fingerprinter))
    target = _seal_query(request.target, by_part["target"], fingerprinter)
    headers = _seal_header_values(request.headers, by_part["header"], fingerprinter)
    sealed = replace(
        request,
        target=scrubber.path(
            target, secrets, strange=not any(leaf.part == "path" for leaf in leaves)
        ),
        headers=tuple(
            (name, _seal_framing(name.lower(), value, secrets, scrubber)) for name, value in headers
        ),
        body=body,
    )
    return Sealed(sealed, secrets, "\n".join(said), any(is_personal(leaf) for leaf in settled))


def _leaves(request: Request, content: Decoded, reader: Reader) -> list[ObservedValue]:
    leaves = [*reader.target(request.target), *reader.headers(request.headers)]
    if content.readable:
        leaves += reader.body(content.tree, content.content)
    return leaves


def _texts(leaves: Iterable[ObservedValue]) -> list[str]:
    """Return the texts that are hidden."""
    return [
        text
        for leaf in leaves
        if leaf.hidden
        for text in (leaf.value, *leaf.secrets)
        if isinstance(text, str)
    ]


def _seal_framing(name: str, value: str, secrets: list[str], scrubber: Scrubber) -> str:
    """Seal a header that is about the message: it holds no secret unless by mistake."""
    if name not in NO_RECORD:
        return value
    return scrubber.text(scrubber.host(value) if name == "host" else value, secrets)


def _is_coded(request: Request) -> bool:
    coding = (request.header("content-encoding") or "identity").strip().lower()
    return coding != "identity"


def _marker(leaf: ObservedValue, fingerprinter: Fingerprinter) -> Marker:
    marker = fingerprinter.mark(leaf.concept, leaf.value, leaf.flags)
    if not leaf.inner:
        return marker
    kept = (
        Inner(
            one.at[len(leaf.at) + 1 :],
            one.generic[len(leaf.generic) + 1 :],
            str(_marker(one, fingerprinter)) if one.hidden else one.value,
        )
        for one in leaf.inner
    )
    return replace(marker, inside=pack(kept))


def _seal_header_values(
    headers: Headers, leaves: list[ObservedValue], fingerprinter: Fingerprinter
) -> Headers:
    if not leaves:
        return headers
    sealed = list(headers)
    by_index: dict[int, list[_Edit]] = {}
    for leaf in leaves:
        spot = _spot(leaf)
        text = str(_marker(leaf, fingerprinter))
        end = len(headers[spot.index][1]) if spot.end is None else spot.end
        # What is in pieces is a whole header, so that they are counted from its start.
        start, end = spot.piece or (spot.start, end)
        edit = _Edit(start, end, f'"{text}"' if spot.bare else text)
        by_index.setdefault(spot.index, []).append(edit)
    for index, edits in by_index.items():
        name, value = headers[index]
        sealed[index] = (name, _apply(value, edits))
    return tuple(sealed)


def _spot(leaf: ObservedValue) -> ValueLocation:
    if leaf.spot is None:
        raise ValueError("only a value with a position can be redacted")
    return leaf.spot


def _seal_query(target: str, leaves: list[ObservedValue], fingerprinter: Fingerprinter) -> str:
    """Seal values of path and query, or of a form; a query in a value is sealed by its pieces."""
    if not leaves:
        return target
    edits = []
    pieces: dict[tuple[int, int], list[ObservedValue]] = {}
    for leaf in leaves:
        spot = _spot(leaf)
        end = spot.start if spot.end is None else spot.end
        if spot.piece is None:
            edits.append(_Edit(spot.start, end, str(_marker(leaf, fingerprinter))))
        else:
            pieces.setdefault((spot.start, end), []).append(leaf)
    for (start, end), inside in pieces.items():
        whole = inside[0].parent
        decoded = whole.whole if whole is not None else ""
        text = _apply(decoded, _inside(inside, fingerprinter))
        edits.append(_Edit(start, end, quote(text, safe="/:?=@<> ._~-!$'()*,;", errors="replace")))
    return _apply(target, edits)


def _inside(leaves: list[ObservedValue], fingerprinter: Fingerprinter) -> list[_Edit]:
    """Return the edits for pieces of one decoded value."""
    return [
        _Edit(*piece, str(_marker(leaf, fingerprinter)))
        for leaf in leaves
        if (piece := _spot(leaf).piece) is not None
    ]


def _sealing_json(
    body: bytes, leaves: list[ObservedValue], fingerprinter: Fingerprinter
) -> Steps[bytes]:
    text = body.decode()
    spans = value_spans(text)
    edits = []
    offsets: dict[int, list[int]] = {}
    for number, leaf in enumerate(leaves, 1):
        if not number % _PIECE:
            yield
        spot = _spot(leaf)
        start, end = spans[spot.index]
        marker = str(_marker(leaf, fingerprinter))
        if spot.piece is None:
            edits.append(_Edit(start, end, f'"{marker}"'))
        else:
            if start not in offsets:
                offsets[start] = character_offsets(text, start, end)
            first, last = (offsets[start][place] for place in spot.piece)
            edits.append(_Edit(first, last, marker))
    return _apply(text, edits).encode()


def _seal_plist(tree: Any, leaves: list[ObservedValue], fingerprinter: Fingerprinter) -> bytes:
    """Write a property list anew with markers: as XML, or binary where XML cannot hold its texts.

    No position of it is kept: it may be in base64, or binary.
    """
    hidden: dict[int, list[ObservedValue]] = {}
    for leaf in leaves:
        hidden.setdefault(_spot(leaf).index, []).append(leaf)
    numbers = count()

    def written(node: Any) -> Any:
        if isinstance(node, dict) and node:
            return {key: written(value) for key, value in node.items()}
        if isinstance(node, list) and node:
            return [written(value) for value in node]
        inside = hidden.get(next(numbers), [])
        if any(_spot(leaf).piece is None for leaf in inside):
            return str(_marker(inside[0], fingerprinter))
        return _apply(node, _inside(inside, fingerprinter)) if inside else node

    sealed = written(tree)
    with suppress(ValueError):
        xml = plistlib.dumps(sealed, sort_keys=False)
        if plistlib.loads(xml) == sealed:  # else it holds line breaks that XML makes others of
            return xml
    return plistlib.dumps(sealed, fmt=plistlib.FMT_BINARY, sort_keys=False)


def value_spans(text: str) -> list[tuple[int, int]]:
    """Return where each value stands that holds no other, in order, in a JSON *text*.

    These are strings, numbers, ``true``, ``false``, ``null`` and empty
    containers; keys are none.
    """
    return [
        match.span()
        for match in _VALUE.finditer(text)
        if not (match[0][0] == '"' and _KEY.match(text, match.end()))
    ]


def character_offsets(text: str, start: int, end: int) -> list[int]:
    """Return where each character of the JSON string at *start* is written, and where it ends."""
    inner = _CHARACTER.finditer(text, start + 1, end - 1)
    return [match.start() for match in inner] + [end - 1]


def seal_answer_headers(
    headers: Headers, plan: ObservationPlan, fingerprinter: Fingerprinter
) -> Headers:
    """Seal the header fields of an answer: its session tokens."""
    sealed = []
    for name, value in headers:
        concept = plan.sealed_headers.get(name.lower())
        if concept is not None and value:
            sealed.append((name, fingerprinter.text(concept, value)))
        else:
            sealed.append((name, value))
    return tuple(sealed)


def sealing_answer(
    body: bytes,
    plans: Plans,
    plan: ObservationPlan,
    fingerprinter: Fingerprinter,
    scrubber: Scrubber,
) -> Steps[bytes]:
    """Seal the body of an answer: its secrets, and the queries of its URLs."""
    try:
        # Ours says no key twice: it needs no reader that keeps duplicates, which is much slower.
        tree: Any = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return scrubber.body(body)
    found = yield from resolving(Reader(plans, plan, sealed=False).body(tree), flagged=False)
    yield
    leaves = [leaf for leaf in found if leaf.hidden and leaf.spot is not None and not leaf.inside]
    return (yield from _sealing_json(body, leaves, fingerprinter)) if leaves else body
