"""Text as PostgreSQL keeps it: any text of Python's but half surrogates, in order of code points.

PostgreSQL has no NUL in its text, and nothing that is above all text. So three characters
at either end are written as two. That keeps the order, and what is a prefix stays one.
"""

import re

from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format

_LOW, _HIGH = "\x01", "\U0010fffe"
_WRITTEN = {
    "\x00": f"{_LOW}\x01",
    _LOW: f"{_LOW}\x02",
    _HIGH: f"{_HIGH}{_HIGH}",
    "\U0010ffff": f"{_HIGH}\U0010ffff",
}
_READ = {stored: text for text, stored in _WRITTEN.items()}
_SPECIAL = re.compile("[\x00\x01\U0010fffe\U0010ffff]")
_WRITTEN_PAIR = re.compile(f"{_LOW}.|{_HIGH}.", re.DOTALL)
_TEXT = 25
"""PostgreSQL's number of the type ``text``."""


def written(text: str) -> str:
    """Return *text* as it is stored."""
    return _SPECIAL.sub(lambda found: _WRITTEN[found[0]], text) if _SPECIAL.search(text) else text


def read(text: str) -> str:
    """Return what `written` was given."""
    if _LOW in text or _HIGH in text:
        return _WRITTEN_PAIR.sub(lambda found: _READ.get(found[0], found[0]), text)
    return text


class Above:
    """Stands for what is above all text."""


class _TextDumper(Dumper):
    oid = _TEXT

    def dump(self, obj: str) -> Buffer:
        """Return *obj* as it is stored; UnicodeEncodeError if it holds half a surrogate pair."""
        return written(obj).encode()


class _AboveDumper(Dumper):
    oid = _TEXT

    def dump(self, obj: Above) -> Buffer:  # noqa: ARG002 (there is one only)
        return "\U0010ffff".encode()


class _TextLoader(Loader):
    def load(self, data: Buffer) -> str:
        """Return what `_TextDumper` was given."""
        return read(str(data, "utf-8"))


class _BinaryTextLoader(_TextLoader):
    format = Format.BINARY


def register(context: AdaptContext) -> None:
    """Have a connection write and read text so."""
    adapters = context.adapters
    if adapters is None:
        raise TypeError("text is written so by a connection")
    adapters.register_dumper(str, _TextDumper)
    adapters.register_dumper(Above, _AboveDumper)
    for loader in (_TextLoader, _BinaryTextLoader):
        adapters.register_loader("text", loader)
