"""Many questions are answered in few transactions."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from simulator.control.together import MOST, Together
from simulator.core.state import State

QUESTIONS = 3 * MOST


class Asked:
    """What answers, and how many questions came at a time."""

    def __init__(self) -> None:
        self.turns: list[int] = []
        self.error: Exception | None = None
        self.together: Together[int, int] = Together(self.run, self.answer)

    async def run(self, work: Callable[[State], Any]) -> Any:
        await asyncio.sleep(0)
        state: Any = None  # no question here is about it
        return work(state)

    def answer(self, _: State, questions: Sequence[int]) -> list[int]:
        self.turns.append(len(questions))
        if self.error is not None:
            raise self.error
        return [2 * one for one in questions]


async def test_who_asks_meanwhile_is_answered_with_all_others() -> None:
    asked = Asked()

    answers = await asyncio.gather(*(asked.together.ask(one) for one in range(QUESTIONS)))

    assert answers == [2 * one for one in range(QUESTIONS)]
    assert asked.turns == [MOST] * 3
    assert await asked.together.ask(5) == 10


async def test_all_hear_why_there_is_no_answer_and_nobody_else_does() -> None:
    asked = Asked()
    asked.error = ValueError("no")
    gone = asyncio.ensure_future(asked.together.ask(1))
    others = [asyncio.ensure_future(asked.together.ask(one)) for one in (2, 3)]
    await asyncio.sleep(0)
    gone.cancel()

    for one in others:
        with pytest.raises(ValueError, match="no"):
            await one

    assert gone.cancelled()
    asked.error = None
    assert await asked.together.ask(4) == 8
