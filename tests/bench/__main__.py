"""All benchmarks, one after the other, and their figures in one table.

``python -m tests.bench``; with names, such as ``account pushes``, only those. One that
fails does not keep the others from running; the status says that one did. The table
is of all that the output file holds.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench.running import machine

_APART = {"__main__", "beside", "peers"}
"""This command itself, and what needs other trees or servers: ``make bench-beside bench-peers``."""
ALL = sorted(
    one.stem
    for one in Path(__file__).parent.glob("*.py")
    if one.stem not in _APART and "def main(" in one.read_text()
)

QUICK = {
    "account": "--rounds 1 --seconds 1",
    "activities": "--rounds 1",
    "connections": "--connections 200 --streams 200",
    "devices": "--devices 20000 --arriving 1000 --events 3000 --clients 5 --seconds 1",
    "durable": "--exchanges 2000 --rounds 1 --seconds 1",
    "fleet": "--devices 100",
    "growth": "--rounds 1",
    "hostile": "--seconds 1",
    "in_process": "--lots 1",
    "inputs": "--only dep.",
    "ledger": "--exchanges 5000 --devices 100",
    "licences": "--rounds 3",
    "listeners": "--rounds 2",
    "long_calls": "--only devices",
    "memory": "--exchanges 100000",
    "organisations": "--rounds 1",
    "pages": "--rounds 1",
    "pushes": "--rounds 1 --seconds 1",
    "replicas": "--rounds 1 --seconds 1 --streams 100",
    "rudeness": "--connections 260",
    "searching": "--exchanges 5000",
    "slow": "--rounds 1",
    "startup": "--rounds 1",
    "steady": "--rounds 1 --seconds 1",
    "verifying": "--looks 3",
}
"""What each is told by ``--quick``: it shows that all of them work, and no figure to go by."""


def table(kept: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a line for each figure, as Markdown; of several rounds the median."""
    lines = ["| benchmark | figure | median |", "|---|---|---|"]
    for name, figures in kept.items():
        for figure, value in figures.items():
            values = value if isinstance(value, list) else [value]
            if values and all(isinstance(one, int | float) for one in values):
                lines.append(f"| {name} | {figure} | {statistics.median(values):.2f} |")
    return lines


def main() -> None:
    """Run them and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(ALL)}")
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    parser.add_argument("--quick", action="store_true", help="small sizes and few rounds")
    wanted = parser.parse_args()
    names = wanted.names or ALL
    if odd := sorted({*names} - {*ALL}):
        parser.error(f"there is no benchmark {odd[0]}: name some of {', '.join(ALL)}")
    failed = []
    for name in names:
        begun = time.monotonic()
        command = [sys.executable, "-m", f"tests.bench.{name}", "--output", f"{wanted.output}"]
        flags = QUICK[name].split() if wanted.quick else []
        if subprocess.run([*command, *flags], check=False).returncode:
            failed.append(name)
        print(f"{name}: {time.monotonic() - begun:.0f} s", flush=True)
    kept = json.loads(wanted.output.read_text()) if wanted.output.exists() else {}
    print(f"\n{machine()}\n", *table(kept), sep="\n")
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
