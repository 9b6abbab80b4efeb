"""The benchmarks as one command: which it runs, and the table that it makes of their figures."""

from pathlib import Path
from typing import Any

from tests.bench.__main__ import ALL, QUICK, table
from tests.bench.beside import Comparison, Row, lines, measured
from tests.bench.comparisons import Measure, Subject
from tests.bench.tree import Tree


def test_what_measures_is_run_and_what_it_shares_is_not() -> None:
    assert {"account", "in_process", "pushes", "steady", "replicas"} <= {*ALL}
    assert [*QUICK] == ALL
    assert not {"running", "interpreter", "peers", "beside"} & {*ALL}


def test_the_table_has_the_median_of_each_figure() -> None:
    kept: dict[str, dict[str, Any]] = {
        "account": {"machine": "x86_64", "ratio": [0.5, 0.7, 0.6]},
        "startup": {"ready, s": 1.5, "cases": {}, "none": []},
    }

    assert table(kept)[2:] == ["| account | ratio | 0.60 |", "| startup | ready, s | 1.50 |"]


def test_what_an_older_tree_cannot_do_is_said_and_the_other_is_measured() -> None:
    trees = [Tree(name, Path(), "python") for name in ("old", "new")]

    def prepare(subject: Subject) -> Measure:
        if subject.tree.name == "old":
            raise SystemExit("refused")
        rounds = iter([3.0, 1.0, 2.0])
        return lambda: {"page": next(rounds)}

    rows = (Row("page", "page", "ms", 2), Row("same", "page", least=3), Row("shown", "page", "s"))
    comparison = Comparison(prepare, rows)

    figures = measured(comparison, trees, rounds=3, exchanges=0)

    assert figures == {"old": {}, "new": {"page": [3, 1, 2]}}
    assert lines(comparison, figures, trees) == [
        "| page | fails | 2 ms | at most 2 | yes |",
        "| same | fails | 2 | at least 3 | no |",
        "| shown | fails | 2 s |  |  |",
    ]
