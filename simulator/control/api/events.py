"""One stream of what happens: exchanges, findings, and pushes that devices got."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
from aiohttp import web

from simulator.control import patterns
from simulator.control.api.journal import summary
from simulator.control.parts import PARTS, QUERY, Route, bad
from simulator.core.messages import Exchange
from simulator.core.notifier import EXCHANGES
from simulator.core.state import Body
from simulator.protocol.fields import Integer, String
from simulator.store.protocols import Journal

KEEP_ALIVE_S = 15.0
BATCH = 1000
"""Exchanges of a page. Each is a write to each who listens, which costs as much as 600 kB in it."""
AT_ONCE = 50
"""Exchanges that are in memory at a time: so few fit into the cache of a processor, and of a whole
page each costs twice as much."""
GATHER_S = 0.05
"""How long a listener that was just told something waits for more to come, at least."""
MOST_GATHER_S, TOLD_PER_S = 0.5, 250
"""How long at most, and how many are told something in a second: the more listen, the longer."""
KEPT = 1000
"""Pushes that wait for a slow listener; older ones are dropped."""
SHARED_S = 0.5
"""How long a page is kept for listeners that are behind: what it tells of may be deleted."""
_FILTERS = patterns.FILTERS


class News:
    """Who listens for pushes that devices got; exchanges are read from the journal."""

    def __init__(self) -> None:
        self._listening: dict[int, tuple[list[Body], asyncio.Event]] = {}

    @property
    def gather_s(self) -> float:
        """How long a listener that was just told something waits for more to come."""
        return min(max(GATHER_S, len(self._listening) / TOLD_PER_S), MOST_GATHER_S)

    @contextmanager
    def listen(self, arrived: asyncio.Event) -> Iterator[list[Body]]:
        """Yield a list that pushes are added to, each with a call of ``arrived.set``."""
        kept: list[Body] = []
        self._listening[id(kept)] = (kept, arrived)
        try:
            yield kept
        finally:
            del self._listening[id(kept)]

    def pushed(self, push: Body) -> None:
        """Tell all who listen of a push that a device got."""
        for kept, arrived in self._listening.values():
            kept.append(push)
            del kept[:-KEPT]
            arrived.set()


NEWS: web.AppKey[News] = web.AppKey("news", News)


class Pages:
    """Pages of the journal as events, read and encoded once for all who listen at one place."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._pages: dict[tuple[Any, ...], asyncio.Future[tuple[int, bytes, bool]]] = {}

    async def after(self, at: int, filters: Mapping[str, str]) -> tuple[int, bytes, bool]:
        """Return the number of the last exchange looked at, what follows *at*, and if more does.

        Nothing follows where it is empty: *at* is the number then.
        """
        key = (at, *sorted(filters.items()))
        shared = self._pages.get(key)
        if shared is not None:
            page = await asyncio.shield(shared)
            # A read that began earlier may have missed what came since; what it found stays so.
            if page[1]:
                return page
        read = asyncio.ensure_future(asyncio.to_thread(self._read, at, filters))
        self._pages[key] = read
        asyncio.get_running_loop().call_later(SHARED_S, self._forget, key, read)
        try:
            page = await asyncio.shield(read)
        except Exception:
            self._forget(key, read)
            raise
        if not page[1]:
            self._forget(key, read)
        return page

    def _forget(self, key: tuple[Any, ...], read: asyncio.Future[tuple[int, bytes, bool]]) -> None:
        if self._pages.get(key) is read:
            del self._pages[key]

    def _read(self, at: int, filters: Mapping[str, str]) -> tuple[int, bytes, bool]:
        told: list[bytes] = []
        for _ in range(BATCH // AT_ONCE):
            some = self._journal.read(at, AT_ONCE, filters)
            told += [event for exchange in some for event in _told(exchange)]
            if some:
                at = some[-1].seq
            if len(some) < AT_ONCE:
                return at, b"".join(told), False
        return at, b"".join(told), True


PAGES: web.AppKey[Pages] = web.AppKey("pages", Pages)


async def events(request: web.Request) -> web.StreamResponse:
    """Stream what happens from now on, or after the exchange ``after``."""
    parts, query = request.app[PARTS], request[QUERY]
    match = {name: query[name] for name in _FILTERS if name in query}
    one = patterns.pattern(parts.catalogue, match)
    last = request.headers.get("Last-Event-ID")
    if last is not None and not (last.isascii() and last.isdigit()):
        raise bad("after and Last-Event-ID are numbers of exchanges")
    begin: int | None = query.get("after", int(last[:18]) if last else None)
    at = await asyncio.to_thread(parts.journal.last) if begin is None else begin
    response = web.StreamResponse(headers={"Cache-Control": "no-store"})
    response.content_type = "text/event-stream"
    news = request.app[NEWS]
    with (
        contextlib.suppress(ConnectionError),  # it listens no more
        parts.gateway.notifier.listen(EXCHANGES) as arrived,
        news.listen(arrived) as pushes,
    ):
        await response.prepare(request)
        await response.write(b": listening\n\n")
        while not parts.gateway.notifier.ended:
            arrived.clear()
            for push in list(pushes):
                await response.write(_event("push", push))
            pushes.clear()
            at, told, more = await request.app[PAGES].after(at, one.filters)
            if told:
                await response.write(told)
            if told or pushes:
                # Under load the next page is larger instead of one more: fifty who listen
                # would otherwise cost more than what they hear of.
                await asyncio.sleep(0 if more else news.gather_s)
                continue
            try:
                async with asyncio.timeout(KEEP_ALIVE_S):
                    await arrived.wait()
            except TimeoutError:
                await response.write(b": alive\n\n")
    return response


def _told(exchange: Exchange) -> Iterator[bytes]:
    shown = summary(exchange)
    yield _event("exchange", shown, exchange.seq)
    for finding in shown["findings"]:
        yield _event("finding", {"seq": exchange.seq, **finding})


def _event(name: str, data: Body, seq: int | None = None) -> bytes:
    line = b"" if seq is None else f"id: {seq}\n".encode()
    return line + f"event: {name}\ndata: ".encode() + msgspec.json.encode(data) + b"\n\n"


ROUTES = (
    Route(
        "GET",
        "/events",
        "Stream exchanges, findings and pushes as server-sent events.",
        events,
        query=(
            Integer("after", "Begin behind this exchange; from now on if absent.", least=0),
            *(String(name, f"As in GET /exchanges: {name}.") for name in _FILTERS),
        ),
        gives="text/event-stream",
    ),
)
