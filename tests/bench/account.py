"""Requests per second of a journalled GET /account, beside a bare aiohttp handler.

All serve HTTP/1.1 over TLS with the same certificate, in processes of their
own, and are driven in turn by the same client, so that the machine's drift
meets all. Prints the rounds, their ratios, and writes bench.json. The ratio of
processor time for each request tells the servers apart also where the client, or
whatever else runs on the machine, is what limits the requests per second.
mdmsim runs on uvloop; the bare handler is measured on asyncio's loop, which is what
aiohttp runs on by itself, and on uvloop.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import ssl
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web

from simulator.auth import oauth1
from tests.bench.running import certificate, cpu_s, keep, serving, show

CONNECTIONS = 16
LOOPS = ("asyncio", "uvloop")


def bare(certificate: str, ready: Any, loop: str) -> None:
    """Serve a constant JSON answer with aiohttp and nothing else, on the event loop *loop*."""

    async def run() -> None:
        async def handler(_: web.BaseRequest) -> web.Response:
            return web.json_response({"server_name": "bare", "org_name": "bare"})

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        runner = web.ServerRunner(web.Server(handler))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        ready.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    (uvloop if loop == "uvloop" else asyncio).run(run())


def log_in(url: str, token: dict[str, str], context: ssl.SSLContext | None) -> str:
    """Return a session token."""
    from urllib.parse import quote  # noqa: PLC0415 (beside its one use)
    from urllib.request import Request, urlopen  # noqa: PLC0415 (beside its one use)

    parameters = {
        "oauth_consumer_key": token["consumer_key"],
        "oauth_token": token["access_token"],
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(time.time_ns() // 10**9),
        "oauth_nonce": os.urandom(8).hex(),
        "oauth_version": "1.0",
    }
    parameters["oauth_signature"] = oauth1.sign(
        "GET",
        f"{url}/session",
        parameters.items(),
        consumer_secret=token["consumer_secret"],
        token_secret=token["access_secret"],
    )
    header = "OAuth " + ", ".join(f'{k}="{quote(v, safe="")}"' for k, v in parameters.items())
    request = Request(f"{url}/session", headers={"Authorization": header})  # noqa: S310 (ours)
    with urlopen(request, context=context) as answer:  # noqa: S310 (ours)
        session: str = json.load(answer)["auth_session_token"]
    return session


async def client(port: int, context: ssl.SSLContext, lines: bytes, until: float) -> int:
    """Send one request after the other on one connection; return how many were answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    answered = 0
    while time.perf_counter() < until:
        writer.write(lines)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"an answer was {head[:40]!r}")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        answered += 1
    writer.close()
    return answered


async def measure(
    server: int, port: int, context: ssl.SSLContext, lines: bytes, seconds: float
) -> tuple[float, float]:
    """Return answers per second over all connections, and the *server*'s microseconds of each."""
    start, used = time.perf_counter(), cpu_s(server)
    counts = await asyncio.gather(
        *(client(port, context, lines, start + seconds) for _ in range(CONNECTIONS))
    )
    answered = sum(counts)
    used = (cpu_s(server) - used) * 1_000_000
    return answered / (time.perf_counter() - start), used / answered


def main() -> None:
    """Run all rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as directory,
        serving(Path(directory, "data")) as (process, ready),
    ):
        rounds = compare(process, ready, Path(directory), arguments)
    rows = {name: [one[name] for one in rounds] for name in rounds[0]}
    show(f"GET /account, {CONNECTIONS} connections, TLS", rows)
    keep(arguments.output, "account", rows)


def compare(
    process: int, ready: dict[str, Any], directory: Path, arguments: argparse.Namespace
) -> list[dict[str, float]]:
    """Return the figures of each round, by their names."""
    context = ssl.create_default_context(cafile=ready["ca"])
    url = ready["tls"][0]
    session = log_in(url, ready["organisations"][0]["dep_servers"][0]["token"], context)
    peers = {loop: serve_bare(directory, loop) for loop in LOOPS}
    port = int(url.rpartition(":")[2])
    unchecked = ssl._create_unverified_context()  # noqa: S323 (loopback, both our own)
    lines = (
        f"GET /account HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: bench/1\r\n"
        f"X-Server-Protocol-Version: 10\r\nX-ADM-Auth-Session: {session}\r\n\r\n"
    ).encode()
    results: list[dict[str, float]] = []
    for number in range(arguments.rounds + 1):
        ours, us = asyncio.run(measure(process, port, unchecked, lines, arguments.seconds))
        row = {"mdmsim, journalled /s": ours, "mdmsim, us of a core each": us}
        for loop, (peer, bare_port) in peers.items():
            theirs, bare_us = asyncio.run(
                measure(peer.pid or 0, bare_port, unchecked, lines, arguments.seconds)
            )
            row |= {
                f"bare on {loop} /s": theirs,
                f"bare on {loop}, us of a core each": bare_us,
                f"ratio to {loop}": ours / theirs,
                f"processor time, to {loop}": bare_us / us,
            }
        if number:
            results.append(row)
    for peer, _ in peers.values():
        peer.terminate()
    return results


def serve_bare(directory: Path, loop: str) -> tuple[multiprocessing.Process, int]:
    """Start the bare handler; return its process and its port."""
    near, far = multiprocessing.Pipe()
    peer = multiprocessing.Process(
        target=bare, args=(str(certificate(directory)), far, loop), daemon=True
    )
    peer.start()
    return peer, near.recv()


if __name__ == "__main__":
    main()
