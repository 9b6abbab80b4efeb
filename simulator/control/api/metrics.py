"""Counts for Prometheus. Labels hold names of the catalogue and statuses, never a value."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator

from aiohttp import web

from simulator import __version__
from simulator.control.parts import PARTS, Parts
from simulator.faults import faults
from simulator.protocol.rules import RULES

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FAULT = "fault:"


class Tally:
    """The counts so far: what was counted once is not read again."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._last = 0
        self._exchanges: Counter[tuple[str, str, int]] = Counter()
        self._findings: Counter[str] = Counter()
        self._touched = 0

    def lines(self, armed: int) -> Iterator[str]:
        """Count what has happened since, and yield the lines of the page. Reads the journal."""
        with self._lock:
            self._count()
            yield from _head("mdmsim_build_info", "gauge", "Version of the simulator.")
            yield f'mdmsim_build_info{{version="{__version__}"}} 1'
            yield from _head("mdmsim_exchanges_total", "counter", "Exchanges in the journal.")
            for (service, operation, status), count in sorted(self._exchanges.items()):
                labels = f'service="{service}",operation="{operation}",status="{status}"'
                yield f"mdmsim_exchanges_total{{{labels}}} {count}"
            yield from _head("mdmsim_findings_total", "counter", "Breaches of the protocol.")
            for rule, count in sorted(self._findings.items()):
                yield f'mdmsim_findings_total{{rule="{rule}"}} {count}'
            about = "Exchanges that a fault has touched."
            yield from _head("mdmsim_faulted_exchanges_total", "counter", about)
            yield f"mdmsim_faulted_exchanges_total {self._touched}"
            about = "Requests that could not be recorded, as on a full disk."
            yield from _head("mdmsim_unrecorded_requests_total", "counter", about)
            yield f"mdmsim_unrecorded_requests_total {self._parts.gateway.unrecorded.total}"
            yield from _head("mdmsim_faults_armed", "gauge", "Faults that are armed.")
            yield f"mdmsim_faults_armed {armed}"

    def _count(self) -> None:
        self._last, rows = self._parts.journal.tally(self._last)
        for service, operation, status, words, count in rows:
            self._exchanges[service, operation, status] += count
            found = words.split()
            for rule in found:
                if rule in RULES:
                    self._findings[rule] += count
            if any(word.startswith(_FAULT) for word in found):
                self._touched += count


def _head(name: str, kind: str, about: str) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"


TALLY: web.AppKey[Tally] = web.AppKey("tally", Tally)


async def metrics(request: web.Request) -> web.Response:
    """Answer the counts as Prometheus reads them."""
    parts, tally = request.app[PARTS], request.app[TALLY]
    now_ms = parts.clock.now_ms()
    armed = await parts.gateway.run(lambda state: len(faults.listed(state, now_ms)))
    lines = await asyncio.to_thread(lambda: list(tally.lines(armed)))
    text = "\n".join([*lines, ""])
    return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})
