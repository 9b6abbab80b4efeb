"""``python -m tests.bench.held serve ...``: mdmsim that notes which transactions hold others long.

Each that takes a millisecond of processor time and more adds a line with the milliseconds to the
file that HELD_FILE names. Processor time, as that of the clock holds what else the machine does.
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from simulator.cli import main
from simulator.engine.jobs import Job
from simulator.engine.writer import Writer

LEAST_S = 0.001
_commit = Writer.commit


def _timed(self: Writer, batch: Sequence[Job]) -> int:
    begun = time.thread_time()
    try:
        return _commit(self, batch)
    finally:
        taken = time.thread_time() - begun
        if taken >= LEAST_S:
            with Path(os.environ["HELD_FILE"]).open("a") as file:
                file.write(f"{taken * 1000:.2f}\n")


if __name__ == "__main__":
    Writer.commit = _timed  # type: ignore[method-assign]
    main()
