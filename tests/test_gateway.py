import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from simulator.clock import Clock
from simulator.gateway import Gateway
from simulator.messages import Response, State
from simulator.protocol.operations import Inquiry
from simulator.store.sqlite import SqliteState
from tests.apple import AGENT, Apple, request
from tests.vpp import HOOK, Vpp


@pytest.fixture
def apple() -> Apple:
    return Apple()


@pytest.fixture
def vpp() -> Vpp:
    return Vpp()


@pytest.fixture
async def gateway(apple: Apple) -> AsyncIterator[Gateway]:
    running = Gateway(apple.store, apple.engine, Clock())
    running.start()
    yield running
    await running.close()


async def last(apple: Apple) -> int:
    return await asyncio.to_thread(apple.store.journal().last)


ACCOUNT = request("GET", "/account", [("User-Agent", AGENT)])


async def test_an_answer_comes_after_its_exchange_is_recorded(
    apple: Apple, gateway: Gateway
) -> None:
    answer = await gateway.answer(ACCOUNT)

    assert answer.status == 401
    assert await last(apple) == 1


async def test_what_waits_together_is_recorded_in_order(apple: Apple, gateway: Gateway) -> None:
    targets = [f"/nothing/{number}" for number in range(300)]

    await asyncio.gather(*(gateway.answer(request("GET", target, [])) for target in targets))

    recorded = await asyncio.to_thread(apple.store.journal().read, limit=1000)
    assert [exchange.request.target for exchange in recorded] == targets
    assert [exchange.seq for exchange in recorded] == list(range(1, 301))


async def test_one_failure_leaves_the_rest_of_the_batch_alone(
    apple: Apple, gateway: Gateway
) -> None:
    def good(state: State) -> str:
        state.put("thing", "good", {})
        return "done"

    def bad(state: State) -> str:
        state.put("thing", "bad", {})
        raise ValueError("no")

    results = await asyncio.gather(
        gateway.run(good), gateway.run(bad), gateway.run(good), return_exceptions=True
    )

    assert results[0] == results[2] == "done"
    assert isinstance(results[1], ValueError)
    found = await gateway.run(lambda state: state.scan("thing"))
    assert [one.key for one in found] == ["good"]


class _Full:
    """A store whose disk is full: nothing can be committed."""

    def __init__(self, apple: Apple) -> None:
        self.apple = apple
        self.full = True

    @contextmanager
    def transaction(self) -> Iterator[SqliteState]:
        with self.apple.store.transaction() as state:
            yield state
            if self.full:
                raise OSError("No space left on device")


async def test_nothing_is_served_unseen_and_work_resumes_when_there_is_space(
    apple: Apple, caplog: pytest.LogCaptureFixture
) -> None:
    store = _Full(apple)
    gateway = Gateway(store, apple.engine, Clock())
    gateway.start()

    full: list[Response] = list(await asyncio.gather(*(gateway.answer(ACCOUNT) for _ in range(3))))
    store.full = False
    resumed = await gateway.answer(ACCOUNT)
    await gateway.close()

    assert [answer.status for answer in full] == [503, 503, 503]
    assert resumed.status == 401
    assert await last(apple) == 1
    assert "could not be recorded" in caplog.text


async def test_a_closed_gateway_says_so(apple: Apple) -> None:
    gateway = Gateway(apple.store, apple.engine, Clock())
    gateway.start()
    await gateway.close()

    with pytest.raises(RuntimeError, match="not running"):
        await gateway.run(lambda state: state.count("thing"))


async def test_what_was_asked_is_answered_before_the_end(apple: Apple) -> None:
    gateway = Gateway(apple.store, apple.engine, Clock())
    gateway.start()
    asked = [asyncio.ensure_future(gateway.answer(ACCOUNT)) for _ in range(50)]
    await asyncio.sleep(0)

    await gateway.close()

    assert [(await one).status for one in asked] == [401] * 50


async def test_who_cannot_take_an_answer_keeps_it_from_nobody_else(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[Response] = []

    def broken(_: Response) -> None:
        raise ValueError("gone")

    gateway.submit(ACCOUNT, broken)
    gateway.submit(ACCOUNT, heard.append)
    await gateway.answer(ACCOUNT)

    assert [one.status for one in heard] == [401]
    assert "an answer could not be handed on" in caplog.text


async def test_after_the_end_a_request_is_told_so(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[Response] = []
    await gateway.close()

    gateway.submit(ACCOUNT, heard.append)

    assert [one.status for one in heard] == [503]


@pytest.mark.parametrize(
    ("about", "status"), [pytest.param("", 200, id="taken"), pytest.param("no", 400, id="refused")]
)
async def test_what_must_be_asked_first_is_asked_and_recorded_once(
    vpp: Vpp, about: str, status: int
) -> None:
    asked: list[Inquiry] = []

    async def inquire(inquiry: Inquiry) -> str:
        asked.append(inquiry)
        return about

    gateway = Gateway(vpp.store, vpp.engine, Clock())
    asking = Gateway(vpp.store, vpp.engine, Clock(), inquire)
    gateway.start()
    asking.start()
    stoken = await asyncio.to_thread(lambda: vpp.stoken)
    headers = [("Host", "x"), ("Authorization", f"Bearer {stoken}")]
    sent = request("POST", "/mdm/v2/client/config", headers, json.dumps(HOOK).encode())

    answer = await asking.answer(sent)
    alone = await gateway.answer(sent)
    await asking.close()
    await gateway.close()

    assert (answer.status, alone.status) == (status, 400)
    assert [one.url for one in asked] == [HOOK["notificationUrl"]]
    assert await asyncio.to_thread(lambda: vpp.store.journal().last()) == 2
