"""``python -m tests.load.abused``: what each decoder leaves behind in memory, as JSON.

Each is abused in a process of its own, a fork of this one, with the collector set as
``mdmsim serve`` has it. By name of the decoder: bytes before and after.
"""

import gc
import json
import os
import sys
from pathlib import Path

from tests.fuzz.targets import TARGETS, Target
from tests.load.bodies import BODIES

SIZE = 524_288
KINDS = ("many-keys", "property-list", "elements", "braces", "zeros")


def abuse(target: Target) -> None:
    """Have *target* read what is large, and what breaks off at its end."""
    bodies = [BODIES[kind](SIZE) for kind in KINDS]
    bodies += [seed * (SIZE // len(seed) + 1) for seed in target.seeds[:1]]
    for body in bodies:
        target.run(body)
        target.run(body[: len(body) - len(body) // 8])


def memory() -> int:
    """Return the bytes of this process that are in no file, shared with its parent or not."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


def measured(target: Target) -> tuple[int, int]:
    """Return the memory of this process before and after the abuse of *target*."""
    before = memory()
    abuse(target)
    return before, memory()


def in_fork(target: Target) -> tuple[int, int]:
    """Return what `measured` does, of a fork."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, json.dumps(measured(target)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        before, after = json.load(answer)
    os.waitpid(child, 0)
    return before, after


def main() -> None:
    """Measure all that a client can reach; a whole request is recorded, and so kept in memory."""
    gc.set_threshold(20_000, 20, 50)
    wanted = sys.argv[1:] or [
        name for name, one in TARGETS.items() if one.wire and name != "request"
    ]
    for name in wanted:
        for seed in TARGETS[name].seeds:
            TARGETS[name].run(seed)
    gc.collect()
    sys.stdout.write(json.dumps({name: in_fork(TARGETS[name]) for name in wanted}))


if __name__ == "__main__":
    main()
