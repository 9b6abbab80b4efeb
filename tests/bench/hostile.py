"""How long a push waits beside one hostile client of each sort.

The hostile client is a process of its own that sends one request after the other, each as large
as the simulator takes, on four connections. Beside it pushes are sent, one at a time on one
connection. Adds median, 99th percentile and longest of each to bench.json.
"""

import argparse
import asyncio
import gzip
import json
import plistlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import uvloop

from simulator.transport.http2 import frames
from tests.bench.connections import session
from tests.bench.running import keep, percentiles, serving
from tests.load import crowd, rude
from tests.load.bodies import BODIES

FLAGS = ("--http-port", "0", "--push-auth", "none", "--unknown-tokens", "accept")
LIMIT = 1_048_576 - 1024
"""Bytes of a body, a little below what is taken."""
CONNECTIONS = 4
HALVES = 100
"""Bodies on each connection that are sent by half."""
PAUSE_S = 0.005
BUDGET_MS = 25
DEVICES = 20_000
Ready = dict[str, Any]
Attack = Callable[[Ready], bytes]


def _post(path: str, kind: str, body: bytes, *more: str, method: str = "POST") -> bytes:
    lines = (f"{method} {path} HTTP/1.1", "Host: localhost", "User-Agent: hostile/1", *more)
    about = (f"Content-Type: {kind}", f"Content-Length: {len(body)}", "", "")
    return "\r\n".join((*lines, *about)).encode() + body


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def _stranger(kind: str) -> Attack:
    """Return what sends a body of one *kind* to DEP without a session."""
    return lambda _: _post("/profile", "application/json", BODIES[kind](LIMIT))


def _client(kind: str) -> Attack:
    """Return what sends a body of one *kind* to DEP with one."""

    def made(ready: Ready) -> bytes:
        head = ("X-Server-Protocol-Version: 10", f"X-ADM-Auth-Session: {session(ready)}")
        return _post("/profile", "application/json", BODIES[kind](LIMIT), *head)

    return made


def _page(ready: Ready) -> bytes:
    head = ("X-Server-Protocol-Version: 10", f"X-ADM-Auth-Session: {session(ready)}")
    return _post("/server/devices", "application/json", b'{"limit": 1000}', *head)


