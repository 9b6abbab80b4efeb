"""Spools: bytes that are written once and read many times, in a temporary file if they are many.

The file has no name any more, so it goes with the process. What of it is in memory the system
can take away at any time.
"""

import mmap
import tempfile
from array import array
from typing import IO

from simulator.core.memory_spool import MemorySpool
from simulator.core.settings import ConfigurationError
from simulator.core.translation import Translated

_SMALL = 262_144
"""Bytes up to which they stay in memory."""


class FileSpool:
    """Bytes that are written first and then read; ConfigurationError if there is no room."""

    def __init__(self) -> None:
        self._memory = MemorySpool()
        self._file: IO[bytes] | None = None

    def write(self, data: "array[int] | memoryview", /) -> None:
        """Add to the end."""
        if self._file is None and len(self._memory) + memoryview(data).nbytes > _SMALL:
            with _room():
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed once it is mapped)
                self._file.write(self._memory)
        with _room():
            (self._file or self._memory).write(data)

    def getbuffer(self) -> memoryview:
        """Return all that was written; nothing can be added then."""
        if self._file is None:
            return self._memory.getbuffer()
        with _room(), self._file as file:
            file.flush()
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _room() -> Translated[OSError]:
    return Translated(OSError, _no_room)


def _no_room(error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"temporary files cannot be written ({error.strerror}): make room, or set TMPDIR"
    )
