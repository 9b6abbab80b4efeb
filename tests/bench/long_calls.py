"""How long a push and a call of the control API wait beside each call that writes very much.

The call is made by a thread that only waits for its answer. Beside it pushes are sent, one at a
time on one connection, and small calls of the control API on another. Adds to bench.json for each
call its seconds, the processor time of the simulator and of its longest transaction, and median,
99th percentile and longest of what others waited.
"""

import argparse
import asyncio
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import uvloop

from tests.bench.running import cpu_s, keep, percentiles, serving
from tests.load import crowd

FLAGS = ("--http-port", "0", "--push-auth", "none", "--unknown-tokens", "accept")
PAUSE_S = 0.005
BUDGET_MS = 25
SMALL = b"GET /api/v1/quirks HTTP/1.1\r\nHost: localhost\r\n\r\n"
PATIENCE_S = 300
Ready = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One call, with what has to be there before it."""

    method: str
    path: str
    body: Any = None
    first: tuple["Call", ...] = ()
    is_of_apps: bool = False
    """Whether it is one of v2 of Apps and Books, whose event is asked about."""


def _add(count: int) -> Call:
    return Call("POST", "/devices", {"count": count})


APPS = [str(1_955_000_000 + number) for number in range(25)]
BOUGHT = tuple(
    Call("POST", "/assets", {"product": {"adam_id": one, "name": f"App {one}"}, "quantity": 2000})
    for one in APPS
)
EVERYTHING = {
    "assets": [{"adamId": one} for one in APPS],
    "serialNumbers": [f"0ZBENCH{number:05d}" for number in range(1000)],
}


def _apps(verb: str, *first: Call) -> Call:
    return Call("POST", f"/assets/{verb}", EVERYTHING, first, is_of_apps=True)


CALLS = {
    "25 apps to 1000 devices": _apps("associate", *BOUGHT),
    "25 apps from 1000 devices": _apps("disassociate", *BOUGHT, _apps("associate")),
    "world school": Call("POST", "/worlds/school"),
    "world enterprise": Call("POST", "/worlds/enterprise"),
    "snapshot of school": Call("PUT", "/snapshot", b"", (Call("POST", "/worlds/school"),)),
    "4000 devices": _add(4000),
    "import of 9000 devices": Call(
        "POST",
        "/imports",
        {"document": {"device_insertions": [{"devices_per_event": 3000}] * 3}},
    ),
    "reset after 4000 devices": Call("POST", "/reset", {}, (_add(4000),)),
    "clearing the journal": Call("DELETE", "/exchanges"),
}


def _ask_apps(ready: Ready, method: str, path: str, data: bytes | None) -> Any:
    (place, *_) = ready["organisations"][0]["vpp_locations"]
    headers = {"Host": "vpp.itunes.apple.com", "User-Agent": "bench/1"}
    headers |= {"Authorization": f"Bearer {place['stoken']}", "Content-Type": "application/json"}
    wanted = Request(f"{ready['http']}/mdm/v2{path}", data, headers, method=method)  # noqa: S310 (ours)
    with urlopen(wanted, timeout=PATIENCE_S) as answer:  # noqa: S310 (ours)
        return json.load(answer)


def _send_to_apps(ready: Ready, call: Call) -> bytes:
    event = _ask_apps(ready, call.method, call.path, json.dumps(call.body).encode())["eventId"]
    done = _ask_apps(ready, "GET", f"/status?eventId={event}", None)
    if done["eventStatus"] != "COMPLETE":
        raise SystemExit(f"{call.path} has not been done: {done}")
    return b""


def _send(ready: Ready, call: Call) -> bytes:
    if call.is_of_apps:
        return _send_to_apps(ready, call)
    data = call.body if isinstance(call.body, bytes) else json.dumps(call.body or {}).encode()
    url = f"{ready['control']}/api/v1{call.path}"
    headers = {"Content-Type": "application/json"}
    wanted = Request(url, data, headers, method=call.method)  # noqa: S310 (ours)
    with urlopen(wanted, timeout=PATIENCE_S) as answer:  # noqa: S310 (ours)
        content: bytes = answer.read()
        return content


async def _push(ready: Ready, times: list[float]) -> None:
    """Push again and again. After a world was replaced, pushes may be refused, and are recorded."""
    topic = ready["organisations"][0]["push_topics"][0]["topic"]
    (held,) = await crowd.hold_apns(urlsplit(ready["tls"][0]).port or 0, 1)
    assert held.transport is not None
    try:
        while True:
            begun = perf_counter()
            await held.push(topic, f"{len(times) % 64:064x}")
            times.append((perf_counter() - begun) * 1000)
            await asyncio.sleep(PAUSE_S)
    finally:
        held.transport.abort()


async def _ask(ready: Ready, times: list[float]) -> None:
    """Make a small control call again and again."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(ready["control"]).port)
    try:
        while True:
            begun = perf_counter()
            writer.write(SMALL)
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
            await reader.readexactly(int(length))
            times.append((perf_counter() - begun) * 1000)
            await asyncio.sleep(PAUSE_S)
    finally:
        writer.transport.abort()


