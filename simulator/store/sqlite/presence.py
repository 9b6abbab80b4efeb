"""Whether a database is still what its name leads to: SQLite goes on in a file that was deleted."""

import os
from pathlib import Path

from simulator.store.errors import StoreError


class DatabaseFile:
    """The file of a database that is open."""

    def __init__(self, path: Path) -> None:
        """Remember the file at *path*."""
        self._path = path
        # Another kind of descriptor would take SQLite's locks along as it is closed.
        self._descriptor = os.open(path, os.O_PATH) if hasattr(os, "O_PATH") else None

    def check(self) -> None:
        """Raise StoreError if the file was deleted, or replaced: what it holds ends with us."""
        if self._descriptor is None:
            there = self._path.exists()
        else:
            there = os.fstat(self._descriptor).st_nlink > 0
        if not there:
            raise StoreError("its file was deleted or replaced", "gone")

    def close(self) -> None:
        """Let go of it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
