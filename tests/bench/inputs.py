"""How much longer each operation takes for twice the input: a table of them all.

What `tests/load/test_growth.py` holds to its limit, shown: each operation by what grows of it, with
the bytes that were measured and the factor. In one process, by its processor time. Adds to
bench.json.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from simulator.protocol.operations import Operation
from tests.apple import Answer
from tests.bench.running import keep
from tests.growing import MOST, growth
from tests.load.test_growth import HEADS, LARGE, SMALL, Client, bodies_of


def main() -> None:
    """Measure what is wanted and print it; fail if anything grows faster than its input."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="operations whose names hold this")
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    wanted = parser.parse_args()
    client = Client()
    rows: dict[str, dict[str, float]] = {}

    def with_body(
        operation: Operation, body: Callable[[int], bytes], size: int
    ) -> Callable[[], Answer]:
        return client.sending(operation, body=body(size))

    def with_head(
        operation: Operation, head: Callable[[int], dict[str, Any]], size: int
    ) -> Callable[[], Answer]:
        return client.sending(operation, **head(size))

    for name, operation in sorted(client.catalogue.operations.items()):
        if wanted.only not in name:
            continue
        kinds = {
            **{f"body {kind}": partial(with_body, operation, body)
               for kind, body in bodies_of(operation, client.stoken).items()},
            **{f"head {kind}": partial(with_head, operation, HEADS[kind])
               for kind in ("query-pairs", "path")},
        }  # fmt: skip
        for kind, made in kinds.items():
            size, factor = growth(made, SMALL, LARGE)
            rows[f"{name} {kind}"] = {"bytes": size, "factor": round(factor, 2)}
            print(f"{name:32}{kind:40}{size:10}{factor:8.2f}", flush=True)
    print(f"{len(rows)} in all; {MOST} is allowed")
    keep(wanted.output, "inputs", rows)
    late = [name for name, row in rows.items() if row["factor"] > MOST]
    if late:
        raise SystemExit(f"these grow faster than their input: {', '.join(late)}")


if __name__ == "__main__":
    main()
