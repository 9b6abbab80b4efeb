"""``make soak``: a mixed load for half an hour, and what may not have happened by its end.

All services are asked at a moderate rate, faults are armed and revert, the clock is moved,
listeners come and go, the oldest exchanges are deleted. In the first half the simulator is
killed and stopped again and again; in the second it runs through, and what it needs is measured.
Prints a line for each check and exits with 1 if one does not hold.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

from simulator.core.data_directory import DATABASE
from simulator.disclosure.redact.canary import Canary
from simulator.store.opening import open_journal
from tests.durability.running import simulator
from tests.load import crowd
from tests.soak.clients import Enrolment, Licences, Listeners, Pushes, Site, Strangers

FLAGS = ("--journal-keep", "3000")
EACH_S = 60
"""How long the simulator lives, about, in the half in which it is killed."""
TURN_S = 3.0
"""How often something is done to the simulator."""
STOP_S = 10
MOST_WAL = 32 * 1024**2
GROWTH, ROOM = 1.2, 16 * 1024**2
"""How much more memory there may be at the end: caches fill up to a limit."""
FAULTS = (
    {
        "match": {"service": "dep"},
        "outcome": {"name": "http.response", "status": 503, "headers": {"Retry-After": "1"}},
        "for_s": 1,
    },
    {"match": {"service": "apns"}, "delivery": {"name": "delay", "wait_ms": 50}, "count": 5},
    {"match": {"service": "vpp2"}, "delivery": {"name": "reset"}, "count": 2},
)


@dataclass
class Findings:
    """What was seen, and the checks that came of it."""

    serials: list[str] = field(default_factory=list)
    """Devices that were bought."""
    wal: int = 0
    """Most bytes of the write-ahead log."""
    slow_stops: int = 0
    memory: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    missed: int = 0

    def check(self, about: str, wrong: str, figures: str) -> None:
        """Print the line of one check; it holds if there is nothing *wrong*."""
        print(f"soak: {'MISSED' if wrong else 'ok':7}{about:44}{wrong or figures}", flush=True)
        self.missed += bool(wrong)


def turn(number: int, site: Site, found: Findings, data: Path) -> None:
    """Do one thing to the simulator that people do, and look at its files."""
    log = data / f"{DATABASE}-wal"
    if log.exists():
        found.wal = max(found.wal, log.stat().st_size)
    try:
        if number % 2:
            server = site.organisation["dep_servers"][0]["id"]
            status, made = site.control("POST", "/devices", {"count": 1, "server": server})
            if status < 300:
                found.serials += made["serial_numbers"]
        else:
            site.control("POST", "/faults", FAULTS[number // 2 % len(FAULTS)])
        if number % 5 == 0:
            site.control("PUT", "/clock", {"mode": "offset", "advance_s": 60})
    except OSError:
        site.statuses["no answer"] += 1


def restarts(data: Path, site: Site, found: Findings, end: float) -> None:
    """Kill the simulator and stop it, in turn, until *end*."""
    count = max(2, round((end - time.monotonic()) / EACH_S))
    each = (end - time.monotonic()) / count
    number = 0
    for restart in range(count):
        with simulator(data, *FLAGS) as (_, process):
            site.look()
            until = min(time.monotonic() + each, end)
            while time.monotonic() < until:
                turn(number, site, found, data)
                number += 1
                site.stop.wait(TURN_S)
            if restart % 2 == 0:
                process.kill()
                continue
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                found.slow_stops += 1


def steady(pid: int, data: Path, site: Site, found: Findings, end: float) -> None:
    """Let the simulator run until *end*; measure what it needs from a third of that on."""
    begun = time.monotonic()
    warm = begun + (end - begun) / 3
    number = 0
    while time.monotonic() < end:
        turn(number, site, found, data)
        number += 1
        site.stop.wait(TURN_S)
        if time.monotonic() > min(warm, end - TURN_S):
            found.memory.append(crowd.memory(pid))
            found.files.append(crowd.files(pid))


def settled(pid: int, most: int) -> int:
    """Return how many files are open once there are no more than *most*, or after a while."""
    for _ in range(40):
        if crowd.files(pid) <= most:
            break
        threading.Event().wait(1)
    return crowd.files(pid)


def files_of(data: Path) -> Iterator[Path]:
    """Yield all files of a data directory."""
    yield from (one for one in sorted(data.rglob("*")) if one.is_file())


def leaks(data: Path, site: Site) -> tuple[int, list[str]]:
    """Return how many places were looked at, and which secrets stand where they may not."""
    planted, minted = Canary(site.planted), Canary(site.minted)
    hits, places = [], 0
    for path in files_of(data):
        places += 1
        hits += [
            f"{one.secret} in {one.where}" for one in planted.look(path.name, path.read_bytes())
        ]
    with closing(open_journal(data / DATABASE)) as journal:
        for seq, record in journal.raw():
            places += 1
            hits += [
                f"{one.secret} in {one.where}" for one in minted.look(f"exchange {seq}", record)
            ]
    return places, hits


def main() -> None:
    """Run it all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1800)
    seconds = parser.parse_args().seconds
    found = Findings()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        data = Path(name, "data")
        site = Site(data)
        enrolment, licences = Enrolment(site), Licences(site)
        with simulator(data, *FLAGS):
            site.look()
        clients = (enrolment, licences, Pushes(site), Strangers(site), Listeners(site))
        threads = [threading.Thread(target=site.again, args=(one.work,)) for one in clients]
        begun = time.monotonic()
        for thread in threads:
            thread.start()
        stack.callback(site.stop.set)
        restarts(data, site, found, begun + seconds / 2)
        with simulator(data, *FLAGS) as (_, process):
            site.look()
            steady(process.pid, data, site, found, begun + seconds)
            site.stop.set()
            for thread in threads:
                thread.join()
            judge(process.pid, site, enrolment, licences, found)
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_S)
        judge_files(data, site, found)
    if found.missed:
        sys.exit(1)


