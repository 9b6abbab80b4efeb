"""Memory at rest, while very many exchanges come in, and afterwards.

h2load pushes in lots of 100,000; the memory of the simulator, another process,
is read all the while. The journal is on disk, so what grows with the number of
exchanges grows without end: the budget is that it is flat. Prints a row for each
lot, and adds them to bench.json. A million (``--exchanges 1000000``) takes three
minutes or so.
"""

import argparse
import itertools
import json
import re
import statistics
import subprocess
import tempfile
from pathlib import Path

from simulator.core.data_directory import DATABASE
from tests.bench.pushes import CONNECTIONS, MAGIC, STREAMS, enrol, need
from tests.bench.running import keep, resident_mb, serving
from tests.load import crowd

LOT = 100_000
EVERY_S = 0.2
MIB = 1024 * 1024
_ANSWERED = re.compile(r"status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx")
Row = dict[str, float]


def look(process: int, data: Path, exchanges: int) -> Row:
    """Return what the simulator needs: resident memory, its own alone, and its database."""
    return {
        "exchanges": exchanges,
        "resident MiB": resident_mb(process),
        "own MiB": crowd.memory(process) / MIB,
        "database MiB": (data / DATABASE).stat().st_size / MIB,
    }


def push(process: int, directory: Path, count: int) -> float:
    """Push *count* times; return the most memory in MiB that was resident meanwhile."""
    command = [
        *("h2load", "-c", f"{CONNECTIONS}", "-m", f"{STREAMS}", "-n", f"{count}"),
        *("-i", f"{directory / 'targets'}", "-d", f"{directory / 'payload'}"),
        *("-H", "apns-push-type: mdm", "-H", "content-type: application/json"),
    ]
    most = 0.0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as load:
        while load.poll() is None:
            most = max(most, resident_mb(process))
            try:
                load.wait(EVERY_S)
            except subprocess.TimeoutExpired:
                continue
        assert load.stdout is not None
        said = load.stdout.read()
    answered = _ANSWERED.search(said)
    if answered is None or int(answered[1]) != count:
        raise SystemExit(f"h2load says\n{said}")
    return most


def main() -> None:
    """Do it all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exchanges", type=int, default=4 * LOT)
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    wanted = parser.parse_args()
    need("h2load")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        data = directory / "data"
        with serving(data, "--push-auth", "none") as (process, ready):
            rest = look(process, data, 0)
            urls = (f"{ready['tls'][0]}/3/device/{token}\n" for token in enrol(ready))
            (directory / "targets").write_text("".join(urls))
            (directory / "payload").write_text(json.dumps({"mdm": MAGIC}))
            rows = [rest | {"most MiB": rest["resident MiB"]}]
            for done in range(LOT, wanted.exchanges + 1, LOT):
                most = push(process, directory, LOT)
                rows.append(look(process, data, done) | {"most MiB": most})
    own = [row["own MiB"] for row in rows]
    print("".join(f"{title:>15}" for title in rows[0]))
    for row in rows:
        print("".join(f"{value:15.1f}" for value in row.values()))
    # The first lot fills caches, which have a limit.
    growth = [later - early for early, later in itertools.pairwise(own[1:])] or [0.0]
    print(
        f"growth for each {LOT} after the first (budget: flat): {statistics.mean(growth):.1f} MiB"
    )
    figures = {"rows": rows, "at_rest_mb": rest["resident MiB"], "growth_mb": growth}
    keep(wanted.output, "memory", figures)


if __name__ == "__main__":
    main()
