"""How long a push takes at a steady rate, beside a bare Go server of HTTP/2.

h2load sends so many pushes a second whatever the answers take, until as many
wait as the streams allow: a server that cannot keep up shows by the rate that
was reached. Prints the rounds and adds them to bench.json.
"""

import argparse
import json
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.bench.pushes import CONNECTIONS, MAGIC, STREAMS, Server, load, need, start
from tests.bench.running import keep, percentiles, show

RATES = (1000, 10_000)
BUDGETS = {1000: "p99 under 10 ms"}


@dataclass(frozen=True, slots=True)
class Steady:
    """One measurement at a steady rate."""

    per_s: float
    """The rate that was reached."""
    median_ms: float
    p99_ms: float


def measure(server: Server, directory: Path, per_s: int, seconds: int) -> Steady:
    """Push *per_s* times a second."""
    log = directory / "requests.tsv"
    log.unlink(missing_ok=True)
    rate = f"--rps={per_s // CONNECTIONS}"
    amount = ("-m", f"{STREAMS}", "-n", f"{per_s * seconds}")
    load(server, directory, *amount, rate, "--log-file", f"{log}")
    rows = [line.split("\t") for line in log.read_text().splitlines()]
    if {status for _, status, _ in rows} != {"200"}:
        raise SystemExit(f"{server.name}: not every push was accepted")
    # In microseconds: when it was sent (since 1970), and what the answer took.
    sent, took = [int(row[0]) for row in rows], [int(row[2]) for row in rows]
    ended = max(at + wait for at, wait in zip(sent, took, strict=True))
    median, slow = percentiles(took)
    return Steady(len(rows) / (ended - min(sent)) * 1e6, median / 1000, slow / 1000)


def main() -> None:
    """Run all rounds and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    wanted = parser.parse_args()
    need("h2load", "go", "node")
    kept: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        directory = Path(name)
        (directory / "payload").write_text(json.dumps({"mdm": MAGIC}))
        servers = start(stack, directory)[0][:2]
        for rate in RATES:
            rounds = [
                {one.name: measure(one, directory, rate, wanted.seconds) for one in servers}
                for _ in range(wanted.rounds)
            ]
            rows = {
                f"{name} {title}": [getattr(one[name], figure) for one in rounds]
                for name in rounds[0]
                for title, figure in (
                    ("/s reached", "per_s"),
                    ("median ms", "median_ms"),
                    ("p99 ms", "p99_ms"),
                )
            }
            budget = f" (budget: {BUDGETS[rate]})" if rate in BUDGETS else ""
            show(f"pushes at a steady {rate}/s, {CONNECTIONS} connections{budget}", rows)
            kept |= {f"{title} at {rate}/s": values for title, values in rows.items()}
    keep(wanted.output, "steady", kept)


if __name__ == "__main__":
    main()
