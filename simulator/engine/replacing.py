"""Another state in the place of the present one, while requests go on being answered.

A world of 200,000 devices takes ten seconds to write. In one transaction everybody would wait
for that; so it is written beside what is there, piece by piece, and takes its place in one
short transaction. Whatever ends it before that leaves the state as it was.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

from simulator.core.state import StoreAdmin
from simulator.engine.gateway import Gateway

T = TypeVar("T")
Piece = Callable[[StoreAdmin], Any]
"""Writes a part of the new state, seen from no organisation."""


async def replace_state(gateway: Gateway, pieces: Iterable[Piece]) -> None:
    """Have the state be what *pieces* write into an empty one, all of it or nothing.

    Each is asked for in a thread, outside any transaction. What one raises goes on.
    """
    number = await gateway.load(lambda state: state.begin_staging())
    waiting = iter(pieces)
    try:
        while (piece := await asyncio.to_thread(_next, waiting)) is not None:
            await gateway.load(partial(_staged, number, piece))
        await gateway.load(lambda state: state.take_staged(number))
    finally:
        while not await gateway.load(lambda state: state.tidy_staging(number)):
            pass


async def reset_state(gateway: Gateway, finish: Callable[[StoreAdmin, int], T]) -> T:
    """Have *finish* go back with the whole state in one transaction, and return its result.

    Where much has changed, a copy of what it goes back to is made first, piece by piece; *finish*
    is told the number of that, 0 for none.
    """
    number = await gateway.load(lambda state: state.begin_reset())
    after: tuple[str, str, str] | None = ("", "", "")
    try:
        while number and after is not None:
            after = await gateway.load(partial(_copied, number, after))
        return await gateway.load(lambda state: finish(state, number))
    finally:
        while number and not await gateway.load(lambda state: state.tidy_staging(number)):
            pass


def _copied(
    number: int, after: tuple[str, str, str], state: StoreAdmin
) -> tuple[str, str, str] | None:
    return state.copy_reset(number, after)


def _next(pieces: Iterator[Piece]) -> Piece | None:
    return next(pieces, None)


def _staged(number: int, piece: Piece, state: StoreAdmin) -> None:
    with state.staged(number) as made:
        piece(made)
