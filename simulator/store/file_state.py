"""What the file system says of a database's files: whether anybody has written to them since.

Whoever writes to a file, replaces it, or sets its times changes its ctime, which nobody can set.
A file whose device, number, length, mtime and ctime are those of before holds what it held, as far
as files are written by way of the system: not if its disk fails, or is written as a disk.
"""

from contextlib import suppress
from pathlib import Path

from msgspec import Struct

STEP_NS = 100_000_000
"""More than the clock of a file system goes on at a time: 10 ms at most."""
COARSE_STEP_NS = 2_500_000_000
"""The same of one that knows whole seconds only, or every other."""
_SECOND_NS = 1_000_000_000

_Times = tuple[int, int, int, int, int]


class FileState(Struct, frozen=True):
    """Device, number, length, mtime and ctime (ns) of the files of a database."""

    database: _Times
    log: _Times | None
    """Of the write-ahead log; None: it is empty, or there is none."""

    def is_settled(self, now_ns: int) -> bool:
        """Tell whether what is written from *now_ns* on gives another ctime than these."""
        ctimes = [one[-1] for one in (self.database, self.log) if one]
        coarse = not all(one % _SECOND_NS for one in ctimes)
        return max(ctimes) + (COARSE_STEP_NS if coarse else STEP_NS) <= now_ns


def state_of(path: Path) -> FileState | None:
    """Return how the files of the database at *path* are now; None if it cannot be told."""
    with suppress(OSError):
        log = path.with_name(f"{path.name}-wal")
        times = _times(log) if log.exists() else None
        return FileState(_times(path), times if times and times[2] else None)
    return None


def _times(path: Path) -> _Times:
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
