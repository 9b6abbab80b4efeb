"""mdmsim that records nothing, and is the same in all else: what of a push the journal costs.

``python -m tests.bench.unrecorded`` takes the arguments of ``mdmsim``.
"""

from simulator.cli import main
from simulator.core.messages import Exchange
from simulator.store.sql.state import SqlState


def _record(_state: SqlState, _exchange: Exchange) -> int:
    return 0


if __name__ == "__main__":
    SqlState.record = _record  # type: ignore[assignment, method-assign]
    main(prog_name="mdmsim")
