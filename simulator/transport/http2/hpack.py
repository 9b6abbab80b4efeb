"""HPACK: header blocks to fields by jh2's compiled decoder, fields to blocks by ourselves.

The one place that imports jh2. Its compiled decoder is not under a public name:
`jh2.hpack`, like the package hpack, does the same in Python and takes eight times
as long (37 us for the head of a push), and no other kept package has a compiled
one. So its versions are bounded in pyproject.toml, and tests hold it against hpack.
It overlooks a few broken blocks, and panics over some; `_walk` and `_padded` find
those.

What we send leaves the dynamic table alone: the table holds little that an
answer repeats, and so no answer depends on an earlier one.
"""

from jh2._hazmat import (  # type: ignore[import-untyped]  # it has stubs, but does not say so
    Decoder as _Decoder,
)
from jh2._hazmat import Encoder as _Encoder
from jh2._hazmat import HPACKError, OversizedHeaderListError

from simulator.transport.http2.frames import Code, ConnectionFailedError

Fields = list[tuple[bytes, bytes, bool]]
"""Name, value, and whether the client wants it never to be indexed."""

NO_TABLE = b"\x20"
"""A size update to 0, for the first block: the peer may forget about our dynamic table."""
_INDEXED = 0x80
"""This bit and above: an indexed field (RFC 7541, 6.1); below it, by the next bits, the others."""
_INCREMENTAL = 0x40
_SIZE_UPDATE = 0x20
_FULL_INDEX, _FULL_SIZE_UPDATE = 0xFF, 0x3F
"""First bytes whose integer goes on in the next."""
_MORE = 0x80
"""Set in each byte of an integer but the last."""
_FULL_LENGTH = 0x7F
_HUFFMAN = 0x80
"""Set in the first byte of a string that is Huffman coded."""
_VALUE, _BOTH = (1,), (0, 1)
"""Which strings a literal has: its value, or its name too."""
_PATH = (0x04, 0x14)
"""First bytes of literals of ``:path``, named by the static table, that are not to be indexed."""
_BYTE = 8
_INTEGER_BYTES = 4
"""Longest continuation of an integer; nothing that fits into a header block needs more."""
_STATUS = {200: b"\x88", 204: b"\x89", 206: b"\x8a", 304: b"\x8b", 400: b"\x8c", 404: b"\x8d"}
_STATUS[500] = b"\x8e"
_STATIC_NAMES = {
    "allow": 22,
    "cache-control": 24,
    "content-encoding": 26,
    "content-language": 27,
    "content-length": 28,
    "content-type": 31,
    "date": 33,
    "etag": 34,
    "expires": 36,
    "last-modified": 44,
    "link": 45,
    "location": 46,
    "retry-after": 53,
    "server": 54,
    "set-cookie": 55,
    "vary": 59,
    "www-authenticate": 61,
}
"""Names of answers in the static table (RFC 7541, appendix A)."""


def _code_length(byte: int) -> int:
    """Return how many bits the Huffman code of *byte* has: as many as eight of it take bytes."""
    literal: bytes = _Encoder().add((b"a", bytes((byte,)) * _BYTE), True, True)
    return len(literal) - len(b"\x10\x81a\x00")


_CODE_LENGTHS = bytes(map(_code_length, range(256)))


class Decoder:
    """Decodes the header blocks of one connection, in the order in which they come."""

    __slots__ = ("_decoder", "changes", "path")

    def __init__(self, list_limit: int) -> None:
        """Give up on blocks whose fields take more than *list_limit* bytes."""
        self._decoder = _Decoder(list_limit)
        self.changes = 0
        """Blocks so far that may have changed the dynamic table."""
        self.path: tuple[int, int] | None = None
        """Where the last block has its one literal of ``:path``; None if it changes the table."""

    def decode(self, block: bytes) -> Fields:
        """Return the fields of *block*, or raise ConnectionFailedError."""
        huffman, self.path, changes = _walk(block)
        self.changes += changes
        try:
            fields: Fields = self._decoder.decode(block, True)
        except OversizedHeaderListError as error:
            about = "the header fields are far larger than the settings allow"
            raise ConnectionFailedError(Code.ENHANCE_YOUR_CALM, about) from error
        except HPACKError as error:
            raise _broken() from error
        for field, whole, size, last in huffman:
            name, value, _ = fields[field]
            if not _padded(value if whole else name, size, last):
                raise _broken()
        return fields


