"""Adding up a long journal in several processes, each a range of it."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import msgspec

from simulator.disclosure.observe.observation import Observer
from simulator.disclosure.report import checkpoint
from simulator.disclosure.report.ledger import Ledger
from simulator.disclosure.report.parts import join
from simulator.journal.chain import Chain
from simulator.report_process import MADE_WITH, MODULE, Part, Range
from simulator.store.protocols import Journal

MANY = 50_000
"""Exchanges from which on further processes are worth their start."""
MOST = 8
"""Processes at most: each holds the values that are different in its range."""
_END_S = 10.0


def processors() -> int:
    """Return how many processors this process may use."""
    named = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(named(0)) if named else os.cpu_count() or 1


def add_ranges(
    journal: Journal,
    place: Path | str,
    key: bytes,
    ledger: Ledger,
    observer: Observer,
    chain: Chain,
    processes: int,
    advance: Callable[[int], None],
) -> bool:
    """Add what is behind *chain* to *ledger* in so many *processes*.

    False if not all of it is whole, or a process failed: then *ledger* and *chain* are of no use,
    and reading one exchange after the other tells what is wrong. *advance* is told how many
    exchanges are done.
    """
    last, head = journal.last(), journal.head()
    if head is None:
        return False
    low = max(chain.seq, head.oldest - 1)
    bounds = [low + (last - low) * at // processes for at in range(1, processes + 1)]
    bounds.insert(0, chain.seq)
    links = [chain.link, *map(journal.link, bounds[1:])]
    if not all(links):
        return False
    with ExitStack() as stack:
        started = [
            stack.enter_context(_started(place, key, after, link, through))
            for (after, through), link in zip(pairwise(bounds), links, strict=False)
        ]
        stack.callback(_end, started)
        for process, link, (after, through) in zip(
            started, links[1:], pairwise(bounds), strict=True
        ):
            assert process.stdout is not None  # noqa: S101 (for mypy)
            answered = process.stdout.read()
            if process.wait(_END_S):
                return False
            part = msgspec.msgpack.decode(answered, type=Part)
            kept = checkpoint.load(part.ledger, MADE_WITH, observer, ledger.catalogue)
            if kept is None or part.link != link:
                return False
            join(ledger, kept.ledger)
            chain.joined(part.checked, part.first, through, part.link)
            advance(through - after)
    return True


def _started(
    place: Path | str, key: bytes, after: int, link: bytes | None, through: int
) -> subprocess.Popen[bytes]:
    """Return a process that adds up the exchanges behind *after*."""
    process = subprocess.Popen(  # noqa: S603 (ours)
        (sys.executable, "-P", "-m", MODULE),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    wanted = Range(str(place), key, after, link or b"", through)
    assert process.stdin is not None  # noqa: S101 (for mypy)
    process.stdin.write(msgspec.msgpack.encode(wanted))
    process.stdin.close()
    return process


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """End those that still run."""
    for process in processes:
        process.kill()
