"""What the benchmarks share: the server under test, the bare ones' certificate, the table."""

import json
import os
import platform
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simulator.pki.authority import Authority
from tests.bench.interpreter import python
from tests.bench.tree import THIS, Tree

STOP_S = 10
PORTS = ("--tls-port", "0", "--http-port", "off", "--control-port", "0", "--proxy-port", "off")


@contextmanager
def serving(
    directory: Path, *flags: str, module: str = "simulator", tree: Tree = THIS
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Run mdmsim with its journal in *directory*; yield its process id and its ready.json.

    *module* of *tree* is what is run; it takes the arguments of ``mdmsim``.
    """
    command = [tree.python, "-m", module, "serve", "--data", str(directory), *PORTS, *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tree.root) as process:
        try:
            assert process.stdout is not None
            if not any(line.startswith("mdmsim ready") for line in process.stdout):
                raise SystemExit("mdmsim did not start")
            yield process.pid, json.loads((directory / "ready.json").read_text())
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_S)


@contextmanager
def bare(command: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Run a server that prints its port; yield its process id and the port."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.pid, int(process.stdout.readline())
        finally:
            process.terminate()


def certificate(directory: Path) -> Path:
    """Return a file with a key and a certificate, for the bare servers."""
    now = datetime.fromtimestamp(time.time_ns() / 10**9, UTC)
    leaf = Authority.create(now).leaf(["127.0.0.1"], now)
    path = directory / "bare.pem"
    path.write_bytes(leaf.key_pem + leaf.chain_pem)
    return path


def cpu_s(process: int) -> float:
    """Return the processor time that *process* has used, in seconds."""
    # How clock_getcpuclockid(3) makes the number of a process's clock on Linux; /proc counts in
    # hundredths of a second only.
    return time.clock_gettime(~process << 3 | 2)


def resident_mb(process: int) -> float:
    """Return the memory of *process* that is resident, with that of files it maps, in MiB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def file_system(path: Path) -> str:
    """Return the kind of file system that *path* is on: a flush costs what that needs."""
    mounts = [line.split()[1:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    above = [(at, kind) for at, kind in mounts if path.resolve().is_relative_to(at)]
    return max(above, key=lambda one: len(one[0]))[1]


def percentiles(times: Sequence[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile of *times*."""
    ordered = sorted(times)
    return ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]


def machine() -> str:
    """Return what was measured on."""
    return f"{platform.machine()}, {os.cpu_count()} cores, {python()}"


def show(title: str, rows: Mapping[str, Sequence[float]]) -> None:
    """Print minimum, median and maximum of each row."""
    print(f"\n{title}\n{'':34}{'min':>10} {'median':>10} {'max':>10}")
    for name, values in rows.items():
        figures = (min(values), statistics.median(values), max(values))
        print(f"{name:34}" + " ".join(f"{value:10.2f}" for value in figures))


def keep(path: Path, name: str, figures: Mapping[str, Any]) -> None:
    """Write *figures* to the JSON file at *path* under *name*, and say on which machine.

    What else the file holds stays.
    """
    kept = json.loads(path.read_text()) if path.exists() else {}
    kept[name] = {"machine": machine(), **figures}
    path.write_text(json.dumps(kept, indent=2) + "\n")
    print(f"({machine()}; kept in {path} as {name})")
