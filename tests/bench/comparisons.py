"""What is measured of two trees, each by its wire, control API and commands only.

A comparison prepares one tree, which may take long, and returns a function that measures it once
and returns figures by name.
"""

import argparse
import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import uvloop

from simulator.testing.client import ControlError, Mdmsim
from tests.bench import account as accounts
from tests.bench import ledger, searching
from tests.bench import listeners as events
from tests.bench import organisations as worlds
from tests.bench import pages as full_pages
from tests.bench.pushes import (
    DEVICES,
    FEW_DEVICES,
    MAGIC,
    Server,
    aimed,
    bare_go,
    enrol,
    need,
    warm,
)
from tests.bench.pushes import measure as load
from tests.bench.running import serving
from tests.bench.slow import buy
from tests.bench.tree import Tree
from tests.worlds_as_text import devices, organisation, world

Figures = dict[str, float]
Measure = Callable[[], Figures]
SECONDS = 2
"""How long each load lasts."""
FURTHER = 1000
"""Exchanges between one report and the next: a second's, as a nonce is good once in each."""
DEVICE_LISTS = 1000
SEEDED_DEVICES = 200_000
ORGANISATIONS = 1000
RESETS = 5
PLAIN = ("--http-port", "0")
_FILL = """
import sys
from pathlib import Path
from tests.bench.ledger import fill
data, *numbers = sys.argv[1:]
fill(Path(data), *map(int, numbers))
try:
    from simulator.core.data_directory import DATABASE
    from tests.bench.searching import indexed
except ImportError:
    sys.exit()
indexed(Path(data) / DATABASE)
"""
"""Records exchanges as the tree does, and waits for its index of texts if it has one."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One tree as it is measured."""

    tree: Tree
    directory: Path
    """An empty one."""
    stack: ExitStack
    """Ends what was started, after the last round."""
    exchanges: int
    """Length of the long journal."""

    def serve(self, *flags: str, data: str = "data") -> tuple[int, dict[str, Any]]:
        """Start a simulator; return its process id and its ready.json."""
        return self.stack.enter_context(serving(self.directory / data, *flags, tree=self.tree))


def pages(subject: Subject) -> Measure:
    """Ask for 200 full pages of devices at once, and for other things beside them."""
    process, ready = subject.serve(*full_pages.FLAGS)
    buy(ready)
    return lambda: uvloop.run(full_pages.measure(process, ready, subject.directory / "held"))


