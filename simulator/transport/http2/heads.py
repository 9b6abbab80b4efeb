"""The heads of one connection's requests: what a header block says, read once for all like it.

Clients repeat all of a block but the path. As long as no block changes the dynamic table, the
same bytes say the same, so of a block that differs from the last one in the path only, only the
path is read; and each path once.
"""

from typing import NamedTuple

from simulator.core.memo import DEVICES, RepeatMemo
from simulator.transport.http2 import fields
from simulator.transport.http2.fields import RequestFields
from simulator.transport.http2.hpack import Decoder

_LONGEST = 512
"""Bytes of a path that is kept, as it was sent."""
_paths: RepeatMemo[bytes, tuple[str, int]] = RepeatMemo(DEVICES)
"""Paths of all connections and their bytes by their literals.

These name the static table: they say the same to everybody.
"""


class _Repeated(NamedTuple):
    """A block without its path."""

    before: bytes
    after: bytes
    head: RequestFields
    """Its size is that without the path."""
    changes: int
    """How often the table had changed by then."""


class Heads:
    """Reads the heads of one connection, in the order in which they come."""

    __slots__ = ("_decoder", "_repeated")

    def __init__(self, decoder: Decoder) -> None:
        """Read by *decoder*, which is also given the blocks that are no heads."""
        self._decoder = decoder
        self._repeated: _Repeated | None = None

    def read(self, block: bytes) -> RequestFields:
        """Return what *block* says; ConnectionFailedError if it cannot be decoded."""
        repeated, decoder = self._repeated, self._decoder
        if repeated is not None and repeated.changes == decoder.changes:
            before, after, head, _ = repeated
            end = len(block) - len(after)
            if block.startswith(before) and block.endswith(after):
                path = _paths.get(block[len(before) : end])
                if path is not None:
                    target, bytes_of_path = path
                    method, _, headers, length, size, _ = head
                    return RequestFields(method, target, headers, length, size + bytes_of_path, "")
        said = decoder.decode(block)
        head = fields.read_head(said)
        if decoder.path is not None and not head.malformed and head.size <= fields.REPEATED:
            raw = next(value for name, value, _ in said if name == b":path")
            self._keep(block, *decoder.path, head, len(raw))
        return head

    def _keep(self, block: bytes, start: int, end: int, head: RequestFields, size: int) -> None:
        if end - start > _LONGEST or head.target[:1] != "/":
            return
        _paths.keep(block[start:end], (head.target, size))
        head = head._replace(size=head.size - size)
        self._repeated = _Repeated(block[:start], block[end:], head, self._decoder.changes)
