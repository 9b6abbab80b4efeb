"""The worker that sends notifications: what is queued in the state, when it is due.

It settles what is due by the clock too, so that events complete and tell of it
although nobody asks. A message leaves only after the transaction that queued it
has committed, and is noted as sent only after it was: it may go out twice.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from simulator.core.clock import Clock
from simulator.core.state import State
from simulator.engine.gateway import Gateway
from simulator.protocol.operations import Inquiry
from simulator.services.vpp.domain import events
from simulator.services.vpp.domain import notifications as notices
from simulator.services.vpp.domain.locations import location
from simulator.transport.callbacks import Callbacks

LOG = logging.getLogger("mdmsim")
PAUSE_S = 0.25
"""How long it sleeps at most: time may be moved, and other processes may queue."""


@dataclass(frozen=True, slots=True)
class _Message:
    """One message that is due."""

    key: str
    place: str
    inquiry: Inquiry
    """Without a URL: the location wants no notifications any more."""


class Outbox:
    """Sends the notifications of all locations."""

    def __init__(self, gateway: Gateway, clock: Clock, callbacks: Callbacks) -> None:
        self._gateway = gateway
        self._clock = clock
        self._callbacks = callbacks

    async def run(self) -> None:
        """Send until it is cancelled."""
        with self._gateway.listeners.listen(notices.OUTBOX) as woken:
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
        """Send what is due now, in order within each location; return how much there was."""
        due = await self._gateway.run(self._due)
        by_place: dict[str, list[_Message]] = {}
        for one in due:
            by_place.setdefault(one.place, []).append(one)
        await asyncio.gather(*(self._send(messages) for messages in by_place.values()))
        return len(due)

    def _due(self, state: State) -> list[_Message]:
        now_ms = self._clock.now_ms()
        events.settle(state, now_ms)
        found = []
        for one in notices.due(state.of(""), now_ms):
            where = location(state.of(one.body["organisation"]), one.body["location"])
            body = msgspec.json.encode(one.body["message"])
            inquiry = Inquiry(where.notify_url, where.notify_token, body)
            found.append(_Message(one.key, f"{where.organisation}/{where.id}", inquiry))
        return found

    async def _send(self, messages: Iterable[_Message]) -> None:
        for one in messages:
            about = "the location has no notificationUrl any more"
            if one.inquiry.url:
                about = await self._callbacks.post(one.inquiry)
            await self._gateway.run(self._settled(one, about))

    def _settled(self, one: _Message, about: str) -> Callable[[State], None]:
        now_ms = self._clock.now_ms()

        def work(state: State) -> None:
            notices.settle_attempt(state.of(""), one.key, now_ms, delivered=not about, about=about)

        return work


async def _wait(woken: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(PAUSE_S):
            await woken.wait()
    except TimeoutError:
        return
