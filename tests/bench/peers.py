"""Pushes per second beside others that stand in for APNs, or could, in one run on one machine.

All serve HTTP/2 over TLS and are driven in turn by the same h2load with the same pushes for the
same devices. They do not do the same: the table says what each checks and what it stores. So
mdmsim is there several times, each with one thing more than the one before; below the table stands
what each thing costs, which is what the factor to the bare ones is for. WireMock is taken from
Maven Central. Others that can be compared with, such as go-apnsmock and the push handler of Fleet,
are not in the Go proxy that we use: start one and name it with ``--peer``. Prints the table and
adds it to bench.json.
"""

import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench.pushes import (
    DEVICES,
    MAGIC,
    Server,
    aimed,
    enrol,
    measure,
    need,
    start,
    warm,
)
from tests.bench.running import bare, certificate, keep, machine, serving

BARE = "bare Go"
_CHECKS = "token, topic, headers, body, expiry, strictness, faults"
_RECORD = "each push on disk before its response, and for its device"
DOES = {
    BARE: ("nothing", "nothing"),
    "bare Node.js": ("nothing", "nothing"),
    "transport": ("HTTP/2, by ours in Python", "nothing"),
    "unrecorded": (_CHECKS, "the push for its device, on disk"),
    "unindexed": (_CHECKS, _RECORD),
    "mdmsim": (_CHECKS, f"{_RECORD}; an index of texts"),
    "flushed": (_CHECKS, f"{_RECORD}, flushed; an index of texts"),
    "WireMock": ("method and path, by a stub", "the last 1,000 requests, in memory"),
}
"""What each checks, and what it stores."""
_OURS = {
    "unrecorded": ("tests.bench.unrecorded", ()),
    "unindexed": ("simulator", ("--text-search", "scan")),
    "flushed": ("simulator", ("--synchronous", "full")),
}
"""mdmsim with less and with more: module and flags."""
STEPS = {
    "transport": "TLS, HTTP/2 and the event loop, in Python",
    "unrecorded": "the checks, the push for its device, secrets sealed, a transaction for many",
    "unindexed": "the record: the last look for secrets, the hash chain, a row and its indexes",
    "mdmsim": "the index of texts, by a thread beside it",
    "flushed": "a flush of the disk for each transaction",
}
"""What each does that the one before it does not."""
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
    command = [sys.executable, "-m", "tests.bench.transport", f"{certificate(directory)}"]
    process, port = stack.enter_context(bare(command))
    further = {"transport": (process, f"https://127.0.0.1:{port}")}
    for name, (module, flags) in _OURS.items():
        run = serving(directory / name, "--push-auth", "none", *flags, module=module)
        process, ready = stack.enter_context(run)
        enrol(ready, DEVICES)
        further[name] = (process, ready["tls"][0])
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
        for one in servers:  # a machine of Java's is slow at first, too
            warm(one, directory)
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
    print("\nwhat of a push costs how much, us of a core\n")
    before = 0.0
    for name, about in STEPS.items():
        print(f"{name:14}{rows[name]['cpu_us'] - before:+10.1f}  {about}")
        before = rows[name]["cpu_us"]
    keep(wanted.output, "peers", rows)


if __name__ == "__main__":
    main()
