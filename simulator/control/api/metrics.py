"""Counts for Prometheus. Labels hold names of the catalogue and statuses, never a value."""

import asyncio
from collections import Counter
from collections.abc import Iterator

from aiohttp import web

from simulator import __version__
from simulator.control.parts import PARTS, Parts
from simulator.faults import faults
from simulator.protocol.rules import RULES

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FAULT = "fault:"


def lines(parts: Parts, armed: int) -> Iterator[str]:
    """Yield the lines of the page. Reads the journal."""
    exchanges: Counter[tuple[str, str, int]] = Counter()
    findings: Counter[str] = Counter()
    touched = 0
    for (service, operation, status, words), count in parts.journal.counts().items():
        exchanges[service, operation, status] += count
        found = words.split()
        findings.update({rule: count for rule in found if rule in RULES})
        touched += count if _FAULT in found else 0
    yield from _head("mdmsim_build_info", "gauge", "Version of the simulator.")
    yield f'mdmsim_build_info{{version="{__version__}"}} 1'
    yield from _head("mdmsim_exchanges_total", "counter", "Exchanges that were recorded.")
    for (service, operation, status), count in sorted(exchanges.items()):
        labels = f'service="{service}",operation="{operation}",status="{status}"'
        yield f"mdmsim_exchanges_total{{{labels}}} {count}"
    yield from _head("mdmsim_findings_total", "counter", "Breaches of the protocol.")
    for rule, count in sorted(findings.items()):
        yield f'mdmsim_findings_total{{rule="{rule}"}} {count}'
    yield from _head(
        "mdmsim_faulted_exchanges_total", "counter", "Exchanges that a fault has touched."
    )
    yield f"mdmsim_faulted_exchanges_total {touched}"
    about = "Requests that could not be recorded, as on a full disk."
    yield from _head("mdmsim_unrecorded_requests_total", "counter", about)
    yield f"mdmsim_unrecorded_requests_total {parts.gateway.unrecorded.total}"
    yield from _head("mdmsim_faults_armed", "gauge", "Faults that are armed.")
    yield f"mdmsim_faults_armed {armed}"


def _head(name: str, kind: str, about: str) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"


async def metrics(request: web.Request) -> web.Response:
    """Answer the counts as Prometheus reads them."""
    parts = request.app[PARTS]
    now_ms = parts.clock.now_ms()
    armed = await parts.gateway.run(lambda state: len(faults.listed(state, now_ms)))
    found = await asyncio.to_thread(lambda: list(lines(parts, armed)))
    text = "\n".join([*found, ""])
    return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})
