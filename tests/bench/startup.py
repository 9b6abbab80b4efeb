"""How long `mdmsim serve` takes until it is ready, on a data directory that exists.

Rounds of ``python -c "import aiohttp"`` and of `mdmsim serve` alternate, so that
both see the same machine. Bytecode is there, as pip leaves it. Prints what it
measured, and adds it to bench.json.
"""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.bench.running import STOP_S, keep, show

BARE = "python -c 'import aiohttp'"
PORTS = ("--tls-port", "0", "--http-port", "0", "--control-port", "0", "--proxy-port", "0")


def bare(environment: Mapping[str, str]) -> float:
    """Return the seconds that a Python takes which only imports aiohttp."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import aiohttp"], check=True, env=environment)
    return time.perf_counter() - begun


def served(data: Path, environment: Mapping[str, str]) -> tuple[float, float, float]:
    """Serve once; return the seconds until it is ready, those it takes to stop, and its MiB."""
    command = [sys.executable, "-m", "simulator", "serve", "--data", str(data), *PORTS]
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        if not any(line.startswith("mdmsim ready") for line in process.stdout):
            raise SystemExit("mdmsim did not start")
        ready = time.perf_counter() - begun
        status = Path(f"/proc/{process.pid}/status").read_text()
        begun = time.perf_counter()
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_S)
        stopped = time.perf_counter() - begun
    resident = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert resident is not None
    return ready, stopped, int(resident[1]) / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        kept = {"PYTHONPYCACHEPREFIX": str(Path(folder, "bytecode"))}
        environment = {
            name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
        } | kept
        # Once for the bytecode and the data directory: neither is what is measured.
        bare(environment)
        served(data, environment)
        pairs = [(bare(environment), served(data, environment)) for _ in range(wanted.rounds)]
    rows = {
        f"{BARE}, s": [one for one, _ in pairs],
        "start to ready, s": [ready for _, (ready, _, _) in pairs],
        "ratio": [ready / one for one, (ready, _, _) in pairs],
        "stop, s": [stopped for _, (_, stopped, _) in pairs],
        "resident at rest, MiB": [resident for _, (_, _, resident) in pairs],
    }
    show("Start", rows)
    medians = {name: round(statistics.median(values), 3) for name, values in rows.items()}
    print(json.dumps(medians))
    keep(wanted.output, "startup", medians)


if __name__ == "__main__":
    main()
