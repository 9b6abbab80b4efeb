"""Questions about the state that many ask at once, answered in one transaction for all."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from simulator.core.state import State

Q = TypeVar("Q")
A = TypeVar("A")
MOST = 256
"""Questions of one transaction: others wait for it."""


class Together(Generic[Q, A]):
    """One sort of question. What is asked while others are answered waits for the next turn."""

    def __init__(
        self,
        run: Callable[[Callable[[State], Sequence[A]]], Awaitable[Sequence[A]]],
        answer: Callable[[State, Sequence[Q]], Sequence[A]],
    ) -> None:
        """Have *run* do a transaction in which *answer* gives an answer to each question."""
        self._run = run
        self._answer = answer
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._task: asyncio.Task[None] | None = None

    async def ask(self, question: Q) -> A:
        """Return the answer, or raise why there is none."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[A] = loop.create_future()
        self._waiting.append((question, answered))
        if self._task is None:
            self._task = loop.create_task(self._answer_all())
        return await answered

    async def _answer_all(self) -> None:
        try:
            while self._waiting:
                some, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._answer_some([question for question, _ in some], [it for _, it in some])
        finally:
            self._task = None

    async def _answer_some(self, questions: list[Q], waiting: list[asyncio.Future[Any]]) -> None:
        answers: Sequence[A] = ()
        failed: Exception | None = None
        try:
            answers = await self._run(lambda state: self._answer(state, questions))
        except Exception as error:  # noqa: BLE001 (it is raised where it was asked)
            failed = error
        for place, one in enumerate(waiting):
            if one.done():  # who asked has gone
                continue
            if failed is None:
                one.set_result(answers[place])
            else:
                one.set_exception(failed)
