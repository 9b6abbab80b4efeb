"""This tree beside another commit, in one run on one machine: what grew with size or with others.

``python -m tests.bench.beside COMMIT``. The other tree is taken out below ``build`` with an
environment of its own. Each comparison prepares both, then measures one after the other, round by
round, so that the machine's drift meets both; the table has the medians. Each tree fills a journal
of its own, as formats differ. Prints the table, and adds it to bench.json.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from math import inf
from pathlib import Path
from typing import TypeVar

from tests.bench import comparisons
from tests.bench.comparisons import Measure, Subject
from tests.bench.running import keep, machine
from tests.bench.tree import THIS, Tree, checked_out
from tests.load import crowd

EXCHANGES = 200_000
ROUNDS = 3
MS, SECONDS, US = "ms", "s", "us of a core"
Kept = dict[str, list[float]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    text: str
    figure: str
    """Its name among those that the comparison measures."""
    unit: str = ""
    most: float = inf
    """What it may be, at most or at least; neither: it is shown only."""
    least: float = 0.0

    def goal(self) -> str:
        """Return what is to be reached."""
        if self.least:
            return f"at least {self.least:g}"
        return f"at most {self.most:g}" if self.most < inf else ""

    def reached(self, value: float) -> str:
        """Tell whether *value* is what is to be reached."""
        return ("yes" if self.least <= value <= self.most else "no") if self.goal() else ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is prepared and measured together."""

    prepare: Callable[[Subject], Measure]
    rows: tuple[Row, ...]


_RESET = "reset after a small test"
TABLE = {
    "pages": Comparison(
        comparisons.pages,
        (
            Row("200 full pages of devices at once", "200 pages, s", SECONDS),
            Row("`GET /account` beside them, p99", "GET /account beside, p99 ms", MS, 25),
            Row("a push beside them, p99", "a push beside, p99 ms", MS, 25),
            Row("a control call beside them, p99", "a control call beside, p99 ms", MS, 25),
        ),
    ),
    "journal": Comparison(
        comparisons.journal,
        (
            Row("`?status=500` without a hit", "status without a hit, ms", MS),
            Row("`?limit=1` beside it, p99", "reads beside, p99 ms", MS, 20),
            Row("four `wait` of 2 s beside it, late by", "waits late by, ms", MS, 50),
            Row("`?q=`, the slowest of five texts", "q", MS, 100),
            Row("`/traffic?q=`, the same", "/traffic", MS, 100),
            Row("first `/metrics`", "first metrics ms", MS, 100),
            Row("first report, for a million", "first report of a million", SECONDS, 15),
            Row("next report", "next report", SECONDS, 0.5),
            Row("memory of the report", "report, MiB", "MiB"),
            Row("of that of a quarter of the journal", "beside a quarter", "", 1.2),
        ),
    ),
    "listeners": Comparison(
        comparisons.listeners,
        (
            Row("push, no listener", "0 listeners, us a push", US),
            Row("push, 50 listeners", "50 listeners, us a push", US),
            Row("50 listeners / none", "50 / 0", "", 1.3),
        ),
    ),
    "organisations": Comparison(
        comparisons.organisations,
        (
            Row("first start with 1,000 organisations", "first start", SECONDS, 5),
            Row("its start page", "page", MS, 100),
            Row(f"{_RESET}, 1,000 organisations", "reset", MS, 10),
        ),
    ),
    "seeded": Comparison(comparisons.seeded, (Row(f"{_RESET}, 200,000 devices", "reset", MS, 10),)),
    "small": Comparison(comparisons.small, (Row(f"{_RESET}, demo world", "reset", MS, 10),)),
    "fixture": Comparison(
        comparisons.fixture,
        (
            Row("first use of the fixture, demo", "demo", SECONDS, 0.6),
            Row("first use of the fixture, enterprise", "enterprise", SECONDS, 0.6),
        ),
    ),
    "pushes": Comparison(
        comparisons.pushes,
        (
            Row("push, 64 devices", "few us", US),
            Row("push, 5,000 devices", "many us", US),
            Row("5,000 devices / 64", "many / few"),
            Row("pushes, 64 devices", "few /s", "/s"),
            Row("pushes, 5,000 devices", "many /s", "/s", least=30_000),
            Row("or of bare Go", "of Go", "", least=0.5),
        ),
    ),
    "account": Comparison(
        comparisons.account,
        (
            Row("`GET /account`", "mdmsim, journalled /s", "/s"),
            Row("of bare aiohttp", "ratio to asyncio", "", least=0.6),
            Row("of bare aiohttp, by processor time", "processor time, to asyncio"),
        ),
    ),
    "device_lists": Comparison(
        comparisons.device_lists,
        (Row("start with 1,000 lists of devices", "start", SECONDS),),
    ),
}


def attempt(name: str, work: Callable[[], T]) -> T | None:
    """Return what *work* returns; None, with what ended it printed, if it fails."""
    try:
        return work()
    except (Exception, SystemExit) as error:  # noqa: BLE001 (the others are measured all the same)
        print(f"{name}: {type(error).__name__}: {error}", flush=True)
        return None


def measured(
    comparison: Comparison, trees: Sequence[Tree], rounds: int, exchanges: int
) -> dict[str, Kept]:
    """Return the figures of each round, by tree; of a tree that fails those until then."""
    kept: dict[str, Kept] = {tree.name: {} for tree in trees}
    measures: dict[str, Measure | None] = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        for number, tree in enumerate(trees):
            directory = Path(folder, str(number))
            directory.mkdir()
            subject = Subject(tree, directory, stack, exchanges)
            measures[tree.name] = attempt(tree.name, partial(comparison.prepare, subject))
        for _ in range(rounds):
            for name, measure in measures.items():
                figures = measure and attempt(name, measure)
                if not figures:
                    measures[name] = None
                    continue
                for figure, value in figures.items():
                    kept[name].setdefault(figure, []).append(value)
    return kept


def lines(comparison: Comparison, figures: Mapping[str, Kept], trees: Sequence[Tree]) -> list[str]:
    """Return the lines of the table, as Markdown; the last of *trees* is to reach the goals."""
    table = []
    for row in comparison.rows:
        values = [statistics.median(figures[tree.name].get(row.figure, [inf])) for tree in trees]
        shown = ["fails" if value == inf else f"{value:.4g} {row.unit}".strip() for value in values]
        table.append(
            f"| {row.text} | {' | '.join(shown)} | {row.goal()} | {row.reached(values[-1])} |"
        )
    return table


def main() -> None:
    """Measure what is asked for, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commit")
    parser.add_argument("--only", nargs="+", choices=TABLE, default=[*TABLE], metavar="NAME")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--exchanges", type=int, default=EXCHANGES, help="of the long journal")
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    options = parser.parse_args()
    crowd.raise_limit()
    trees = [checked_out(options.commit), THIS]
    table = [
        f"| measured | {trees[0].name} | {trees[1].name} | to reach | reached |",
        "|---|---|---|---|---|",
    ]
    all_figures = {}
    for name in options.only:
        begun = time.monotonic()
        figures = measured(TABLE[name], trees, options.rounds, options.exchanges)
        all_figures[name] = figures
        table += lines(TABLE[name], figures, trees)
        print(f"{name}: {time.monotonic() - begun:.0f} s", flush=True)
    print(f"\n{machine()}; journal of {options.exchanges} exchanges; {options.rounds} rounds\n")
    print(*table, sep="\n")
    keep(options.output, "beside", all_figures)


if __name__ == "__main__":
    main()
