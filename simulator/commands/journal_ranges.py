"""Adding up a long journal, or checking its hashes, in several processes, each a range of it."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import msgspec

from simulator import check_process, report_process
from simulator.check_process import LENGTH, CheckedSpan, Span
from simulator.disclosure.observe.observation import Observer
from simulator.disclosure.report import checkpoint
from simulator.disclosure.report.ledger import Ledger
from simulator.disclosure.report.parts import join, settle
from simulator.journal.chain import Chain
from simulator.report_process import MADE_WITH, Part, Ranges
from simulator.store.errors import StoreError
from simulator.store.protocols import Journal

MANY = 50_000
"""Exchanges from which on further processes are worth their start, and that one adds up at a time.

So what is in memory is what is different in so many.
"""
MOST = 8
"""Processes at most."""
_UNSETTLED = 24
"""Ranges that may have values in common for a while: each keeps files open."""
_Answer = TypeVar("_Answer", bound=CheckedSpan)


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
    size: int,
    advance: Callable[[int], None],
) -> bool:
    """Add what is behind *chain* to *ledger* in so many *processes*, *size* exchanges at a time.

    False if not all of it is whole, or a process failed: then *ledger* and *chain* are of no use,
    and reading one exchange after the other tells what is wrong. *advance* is told how many
    exchanges are done.
    """
    last = journal.last()
    spans = _spans(journal, place, chain, last, max(processes, (last - chain.seq) // size))
    with ExitStack() as stack:
        wanted = [Ranges(key, spans[at::processes]) for at in range(processes) if spans]
        started = _all_started(stack, report_process.MODULE, wanted)
        for number, span in enumerate(spans):
            part = _answered(started[number % processes], Part)
            kept = part and checkpoint.load(part.ledger, MADE_WITH, observer, ledger.catalogue)
            if not part or not kept or part.link != journal.link(span.through):
                return False
            join(ledger, kept.ledger)
            if number % _UNSETTLED == _UNSETTLED - 1:
                settle(ledger)
            chain.joined(part.checked, part.first, span.through, part.link)
            advance(span.through - span.after)
    settle(ledger)
    return bool(spans)


def check_ranges(
    journal: Journal, place: Path | str, chain: Chain, last: int, processes: int
) -> None:
    """Let *chain* look at the hashes up to exchange *last*, in so many *processes*.

    What is not whole it looks at itself, and tells what is wrong.
    """
    spans = _spans(journal, place, chain, last, processes)
    with ExitStack() as stack:
        started = _all_started(stack, check_process.MODULE, spans[1:])
        for own in spans[:1]:
            journal.check(chain, own.through)
        for process, span in zip(started, spans[1:], strict=True):
            found = _answered(process, CheckedSpan)
            if chain.seq == span.after and chain.link == span.link and found:
                chain.joined(found.checked, found.first, span.through, found.link)
    journal.check(chain, last)


def _spans(
    journal: Journal, place: Path | str, chain: Chain, last: int, processes: int
) -> list[Span]:
    """Return about so many ranges of what is behind *chain*; none if it is damaged where they meet.

    They end with exchanges that are there.
    """
    if (head := journal.head()) is None:
        return []
    low = max(chain.seq, head.oldest - 1)
    wanted = [low + (last - low) * at // processes for at in range(1, processes + 1)]
    try:
        found = {one.seq for end in wanted for one in journal.newest(end + 1, 1)}
    except StoreError:
        return []
    ends = sorted(end for end in found if end > chain.seq)
    starts = [chain.seq, *ends[:-1]]
    links = [chain.link, *map(journal.link, ends)]
    return [
        Span(place=str(place), after=after, link=link, through=through)
        for after, link, through in zip(starts, links, ends, strict=False)
        if link and all(links)
    ]


def _all_started(
    stack: ExitStack, module: str, wanted: Sequence[Ranges | Span]
) -> list[subprocess.Popen[bytes]]:
    """Return a process of *module* for each of *wanted*; those that still run end with *stack*."""
    started = [stack.enter_context(_started(module, one)) for one in wanted]
    stack.callback(_end, started)
    return started


def _started(module: str, wanted: Ranges | Span) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(  # noqa: S603 (ours)
        (sys.executable, "-P", "-m", module),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None  # noqa: S101 (for mypy)
    process.stdin.write(msgspec.msgpack.encode(wanted))
    process.stdin.close()
    return process


def _answered(process: subprocess.Popen[bytes], kind: type[_Answer]) -> _Answer | None:
    """Return what a process found in its next range; None if it failed."""
    assert process.stdout is not None  # noqa: S101 (for mypy)
    size = int.from_bytes(process.stdout.read(LENGTH))
    answer = process.stdout.read(size)
    return msgspec.msgpack.decode(answer, type=kind) if size and len(answer) == size else None


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """End those that still run."""
    for process in processes:
        process.kill()
