"""How long others wait beside clients that are slow, and beside some that flood.

Three kinds, each alone, in rounds: readers that ask for a page of 1000 devices
once and stop reading where it begins; senders that announce a body and send one byte of
it; and a flood, h2load in a process of its own, whose connections pipeline
ordinary requests as fast as they are answered. The other sends one ordinary
request after the other: on one connection, beside a flood on a new one each
time. Adds its figures to bench.json.
"""

import argparse
import asyncio
import contextlib
import json
import re
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import uvloop

from tests.bench.connections import asking, session
from tests.bench.pushes import need
from tests.bench.running import keep, percentiles, serving, show
from tests.load import crowd

SLOW = 200
FLOODING, PIPELINED = 200, 100
"""Connections that flood, and how many requests each has under way."""
FLOOD_S = 5
REQUESTS = 500
DEVICES = 1000
FLAGS = ("--http-port", "0")
Wait = tuple[float, float, float]
"""Median, 99th percentile and longest in milliseconds."""
Waits = dict[str, Wait]
"""By what was beside."""
_RATE = re.compile(r"finished in [^,]+, ([\d.]+) req/s")


def buy(ready: dict[str, Any]) -> None:
    """Have as many devices as stand on the longest page."""
    headers = {"Content-Type": "application/json"}
    body = json.dumps({"count": DEVICES}).encode()
    url = f"{ready['control']}/api/v1/devices"
    with urlopen(Request(url, body, headers)) as answer:  # noqa: S310 (ours)
        answer.read()


@contextlib.asynccontextmanager
async def beside(made: list[asyncio.StreamWriter]) -> AsyncIterator[None]:
    """Have slow clients while it lasts; none may be refused meanwhile."""
    try:
        yield
        if any(one.is_closing() for one in made):
            raise SystemExit("a slow client was shut out before the others were timed")
    finally:
        for one in made:
            one.transport.abort()


def wait(times: list[float]) -> Wait:
    """Add up what requests took."""
    return (*percentiles(times), max(times))


async def waits(port: int, request: bytes) -> Wait:
    """Return what an ordinary request takes."""
    return wait(await crowd.times_ms(port, request, REQUESTS))


async def flooded(port: int, token: str) -> tuple[Wait, float]:
    """Return what an ordinary request takes beside a flood, and how many that had answered /s."""
    command = ["h2load", "--h1", "-c", f"{FLOODING}", "-m", f"{PIPELINED}", "-D", f"{FLOOD_S}"]
    command += ["-H", "x-server-protocol-version: 10", "-H", f"x-adm-auth-session: {token}"]
    process = await asyncio.create_subprocess_exec(
        *command, f"http://127.0.0.1:{port}/account", stdout=subprocess.PIPE
    )
    await asyncio.sleep(1)
    times: list[float] = []
    with contextlib.suppress(TimeoutError):
        # The flood ends after a while, however few were answered meanwhile.
        async with asyncio.timeout(FLOOD_S - 2):
            while True:
                times += await crowd.times_ms(port, asking(token), 1)
    said = (await process.communicate())[0].decode()
    rate = _RATE.search(said)
    if rate is None or process.returncode:
        raise SystemExit(f"h2load says\n{said}")
    # Where not one was answered, they took as long as they were waited for, at least.
    return wait(times or [(FLOOD_S - 2) * 1000.0]), float(rate[1])


async def measure(ready: dict[str, Any]) -> tuple[Waits, float]:
    """Return what others wait beside each kind in one round, and the rate of the flood."""
    port, token = urlsplit(ready["http"]).port or 0, await asyncio.to_thread(session, ready)
    request = asking(token)
    page = asking(token, "POST /server/devices", json.dumps({"limit": DEVICES}))
    found: Waits = {"nothing": await waits(port, request)}
    async with beside([await crowd.slow_reader(port, page) for _ in range(SLOW)]):
        found[f"{SLOW} slow readers"] = await waits(port, request)
    async with beside([await crowd.slow_sender(port) for _ in range(SLOW)]):
        found[f"{SLOW} slow senders"] = await waits(port, request)
    found["a flood"], rate = await flooded(port, token)
    return found, rate


def main() -> None:
    """Run all rounds and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    wanted = parser.parse_args()
    need("h2load")
    crowd.raise_limit()
    with (
        tempfile.TemporaryDirectory() as directory,
        serving(Path(directory, "data"), *FLAGS) as (_, ready),
    ):
        buy(ready)
        rounds = [uvloop.run(measure(ready)) for _ in range(wanted.rounds)]
    rows = {
        f"beside {name}, {figure} ms": [found[name][place] for found, _ in rounds]
        for name in rounds[0][0]
        for place, figure in enumerate(("p50", "p99", "longest"))
    }
    flood = {"its requests answered /s": [rate for _, rate in rounds]}
    show("how long an ordinary request takes", rows)
    show(f"the flood: {FLOODING} connections, {PIPELINED} requests under way on each", flood)
    keep(wanted.output, "slow", {**rows, **flood})


if __name__ == "__main__":
    main()
