"""Pushes per second beside others that stand in for APNs, or could, in one run on one machine.

All serve HTTP/2 over TLS and are driven in turn by the same h2load with the same pushes for the
same devices. They do not do the same: the table says what each checks and what it stores. WireMock
is taken from Maven Central. Others that can be compared with, such as go-apnsmock and the push
handler of Fleet, are not in the Go proxy that we use: start one and name it with ``--peer``.
Prints the table and adds it to bench.json.
"""

import argparse
import json
import socket
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench.pushes import DEVICES, MAGIC, Server, aimed, load, measure, need, start
from tests.bench.running import keep, machine

BARE = "bare Go"
DOES = {
    BARE: ("nothing", "nothing"),
    "bare Node.js": ("nothing", "nothing"),
    "mdmsim": (
        "token, topic, headers, body, expiry, strictness, faults",
        "each push on disk before its response, and for its device",
    ),
    "WireMock": ("method and path, by a stub", "the last 1,000 requests, in memory"),
}
"""What each checks, and what it stores."""
UNKNOWN = ("as it says", "as it says")
_STUB = {
    "request": {"method": "POST", "urlPathPattern": "/3/device/[0-9a-f]+"},
    "response": {
        "status": 200,
        "headers": {"apns-id": "9CC486EA-EA83-9351-40DF-557A308816D8"},
    },
}


@contextmanager
def wiremock(jar: Path, directory: Path) -> Iterator[tuple[int, str]]:
    """Run WireMock with one stub; yield its process id and URL."""
    stubs = directory / "wiremock" / "mappings"
    stubs.mkdir(parents=True)
    (stubs / "push.json").write_text(json.dumps(_STUB))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["java", "-jar", f"{jar}", "--disable-http", "--https-port", f"{port}"]
    command += ["--root-dir", f"{stubs.parent}", "--max-request-journal-entries", "1000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            if not any("https-port" in line for line in process.stdout):  # its last words
                raise SystemExit("WireMock did not start")
            yield process.pid, f"https://127.0.0.1:{port}"
        finally:
            process.terminate()


def peers(stack: ExitStack, directory: Path, jar: Path | None, named: list[str]) -> list[Server]:
    """Start or find all servers."""
    servers, tokens = start(stack, directory, DEVICES)
    further = {}
    if jar is not None:
        further["WireMock"] = stack.enter_context(wiremock(jar, directory))
    for one in named:
        name, number, url = one.split("=", 2)
        further[name] = (int(number), url)
    servers += (aimed(name, *where, tokens, directory) for name, where in further.items())
    return servers


def main() -> None:
    """Measure all in turn, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--wiremock", type=Path, help="its standalone jar")
    parser.add_argument(
        "--peer", action="append", default=[], metavar="NAME=PID=URL", help="a server that runs"
    )
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    wanted = parser.parse_args()
    need("h2load", "go", "node", *(["java"] if wanted.wiremock else []))
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        directory = Path(name)
        (directory / "payload").write_text(json.dumps({"mdm": MAGIC}))
        servers = peers(stack, directory, wanted.wiremock, wanted.peer)
        for one in servers:  # a machine of Java's is slow at first
            load(one, directory, "-m", "10", "-n", "2000")
        rounds = [
            {one.name: measure(one, directory, wanted.seconds) for one in servers}
            for _ in range(wanted.rounds)
        ]
    rows = {
        one.name: {
            "per_s": statistics.median(each[one.name].per_s for each in rounds),
            "of_bare_go": statistics.median(
                each[one.name].per_s / each[BARE].per_s for each in rounds
            ),
            "cpu_us": statistics.median(each[one.name].cpu_us for each in rounds),
        }
        for one in servers
    }
    print(f"\npushes to {DEVICES} devices, {machine()}\n")
    print(f"{'':14}{'a second':>10}{'of bare Go':>12}{'CPU us':>9}  checks; stores")
    for name, row in sorted(rows.items(), key=lambda one: -one[1]["per_s"]):
        checks, stores = DOES.get(name, UNKNOWN)
        figures = f"{row['per_s']:10.0f}{row['of_bare_go']:12.2f}{row['cpu_us']:9.1f}"
        print(f"{name:14}{figures}  {checks}; {stores}")
    keep(wanted.output, "peers", rows)


if __name__ == "__main__":
    main()
