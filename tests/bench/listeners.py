"""What a push costs while many listen to the events: nobody, one, fifty.

Pushes come one after the other on a few connections, and each listener reads what it is told. The
processor time is the server's; each case is measured by turns with the others. Adds its figures to
bench.json.
"""

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop

from tests.bench.running import cpu_s, keep, serving, show
from tests.load import crowd

LISTENERS = (0, 1, 50)
CONNECTIONS, PUSHES = 8, 1000
FLAGS = ("--http-port", "0", "--push-auth", "none", "--unknown-tokens", "accept")
QUIET_S = 0.5
"""After which listeners have been told all."""


@asynccontextmanager
async def listening(port: int, count: int) -> AsyncIterator[None]:
    """Have so many listeners while it lasts."""

    async def drain(reader: asyncio.StreamReader) -> None:
        while await reader.read(65536):
            pass

    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    for _, writer in opened:
        writer.write(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    heard = [asyncio.ensure_future(drain(reader)) for reader, _ in opened]
    await asyncio.sleep(QUIET_S)
    try:
        yield
    finally:
        for one in heard:
            one.cancel()
        for _, writer in opened:
            writer.transport.abort()


async def measure(process: int, ready: dict[str, Any]) -> dict[str, float]:
    """Return microseconds of processor time of a push, by how many listen."""
    port, control = urlsplit(ready["http"]).port or 0, urlsplit(ready["control"]).port or 0
    body = b'{"mdm":"magic"}'
    lines = (
        f"POST /3/device/{'ab' * 32} HTTP/1.1",
        "Host: localhost",
        f"apns-topic: {ready['organisations'][0]['push_topics'][0]['topic']}",
        "apns-push-type: mdm",
        f"Content-Length: {len(body)}",
    )
    push = "\r\n".join((*lines, "", "")).encode() + body
    found = {}
    for count in LISTENERS:
        async with listening(control, count):
            before = cpu_s(process)
            loads = (crowd.times_ms(port, push, PUSHES) for _ in range(CONNECTIONS))
            await asyncio.gather(*loads)
            await asyncio.sleep(QUIET_S)
            used = cpu_s(process) - before
        found[f"{count} listeners, us a push"] = used / (CONNECTIONS * PUSHES) * 1_000_000
    return found


def main() -> None:
    """Run all rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    wanted = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as directory,
        serving(Path(directory, "data"), *FLAGS) as (process, ready),
    ):
        rounds = [uvloop.run(measure(process, ready)) for _ in range(wanted.rounds)]
    rows = {name: [found[name] for found in rounds[1:]] for name in rounds[0]}
    show("pushes beside listeners (budget: 50 at most 1.3 x none)", rows)
    keep(wanted.output, "listeners", rows)


if __name__ == "__main__":
    main()
