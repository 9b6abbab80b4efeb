"""Pages of events: read and encoded once for all listeners at one place, and never too late."""

import asyncio
import contextlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from simulator.control.api.events import News, Pages
from simulator.core.messages import Exchange, Peer, Request, Response


class Noted:
    """A journal that counts how often it is read."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.reads = 0

    def add(self) -> None:
        sent = Request("GET", "/account", (), b"", "https", Peer("127.0.0.1", 1, 1))
        number = len(self.exchanges) + 1
        self.exchanges.append(Exchange(number, sent, number, response=Response(200)))

    def read(
        self, after: int = 0, limit: int = 100, match: Mapping[str, str] | None = None
    ) -> Sequence[Exchange]:
        del match
        self.reads += 1
        return self.exchanges[after : after + limit]


@pytest.fixture
def journal() -> Noted:
    return Noted()


@pytest.fixture
def pages(journal: Noted) -> Pages:
    unread: Any = journal
    return Pages(unread)


async def test_fifty_listeners_read_once(journal: Noted, pages: Pages) -> None:
    journal.add()

    told = await asyncio.gather(*(pages.after(0, {}) for _ in range(50)))

    assert journal.reads == 1
    assert set(told) == {told[0]}
    assert told[0][0] == 1
    assert told[0][1].startswith(b"id: 1\nevent: exchange\n")


@pytest.mark.parametrize(
    ("count", "pages_of"),
    [
        (49, [49]),
        (50, [50]),
        (51, [51]),
        (100, [100]),
        (1000, [1000, 0]),
        (1001, [1000, 1]),
        (2050, [1000, 1000, 50]),
    ],
)
async def test_each_exchange_is_told_once_in_pages_of_a_thousand(
    journal: Noted, pages: Pages, count: int, pages_of: list[int]
) -> None:
    for _ in range(count):
        journal.add()
    told, at, more = list[list[int]](), 0, True

    while more:
        at, page, more = await pages.after(at, {})
        told.append([int(one) for one in re.findall(rb"^id: (\d+)$", page, re.MULTILINE)])

    assert [len(page) for page in told] == pages_of
    assert [seq for page in told for seq in page] == [*range(1, count + 1)]


async def test_listeners_elsewhere_or_with_other_filters_read_for_themselves(
    journal: Noted, pages: Pages
) -> None:
    journal.add()
    journal.add()

    first, second, _ = await asyncio.gather(
        pages.after(0, {}), pages.after(1, {}), pages.after(0, {"service": "dep"})
    )

    assert journal.reads == 3
    assert (first[0], second[0]) == (2, 2)
    assert b"id: 1\n" not in second[1]


@pytest.mark.parametrize(("waiting", "more"), [(999, False), (1000, True), (1001, True)])
async def test_who_is_behind_is_told_that_more_follows(
    journal: Noted, pages: Pages, waiting: int, *, more: bool
) -> None:
    for _ in range(waiting):
        journal.add()

    last, _, follows = await pages.after(0, {})

    assert (last, follows) == (min(waiting, 1000), more)


async def test_where_nothing_followed_is_read_again(journal: Noted, pages: Pages) -> None:
    assert await pages.after(0, {}) == (0, b"", False)
    journal.add()
    assert (await pages.after(0, {}))[0] == 1


async def test_who_leaves_takes_the_page_from_nobody(journal: Noted, pages: Pages) -> None:
    journal.add()
    leaving = asyncio.ensure_future(pages.after(0, {}))
    staying = asyncio.ensure_future(pages.after(0, {}))
    await asyncio.sleep(0)
    leaving.cancel()

    assert (await staying)[0] == 1


@pytest.mark.parametrize(("listeners", "seconds"), [(0, 0.05), (12, 0.05), (50, 0.2), (1000, 0.5)])
async def test_the_more_listen_the_longer_each_waits_for_more(
    listeners: int, seconds: float
) -> None:
    news, arrived = News(), asyncio.Event()
    with contextlib.ExitStack() as stack:
        for _ in range(listeners):
            stack.enter_context(news.listen(arrived))

        assert news.gather_s == seconds
