"""What durability costs: a start after ``kill -9`` under load, and a flush of each commit.

First pushes fill a journal. Each round then kills the simulator while it is
pushed to as fast as it goes, and takes the time until the next one is ready; a
start after an orderly stop is beside it. Then two simulators are pushed to in
turn, one as by default, whose commits survive ``kill -9``, and one with
``--synchronous full``, whose commits survive a power cut too. Prints the rounds
and adds them to bench.json.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any

from tests.bench.memory import push
from tests.bench.pushes import MAGIC, Server, enrol, measure, need
from tests.bench.running import PORTS, STOP_S, file_system, keep, serving, show

JOURNAL = 100_000
BUDGET_S = 2
LOADED_S = 2
"""How long a simulator is under load before it is killed."""
LENIENT = ("--push-auth", "none")


class Process:
    """A simulator that can be killed."""

    def __init__(self, data: Path) -> None:
        """Start it, and wait until it is ready."""
        command = [sys.executable, "-m", "simulator", "serve", "--data", str(data)]
        begun = time.perf_counter()
        self._process = subprocess.Popen(
            [*command, *PORTS, *LENIENT], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        if not any(line.startswith("mdmsim ready") for line in self._process.stdout):
            raise SystemExit("mdmsim did not start")
        self.started_s = time.perf_counter() - begun
        self.ready: dict[str, Any] = json.loads((data / "ready.json").read_text())

    def end(self, how: signal.Signals) -> None:
        """Send it a signal, and wait until it is gone."""
        self._process.send_signal(how)
        self._process.wait(STOP_S)


def started_s(data: Path) -> float:
    """Start a simulator and stop it; return the seconds until it was ready."""
    process = Process(data)
    process.end(signal.SIGTERM)
    return process.started_s


def aim(ready: dict[str, Any], directory: Path, tokens: list[str]) -> Path:
    """Write the URLs that h2load takes in turn; return the file."""
    targets = directory / "targets"
    urls = (f"{ready['tls'][0]}/3/device/{token}\n" for token in tokens)
    targets.write_text("".join(urls))
    return targets


def killed(data: Path, directory: Path, tokens: list[str]) -> None:
    """Kill a simulator under load."""
    process = Process(data)
    targets = aim(process.ready, directory, tokens)
    command = ["h2load", "-c", "4", "-m", "100", "-D", "60", "-i", f"{targets}"]
    command += ["-d", f"{directory / 'payload'}", "-H", "apns-push-type: mdm"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as load:
        Event().wait(LOADED_S)
        if load.poll() is not None:
            raise SystemExit("h2load has ended by itself")
        process.end(signal.SIGKILL)
        load.terminate()


def restarts(directory: Path, exchanges: int, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each start, after a stop and after a kill."""
    data = directory / "restarted"
    with serving(data, *LENIENT) as (process, ready):
        tokens = enrol(ready)
        aim(ready, directory, tokens)
        push(process, directory, exchanges)
    stopped, after_kill = [], []
    for _ in range(rounds):
        stopped.append(started_s(data))
        killed(data, directory, tokens)
        after_kill.append(started_s(data))
    return {"after a stop, s": stopped, "after kill -9 under load, s": after_kill}


def flushing(directory: Path, rounds: int, seconds: int) -> dict[str, list[float]]:
    """Return the pushes per second with and without a flush, and their ratio, of each round."""
    with ExitStack() as stack:
        servers = []
        for name in ("normal", "full"):
            place = directory / name
            place.mkdir()
            flags = (*LENIENT, "--synchronous", name)
            process, ready = stack.enter_context(serving(place / "data", *flags))
            servers.append(Server(name, process, aim(ready, place, enrol(ready))))
        speeds = [
            {one.name: measure(one, directory, seconds).per_s for one in servers}
            for _ in range(rounds)
        ]
    return {
        "--synchronous normal /s": [one["normal"] for one in speeds],
        "--synchronous full /s": [one["full"] for one in speeds],
        "full / normal": [one["full"] / one["normal"] for one in speeds],
    }


def main() -> None:
    """Run all rounds and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exchanges", type=int, default=JOURNAL)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    wanted = parser.parse_args()
    need("h2load")
    # Bytecode is there, as pip leaves it.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "payload").write_text(json.dumps({"mdm": MAGIC}))
        disk = file_system(directory)
        starts = restarts(directory, wanted.exchanges, wanted.rounds)
        pushed = flushing(directory, wanted.rounds, wanted.seconds)
    size = f"{wanted.exchanges} exchanges and more"
    show(f"start to ready, journal of {size} (budget: {BUDGET_S} s)", starts)
    show(f"pushes with a flush of the disk ({disk}) for each commit, and without", pushed)
    keep(wanted.output, "durable", {"file_system": disk, **starts, **pushed})


if __name__ == "__main__":
    main()
