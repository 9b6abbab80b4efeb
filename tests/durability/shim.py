"""A library that stands before SQLite's files and has them fail; see ``shim.c``."""

import errno
import functools
import mmap
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FAIL, SHORT, KILL = 1, 2, 3
WRITE, SYNC, TRUNCATE = 1, 2, 4
DATABASE, LOG = 1, 2


@functools.cache
def _library() -> str:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler to make the shim with")
    made = Path(tempfile.mkdtemp(prefix="mdmsim-shim-"), "shim.so")
    source = Path(__file__).with_name("shim.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(made), str(source), "-ldl"], check=True)
    return str(made)


class Shim:
    """What the library does, which may change while the simulator runs."""

    def __init__(self, orders: Path) -> None:
        orders.write_bytes(bytes(20))
        self._orders = orders
        self.env = {"LD_PRELOAD": _library(), "MDMSIM_SHIM": str(orders)}

    def order(
        self, effect: int, operations: int, files: int, *, skip: int = 0, error: int = errno.EIO
    ) -> None:
        """Have *operations* on *files* end with *effect*, after *skip* that succeed."""
        with self._orders.open("r+b") as file, mmap.mmap(file.fileno(), 20) as orders:
            # The effect comes last, as it is what the library looks at first.
            orders[4:20] = struct.pack("4i", operations, files, skip, error)
            orders[0:4] = struct.pack("i", effect)

    @contextmanager
    def armed(self, effect: int, operations: int, files: int, error: int) -> Iterator[None]:
        """Have it fail until the block ends."""
        self.order(effect, operations, files, error=error)
        try:
            yield
        finally:
            self.order(0, 0, 0)