def _broken() -> ConnectionFailedError:
    return ConnectionFailedError(Code.COMPRESSION_ERROR, "a header block cannot be decoded")


_MOST_UPDATES = 2
_Huffman = tuple[int, int, int, int]
"""A Huffman string: number of its field, whether it is the value, its size and its last byte."""


def _walk(block: bytes) -> tuple[list[_Huffman], tuple[int, int] | None, bool]:
    """Walk over the representations in *block*: none may be cut off, or a late size update.

    There are two of these at most (RFC 7541, 4.2): the decoder takes ever longer with more.

    Return what the decoder does not check, where `Decoder.path` is, and whether the block may
    change the dynamic table.
    """
    huffman: list[_Huffman] = []
    at, end, field, updates = 0, len(block), 0, 0
    path, paths, changes = None, 0, False
    while at < end:
        first = block[at]
        at += 1
        if first >= _INDEXED:
            field += 1
            if first == _FULL_INDEX:
                at = _past_integer(block, at)
        elif _SIZE_UPDATE <= first < _INCREMENTAL:
            updates += 1
            changes = True
            if field or updates > _MOST_UPDATES:
                raise _broken()
            if first == _FULL_SIZE_UPDATE:
                at = _past_integer(block, at)
        else:
            start = at - 1
            at = _literal(block, at, field, huffman)
            field += 1
            if first >= _INCREMENTAL:
                changes = True
            elif first in _PATH:
                path, paths = (start, at), paths + 1
    if at > end:
        raise _broken()
    return huffman, path if paths == 1 and not changes else None, changes


def _literal(block: bytes, at: int, field: int, huffman: list[_Huffman]) -> int:
    """Walk over the literal whose second byte stands *at*; add what is Huffman coded in it."""
    first = block[at - 1]
    full = 0x3F if first >= _INCREMENTAL else 0x0F
    index = first & full
    if index == full:
        at = _past_integer(block, at)
    for part in _VALUE if index else _BOTH:
        coded = at < len(block) and block[at] >= _HUFFMAN
        start, at = _string(block, at)
        if coded and start < at <= len(block):
            huffman.append((field, part, at - start, block[at - 1]))
    return at


def _padded(value: bytes, size: int, last: int) -> bool:
    """Return whether *value* fills *size* bytes of Huffman code but for less than 8 set bits.

    *last* is the last of those bytes.
    """
    spare = 8 * size - sum(value.translate(_CODE_LENGTHS))
    ones = (1 << spare) - 1 if 0 <= spare < _BYTE else -1
    return last & ones == ones


def _past_integer(block: bytes, at: int) -> int:
    """Return where the continuation of an integer that starts *at* ends."""
    for end in range(at, min(at + _INTEGER_BYTES, len(block))):
        if block[end] < _MORE:
            return end + 1
    raise _broken()


def _string(block: bytes, at: int) -> tuple[int, int]:
    """Return where the string whose length stands *at* starts, and where it ends.

    The end may be behind the block.
    """
    if at >= len(block):
        raise _broken()
    size = block[at] & _FULL_LENGTH
    at += 1
    if size == _FULL_LENGTH:
        after = _past_integer(block, at)
        for place, byte in enumerate(block[at:after]):
            size += (byte & _FULL_LENGTH) << (7 * place)
        at = after
    return at, at + size


def integer(value: int, prefix: int, pattern: int = 0) -> bytes:
    """Return *value* with a prefix of so many bits, the bits above it set as in *pattern*."""
    full = (1 << prefix) - 1
    if value < full:
        return bytes((pattern | value,))
    out = bytearray((pattern | full,))
    value -= full
    while value >= _MORE:
        out.append(value & ~_MORE & 0xFF | _MORE)
        value >>= 7
    out.append(value)
    return bytes(out)


def string(value: bytes) -> bytes:
    """Return *value* as a literal, without Huffman coding."""
    return integer(len(value), 7) + value


def status(code: int) -> bytes:
    """Return the field ``:status``."""
    known = _STATUS.get(code)
    if known is None:
        # Literal without indexing, its name that of index 8.
        known = _STATUS[code] = b"\x08" + string(b"%d" % code)
    return known


def name(text: str) -> bytes:
    """Return the start of a literal without indexing, up to its value; *text* is lower case."""
    index = _STATIC_NAMES.get(text)
    return b"\x00" + string(text.encode()) if index is None else integer(index, 4)
