"""Which hashes an earlier report checked, so that the next one need not if nobody wrote since.

``ledger.checked`` says, bound to the data directory by its key, up to which exchange all hashes
were right, and how the database's files were at that time. See `file_state` for what that proves.
"""

from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from simulator.core.clock import Clock
from simulator.core.data_directory import CHECKED
from simulator.core.files import PRIVATE, write_file
from simulator.core.sealed_file import seal, unseal
from simulator.journal.chain import Chain
from simulator.store.file_state import FileState
from simulator.store.opening import file_state

LONGEST_MS = 24 * 3_600_000
"""How long it counts: what ails a disk changes no times of files."""
_MS_NS = 1_000_000


class CheckedPart(Struct, frozen=True):
    """A part of a journal all of whose hashes were right."""

    checked: int
    first: int
    seq: int
    """Number of the last exchange."""
    link: bytes
    """Of that exchange."""

    @classmethod
    def by(cls, chain: Chain) -> "CheckedPart":
        """Return what *chain* has looked at, and found all well."""
        return cls(chain.checked, chain.first, chain.seq, chain.link)


class _Note(Struct, frozen=True):
    part: CheckedPart
    files: FileState
    at_ms: int


class CheckedHashes(Struct, frozen=True):
    """The note of one data directory, and the database's files as they were at first."""

    path: Path
    key: bytes
    place: Path | str
    """Of the database."""
    files: FileState | None
    now_ms: int

    @classmethod
    def begin(cls, data: Path, key: bytes, place: Path | str) -> "CheckedHashes":
        """Look at the files, before the moment of the database begins that is going to be read."""
        return cls(data / CHECKED, key, place, file_state(place), Clock().now_ms())

    def chain(self, seq: int, link: bytes) -> Chain | None:
        """Return a chain that is known to be right up to exchange *seq* with *link*.

        None if that was never found, or not of the files as they were at first and still are, or
        too long ago.
        """
        note = self._read()
        if note is None or (note.part.seq, note.part.link) != (seq, link):
            return None
        if not note.files == self.files == file_state(self.place):
            return None
        if not 0 <= self.now_ms - note.at_ms <= LONGEST_MS:
            return None
        chain = Chain()
        chain.joined(note.part.checked, note.part.first, seq, link)
        chain.earlier, chain.earlier_ms = note.part.checked, note.at_ms
        return chain

    def write(self, part: CheckedPart) -> None:
        """Note that all hashes of *part* were read since `begin`, and are right.

        Nothing is noted if the files were written meanwhile, or so lately that one could not tell.
        """
        files = self.files
        if files is None or not files.is_settled(self.now_ms * _MS_NS) or not part.link:
            return
        if file_state(self.place) != files:
            return
        content = msgspec.msgpack.encode(_Note(part, files, self.now_ms))
        with suppress(OSError):  # a directory that cannot be written is checked each time
            write_file(self.path, seal(self.key, CHECKED, (content,)) + content, PRIVATE)

    def _read(self) -> _Note | None:
        with suppress(OSError, msgspec.DecodeError, UnicodeDecodeError):
            content = unseal(self.key, CHECKED, memoryview(self.path.read_bytes()))
            return msgspec.msgpack.decode(content, type=_Note) if content else None
        return None