def _licences(ready: Ready) -> bytes:
    stoken = ready["organisations"][0]["vpp_locations"][0]["stoken"]
    pairs = json.dumps({"sToken": stoken, "filler": [{}] * (LIMIT // 5)}).encode()
    return _post("/mdm/getVPPUserSrv", "application/json", pairs)


def _broken_plist(_: Ready) -> bytes:
    items = b"<dict><key>a</key><string>b</string></dict>" * (LIMIT // 45)
    return _post("/pushcert/caservice/new", "application/xml", b"<plist><array>" + items)


def _plist(_: Ready) -> bytes:
    body = plistlib.dumps({f"k{number}": "v" for number in range(LIMIT // 50)})
    return _post("/pushcert/caservice/new", "application/xml", body)


def _form(_: Ready) -> bytes:
    body = b"a=b&" * (LIMIT // 4)
    return _post("/auth/oauth2/token", "application/x-www-form-urlencoded", body)


def _packed(_: Ready) -> bytes:
    body = gzip.compress(b"[" + b"{}," * (LIMIT // 4) + b"{}]", 1)
    return _post("/profile", "application/json", body, "Content-Encoding: gzip")


ATTACKS: dict[str, tuple[str, Attack]] = {
    **{f"stranger: {kind}": ("http", _stranger(kind)) for kind in ("objects", "many-keys", "hex")},
    **{
        f"client: {kind}": ("http", _client(kind))
        for kind in ("one-key", "objects", "texts", "base64-of-json", "escapes", "telling-names")
    },
    "client: pages of 1000": ("http", _page),
    "sToken with much beside": ("http", _licences),
    "property list, broken": ("http", _broken_plist),
    "property list": ("http", _plist),
    "form of pairs": ("http", _form),
    "gzip of objects": ("http", _packed),
    "control: snapshot": ("control", lambda _: _get("/api/v1/snapshot")),
    "control: search": ("control", lambda _: _get("/api/v1/exchanges?q=nowhere-to-be-found")),
    "control: faults": (
        "control",
        lambda _: _post("/api/v1/faults", "application/json", BODIES["many-keys"](1_000_000)),
    ),
}
"""By name: the port, and what is sent to it again and again."""
HALF = "half-sent bodies"


async def _again(port: int, data: bytes) -> None:
    """Send *data* again and again, each time once the answer before has come."""
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while True:
                writer.write(data)
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
                await reader.readexactly(int(length or b"0"))
                if not length or b"connection: close" in head.lower():
                    break
        except (OSError, asyncio.IncompleteReadError):
            pass
        writer.transport.abort()


async def _halves(port: int) -> None:
    """Begin bodies on HTTP/2 and send them byte by byte, never to the end."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(frames.PREFACE + frames.settings({}))
    streams = range(1, 2 * HALVES, 2)
    for number in streams:
        writer.write(frames.frame(frames.HEADERS, 4, number, rude.BLOCK))
        writer.write(frames.frame(0, 0, number, bytes(600)) * 100)
        await writer.drain()
    while not writer.is_closing():
        for number in streams:
            writer.write(frames.frame(0, 0, number, b"x"))
        await asyncio.sleep(0.1)


async def _attack(name: str, ready: Ready) -> None:
    """Be the hostile client, for ever."""
    if name == HALF:
        port = urlsplit(ready["http"]).port or 0
        print("begun", flush=True)
        await asyncio.gather(*(_halves(port) for _ in range(5)), return_exceptions=True)
        await asyncio.Event().wait()
    which, made = ATTACKS[name]
    data = await asyncio.to_thread(made, ready)
    port = urlsplit(ready[which]).port or 0
    print("begun", flush=True)
    await asyncio.gather(*(_again(port, data) for _ in range(CONNECTIONS)))


async def _pushes(ready: Ready, seconds: float) -> list[float]:
    """Push for so long; return how long each push took, in milliseconds."""
    topic = ready["organisations"][0]["push_topics"][0]["topic"]
    (held,) = await crowd.hold_apns(urlsplit(ready["tls"][0]).port or 0, 1)
    times: list[float] = []
    end = perf_counter() + seconds
    while perf_counter() < end:
        begun = perf_counter()
        if await held.push(topic, f"{len(times) % 64:064x}") != b"\x88":
            raise SystemExit("a push was refused")
        times.append((perf_counter() - begun) * 1000)
        await asyncio.sleep(PAUSE_S)
    assert held.transport is not None
    held.transport.abort()
    return times


def beside(name: str, ready: Ready, seconds: float) -> dict[str, float]:
    """Return what pushes take beside the attack *name*; beside nothing if it is empty."""
    if not name:
        return _figures(uvloop.run(_pushes(ready, seconds)))
    command = [sys.executable, "-m", "tests.bench.hostile", "--as", name]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(ready))
        process.stdin.close()
        process.stdout.readline()
        try:
            return _figures(uvloop.run(_pushes(ready, seconds)))
        finally:
            process.send_signal(signal.SIGKILL)


def _figures(times: list[float]) -> dict[str, float]:
    half, most = percentiles(times)
    return {"pushes": len(times), "p50 ms": half, "p99 ms": most, "longest ms": max(times)}


def main() -> None:
    """Run each attack and print the table; fail if a push waited longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--only", default="", help="attacks whose names hold this")
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    parser.add_argument("--as", dest="attack", default="", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.attack:
        uvloop.run(_attack(wanted.attack, json.load(sys.stdin)))
        return
    names = ["", *(name for name in (*ATTACKS, HALF) if wanted.only in name)]
    rows: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as directory:
        for name in names:
            with serving(Path(directory, str(len(rows))), *FLAGS) as (_, ready):
                headers = {"Content-Type": "application/json"}
                body = json.dumps({"count": 1000}).encode()
                for _ in range(DEVICES // 1000 if "snapshot" in name else 1):
                    url = f"{ready['control']}/api/v1/devices"
                    with urlopen(Request(url, body, headers)) as answer:  # noqa: S310 (ours)
                        answer.read()
                rows[name or "nothing"] = beside(name, ready, wanted.seconds)
            found = " ".join(f"{value:12.1f}" for value in rows[name or "nothing"].values())
            print(f"{name or 'nothing':28}{found}", flush=True)
    keep(wanted.output, "hostile", rows)
    late = [name for name, row in rows.items() if row["p99 ms"] > BUDGET_MS]
    if late:
        raise SystemExit(f"pushes wait for more than {BUDGET_MS} ms beside: {', '.join(late)}")


if __name__ == "__main__":
    main()