def journal(subject: Subject) -> Measure:
    """Search and report a long journal; also report one of a quarter of its length."""
    exchanges = subject.exchanges
    data, quarter = subject.directory / "long", subject.directory / "quarter"

    def fill(place: Path, count: int, after: int = 0) -> None:
        subject.tree.run("-c", _FILL, f"{place}", f"{count}", "10000", f"{after}")

    fill(data, exchanges)
    fill(quarter, exchanges // 4)

    def measure() -> Figures:
        nonlocal exchanges
        figures = searching.measure(data, subject.tree)
        for path in ("q", "/traffic"):
            figures[path] = max(figures[f"{path}, {name}, ms"] for name in searching.TEXTS)
        first, memory = ledger.report(data, "--rebuild", tree=subject.tree)
        fill(data, FURTHER, exchanges)
        exchanges += FURTHER
        return figures | {
            "first report of a million": first / exchanges * 1_000_000,
            "report, MiB": memory,
            "beside a quarter": memory / ledger.report(quarter, "--rebuild", tree=subject.tree)[1],
            "next report": ledger.report(data, tree=subject.tree)[0],
        }

    return measure


def listeners(subject: Subject) -> Measure:
    """Push while nobody, one and fifty listen to the events."""
    process, ready = subject.serve(*events.FLAGS)

    def measure() -> Figures:
        figures = uvloop.run(events.measure(process, ready))
        none, _, most = (figures[f"{count} listeners, us a push"] for count in events.LISTENERS)
        return figures | {"50 / 0": most / none}

    return measure


def _reset_after_small_test(mdmsim: Mdmsim, body: Any) -> float:
    worlds.small_test(mdmsim)
    begun = perf_counter()
    mdmsim.control("POST", "/reset", body)
    return (perf_counter() - begun) * 1000


def _resets(ready: dict[str, Any]) -> Measure:
    """Reset as the fixture does, after small tests; the first is not counted."""
    mdmsim = Mdmsim(ready)
    body = {"brief": True}
    try:
        mdmsim.control("POST", "/reset", body)
    except ControlError:
        body = {}  # older trees have no such field
    _reset_after_small_test(mdmsim, body)
    return lambda: {
        "reset": median(_reset_after_small_test(mdmsim, body) for _ in range(RESETS)),
    }


def organisations(subject: Subject) -> Measure:
    """Start with 1,000 organisations for the first time; then open the start page, and reset."""
    path = subject.directory / "many.toml"
    many = (organisation(f"org{number:04d}") for number in range(ORGANISATIONS))
    path.write_text(world("many", many))
    begun = perf_counter()
    _, ready = subject.serve(*PLAIN, "--world", f"{path}")
    first = perf_counter() - begun
    resets = _resets(ready)

    mdmsim = Mdmsim(ready)
    worlds.page(mdmsim)  # compiles the templates

    def measure() -> Figures:
        begun = perf_counter()
        worlds.page(mdmsim)
        page = (perf_counter() - begun) * 1000
        return resets() | {"first start": first, "page": page}

    return measure


def seeded(subject: Subject) -> Measure:
    """Reset a world of 200,000 devices after small tests."""
    data = f"{subject.directory / 'data'}"
    seed = ("world", "seed", "--data", data, "--devices", f"{SEEDED_DEVICES}")
    subject.tree.run("-m", "simulator", *seed)
    return _resets(subject.serve(*PLAIN)[1])


def small(subject: Subject) -> Measure:
    """Reset the demo world after small tests."""
    return _resets(subject.serve(*PLAIN)[1])


def fixture(subject: Subject) -> Measure:
    """Use the pytest fixture for the first time in a process, once its world is kept."""
    names = ("demo", "enterprise")

    def measure() -> Figures:
        return {
            name: worlds.fixture(name, subject.directory, subject.tree) / 1000 for name in names
        }

    measure()
    return measure


def pushes(subject: Subject) -> Measure:
    """Push as fast as it goes, to few and to many devices, and to a bare server in Go."""
    need("h2load", "go")
    process, ready = subject.serve("--push-auth", "none")
    (subject.directory / "payload").write_text(json.dumps({"mdm": MAGIC}))
    tokens = enrol(ready, DEVICES)
    url = ready["tls"][0]
    few = aimed("few", process, url, tokens[:FEW_DEVICES], subject.directory)
    many = aimed("many", process, url, tokens, subject.directory)
    bare = aimed("bare", *bare_go(subject.stack, subject.directory), tokens, subject.directory)
    warm(many, subject.directory)

    def measure() -> Figures:
        def rate(server: Server) -> tuple[float, float]:
            done = load(server, subject.directory, SECONDS)
            return done.per_s, done.cpu_us

        (few_s, few_us), (many_s, many_us), (go_s, _) = rate(few), rate(many), rate(bare)
        return {
            "few /s": few_s,
            "few us": few_us,
            "many /s": many_s,
            "many us": many_us,
            "many / few": many_us / few_us,
            "of Go": many_s / go_s,
        }

    return measure


def account(subject: Subject) -> Measure:
    """Get the account as fast as it goes, beside a bare handler of aiohttp."""
    process, ready = subject.serve()
    options = argparse.Namespace(rounds=1, seconds=SECONDS)
    return lambda: accounts.compare(process, ready, subject.directory, options)[0]


def device_lists(subject: Subject) -> Measure:
    """Start with a world of 1,000 lists of devices."""
    path = subject.directory / "lists.toml"
    path.write_text(world("lists", [organisation("acme", *[devices(1)] * DEVICE_LISTS)]))

    def measure() -> Figures:
        begun = perf_counter()
        with serving(subject.directory / f"{begun}", "--world", f"{path}", tree=subject.tree):
            return {"start": perf_counter() - begun}

    return measure