def judge(pid: int, site: Site, enrolment: Enrolment, licences: Licences, found: Findings) -> None:
    """Print what is to be seen of the simulator while it runs."""
    asked = sum(site.statuses.values())
    answered = dict(sorted(site.statuses.items()))
    found.check(
        "requests were answered", "" if answered.get("200") else "none", f"{asked}: {answered}"
    )
    first, last = found.memory[0], found.memory[-1]
    figures = f"{first // 1024} to {last // 1024} KiB"
    found.check("memory is flat", figures if last > GROWTH * first + ROOM else "", figures)
    most = max(found.files[: len(found.files) // 2 + 1])
    left = settled(pid, most)
    figures = f"up to {most}, then {left}"
    found.check("descriptors are flat", figures if left > most else "", figures)
    figures = f"at most {found.wal // 1024} KiB"
    found.check("the write-ahead log is bounded", figures if found.wal > MOST_WAL else "", figures)
    site.control("DELETE", "/faults")
    wrong = licences.is_even()
    found.check("licences add up", wrong, "assigned, available and listed agree")
    for _ in range(200):
        if enrolment.step():
            break
    missing = [one for one in found.serials if one not in enrolment.seen]
    wrong = f"{enrolment.lost[:3]}, {len(missing)} devices missed"
    figures = f"{len(found.serials)} devices came by it"
    found.check("no cursor is lost", wrong if enrolment.lost or missing else "", figures)
    wrong = f"{found.slow_stops} took over {STOP_S} s"
    found.check("it stops when told", wrong if found.slow_stops else "", "")


def judge_files(data: Path, site: Site, found: Findings) -> None:
    """Print what is to be seen of what it left behind."""
    command = [sys.executable, "-m", "simulator", "report", "--verify", "--data", str(data)]
    said = subprocess.run(command, capture_output=True, check=False, text=True)
    incomplete = said.returncode not in {0, 1}
    wrong = f"exit {said.returncode}: {said.stderr.strip()[:200]}"
    found.check("the chain verifies", wrong if incomplete else "", f"exit {said.returncode}")
    places, hits = leaks(data, site)
    looked = len(site.planted) + len(site.minted)
    figures = f"{looked} secrets in {places} places: none seen"
    found.check("no secret is in the journal", ", ".join(hits[:5]), figures)


if __name__ == "__main__":
    main()
