"""Files that are there whole or not at all, whenever the process is killed or the disk is full."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PRIVATE = 0o600
PUBLIC = 0o644
_DEVICES = ("/dev/", "/proc/")


def write_file(path: Path, content: bytes, mode: int) -> None:
    """Write *content* to *path* so that a reader sees all of it or none; *mode* from the start."""
    with replacing(path, mode) as file:
        file.write(content)


@contextmanager
def replacing(path: Path, mode: int | None = None) -> Iterator[IO[bytes]]:
    """Open *path* for writing; what it held stays, unless the block ends without an exception.

    *mode* is as the file had it, or as this process makes files, if not given. What is no file,
    as ``/dev/stdout``, is written as it comes.
    """
    if str(path.absolute()).startswith(_DEVICES) or (path.exists() and not path.is_file()):
        with path.open("wb") as file:
            yield file
        return
    target = path.resolve()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, _mode(target) if mode is None else mode)
            yield file
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """Let no other thread or process be in such a block of the same *directory*."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _mode(path: Path) -> int:
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0o022)
    os.umask(mask)
    return 0o666 & ~mask


def load_pair(
    certificate: Path, key: Path, make: Callable[[], tuple[bytes, bytes]]
) -> tuple[bytes, bytes]:
    """Return the contents of two files that belong together; the first time *make* makes both.

    FileNotFoundError if one is there without the other: it is for the user to say what counts.
    """
    staged = key.with_name(f".{key.name}.new")
    if staged.exists() and certificate.exists() and not key.exists():
        staged.replace(key)  # the process was killed just before it could
    if not certificate.exists() and not key.exists():
        first, second = make()
        write_file(staged, second, PRIVATE)
        write_file(certificate, first, PUBLIC)
        staged.replace(key)
    return certificate.read_bytes(), key.read_bytes()
