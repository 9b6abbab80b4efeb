"""What the benchmarks share: the server under test, the bare ones' certificate, the table."""

import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simulator.pki.authority import Authority

STOP_S = 10
_TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(directory: Path, *flags: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Run mdmsim with its journal in *directory*; yield its process id and its ready.json."""
    ports = ["--tls-port", "0", "--http-port", "off", "--control-port", "0", "--proxy-port", "off"]
    command = [sys.executable, "-m", "simulator", "serve", "--data", str(directory), *ports, *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
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
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def machine() -> str:
    """Return what was measured on."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def show(title: str, rows: Mapping[str, Sequence[float]]) -> None:
    """Print minimum, median and maximum of each row."""
    print(f"\n{title}\n{'':34}{'min':>10} {'median':>10} {'max':>10}")
    for name, values in rows.items():
        figures = (min(values), statistics.median(values), max(values))
        print(f"{name:34}" + " ".join(f"{value:10.2f}" for value in figures))


def keep(path: Path, name: str, figures: Mapping[str, Any]) -> None:
    """Write *figures* to the JSON file at *path* under *name*; what else it holds stays."""
    kept = json.loads(path.read_text()) if path.exists() else {}
    kept[name] = {"machine": machine(), **figures}
    path.write_text(json.dumps(kept, indent=2) + "\n")
