"""One of several processes over a store: what it has to hear of the others, and they of it."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from simulator.core.clock import KEY, KIND, Clock
from simulator.core.notifier import EXCHANGES, Notifier
from simulator.core.state import StoreAdmin
from simulator.engine.jobs import Job, RequestJob
from simulator.store.errors import StoreError
from simulator.store.protocols import Peers

LOG = logging.getLogger("mdmsim")


class Replica:
    """Keeps one process in step with the others."""

    def __init__(self, peers: Peers, clock: Clock) -> None:
        """Take the *peers*, and the clock that they all go by; call it on the event loop."""
        self._peers = peers
        self._clock = clock
        self._clock_revision = 0
        self._loop = asyncio.get_running_loop()
        self._thread: threading.Thread | None = None

    def keep_time(self, state: StoreAdmin, batch: Sequence[Job]) -> None:
        """Go by the time that was set last, wherever, as *batch* is run in a transaction.

        So requests come when they are run: when they arrived, it may have been another time.
        """
        found = state.of("").get(KIND, KEY)
        revision = 0 if found is None else found.revision
        if revision != self._clock_revision:
            self._clock_revision = revision
            if found is None:
                self._clock.adopt("real", 0)
            else:
                self._clock.adopt(found.body["mode"], found.body["value"])
            self._loop.call_soon_threadsafe(self._clock.tell)
        for job in batch:
            if isinstance(job, RequestJob):
                job.now_ms = self._clock.now_ms()

    def announce(self, state: StoreAdmin, batch: Sequence[Job]) -> None:
        """Tell the others what the answers of *batch* wake."""
        responses = (job.response for job in batch if isinstance(job, RequestJob))
        state.announce({one.notify_topic for one in responses if one and one.notify_topic})

    def listen(self, notifier: Notifier) -> None:
        """Wake by *notifier* who waits here for what others have done, until `close`."""

        def wake(topics: list[str] | None) -> None:
            if topics is None:
                notifier.wake_all()
            notifier.wake(EXCHANGES)
            for topic in topics or ():
                notifier.wake_topic(topic)

        def heard(topics: list[str] | None) -> None:
            with suppress(RuntimeError):  # the loop may have been closed
                self._loop.call_soon_threadsafe(wake, topics)

        target = self._peers.listen
        self._thread = threading.Thread(target=target, args=(heard,), name="mdmsim-listener")
        self._thread.start()

    async def follow_clock(
        self, notifier: Notifier, catch_up: Callable[[], Awaitable[None]]
    ) -> None:
        """Have *catch_up* learn the time whenever another process has set it; without end."""
        with notifier.listen(KIND) as woken:
            while True:
                await woken.wait()
                woken.clear()
                try:
                    await catch_up()
                except StoreError as error:
                    # Each transaction learns it too.
                    LOG.warning("the time that was set cannot be read: %s", error)

    async def leads(self) -> bool:
        """Tell whether this process does now what only one of all may do."""
        return await asyncio.to_thread(self._peers.leads)

    def close(self) -> None:
        """Hear of the others no longer."""
        self._peers.close()
        if self._thread is not None:
            self._thread.join()
