"""What small things cost in a large world and beside a long journal: a reset, the kept counts.

In one process, over a store on disk, by the process's own clock: processor time, which what else
runs on the machine changes least. Each size is measured beside a small one, and should cost the
same. Adds its figures to bench.json.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from simulator.core.messages import Exchange, Peer, Request, Response
from simulator.store.opening import open_store
from simulator.store.protocols import Store
from tests.bench.running import keep, show

DEVICES = (1000, 200_000)
EXCHANGES = (1000, 200_000)
LOT = 1000
CHANGED = 20
"""Devices that a small test changes; it adds as many."""
_BODY = {"record": {"serial_number": "0Z", "model": "iPad Air", "description": "x" * 200}}
_PEER = Peer("127.0.0.1", 50000, 1)


def _rows(count: int) -> Iterator[tuple[str, dict[str, object]]]:
    return ((f"0Z{number:08d}", dict(_BODY)) for number in range(count))


def fill(store: Store, devices: int) -> None:
    """Have a world of so many devices, and the mark that a reset goes back to."""
    with store.transaction() as state:
        state.of("acme").add_many("device", _rows(devices))
        state.set_baseline()


def reset(store: Store) -> float:
    """Return the milliseconds of a reset after a small test."""
    with store.transaction() as state:
        home = state.of("acme")
        for number in range(CHANGED):
            home.put("device", f"0Z{number:08d}", {"changed": True})
            home.put("device", f"new-{number}", {})
    begun = time.process_time()
    with store.transaction() as state:
        state.reset()
    return (time.process_time() - begun) * 1000


def record(store: Store, exchanges: int) -> None:
    """Record so many exchanges."""
    request = Request("GET", "/account", (("Host", "localhost"),), b"", "https", _PEER)
    for _ in range(exchanges // LOT):
        with store.transaction() as state:
            for number in range(LOT):
                made = Exchange(1_770_000_000_000, request, service="dep", client=f"{number % 50}")
                made.response = Response(200, (), b"{}")
                state.record(made)


def count(store: Store) -> float:
    """Return the milliseconds of counting what was recorded."""
    with closing(store.journal()) as journal:
        begun = time.process_time()
        journal.counts()
        return (time.process_time() - begun) * 1000


def main() -> None:
    """Run all sizes and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    wanted = parser.parse_args()
    rows: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as directory:
        for devices in DEVICES:
            with closing(open_store(Path(directory, f"devices-{devices}.db"))) as store:
                fill(store, devices)
                name = f"reset, {devices} devices, ms"
                rows[name] = [reset(store) for _ in range(wanted.rounds)]
        for exchanges in EXCHANGES:
            with closing(open_store(Path(directory, f"exchanges-{exchanges}.db"))) as store:
                record(store, exchanges)
                name = f"counts, {exchanges} exchanges, ms"
                rows[name] = [count(store) for _ in range(wanted.rounds)]
    show("small things in a large world", rows)
    keep(wanted.output, "growth", rows)


if __name__ == "__main__":
    main()
