"""Decoders: what stands inside a value, as values of their own."""

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote_plus

from msgspec import Struct

from simulator.disclosure.concepts import CONCEPTS, PROTOCOL, QUERY, UNKNOWN
from simulator.disclosure.observe.certificates import csr_names, names_in
from simulator.disclosure.redact.markers import OPENING
from simulator.protocol.wire import pairs_of, parse_json

_URL = re.compile(
    r"((?:[A-Za-z][A-Za-z0-9+.-]*://)?)(?:(?<=//)([^/?#]*)@)?([^?#]*)(?:\?([^#]*))?(?:#(.*))?",
    re.DOTALL,
)
_SECRET_SEGMENT = re.compile(
    r"(?<=/)(?:<sealed [^/]*"
    r"|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
    r"|(?=[^/]*[0-9])(?=[^/]*[A-Za-z])[0-9A-Za-z_~-]{20,})(?=/|\Z)"
)
"""A segment of a URL's path that lets in whoever knows it, by the look of it; or its marker."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,30}://")
_CREDENTIAL = re.compile(r"\s*[A-Za-z][A-Za-z0-9_-]*[ \t]+(\S.*)", re.DOTALL)


class Piece(Struct, frozen=True):
    """One part of a value."""

    at: str
    """What its place adds to the place of the whole."""
    value: str
    via: str
    concept: str = ""
    start: int = 0
    """Offset in the whole."""
    end: int = 0


def pieces_of_url(concept: str, value: str) -> list[Piece] | None:
    """Split a URL: first the URL without user, query and fragment, then each of those.

    A value of a concept that is a URL is always split; one of unknown meaning
    if it looks like a URL. None: it is not split.
    """
    query_concept = concept + QUERY
    if query_concept not in CONCEPTS:
        return None
    if concept == UNKNOWN and not _SCHEME.match(value):
        return None
    match = _URL.fullmatch(value)
    if match is None:
        return None
    scheme, user, rest, query, fragment = match.groups()
    secrets = [] if concept == UNKNOWN else list(_SECRET_SEGMENT.finditer(rest))
    bare = _without(rest, secrets)
    if OPENING in bare or scheme + bare == value:
        return None
    pieces = [Piece("", scheme + bare, "")]
    if user:
        start = match.start(2)
        pieces.append(
            Piece("@userinfo", user, "url-userinfo", query_concept, start, start + len(user))
        )
    for one in secrets:
        start, end = (match.start(3) + offset for offset in one.span())
        pieces.append(Piece("/*", one[0], "url-path", query_concept, start, end))
    if query:
        pieces += _query(query, match.start(4), query_concept)
    if fragment:
        start = match.start(5)
        pieces.append(
            Piece("#fragment", fragment, "url-fragment", query_concept, start, len(value))
        )
    return pieces


def _without(path: str, secrets: Iterable[re.Match[str]]) -> str:
    """Return *path* with a star in place of each of *secrets*."""
    parts, at = [], 0
    for one in secrets:
        parts += [path[at : one.start()], "*"]
        at = one.end()
    return "".join((*parts, path[at:]))


def _query(query: str, offset: int, concept: str) -> Iterator[Piece]:
    """Yield the pairs of a query; a part without ``=`` is a value without a name."""
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        start = offset + (len(name) + 1 if equals else 0)
        end = offset + len(part)
        if part:
            at = f"?{unquote_plus(name)}" if equals else "?"
            yield Piece(at, value if equals else part, "url-query", concept, start, end)
        offset += len(part) + 1


def cookies(value: str) -> Iterator[tuple[str, str, int, int]]:
    """Yield name, value, start and end of each cookie; one without ``=`` has no name."""
    offset = 0
    for part in value.split(";"):
        name, equals, text = part.partition("=")
        if not equals:
            name, text = "", part
        start = offset + len(part) - len(text.lstrip())
        if part.strip():
            yield name.strip(), text.strip(), start, start + len(text.strip())
        offset += len(part) + 1


def credential_of(value: str) -> tuple[str, int]:
    """Return the credential of an Authorization header behind its scheme, and its offset."""
    match = None if value.startswith(OPENING) else _CREDENTIAL.fullmatch(value)
    return (match[1], match.start(1)) if match else (value, 0)


_CONTEXT = {"hostname": "server.hostname", "guid": "server.install_guid", "ac2": PROTOCOL}
"""Concept by the keys that clients keep in a JSON text of their own, by Apple's advice."""


def children(decode: str, value: str) -> Iterable[Piece]:
    """Return the values inside *value*; none where the decoder cannot read it."""
    if decode == "json":
        return _json_pieces(value)
    if decode == "csr":
        return [Piece(f"#/{at}", text, "csr", concept) for at, text, concept in csr_names(value)]
    names = names_in(value) if decode == "x509" else None
    return [Piece(f"#/{at}", text, "x509") for at, text in names or ()]


def _json_pieces(value: str) -> Iterator[Piece]:
    """Yield the values of a JSON object that was sent as text; what is nested stays together."""
    try:
        tree = parse_json(value.encode())
    except ValueError:
        return
    for key, child in pairs_of(tree) if isinstance(tree, dict) else ():
        step = key.replace("~", "~0").replace("/", "~1")
        text = child if isinstance(child, str) else json.dumps(child, separators=(",", ":"))
        yield Piece(f"#/{step}", text, "json", _CONTEXT.get(key, ""))
