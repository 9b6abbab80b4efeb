"""Pushes per second, beside a bare Go and a bare Node.js server of HTTP/2.

All serve HTTP/2 over TLS in processes of their own and are driven in turn by
the same h2load, so that the machine's drift meets all three. Ours checks each
push, records it on disk and keeps it for its device before it answers; the bare
ones read it and answer. Further cases show what ours does with more and fewer
connections, with few devices, and where one push in ten is refused; and what a
push costs without sockets, with sealing and without. Prints the rounds and adds
them to bench.json.
"""

import argparse
import hashlib
import json
import plistlib
import re
import shutil
import subprocess
import tempfile
from contextlib import ExitStack, closing
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.bench.running import bare, certificate, cpu_s, keep, serving, show

HERE = Path(__file__).parent
CONNECTIONS, STREAMS = 4, 100
DEVICES, FEW_DEVICES = 5000, 64
MAGIC = "7E2C1A9B-55D1-4A60-8F0E-7B6C1D2E3F40"
BUDGET, AIM = 0.5, 0.82
_RATE = re.compile(r"finished in [^,]+, ([\d.]+) req/s")
_STATUS = re.compile(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx")


@dataclass(frozen=True, slots=True)
class Server:
    """One of the servers, running."""

    name: str
    process: int
    targets: Path
    """File with the URLs that h2load takes in turn."""


@dataclass(frozen=True, slots=True)
class Round:
    """One measurement."""

    per_s: float
    cpu_us: float
    """Processor time of the server for each push, in microseconds."""


@dataclass(frozen=True, slots=True)
class Case:
    """One way to push at ours."""

    name: str
    connections: int = CONNECTIONS
    devices: int = DEVICES
    refused: bool = False
    """Whether one push in ten is to a token that nobody has."""


CASES = (
    Case("1 connection", connections=1),
    Case("4 connections"),
    Case("50 connections", connections=50),
    Case(f"{FEW_DEVICES} devices", devices=FEW_DEVICES),
    Case("one in ten refused", refused=True),
)


def enrol(ready: dict[str, Any], devices: int = FEW_DEVICES) -> list[str]:
    """Check devices in; return their tokens."""
    topic = ready["organisations"][0]["push_topics"][0]["topic"]
    tokens = [hashlib.sha256(f"bench {number}".encode()) for number in range(devices)]
    with closing(HTTPConnection(ready["control"].removeprefix("http://"))) as control:
        for number, token in enumerate(tokens):
            message = {
                "MessageType": "TokenUpdate",
                "Topic": topic,
                "UDID": f"bench-{number}",
                "Token": token.digest(),
                "PushMagic": MAGIC,
            }
            control.request("POST", "/api/v1/push-tokens/checkin", plistlib.dumps(message))
            answer = control.getresponse()
            answer.read()
            if answer.status >= HTTPStatus.BAD_REQUEST:
                raise SystemExit(f"a device was not checked in: {answer.status}")
    return [token.hexdigest() for token in tokens]


def load(server: Server, directory: Path, *options: str, connections: int = CONNECTIONS) -> str:
    """Drive *server* with h2load; return what that says."""
    command = [
        *("h2load", "-c", f"{connections}"),
        *("-i", f"{server.targets}", "-d", f"{directory / 'payload'}"),
        *("-H", "apns-push-type: mdm", "-H", "content-type: application/json", *options),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout


def warm(server: Server, directory: Path) -> None:
    """Push to each device three times: the first to one takes longer than the rest."""
    load(server, directory, "-m", f"{STREAMS}", "-n", f"{3 * DEVICES}")


def measure(server: Server, directory: Path, seconds: int, case: Case = CASES[1]) -> Round:
    """Push as fast as it goes."""
    before = cpu_s(server.process)
    options = ("-m", f"{STREAMS}", "-D", f"{seconds}", "--warm-up-time", "1")
    said = load(server, directory, *options, connections=case.connections)
    used = cpu_s(server.process) - before
    rate, statuses = _RATE.search(said), _STATUS.search(said)
    if rate is None or statuses is None:
        raise SystemExit(f"{server.name}: h2load says\n{said}")
    taken, *odd = (int(one) for one in statuses.groups())
    if any(odd) != case.refused or not taken:
        raise SystemExit(f"{server.name}: h2load says\n{said}")
    per_s = float(rate[1])
    return Round(per_s, used / (per_s * (seconds + 1)) * 1_000_000)


def aimed(name: str, process: int, url: str, tokens: list[str], directory: Path) -> Server:
    """Return the server at *url*, and have h2load push to *tokens* there in turn."""
    targets = directory / f"{name}.txt"
    targets.write_text("".join(f"{url}/3/device/{token}\n" for token in tokens))
    return Server(name, process, targets)


def variants(ours: Server, directory: Path, tokens: list[str], seconds: int) -> dict[str, float]:
    """Return the pushes per second of each case."""
    url = ours.targets.read_text().partition("/3/device/")[0]
    found = {}
    for case in CASES:
        paths = tokens[: case.devices]
        if case.refused:
            paths = [f"{n:064x}" if n % 10 == 0 else token for n, token in enumerate(paths, 1)]
        server = aimed(case.name, ours.process, url, paths, directory)
        found[f"{case.name} /s"] = measure(server, directory, seconds, case).per_s
    return found


def need(*programs: str) -> None:
    """End here unless this machine has *programs*."""
    for program in programs:
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is missing: this needs nghttp2-client, Go and Node.js")


def bare_go(stack: ExitStack, directory: Path) -> tuple[int, str]:
    """Start the server in Go; return its process id and URL."""
    program = directory / "bare-go"
    build = [shutil.which("go") or "go", "build", "-o", f"{program}", "."]
    subprocess.run(build, cwd=HERE / "go", check=True)
    process, port = stack.enter_context(bare([f"{program}", f"{certificate(directory)}"]))
    return process, f"https://127.0.0.1:{port}"


def start(
    stack: ExitStack, directory: Path, devices: int = FEW_DEVICES
) -> tuple[list[Server], list[str]]:
    """Start the three servers; return them, and the tokens that ours knows."""
    process, ready = stack.enter_context(serving(directory / "data", "--push-auth", "none"))
    tokens = enrol(ready, devices)
    go = bare_go(stack, directory)
    command = ["node", f"{HERE / 'node' / 'server.js'}", f"{certificate(directory)}"]
    node, port = stack.enter_context(bare(command))
    running = {
        "mdmsim": (process, ready["tls"][0]),
        "bare Go": go,
        "bare Node.js": (node, f"https://127.0.0.1:{port}"),
    }
    servers = [aimed(name, *where, tokens, directory) for name, where in running.items()]
    return servers, tokens


def main() -> None:
    """Run all rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    arguments = parser.parse_args()
    need("h2load", "go", "node")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        directory = Path(name)
        (directory / "payload").write_text(json.dumps({"mdm": MAGIC}))
        servers, tokens = start(stack, directory, DEVICES)
        rounds = [
            {one.name: measure(one, directory, arguments.seconds) for one in servers}
            for _ in range(arguments.rounds)
        ]
        cases = [variants(servers[0], directory, tokens, arguments.seconds) for _ in rounds]
    report(rounds, cases, arguments.output)


def report(
    rounds: list[dict[str, Round]],
    cases: list[dict[str, float]],
    output: Path,
) -> None:
    """Print what was measured, and keep it."""
    names = list(rounds[0])
    speeds = {f"{name} /s": [one[name].per_s for one in rounds] for name in names}
    ratios = {
        f"mdmsim / {name}": [one["mdmsim"].per_s / one[name].per_s for one in rounds]
        for name in names[1:]
    }
    costs = {f"{name} CPU us": [one[name].cpu_us for one in rounds] for name in names}
    capacities = {
        f"{name} /s of CPU": [1e6 / us for us in costs[f"{name} CPU us"]] for name in names
    }
    show(f"pushes, {CONNECTIONS} connections, {STREAMS} streams each, TLS", speeds)
    show(f"ratios (budget {BUDGET} x Go, aim {AIM})", ratios)
    show("processor time of the server for each push", costs)
    show("pushes for each second of processor time, as of one core", capacities)
    others = {name: [one[name] for one in cases] for name in cases[0]}
    show("mdmsim in other cases", others)
    keep(output, "pushes", {**speeds, **ratios, **costs, **capacities, **others})


if __name__ == "__main__":
    main()
