"""Connections that are held: memory for each, and how long a request takes beside them.

The clients are in this process, the simulator in another. Opens 10,000
connections to APNs by TLS and 10,000 device streams, shows that all of them
live, and how long an ordinary request takes beside them. Adds its figures to
bench.json.
"""

import argparse
import asyncio
import json
import plistlib
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import uvloop

from tests.bench.account import log_in
from tests.bench.running import cpu_s, keep, percentiles, serving, show
from tests.load import crowd

REQUESTS = 1000
HEARD = 100
"""Device streams whose device checks in and is pushed to."""
REST_S = 10
"""How long the processor time of connections at rest is taken."""
FLAGS = ("--push-auth", "none", "--unknown-tokens", "accept", "--http-port", "0")


def check_in(ready: dict[str, Any], token: str) -> None:
    """Have a device check in."""
    message = {
        "MessageType": "TokenUpdate",
        "Topic": ready["organisations"][0]["push_topics"][0]["topic"],
        "UDID": token,
        "Token": bytes.fromhex(token),
        "PushMagic": "magic",
    }
    url = f"{ready['control']}/api/v1/push-tokens/checkin"
    with urlopen(Request(url, plistlib.dumps(message))) as answer:  # noqa: S310 (ours)
        answer.read()


def session(ready: dict[str, Any]) -> str:
    """Log in to DEP, and return the token of the session."""
    return log_in(ready["http"], ready["organisations"][0]["dep_servers"][0]["token"], None)


def asking(session_token: str, line: str = "GET /account", body: str = "") -> bytes:
    """Return an ordinary request of DEP, or another one."""
    about = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    return (
        f"{line} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench/1\r\n{about}"
        f"X-Server-Protocol-Version: 10\r\nX-ADM-Auth-Session: {session_token}\r\n\r\n{body}"
    ).encode()


async def held(
    process: int, ready: dict[str, Any], connections: int, streams: int
) -> dict[str, list[float]]:
    """Hold all, and return the figures by name."""
    topic = ready["organisations"][0]["push_topics"][0]["topic"]
    tls, http, control = (
        urlsplit(url).port or 0 for url in (ready["tls"][0], ready["http"], ready["control"])
    )
    tokens = [f"{number:064x}" for number in range(streams)]
    for token in tokens[:HEARD]:
        await asyncio.to_thread(check_in, ready, token)
    rows: dict[str, list[float]] = {}
    request = asking(await asyncio.to_thread(session, ready))

    async def time(beside: str) -> None:
        median, slow = percentiles(await crowd.times_ms(http, request, REQUESTS))
        rows[f"request beside {beside}, p50 ms"] = [median]
        rows[f"request beside {beside}, p99 ms"] = [slow]

    await crowd.times_ms(http, request, REQUESTS)
    await time("nothing")
    before, started = crowd.memory(process), perf_counter()
    apns = await crowd.hold_apns(tls, connections)
    rows["APNs connections held"] = [len(apns)]
    rows["APNs connections opened /s"] = [len(apns) / (perf_counter() - started)]
    rows["KiB for each APNs connection"] = [(crowd.memory(process) - before) / len(apns) / 1024]
    await time("APNs connections")
    before, started = crowd.memory(process), perf_counter()
    listening = await crowd.hold_streams(control, tokens)
    rows["device streams held"] = [len(listening)]
    rows["device streams opened /s"] = [len(listening) / (perf_counter() - started)]
    rows["KiB for each device stream"] = [(crowd.memory(process) - before) / len(listening) / 1024]
    rows["open files"] = [crowd.files(process)]
    used = cpu_s(process)
    await asyncio.sleep(REST_S)
    rows["processor at rest, % of a core"] = [(cpu_s(process) - used) / REST_S * 100]
    await time("all of them")
    answers = await crowd.many(len(apns), lambda one: apns[one].push(topic, tokens[one % HEARD]))
    rows["pushes answered 200, one on each"] = [answers.count(b"\x88")]
    await asyncio.gather(*(one.heard for one in listening[:HEARD]))
    rows["devices that heard theirs"] = [HEARD]
    rows["still open at the end"] = [
        sum(not one.lost for one in apns) + sum(not one.lost for one in listening)
    ]
    transports = [one.transport for one in apns] + [one.transport for one in listening]
    for transport in transports:
        if transport is not None:
            transport.abort()
    return rows


def main() -> None:
    """Measure once and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    arguments = parser.parse_args()
    allowed = crowd.raise_limit()
    if allowed < arguments.connections + arguments.streams + 1000:
        arguments.streams = max(allowed - 1000 - arguments.connections, HEARD)
        print(f"this user may open {allowed} files only: {arguments.streams} streams are held")
    with (
        tempfile.TemporaryDirectory() as directory,
        serving(Path(directory, "data"), *FLAGS) as (process, ready),
    ):
        rows = uvloop.run(held(process, ready, arguments.connections, arguments.streams))
    show("connections that are held", rows)
    keep(arguments.output, "connections", json.loads(json.dumps(rows)))


if __name__ == "__main__":
    main()
