"""Bytes to trees: JSON that keeps duplicate keys and order, queries, content codings.

Rule: nothing here judges; it says what stands on the wire, or that it cannot be read.
"""

import json
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote_plus

from msgspec import Struct

from simulator.core.messages import Request

MAX_DEPTH = 64
"""Deepest nesting of a JSON body that is read."""
_CODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""Content codings that are read, with zlib's window bits."""


class JsonObject(dict[str, Any]):
    """A JSON object in which a key stood more than once; as a dict it holds the last of each."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


def pairs_of(node: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield all pairs of a decoded object, duplicates included, in the order on the wire."""
    yield from node.pairs if isinstance(node, JsonObject) else node.items()


class QueryPair(Struct, frozen=True):
    """One pair of a query: decoded, and where it stands in the target."""

    name: str
    value: str
    start: int
    """Offset of the raw value in the request target."""
    end: int


class Decoded(Struct, frozen=True):
    """What could be read of a request's body."""

    content: bytes
    """The body without its content coding; the body itself where that could not be undone."""
    tree: Any = None
    problem: str = ""
    """Rule that the body breaks (``body-malformed``, ``content-encoding``, ``body-too-large``)."""
    about: str = ""
    """The problem in a sentence."""
    coded: bool = False
    """Whether a content coding was undone."""
    checked: Any = None
    """What `validation.body_checker` found of it beforehand, if so."""
    checked_version: int = -1
    """The protocol version which that is for."""

    @property
    def readable(self) -> bool:
        """Whether there is a tree."""
        return bool(self.content) and not self.problem


def query_pairs(target: str) -> list[QueryPair]:
    """Return the query pairs of a request *target* in order, duplicates and blanks kept."""
    path, mark, query = target.partition("?")
    return urlencoded_pairs(query, len(path) + 1) if mark else []


def urlencoded_pairs(query: str, offset: int) -> list[QueryPair]:
    """Return the pairs of a *query* or form that stands at *offset*."""
    pairs = []
    for raw in query.split("&"):
        name, equals, value = raw.partition("=")
        start = offset + len(name) + len(equals)
        if raw:
            pairs.append(
                QueryPair(unquote_plus(name), unquote_plus(value), start, start + len(value))
            )
        offset += len(raw) + 1
    return pairs


def decode(request: Request, limit: int, read: Callable[[bytes], Any] | None = None) -> Decoded:
    """Read the body of *request*, after undoing its content coding up to *limit* bytes.

    *read* returns the tree of a body or raises ValueError; None reads JSON.
    """
    read = read or parse_json
    body = request.body
    if not body:
        return Decoded(b"")
    coding = _coding(request)
    if coding != "identity":
        undone = _undo(body, coding, limit)
        if isinstance(undone, Decoded):
            return undone
        return _read(undone, read, coded=True)
    return _read(body, read, coded=False)


def unpacks_to_more(request: Request, limit: int) -> bool:
    """Tell whether the body of *request* is over *limit* bytes without its content coding."""
    undone = _undo(request.body, _coding(request), limit)
    return isinstance(undone, Decoded) and undone.problem == "body-too-large"


def _coding(request: Request) -> str:
    return (request.header("content-encoding") or "identity").strip().lower()


def _undo(body: bytes, coding: str, limit: int) -> bytes | Decoded:
    if coding not in _CODINGS:
        about = "the content coding is not known: send identity or gzip"
        return Decoded(body, problem="content-encoding", about=about)
    inflater = zlib.decompressobj(_CODINGS[coding])
    try:
        content = inflater.decompress(body, limit + 1)
    except zlib.error:
        about = f"the body is not {coding}, as its Content-Encoding says"
        return Decoded(body, problem="content-encoding", about=about)
    if len(content) > limit:
        about = f"the body is over {limit} bytes when its content coding is undone"
        return Decoded(body, problem="body-too-large", about=about)
    if not inflater.eof:
        about = f"the {coding} body ends too early"
        return Decoded(body, problem="content-encoding", about=about)
    return content


def _read(content: bytes, read: Callable[[bytes], Any], *, coded: bool) -> Decoded:
    try:
        return Decoded(content, read(content), coded=coded)
    except ValueError as error:
        return Decoded(content, problem="body-malformed", about=str(error), coded=coded)


def parse_json(content: bytes) -> Any:
    """Return the JSON value in *content*; ValueError says why it is none, never with its text."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"the body is not UTF-8 at byte {error.start}") from None
    if text.startswith("\ufeff"):
        raise ValueError("the body starts with a byte order mark, which JSON does not allow")
    try:
        tree = _read_json(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"the body is not JSON: {error.msg} at character {error.pos}") from None
    except ValueError as error:
        if str(error).startswith("the body"):
            raise
        raise ValueError("the body has a number of too many digits") from None
    except RecursionError:
        raise ValueError(f"the body is nested deeper than {MAX_DEPTH} levels") from None
    if text.count("{") + text.count("[") > MAX_DEPTH and _depth(tree) > MAX_DEPTH:
        raise ValueError(f"the body is nested deeper than {MAX_DEPTH} levels")
    if "\\" in text and _SURROGATE.search(text):
        try:
            json.dumps(tree, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("the body escapes half of a surrogate pair") from None
    return tree


def _read_json(text: str) -> Any:
    """Return the JSON value that *text* is, as the decoder does; faster without spaces around."""
    if text[:1] in "{[" and text[-1:] in "}]":
        try:
            tree, end = _SCAN(text, 0)
        except StopIteration:
            pass
        else:
            if end == len(text):
                return tree
    return _DECODER.decode(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    return plain if len(plain) == len(pairs) else JsonObject(pairs)


def _no_constant(name: str) -> Any:
    raise ValueError(f"the body is not JSON: {name} is no JSON number")


def _depth(tree: Any) -> int:
    deepest, level = 0, [tree]
    while level:
        deepest += 1
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
    return deepest


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)
_SCAN: Callable[[str, int], tuple[Any, int]] = _DECODER.scan_once  # type: ignore[attr-defined]  # its types leave it out
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
