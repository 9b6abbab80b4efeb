"""Encodings: what bytes may say once they are decoded, so that a secret in them can be found.

The decoders know no structure: each undoes its encoding wherever that could be one, in
a time that grows with the bytes and not with how deeply they are encoded.
"""

import binascii
import re
from collections.abc import Iterable, Iterator
from html.entities import html5
from urllib.parse import unquote_to_bytes

DEPTH = 2
"""How often base64, base32 and hexadecimal are undone within each other."""
_ROUNDS = 4
"""How often escapes are undone within each other."""
CLASSES = bytes(
    b"a"[0] if chr(byte).isascii() and chr(byte).isalnum() else b"%"[0] if byte in b"%\\&" else byte
    for byte in range(256)
)
"""What `bytes.translate` makes letters and digits all one, and what begins an escape another."""
_LONG = 20
"""Letters and digits in a row that a secret of 15 bytes has in base64.

Of the other characters of base64, and of those of its form for URLs, text has
none that holds no ``>``, ``?`` or ``~``.
"""
RUN = b"a" * _LONG
"""Such a run, as `CLASSES` gives it."""
_LETTER = re.compile(rb"[0-9A-Za-z+/_-]")
_LETTERS = bytes(b"a"[0] if _LETTER.match(bytes((byte,))) else b"."[0] for byte in range(256))
"""What `bytes.translate` makes the letters of base64 and of its form for URLs all one."""
_LONGEST_NUMBER = 40
_NOTHING = b" "
_LARGE, _SAMPLE = 65_536, 4096
"""Bytes of a text that repeats its names, and of its start that says which."""
_STANDARD = bytes.maketrans(b"-_", b"+/")
_HEX = re.compile(rb"[0-9A-Fa-f]{%d,}" % _LONG)
_BASE32 = re.compile(rb"[2-7A-Z]{24,}|[2-7a-z]{24,}")
_AS_DIGITS = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz234567",
    b"0123456789abcdefghijklmnop0123456789abcdefghijklmnopqrstuv",
)
"""What turns base32 into a number as `int` reads it."""
_PRINTED = bytes(b"a"[0] if b"!"[0] <= byte <= b"~"[0] else byte for byte in range(256))
_TEXTS = (b"a" * 12, b"a\0" * 8, b"\0a" * 8)
"""What is decoded and holds none of them, once all that is printed is the same, says nothing."""
_ESCAPE = re.compile(rb"\\(?:(?:u00|x|u\{0*|U0{6})([0-9A-Fa-f]{2})\}?|([0-3][0-7]{2})|([/\\]))")
"""Of JSON, JavaScript, Python and C."""
_ENTITY = re.compile(rb"&(?:#0*([0-9]{1,3})|#[xX]0*([0-9A-Fa-f]{2})|(amp|lt|gt|quot|apos));")
_MORE_WRAPPED = rb"(?:\\[rn]|[\r\n])*[ \t]*"
# Each branch begins with one character, which the matcher looks for at four times the speed.
_WRAPPED = re.compile(rb"\r%b|\n%b|\\[rn]%b" % (_MORE_WRAPPED, _MORE_WRAPPED, _MORE_WRAPPED))
_HIGHEST = 255
_NULS = 8
_END = b"/"
"""Stands between pieces of base64; it decodes to bytes that are no text."""


def is_encoded(data: bytes) -> bool:
    """Tell at a glance whether *data* may hold text in another encoding."""
    classes = data.translate(CLASSES)
    return b"%" in classes or RUN in classes or classes.count(b"\0") > _NULS


