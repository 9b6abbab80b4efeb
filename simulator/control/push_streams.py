"""Streams of pushes: what a device would hear on its connection to APNs, as server-sent events.

A push is handed over in two steps: it is written to the stream, and only then noted as
delivered. So a push that no stream took goes on waiting, whatever ends meanwhile.
"""

import asyncio
import select
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec
from aiohttp import web

from simulator.control.api.events import NEWS, News
from simulator.control.parts import Parts
from simulator.control.together import Together
from simulator.core.state import State
from simulator.services.apns import pushes
from simulator.services.apns.pushes import Waiting
from simulator.services.organisations import identifiers

KEEP_ALIVE_S = 15.0
"""After so much silence a stream gets a comment, so that both ends see that it lives."""
_ENDED = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR
"""What tells that the client has closed: where the system knows no POLLRDHUP, soon after."""
_REPLACED = b'event: replaced\ndata: {"reason":"a newer stream listens for the same token"}\n\n'


@dataclass(eq=False, slots=True)
class _Stream:
    """One connection that listens."""

    request: web.Request
    response: web.StreamResponse
    event: str
    tell: Callable[[Waiting], str]
    since: dict[str, int] = field(default_factory=dict)
    """How many pushes each organisation had stored when the stream began."""
    replaced: bool = False
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_open(self) -> bool:
        """Whether the client is still there, as its socket says now."""
        transport = self.request.transport
        if transport is None or transport.is_closing():
            return False
        look = select.poll()
        look.register(transport.get_extra_info("socket").fileno(), _ENDED)
        return not look.poll(0)

    async def woken(self) -> None:
        """Wait for what is to be looked at. The state is not asked meanwhile: streams are many."""
        while not self.arrived.is_set():
            try:
                await asyncio.wait_for(self.arrived.wait(), KEEP_ALIVE_S)
            except TimeoutError:
                await self.response.write(b": alive\n\n")

    async def send(self, waiting: Waiting) -> bool:
        """Write a push; return whether the client was there to take it."""
        # A payload of many lines is as many fields (HTML, server-sent events).
        lines = "".join(f"data: {line}\n" for line in self.tell(waiting).splitlines())
        try:
            if not self.is_open:
                return False
            await self.response.write(f"event: {self.event}\n{lines}\n".encode())
        except ConnectionError:
            return False
        return True


