"""File systems of a given size, each in a mount namespace of its own that nobody else sees."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_MOUNT = 'mount -t tmpfs -o "$1,mode=0700" mdmsim "$2" && echo mounted && exec cat'
FILLER = "filler"
"""What takes room, and is not copied."""


@dataclass(frozen=True)
class Room:
    """A file system, mounted at *path* for whatever is run by *command*."""

    path: Path
    keeper: int
    """The process that keeps the namespace."""

    @property
    def command(self) -> tuple[str, ...]:
        """What a command is put behind to run there."""
        return ("nsenter", "--mount", f"--target={self.keeper}", "--")

    def outside(self, path: Path) -> Path:
        """Return where *path* of the room can be read from here."""
        return Path(f"/proc/{self.keeper}/root{path}")

    @contextmanager
    def full(self) -> Iterator[None]:
        """Fill it to the last block, until the block ends."""
        filler = self.outside(self.path) / f"{FILLER}-rest"
        self.fill(filler)
        try:
            yield
        finally:
            filler.unlink()

    def fill(self, filler: Path, leave: int = 0) -> None:
        """Write a file as large as the room is, but for *leave* bytes."""
        with filler.open("wb") as file:
            status = os.statvfs(file.fileno())
            os.posix_fallocate(file.fileno(), 0, max(status.f_bavail * status.f_bsize - leave, 1))

    def copy(self, to: Path) -> Path:
        """Copy what is in it to *to*, and return that."""
        for file in self.outside(self.path).rglob("*"):
            there = to / file.relative_to(self.outside(self.path))
            if file.is_file() and not file.name.startswith(FILLER):
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, there)
        return to


@contextmanager
def room(path: Path, options: str) -> Iterator[Room]:
    """Mount a tmpfs with *options* at *path*; skip the test if this user may not."""
    path.mkdir(parents=True, exist_ok=True)
    unshare = shutil.which("unshare")
    if unshare is None or os.geteuid() != 0:
        pytest.skip("only root may mount a file system, in a namespace that unshare makes")
    command = [unshare, "--mount", "sh", "-c", _MOUNT, "sh", options, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as keeper:
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        try:
            if keeper.stdout.readline() != b"mounted\n":
                pytest.skip("this system lets nobody mount a file system")
            yield Room(path, keeper.pid)
        finally:
            keeper.kill()
