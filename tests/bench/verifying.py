"""Looks at the evidence of a simulator that is asked all the while: each has to find it complete.

``mdmsim report --verify`` is run as a process of its own, again and again. Prints how many of them
called it complete, and adds that to bench.json; fails unless all did.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.running import keep
from tests.durability.asking import load
from tests.durability.running import simulator

FIRST, PAUSE_S = 1000, 0.1
"""Requests before the first look, and the pause after each ten."""


def main() -> None:
    """Look so many times, and print what became of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--looks", type=int, default=100)
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    wanted = parser.parse_args()
    complete = 0
    with tempfile.TemporaryDirectory() as name:
        data = Path(name, "data")
        command = [sys.executable, "-m", "simulator", "report", "--verify", "--data", str(data)]
        with simulator(data) as (ready, _), load(ready, FIRST, PAUSE_S) as client:
            for _ in range(wanted.looks):
                said = subprocess.run(command, check=False, capture_output=True, text=True)
                complete += said.returncode == 0 and "evidence complete" in said.stdout
            asked = client.asked - FIRST
    print(f"verify under load: {complete} of {wanted.looks} complete, beside {asked} requests")
    figures = {"looks": wanted.looks, "complete": complete, "requests beside": asked}
    keep(wanted.output, "verifying", figures)
    if complete < wanted.looks or not asked:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