class PushStreams:
    """All open streams, by what the keys of their pushes begin with."""

    def __init__(self, parts: Parts, news: News) -> None:
        self._parts = parts
        self._news = news
        self._open: dict[str, list[_Stream]] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._under_way: dict[tuple[str, str], list[_Stream]] = {}
        """Pushes that are being handed over, organisation and slot, and who else waits for each."""
        self._broadcasts = parts.settings.shared_tokens == "share"
        self._beginning = Together(parts.gateway.run, _stored)
        self._looking = Together(parts.gateway.run, self._look)

    def count(self) -> int:
        """Return how many streams are open."""
        return sum(map(len, self._open.values()))

    async def serve(
        self,
        request: web.Request,
        name: str,
        event: str,
        tell: Callable[[Waiting], str],
        *,
        many: bool = False,
    ) -> web.StreamResponse:
        """Send each push for *name* as it comes, one that waits first.

        *name* is a token, or with *many* what tokens begin with. The newest stream of a
        name hears; the one before is ended and told so, unless devices share their tokens.
        """
        slots = name if many else f"{name}/"
        response = web.StreamResponse(headers={"Cache-Control": "no-store"})
        response.content_type = "text/event-stream"
        response.force_close()
        stream = _Stream(request, response, event, tell)
        with self._listening(name, slots, stream):
            # What comes once it has begun is heard, at whichever replica that is.
            stream.since = await self._beginning.ask(None)
            await response.prepare(request)
            await response.write(b": listening\n\n")
            await self._run(slots, stream)
        return response

    @contextmanager
    def _listening(self, name: str, slots: str, stream: _Stream) -> Iterator[None]:
        """Add *stream* to those of *slots*, and end those that it replaces."""
        known = self._open.setdefault(slots, [])
        if not self._broadcasts:
            for older in known:
                older.replaced = True
                older.arrived.set()
        known.append(stream)
        notifier, clock = self._parts.gateway.notifier, self._parts.clock
        try:
            with notifier.listen(name, event=stream.arrived), clock.watched(stream.arrived.set):
                yield
        except ConnectionError:
            return  # it listens no more
        finally:
            known.remove(stream)
            if not known:
                self._open.pop(slots, None)
                self._locks.pop(slots, None)

    async def _run(self, slots: str, stream: _Stream) -> None:
        while not self._parts.gateway.notifier.ended and not stream.replaced:
            stream.arrived.clear()
            if not await self._hand_over(slots, stream):
                await stream.woken()
        if stream.replaced:
            await stream.response.write(_REPLACED)

    async def _hand_over(self, slots: str, stream: _Stream) -> bool:
        """Hand over what waits in *slots*; return whether there was anything."""
        handed = False
        async with self._locks.setdefault(slots, asyncio.Lock()):
            for waiting in await self._looking.ask((slots, stream.since)):
                key = (waiting.organisation, waiting.slot)
                if key in self._under_way:
                    self._under_way[key].append(stream)
                    continue
                left_out = self._under_way[key] = []
                given = False
                try:
                    given = await self._give(slots, waiting)
                finally:
                    del self._under_way[key]
                    if not given:  # they may take it
                        for one in left_out:
                            one.arrived.set()
                handed = handed or given
        return handed

    def _look(
        self, state: State, asked: Sequence[tuple[str, Mapping[str, int]]]
    ) -> list[list[Waiting]]:
        """Return what waits in each of these slots, for a stream that began when so much was."""
        now_ms = self._parts.clock.now_ms()
        found = state.organisations_with(pushes.PENDING)
        return [
            [
                one
                for org in found
                for one in pushes.waiting(state.of(org), org, slots, now_ms, since.get(org, 0))
            ]
            for slots, since in asked
        ]

    async def _give(self, slots: str, waiting: Waiting) -> bool:
        """Write a push to who listens, and note that it is delivered if one of them took it."""
        listening = list(self._open.get(slots, ()))
        if not self._broadcasts:
            listening = listening[-1:]
        taken = [await one.send(waiting) for one in listening]
        if not any(taken):
            return False

        def note(state: State) -> None:
            now_ms = self._parts.clock.now_ms()
            pushes.delivered(state.of(waiting.organisation), waiting, now_ms)

        # The client has it: that is noted even if it goes in this moment.
        await asyncio.shield(asyncio.ensure_future(self._parts.gateway.run(note)))
        self._news.pushed({"token": waiting.token, **shown(waiting)})
        return True


def _stored(state: State, asked: Sequence[None]) -> list[dict[str, int]]:
    """Return for each that asks how many pushes of each organisation were stored ever."""
    return [{one: pushes.stored(state.of(one)) for one in identifiers(state)}] * len(asked)


def shown(waiting: Waiting) -> dict[str, object]:
    """Return what events tell of a push beside its token."""
    push = waiting.push
    return {"matches": push.matches, "topic": push.topic, "apns_id": push.apns_id}


def as_event(waiting: Waiting) -> str:
    """Return a push as the streams of the control API tell of it."""
    content = {"token": waiting.token, "mdm": waiting.push.magic, **shown(waiting)}
    return msgspec.json.encode(content).decode()


def payload(waiting: Waiting) -> str:
    """Return a push as Fleet's osquery-perf reads it: its payload, as it was sent."""
    return waiting.push.payload


STREAMS: web.AppKey[PushStreams] = web.AppKey("push streams", PushStreams)


def install(application: web.Application, parts: Parts) -> None:
    """Keep the streams of *application*."""
    application[STREAMS] = PushStreams(parts, application[NEWS])
