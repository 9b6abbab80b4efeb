"""The worker that sends what Apple tells MDM servers: what services have queued, when it is due.

What is due by the clock is settled too, so that events complete and tell of it
although nobody asks; so is what services have to do in small pieces. A message
leaves only after the transaction that queued it has committed, and is noted as
sent only after it was: it may go out twice.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence

from simulator.core.clock import Clock
from simulator.core.state import State
from simulator.engine.gateway import Gateway
from simulator.services.provisioning import Outbox, OutgoingMessage
from simulator.transport.callbacks import Callbacks

LOG = logging.getLogger("mdmsim")
PAUSE_S = 0.25
"""How long it sleeps at most: time may be moved, and other processes may queue."""


class OutboxWorker:
    """Sends the messages of all outboxes."""

    def __init__(
        self,
        outboxes: Sequence[Outbox],
        gateway: Gateway,
        clock: Clock,
        callbacks: Callbacks,
        works: Sequence[Callable[[State, int], bool]] = (),
    ) -> None:
        """Take what is to be sent, and the *works* that do a piece and say if that was all."""
        self._outboxes = outboxes
        self._works = works
        self._gateway = gateway
        self._clock = clock
        self._callbacks = callbacks

    async def run(self) -> None:
        """Send until it is cancelled."""
        topics = [one.topic for one in self._outboxes]
        with self._gateway.notifier.listen(*topics) as woken:
            while True:
                woken.clear()
                try:
                    sent = await self.round()
                except Exception:
                    LOG.exception("notifications could not be sent")
                    sent = 0
                if not sent:
                    await _wait(woken)

    async def round(self) -> int:
        """Do a piece of each work, and send what is due now, in order within each queue.

        Return how much there was. Where several processes share a store, one of them does it.
        """
        if not await self._gateway.leads():
            return 0
        unfinished = sum([not await self._do(work) for work in self._works])
        return unfinished + sum([await self._send_due(one) for one in self._outboxes])

    async def _do(self, work: Callable[[State, int], bool]) -> bool:
        now_ms = self._clock.now_ms()
        return await self._gateway.load(lambda state: work(state, now_ms))

    async def _send_due(self, outbox: Outbox) -> int:
        now_ms = self._clock.now_ms()
        due = await self._gateway.run(lambda state: outbox.due(state, now_ms))
        queues: dict[str, list[OutgoingMessage]] = {}
        for one in due:
            queues.setdefault(one.queue, []).append(one)
        await asyncio.gather(*(self._send(outbox, messages) for messages in queues.values()))
        return len(due)

    async def _send(self, outbox: Outbox, messages: Iterable[OutgoingMessage]) -> None:
        for one in messages:
            trouble = one.trouble or await self._callbacks.post(one.call)
            await self._gateway.run(self._recorded(outbox, one, trouble))

    def _recorded(
        self, outbox: Outbox, one: OutgoingMessage, trouble: str
    ) -> Callable[[State], None]:
        now_ms = self._clock.now_ms()
        return lambda state: outbox.record(state, one.key, now_ms, trouble)


async def _wait(woken: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(PAUSE_S):
            await woken.wait()
    except TimeoutError:
        return
