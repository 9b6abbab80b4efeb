"""What is asked about all organisations: some of them in a transaction, then the next.

There may be thousands. In one transaction everybody would wait for the look at all of them.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar

from simulator.core.state import State
from simulator.engine.gateway import Gateway
from simulator.services.organisations import identifiers

T = TypeVar("T")
MOST = 20
"""Organisations that one transaction looks at."""


async def of_all(
    gateway: Gateway,
    look: Callable[[State, str], Iterable[T]],
    organisations: Sequence[str] | None = None,
) -> list[T]:
    """Return what *look* finds in each of *organisations*, all if None, in their order.

    *look* takes the state, seen from none, and the organisation's id.
    """
    names = await gateway.run(identifiers) if organisations is None else organisations
    found: list[T] = []
    for at in range(0, len(names), MOST):
        found += await gateway.run(partial(_look, look, names[at : at + MOST]))
    return found


def _look(
    look: Callable[[State, str], Iterable[T]], organisations: Sequence[str], state: State
) -> list[T]:
    return [one for organisation in organisations for one in look(state, organisation)]
