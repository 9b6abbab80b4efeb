"""Who waits for what has been committed: simulated devices, streams of events, the outbox."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

EXCHANGES = "exchanges"
"""What every committed exchange wakes."""
PREFIX_DIGITS = 8
"""The first so many characters of a name wake too, so that one can listen for many tokens."""


class Notifier:
    """The events that committed answers set, by the name of what they wake."""

    def __init__(self) -> None:
        """Begin with nobody listening."""
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self.ended = False
        """Whether nothing more is to come, so that who listens should go."""

    @contextmanager
    def listen(self, *names: str, event: asyncio.Event | None = None) -> Iterator[asyncio.Event]:
        """Yield an event, *event* if it is given, that is set whenever one of *names* is woken."""
        event = event or asyncio.Event()
        for name in names:
            self._waiting.setdefault(name, set()).add(event)
        try:
            yield event
        finally:
            for name in names:
                self._waiting[name].discard(event)
                if not self._waiting[name]:
                    del self._waiting[name]

    def names(self) -> set[str]:
        """Return what somebody waits for."""
        return set(self._waiting)

    def wake(self, *names: str) -> None:
        """Wake who waits for one of *names*; what that tells of is committed."""
        for name in names:
            for event in self._waiting.get(name, ()):
                event.set()

    def wake_topic(self, topic: str) -> None:
        """Wake who waits for *topic*."""
        self.wake(topic, topic[:PREFIX_DIGITS])

    def wake_all(self) -> None:
        """Wake everybody: nobody knows what has happened."""
        for events in self._waiting.values():
            for event in events:
                event.set()

    def end(self) -> None:
        """Wake everybody, as nothing more is to come."""
        self.ended = True
        self.wake_all()