def _run_spans(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield start and end of what may be base64: each whole run of its letters.

    They are rare in most of what is looked at, so they are looked for, not the text between.
    """
    letters, end = data.translate(_LETTERS), 0
    while (start := letters.find(RUN, end)) >= 0:
        end = letters.find(b".", start + _LONG)
        if end < 0:
            end = len(data)
        yield start, end


def long_runs(data: bytes) -> list[bytes]:
    """Return the runs of letters of base64 that are long enough for a secret."""
    return [data[start:end] for start, end in _run_spans(data)]


class LongNames:
    """Names that look like base64 and encode no secret of ours, such as those of commands."""

    def __init__(self, names: Iterable[bytes]) -> None:
        self._names = sorted(names, key=len, reverse=True)
        self._heads = frozenset(name[:_LONG] for name in self._names)

    def left_out(self, run: bytes) -> bytes:
        """Return *run* with a space for each of the names, of two that overlap the longer."""
        starts = range(len(run) - _LONG + 1)
        # Most runs are ids, and there are hundreds of names: none of them begins in there.
        if self._heads.isdisjoint(run[at : at + _LONG] for at in starts):
            return run
        for name in self._names:
            run = run.replace(name, _NOTHING)
        return run


def without_names(data: bytes, names: LongNames) -> bytes:
    """Return *data* with a space for what looks like base64 and encodes no secret of ours.

    That is a number such as an EID, and each of *names*, which are long runs.
    """
    # A page has the names of its first rows in all others: each goes at one stroke.
    for run in set(long_runs(data[:_SAMPLE])) if len(data) > _LARGE else ():
        if names.left_out(run) == _NOTHING:
            data = data.replace(run, _NOTHING)
    pieces: list[bytes] = []
    at = 0
    known: dict[bytes, bytes] = {}
    for start, end in _run_spans(data):
        run = data[start:end]
        if run.isdigit():
            is_number = (
                len(run) <= _LONGEST_NUMBER
                and data[start - 1 : start] != b"%"
                and data[end : end + 1] not in {b"%", b"="}
            )
            left = _NOTHING if is_number else run
        elif run in known:
            left = known[run]
        else:
            left = known[run] = names.left_out(run)
        if left != run:
            pieces += (data[at:start], left)
            at = end
    return b"".join((*pieces, data[at:])) if pieces else data


def decodings(data: bytes, depth: int = DEPTH, *, joined: bool = True) -> Iterator[bytes]:
    """Yield what *data* may say; it never yields *data* itself.

    With *joined*, also without its line breaks, as base64 may be broken into lines.
    """
    plain = data
    for _ in range(_ROUNDS):
        before = plain
        for decode in _DECODERS if joined else _DECODERS[:-1]:
            decoded = decode(plain)
            if decoded != plain:
                plain = decoded
                yield plain
        if plain == before:
            break
    runs = long_runs(plain)
    if not runs:
        return
    together = b"\n".join(runs)
    yield together.lower()
    yield together.upper()
    for decoded in _said(runs, together):
        yield decoded
        if depth > 1 and is_encoded(decoded):
            yield from decodings(decoded, depth - 1, joined=joined)


def _unquoted(data: bytes) -> bytes:
    return unquote_to_bytes(data) if b"%" in data else data


def _unescaped(data: bytes) -> bytes:
    data = data.replace(b"%u", b"\\u")  # JavaScript's escape()
    return _ESCAPE.sub(_character, data) if b"\\" in data else data


def _character(match: re.Match[bytes]) -> bytes:
    if match[3]:
        return match[3]
    return bytes((int(match[1], 16) if match[1] else int(match[2], 8),))


def _without_entities(data: bytes) -> bytes:
    return _ENTITY.sub(_entity, data) if b"&" in data else data


def _entity(match: re.Match[bytes]) -> bytes:
    if match[3]:
        return html5[f"{match[3].decode()};"].encode()
    number = int(match[1]) if match[1] else int(match[2], 16)
    return bytes((number,)) if number <= _HIGHEST else match[0]


def _narrow(data: bytes) -> bytes:
    """Return UTF-16 and UTF-32 of ASCII as that."""
    return data.replace(b"\0", b"") if data.count(b"\0") > _NULS else data


def _unwrapped(data: bytes) -> bytes:
    """Return base64 of several lines as one."""
    return _WRAPPED.sub(b"", data) if b"\n" in data or b"\\" in data else data


_DECODERS = (_unquoted, _unescaped, _without_entities, _narrow, _unwrapped)


def _said(runs: list[bytes], together: bytes) -> Iterator[bytes]:
    """Yield what long runs of these letters say in base64, base16 or base32, if it is text."""
    for offset in range(4):
        decoded = binascii.a2b_base64(b"".join([_padded(run[offset:]) for run in runs]))
        if _is_text(decoded):
            yield decoded
    digits = _HEX.findall(together)
    for offset in range(2 if digits else 0):
        even = [run[offset : len(run) - (len(run) - offset) % 2] for run in digits]
        decoded = binascii.unhexlify(b"ff".join(even))
        if _is_text(decoded):
            yield decoded
    words = _BASE32.findall(together)
    numbers = [(int(word.translate(_AS_DIGITS), 32), len(word) * 5 // 8 + 1) for word in words]
    for bits in range(8 if numbers else 0):
        decoded = b"/".join([(one >> bits).to_bytes(size) for one, size in numbers])
        if _is_text(decoded):
            yield decoded


def _is_text(data: bytes) -> bool:
    printed = data.translate(_PRINTED)
    return any(one in printed for one in _TEXTS)


def _padded(run: bytes) -> bytes:
    return run.translate(_STANDARD) + _END * (4 + -len(run) % 4)
