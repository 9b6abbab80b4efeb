"""A million devices: seeding, fetch, sync, assignment, and many clients at once.

Seeds a data directory with `mdmsim world seed`, serves it, and asks as a DEP
client does: a whole fetch in pages of 1000, a profile for 1000 at a time, a sync
of 300,000 events (devices that got a profile, and more that have arrived over
virtual time), then clients that sync side by side. A sync of a million events
(``--events 1000000``) takes some ten minutes more, for the profiles that are
assigned before it. Prints what it measured, and adds it to bench.json.
"""

import argparse
import asyncio
import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from simulator.core.data_directory import DATABASE
from tests.bench.account import log_in
from tests.bench.running import keep, percentiles, serving

PAGE = 1000
EDGE = 20
"""Pages of which the median is taken at the beginning and at the end."""
MEGABYTE = 1024 * 1024


def seed(data: Path, devices: int) -> tuple[float, float]:
    """Fill a data directory in a process of its own; return seconds and megabytes at most."""
    command = [sys.executable, "-m", "simulator", "world", "seed", "--data", str(data)]
    begun = time.perf_counter()
    process = subprocess.Popen([*command, "--devices", str(devices)], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("seeding failed")
    return time.perf_counter() - begun, used.ru_maxrss / 1024


def peak_mb(process: int) -> float:
    """Return the most memory that *process* has used, in megabytes."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


@dataclass(slots=True)
class Client:
    """One DEP client on one connection."""

    url: str
    session: aiohttp.ClientSession
    token: str

    async def ask(self, path: str, body: Any) -> tuple[bytes, float]:
        """Return the body of the answer, and the seconds that it took."""
        headers = {
            "X-ADM-Auth-Session": self.token,
            "X-Server-Protocol-Version": "10",
            "User-Agent": "bench/1",
            "Content-Type": "application/json;charset=UTF8",
        }
        begun = time.perf_counter()
        async with self.session.post(self.url + path, json=body, headers=headers) as answer:
            content = await answer.read()
            if answer.status != 200:
                raise SystemExit(f"{path} was answered {answer.status}: {content[:80]!r}")
            # Before 90 s have gone the token stays; then each answer names the next one.
            self.token = answer.headers.get("X-ADM-Auth-Session", self.token)
        return content, time.perf_counter() - begun

    async def pages(self, path: str, cursor: str) -> tuple[list[str], list[float], str]:
        """Ask until no more follows; return serial numbers, seconds of each page, cursor."""
        serials: list[str] = []
        seconds: list[float] = []
        more = True
        while more:
            content, taken = await self.ask(path, {"limit": PAGE, "cursor": cursor})
            page = json.loads(content)
            seconds.append(taken)
            serials += (device["serial_number"] for device in page["devices"])
            cursor, more = page["cursor"], page["more_to_follow"]
        return serials, seconds, cursor


def edges(seconds: Sequence[float]) -> tuple[float, float]:
    """Return the medians of the first and of the last pages, in milliseconds.

    The very last may be short, and is left out.
    """
    whole = seconds[1:-1] or seconds
    size = min(EDGE, len(whole))
    return (
        statistics.median(whole[:size]) * 1000,
        statistics.median(whole[-size:]) * 1000,
    )


async def measure(ready: dict[str, Any], wanted: argparse.Namespace) -> dict[str, float]:
    """Ask a server that has its devices; return the figures."""
    url, token = ready["tls"][0], ready["organisations"][0]["dep_servers"][0]["token"]
    context = ssl.create_default_context(cafile=ready["ca"])
    found: dict[str, float] = {}

    def client(session: aiohttp.ClientSession) -> Client:
        return Client(url, session, log_in(url, token, context))

    connector = aiohttp.TCPConnector(ssl=context, limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        serials, cursor = await fetch(client(session), found)
        await assign(client(session), serials[: wanted.events - wanted.arriving], found)
        await arrive(session, ready, wanted.arriving, found)
        cursor = await sync(client(session), cursor, found)
        many = [client(session) for _ in range(wanted.clients)]
        await side_by_side(many, cursor, wanted.seconds, found)
    return found


async def fetch(one: Client, found: dict[str, float]) -> tuple[list[str], str]:
    """Fetch all devices; return their serial numbers and the cursor behind them."""
    serials, pages, cursor = await one.pages("/server/devices", "")
    found["fetched"], found["fetch_s"] = len(serials), sum(pages)
    found["fetch_first_ms"], found["fetch_last_ms"] = edges(pages)
    found["fetch_last_to_first"] = found["fetch_last_ms"] / found["fetch_first_ms"]
    return serials, cursor


async def assign(one: Client, serials: Sequence[str], found: dict[str, float]) -> None:
    """Assign a profile to devices, 1000 in a request."""
    profile = {"profile_name": "Bench", "url": "https://mdm.example.com/enrol"}
    content, _ = await one.ask("/profile", profile)
    body = {"profile_uuid": json.loads(content)["profile_uuid"]}
    parts = [serials[at : at + PAGE] for at in range(0, len(serials), PAGE)]
    taken = [(await one.ask("/profile/devices", body | {"devices": part}))[1] for part in parts]
    found["assigned"], found["assign_s"] = len(serials), sum(taken)
    found["assign_1000_ms"] = statistics.median(taken) * 1000
    found["assign_1000_p99_ms"] = percentiles(taken)[1] * 1000


async def arrive(
    session: aiohttp.ClientSession, ready: dict[str, Any], devices: int, found: dict[str, float]
) -> None:
    """Let devices arrive; each is an event."""
    api = ready["control"] + "/api/v1"
    times = -(-devices // PAGE)
    order = {"count": PAGE, "every_s": 1, "times": times}
    begun = time.perf_counter()
    for method, path, body in (
        ("POST", "/arrivals", order),
        ("PUT", "/clock", {"advance_s": times + 1}),
        ("GET", "/devices?limit=1", None),
    ):
        wait = aiohttp.ClientTimeout(total=None)
        async with session.request(method, api + path, json=body, timeout=wait) as answer:
            if not answer.ok:
                raise SystemExit(f"{method} {path} was answered {await answer.text()}")
    found["arrive_s"] = time.perf_counter() - begun


async def sync(one: Client, cursor: str, found: dict[str, float]) -> str:
    """Sync all events; return the cursor behind them."""
    events, pages, cursor = await one.pages("/devices/sync", cursor)
    found["synced"], found["sync_s"] = len(events), sum(pages)
    found["sync_first_ms"], found["sync_last_ms"] = edges(pages)
    found["sync_last_to_first"] = found["sync_last_ms"] / found["sync_first_ms"]
    return cursor


async def side_by_side(
    clients: Sequence[Client], cursor: str, seconds: float, found: dict[str, float]
) -> None:
    """Let clients ask again and again whether anything happened."""
    until = time.perf_counter() + seconds

    async def poll(one: Client) -> list[float]:
        taken = []
        while time.perf_counter() < until:
            taken.append((await one.ask("/devices/sync", {"limit": PAGE, "cursor": cursor}))[1])
        return taken

    lists = await asyncio.gather(*(poll(one) for one in clients))
    taken = [one for each in lists for one in each]
    found["clients"], found["syncs_per_s"] = len(clients), len(taken) / seconds
    cuts = statistics.quantiles(taken, n=100)
    found["sync_median_ms"], found["sync_p99_ms"] = cuts[49] * 1000, cuts[98] * 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=1_000_000)
    parser.add_argument("--arriving", type=int, default=100_000)
    parser.add_argument(
        "--events", type=int, default=300_000, help="to sync: arrivals, and assigned profiles"
    )
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        seeded, memory = seed(data, wanted.devices)
        found = {"devices": float(wanted.devices), "seed_s": seeded, "seed_peak_mb": memory}
        found["database_mb"] = (data / DATABASE).stat().st_size / MEGABYTE
        with serving(data) as (process, ready):
            found |= asyncio.run(measure(ready, wanted))
            found["serve_peak_mb"] = peak_mb(process)
    print(f"\n{wanted.devices} devices (budget: 60 s and 300 MB for a million; last page 1.2)")
    for name, value in found.items():
        print(f"{name.replace('_', ' '):24}{value:14.1f}")
    keep(wanted.output, "devices", found)


if __name__ == "__main__":
    main()
