"""A long journal as it is searched: texts, filters without a hit, waits, and others beside.

Seeds a journal once, in --data if that is given, serves it, and asks the control API. Each call
is made several times, one after the other; the rest is measured beside many filters without a
hit. Last it tells what the index of texts costs each exchange, by turns with and without, in
processor time. Adds its figures to bench.json.
"""

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from simulator.core.data_directory import DATABASE
from simulator.store.opening import open_store
from simulator.store.sqlite.store import SqliteStore
from simulator.store.sqlite.text_index import path_of
from tests.bench.ledger import fill
from tests.bench.running import keep, percentiles, serving
from tests.bench.tree import THIS, Tree

FLAGS = ("--push-auth", "none")
TIMES = 7
TEXTS = {
    "no hit": "nowhere to be found",
    "one serial number": "0Z0004999990",
    "four digits": "7fff",
    "in every exchange": "ExampleMDM",
    "two letters": "zq",
}
"""What is looked for; the last is too short for an index."""
LONG_MS = 1000
FILTERS = {
    "status": "500",
    "error": "NOT_THERE",
    "organisation": "nobody",
    "client": "nobody",
    "session": "nobody",
    "finding": "field-unknown",
    "service": "vpp",
}
"""Filters without a hit."""
WAITS, WAIT_S = 4, 2.0
BESIDE_S = 4.0
TURNS, PUSHES = 3, 20_000
INDEXING_S = 600


def call(ready: dict[str, Any], path: str, query: dict[str, str] | None = None) -> float:
    """Return how many milliseconds a call of the control port took."""
    begun = time.perf_counter()
    with urlopen(f"{ready['control']}{path}?{urlencode(query or {})}") as answer:  # noqa: S310 (ours)
        answer.read()
    return 1000 * (time.perf_counter() - begun)


def often(ready: dict[str, Any], path: str, query: dict[str, str]) -> float:
    """Return the median of some calls in milliseconds, or one that takes more than a second."""
    took = [call(ready, path, query)]
    while len(took) < TIMES and took[0] < LONG_MS:
        took.append(call(ready, path, query))
    return median(took)


def wait(ready: dict[str, Any]) -> float:
    """Wait for what does not come; return how many milliseconds that was longer than asked."""
    body = json.dumps({"match": {"status": 500}, "timeout_s": WAIT_S}).encode()
    headers = {"Content-Type": "application/json"}
    url = f"{ready['control']}/api/v1/exchanges/wait"
    begun = time.perf_counter()
    try:
        urlopen(Request(url, body, headers)).close()  # noqa: S310 (ours)
    except OSError as error:  # 408
        error.close() if hasattr(error, "close") else None
    return 1000 * (time.perf_counter() - begun - WAIT_S)


async def beside(ready: dict[str, Any]) -> tuple[list[float], list[float], int]:
    """Return how late waits were, how long brief reads took, and how many filters ran meanwhile."""
    until = time.perf_counter() + BESIDE_S
    done = 0

    async def filtering() -> None:
        nonlocal done
        while time.perf_counter() < until:
            await asyncio.to_thread(call, ready, "/api/v1/exchanges", {"status": "500"})
            done += 1

    async def reading() -> list[float]:
        took = []
        while time.perf_counter() < until:
            took.append(await asyncio.to_thread(call, ready, "/api/v1/exchanges", {"limit": "1"}))
            await asyncio.sleep(0.02)
        return took

    late, took, _ = await asyncio.gather(
        asyncio.gather(*(asyncio.to_thread(wait, ready) for _ in range(WAITS))),
        reading(),
        filtering(),
    )
    return late, took, done


def indexed(path: Path) -> tuple[float, float]:
    """Have the journal at *path* indexed; return processor seconds and bytes."""
    begun = time.process_time()
    store = open_store(path, index_texts=True)
    assert isinstance(store, SqliteStore)
    if not store.texts_are_indexed(INDEXING_S):
        raise SystemExit("the index was not made in time")
    store.close()
    return time.process_time() - begun, path_of(path).stat().st_size


def price() -> dict[str, float]:
    """Return microseconds of a processor per exchange that is recorded, without an index and with.

    With one it falls behind; what is left to do then is told apart.
    """
    took: dict[bool, list[float]] = {False: [], True: []}
    left = []
    for _ in range(TURNS):
        for index in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                data = Path(folder)
                begun = time.process_time()
                fill(data, PUSHES, 64, index_texts=index)
                took[index].append((time.process_time() - begun) / PUSHES * 1e6)
                if index:
                    left.append(indexed(data / DATABASE)[0] / PUSHES * 1e6)
    return {
        "recorded without, CPU us": min(took[False]),
        "recorded with, CPU us": min(took[True]),
        "indexed later, CPU us": min(left),
    }


def measure(data: Path, tree: Tree = THIS) -> dict[str, Any]:
    """Measure over the journal in *data*, which *tree* serves."""
    found: dict[str, Any] = {}
    with serving(data, *FLAGS, tree=tree) as (_, ready):
        found["first metrics ms"] = call(ready, "/metrics")
        call(ready, "/traffic")  # compiles the templates
        for name, text in TEXTS.items():
            query = {"q": text, "order": "newest"}
            found[f"q, {name}, ms"] = often(ready, "/api/v1/exchanges", query)
            found[f"/traffic, {name}, ms"] = often(ready, "/traffic", {"q": text})
        for name, value in FILTERS.items():
            found[f"{name} without a hit, ms"] = often(ready, "/api/v1/exchanges", {name: value})
        late, took, done = asyncio.run(beside(ready))
    found["waits late by, ms"] = max(late)
    found["reads beside, p50 ms"], found["reads beside, p99 ms"] = percentiles(took)
    found["filters meanwhile"] = done
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exchanges", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path, help="Where the journal is, or is kept.")
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = wanted.data or Path(folder)
        if not (data / DATABASE).exists():
            fill(data, wanted.exchanges, 10_000)
        seconds, size = indexed(data / DATABASE)
        found = {
            "exchanges": wanted.exchanges,
            "indexing, CPU s": seconds,
            "index, bytes": size,
            **measure(data),
        }
    found |= price()
    for name, value in found.items():
        print(f"{name:40}{value:14.1f}")
    keep(wanted.output, "searching", found)


if __name__ == "__main__":
    main()