def _noted(held: Path) -> list[float]:
    return [float(line) for line in held.read_text().split()]


async def beside(process: int, ready: Ready, call: Call | None, held: Path) -> dict[str, float]:
    """Return what pushes and control calls take beside *call*; beside nothing for two seconds.

    *held* is where the simulator notes its long transactions.
    """
    pushes: list[float] = []
    asked: list[float] = []
    waiting = asyncio.gather(_push(ready, pushes), _ask(ready, asked))
    await asyncio.sleep(0.5)
    pushes.clear()
    asked.clear()
    await asyncio.to_thread(held.write_text, "")
    begun, used = perf_counter(), cpu_s(process)
    await (asyncio.sleep(2) if call is None else asyncio.to_thread(_send, ready, call))
    found = {"s": perf_counter() - begun, "cpu s": cpu_s(process) - used}
    found["held cpu ms"] = max(await asyncio.to_thread(_noted, held), default=0)
    # Who waits as it ends is to be counted as well.
    await asyncio.sleep(0.1)
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
    for name, times in (("push", pushes), ("control", asked)):
        half, most = percentiles(times)
        found |= {f"{name} p50 ms": half, f"{name} p99 ms": most, f"{name} max ms": max(times)}
    return found


def main() -> None:
    """Make each call and print the table; fail if anybody waited longer than they may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="calls whose names hold this")
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    wanted = parser.parse_args()
    rows: dict[str, dict[str, float]] = {}
    calls: dict[str, Call | None] = {"nothing": None, **CALLS}
    with tempfile.TemporaryDirectory() as directory:
        held = Path(directory, "held")
        os.environ["HELD_FILE"] = str(held)
        for name, call in calls.items():
            if call is not None and wanted.only not in name:
                continue
            place = Path(directory, str(len(rows)))
            with serving(place, *FLAGS, module="tests.bench.held") as (process, ready):
                made = call
                for one in call.first if call else ():
                    _send(ready, one)
                if call is not None and call.path == "/snapshot":
                    saved = _send(ready, replace(call, method="GET", body=b""))
                    made = replace(call, body=saved)
                rows[name] = uvloop.run(beside(process, ready, made, held))
            if not rows.keys() - {name}:
                print(f"{'':28}" + "".join(f"{head:>15}" for head in rows[name]))
            print(
                f"{name:28}" + "".join(f"{value:15.1f}" for value in rows[name].values()),
                flush=True,
            )
    keep(wanted.output, "long calls", rows)
    late = [
        name
        for name, row in rows.items()
        if max(row["push p99 ms"], row["control p99 ms"]) > BUDGET_MS
    ]
    if late:
        raise SystemExit(f"others wait for more than {BUDGET_MS} ms beside: {', '.join(late)}")


if __name__ == "__main__":
    main()
