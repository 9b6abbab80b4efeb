"""The benchmarks as one command: which it runs, and the table that it makes of their figures."""

from typing import Any

from tests.bench.__main__ import ALL, table


def test_what_measures_is_run_and_what_it_shares_is_not() -> None:
    assert {"account", "in_process", "pushes", "steady", "replicas"} <= {*ALL}
    assert not {"running", "interpreter", "peers"} & {*ALL}


def test_the_table_has_the_median_of_each_figure() -> None:
    kept: dict[str, dict[str, Any]] = {
        "account": {"machine": "x86_64", "ratio": [0.5, 0.7, 0.6]},
        "startup": {"ready, s": 1.5, "cases": {}, "none": []},
    }

    assert table(kept)[2:] == ["| account | ratio | 0.60 |", "| startup | ready, s | 1.50 |"]
