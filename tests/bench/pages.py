"""How long others wait beside many full pages of devices that are asked for at once.

All pages are asked for in one moment, each on a connection of its own; until the last has come,
`GET /account`, pushes and calls of the control API are sent, one after the other of each kind. Adds
to bench.json the waits, alone and beside, and the processor time of a page and of the longest
transaction.
"""

import argparse
import asyncio
import json
import os
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import uvloop

from tests.bench.connections import asking, session
from tests.bench.running import cpu_s, keep, percentiles, serving, show
from tests.bench.slow import DEVICES, buy
from tests.load import crowd

PAGES = 200
ALONE = 300
PAUSE_S = 0.005
BUDGET_MS = 25
FLAGS = ("--http-port", "0", "--push-auth", "none", "--unknown-tokens", "accept")
TOPIC = "com.apple.mgmt.External.bench"
Ready = dict[str, Any]
Ask = Callable[[], Coroutine[Any, Any, list[float]]]


def kinds(ready: Ready, token: str) -> dict[str, Ask]:
    """Return what is sent beside the pages: each returns how long one took, in milliseconds."""
    port, control = urlsplit(ready["http"]).port or 0, urlsplit(ready["control"]).port or 0
    body = b'{"mdm":"magic"}'
    lines = (
        f"POST /3/device/{'ab' * 32} HTTP/1.1",
        "Host: localhost",
        f"apns-topic: {TOPIC}",
        "apns-push-type: mdm",
        f"Content-Length: {len(body)}",
    )
    push = "\r\n".join((*lines, "", "")).encode() + body
    call = b"GET /api/v1/faults HTTP/1.1\r\nHost: localhost\r\n\r\n"
    return {
        "GET /account": lambda: crowd.times_ms(port, asking(token), 1),
        "a push": lambda: crowd.times_ms(port, push, 1),
        "a control call": lambda: crowd.times_ms(control, call, 1),
    }


async def page(port: int, request: bytes) -> None:
    """Get one page whole."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    if not head.startswith("http/1.1 200"):
        raise SystemExit(f"a page was answered {head}")
    length = next(line for line in head.split("\r\n") if line.startswith("content-length:"))
    await reader.readexactly(int(length.partition(":")[2]))
    writer.close()


async def measure(process: int, ready: Ready, held: Path) -> dict[str, float]:
    """Return the figures of one round; *held* is where long transactions are noted."""
    port = urlsplit(ready["http"]).port or 0
    token = await asyncio.to_thread(session, ready)
    wanted = asking(token, "POST /server/devices", json.dumps({"limit": DEVICES}))
    asks = kinds(ready, token)
    found: dict[str, float] = {}
    for name, ask in asks.items():
        times = [took for _ in range(ALONE) for took in await ask()]
        found[f"{name} alone, p99 ms"] = percentiles(times)[1]
    before = cpu_s(process)
    for _ in range(10):
        await page(port, wanted)
    found["processor time of a page, ms"] = (cpu_s(process) - before) * 100
    await asyncio.to_thread(held.write_text, "")
    begun = perf_counter()
    pages = asyncio.gather(*(page(port, wanted) for _ in range(PAGES)))
    await asyncio.sleep(0.05)
    beside: dict[str, list[float]] = {name: [] for name in asks}

    async def repeat(name: str) -> None:
        while not pages.done():
            beside[name] += await asks[name]()
            await asyncio.sleep(PAUSE_S)

    await asyncio.gather(pages, *map(repeat, asks))
    found[f"{PAGES} pages, s"] = perf_counter() - begun
    lines = (await asyncio.to_thread(held.read_text)).split()
    found["longest transaction, cpu ms"] = max(map(float, lines), default=0)
    for name, times in beside.items():
        found[f"{name} beside, p50 ms"], found[f"{name} beside, p99 ms"] = percentiles(times)
    return found


def main() -> None:
    """Run all rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    wanted = parser.parse_args()
    crowd.raise_limit()
    with tempfile.TemporaryDirectory() as directory:
        held = Path(directory, "held")
        os.environ["HELD_FILE"] = str(held)
        place = Path(directory, "data")
        with serving(place, *FLAGS, module="tests.bench.held") as (process, ready):
            buy(ready)
            rounds = [uvloop.run(measure(process, ready, held)) for _ in range(wanted.rounds)]
    rows = {name: [found[name] for found in rounds] for name in rounds[0]}
    show(f"beside {PAGES} pages of {DEVICES} devices (budget: p99 under {BUDGET_MS} ms)", rows)
    keep(wanted.output, "pages", rows)


if __name__ == "__main__":
    main()
