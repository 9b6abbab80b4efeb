import asyncio
import hashlib
import itertools
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.core.clock import Clock
from simulator.core.messages import Request, Response
from simulator.core.notifier import EXCHANGES
from simulator.core.state import State
from simulator.engine.engine import Engine
from simulator.engine.gateway import Gateway
from simulator.engine.lanes import MAX_BATCH
from simulator.protocol.items import PIECE
from simulator.protocol.operations import NeedsPieces, OutboundCall
from simulator.services.vpp.domain import users
from simulator.store.errors import StoreError
from simulator.store.opening import open_store
from simulator.store.sqlite.store import SqliteStore
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


async def test_an_answer_wakes_who_waits_for_exchanges(apple: Apple, gateway: Gateway) -> None:
    with gateway.notifier.listen(EXCHANGES) as arrived:
        await gateway.answer(ACCOUNT)

        assert arrived.is_set()


async def test_what_waits_together_is_recorded_in_order(apple: Apple, gateway: Gateway) -> None:
    targets = [f"/nothing/{number}" for number in range(300)]

    await asyncio.gather(*(gateway.answer(request("GET", target, [])) for target in targets))

    recorded = await asyncio.to_thread(apple.store.journal().read, limit=1000)
    assert [exchange.request.target for exchange in recorded] == targets
    assert [exchange.seq for exchange in recorded] == list(range(1, 301))


class Threads:
    """An engine that notes what it answers, and in which thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.noted: list[str] = []
        self.ran: list[str] = []
        self.runs_inline, self.is_page = engine.runs_inline, engine.is_page

    def process(self, request: Request, *more: Any) -> Response:
        self.noted.append(threading.current_thread().name)
        self.ran.append(request.target)
        return self._engine.process(request, *more)


@pytest.fixture
def threads(apple: Apple) -> Threads:
    return Threads(apple.engine)


@asynccontextmanager
async def swift(path: Path, threads: Threads, **options: Any) -> AsyncIterator[Gateway]:
    """Yield a gateway to a store that is a file."""
    store = await asyncio.to_thread(partial(open_store, path / "x.db", **options))
    gateway = Gateway(store, cast("Engine", threads), Clock())
    gateway.start()
    yield gateway
    await gateway.close()
    await asyncio.to_thread(store.close)


class Counted(asyncio.Event):
    """An event that counts how often it is set."""

    times = 0

    def set(self) -> None:
        self.times += 1
        super().set()


async def test_answers_of_one_transaction_wake_once(
    tmp_path: Path, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulator.engine.writer.BATCH_S", 60)
    pushes = [request("POST", f"/3/device/{number:064x}", []) for number in range(20)]
    async with swift(tmp_path, threads) as gateway:
        with gateway.notifier.listen(EXCHANGES, event=Counted()) as arrived:
            await asyncio.gather(*map(gateway.answer, pushes))

            assert isinstance(arrived, Counted)
            assert arrived.times == 1


async def test_what_comes_in_the_turns_after_shares_the_transaction(
    tmp_path: Path, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulator.engine.writer.BATCH_S", 60)
    loop = asyncio.get_running_loop()
    pushes = [request("POST", f"/3/device/{number:064x}", []) for number in range(5)]
    answered = [loop.create_future() for _ in pushes]
    async with swift(tmp_path, threads) as gateway:

        def come(number: int) -> None:
            gateway.submit(pushes[number], answered[number].set_result)
            if number + 1 < len(pushes):
                loop.call_soon(come, number + 1)

        with gateway.notifier.listen(EXCHANGES, event=Counted()) as arrived:
            come(0)
            await asyncio.gather(*answered)

            assert isinstance(arrived, Counted)
            assert arrived.times == 1


async def test_who_comes_alone_waits_for_one_turn_more(tmp_path: Path, threads: Threads) -> None:
    async with swift(tmp_path, threads) as gateway:
        gateway.submit(request("POST", f"/3/device/{1:064x}", []), lambda _: None)
        await asyncio.sleep(0)
        assert not threads.ran
        await asyncio.sleep(0)

        assert len(threads.ran) == 1


WRITER = "mdmsim-writer"
LONG = request("GET", "/profile", [("User-Agent", AGENT)])


async def test_brief_requests_need_no_thread_while_none_is_at_work(
    tmp_path: Path, threads: Threads
) -> None:
    async with swift(tmp_path, threads) as gateway:
        alone = await gateway.answer(ACCOUNT)
        await asyncio.gather(*(gateway.answer(one) for one in (ACCOUNT, LONG, ACCOUNT)))
        await gateway.answer(ACCOUNT)

    here = threading.current_thread().name
    assert alone.status == 401
    assert threads.noted == [here, here, WRITER, here, here]


@pytest.mark.parametrize(
    ("target", "thread"),
    [
        pytest.param("/3/device/ab", "", id="push"),
        pytest.param("/account", "", id="account"),
        pytest.param("/session", "", id="session"),
        pytest.param("/server/devices", WRITER, id="fetch"),
        pytest.param("/mdm/v2/assets", WRITER, id="assets"),
        pytest.param("/nothing", WRITER, id="nothing"),
    ],
)
async def test_only_some_operations_are_brief(
    tmp_path: Path, threads: Threads, target: str, thread: str
) -> None:
    async with swift(tmp_path, threads) as gateway:
        await gateway.answer(request("GET", target, []))

    assert threads.noted == [thread or threading.current_thread().name]


async def test_a_large_body_is_left_to_the_thread(tmp_path: Path, threads: Threads) -> None:
    async with swift(tmp_path, threads) as gateway:
        await gateway.answer(request("POST", "/3/device/ab", [], bytes(16_384)))
        await gateway.answer(request("POST", "/3/device/ab", [], bytes(16_385)))

    assert threads.noted == [threading.current_thread().name, WRITER]


@pytest.mark.parametrize("options", [{"fsync": True}, {"keep": 10}])
async def test_what_may_wait_for_the_disk_is_left_to_the_thread(
    tmp_path: Path, threads: Threads, options: Any
) -> None:
    async with swift(tmp_path, threads, **options) as gateway:
        await gateway.answer(ACCOUNT)

    assert threads.noted == [WRITER]


async def test_what_the_event_loop_cannot_record_the_thread_tries_again(
    tmp_path: Path, threads: Threads, caplog: pytest.LogCaptureFixture
) -> None:
    async with swift(tmp_path, threads) as gateway:
        database = cast("SqliteStore", gateway._store)._connection
        await asyncio.to_thread(database.execute, "PRAGMA max_page_count = 1")
        refused = await asyncio.gather(*(gateway.answer(ACCOUNT) for _ in range(80)))
        after = len(threads.noted)
        while (await gateway.answer(ACCOUNT)).status != 503:
            pass
        full = len(threads.noted)
        await gateway.answer(ACCOUNT)
        await asyncio.to_thread(database.execute, "PRAGMA max_page_count = 1000000")
        resumed = await asyncio.gather(*(gateway.answer(ACCOUNT) for _ in range(3)))
        well = await gateway.answer(ACCOUNT)

    here = threading.current_thread().name
    assert {one.status for one in refused} <= {401, 503}
    assert threads.noted[0] == here
    assert after >= 80
    assert set(threads.noted[full:-1]) == {WRITER}
    assert [one.status for one in (*resumed, well)] == [401] * 4
    assert threads.noted[-1] == here


async def test_more_than_a_batch_is_answered_in_turns(tmp_path: Path, threads: Threads) -> None:
    async with swift(tmp_path, threads) as gateway:
        answers = await asyncio.gather(*(gateway.answer(ACCOUNT) for _ in range(MAX_BATCH + 44)))

    assert [one.status for one in answers] == [401] * (MAX_BATCH + 44)
    assert set(threads.noted) == {threading.current_thread().name}


async def test_what_waits_for_its_turn_is_answered_before_the_end(
    tmp_path: Path, threads: Threads
) -> None:
    async with swift(tmp_path, threads) as gateway:
        asked = [asyncio.ensure_future(gateway.answer(ACCOUNT)) for _ in range(5)]
        await asyncio.sleep(0)

    assert [(await one).status for one in asked] == [401] * 5


async def test_what_waits_at_the_end_and_cannot_be_recorded_is_refused(
    tmp_path: Path, threads: Threads, caplog: pytest.LogCaptureFixture
) -> None:
    async with swift(tmp_path, threads) as gateway:
        database = cast("SqliteStore", gateway._store)._connection
        await asyncio.to_thread(database.execute, "ALTER TABLE exchange RENAME TO elsewhere")
        asked = [asyncio.ensure_future(gateway.answer(ACCOUNT)) for _ in range(5)]
        await asyncio.sleep(0)

    answers = await asyncio.wait_for(asyncio.gather(*asked), 5)
    assert [one.status for one in answers] == [503] * 5


STEPS = ["/account", "/profile", "/server/devices", "work", "pause"]


@given(st.lists(st.sampled_from(STEPS), max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whoever_answers_the_order_is_that_of_asking(
    tmp_path_factory: pytest.TempPathFactory, threads: Threads, steps: list[str]
) -> None:
    async def run() -> list[str]:
        asked: list[str] = []
        ended: list[asyncio.Future[Any]] = []
        async with swift(tmp_path_factory.mktemp("order"), threads) as gateway:
            for number, step in enumerate(steps):
                if step == "pause":
                    await asyncio.sleep(0)
                    continue
                asked.append(f"{step}?{number}")
                if step == "work":
                    note = partial(_note, threads.ran, asked[-1])
                    ended.append(asyncio.ensure_future(gateway.run(note)))
                    await asyncio.sleep(0)  # the task asks
                else:
                    gateway.submit(request("GET", asked[-1], []), lambda _: None)
            await asyncio.gather(*ended)
        return asked

    threads.ran.clear()
    asked = asyncio.run(run())
    # Pages have a lane of their own.
    for in_lane in (_is_page, lambda target: not _is_page(target)):
        assert [*filter(in_lane, asked)] == [*filter(in_lane, threads.ran)]


def _is_page(target: str) -> bool:
    return target.startswith("/server")


def _note(ran: list[str], name: str, _: State) -> None:
    ran.append(name)


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


@asynccontextmanager
async def full(apple: Apple | Vpp, gateway: Gateway) -> AsyncIterator[int]:
    """Let the database grow no further until the block ends; yield how many were recorded."""
    database = cast("SqliteStore", apple.store)._connection

    def room(pages: str) -> None:
        database.execute(f"PRAGMA max_page_count = {pages}")

    await gateway.run(lambda _: room("1"))  # SQLite takes what there is instead
    recorded = 0
    while not gateway.unrecorded.trouble:
        await gateway.answer(ACCOUNT)
        recorded += not gateway.unrecorded.trouble
    yield recorded
    await gateway.run(lambda _: room("1000000"))


async def test_nothing_is_served_unseen_and_work_resumes_when_there_is_space(
    apple: Apple, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    async with full(apple, gateway) as recorded:
        refused = await asyncio.gather(*(gateway.answer(ACCOUNT) for _ in range(29)))
        with pytest.raises(StoreError, match="full") as trouble:
            await gateway.probe()
    first, second = await gateway.probe(), await gateway.probe()
    resumed = await gateway.answer(ACCOUNT)

    assert {answer.status for answer in refused} == {503}
    assert (str(trouble.value), trouble.value.reason) == ("database or disk is full", "full")
    assert (first, second) == (1, 2)
    assert resumed.status == 401
    assert await last(apple) == recorded + 1
    assert gateway.unrecorded.total == 30
    assert [record.getMessage() for record in caplog.records] == [
        "an exchange could not be recorded (database or disk is full): make room on its disk",
        "exchanges are recorded again; 30 could not be",
    ]


async def test_an_exchange_that_is_recorded_ends_the_trouble(
    apple: Apple, gateway: Gateway
) -> None:
    async with full(apple, gateway):
        pass
    trouble = gateway.unrecorded.trouble  # though other work has been done since
    await gateway.answer(ACCOUNT)

    assert trouble
    assert not gateway.unrecorded.trouble


async def test_what_is_served_unseen_changes_nothing_and_is_on_record(vpp: Vpp) -> None:
    gateway = Gateway(vpp.store, vpp.engine, Clock(), serve_unjournalled=True)
    gateway.start()
    stoken = await asyncio.to_thread(lambda: vpp.stoken)
    headers = [("Host", "x"), ("Authorization", f"Bearer {stoken}")]
    users = json.dumps({"users": [{"clientUserId": "new"}]}).encode()
    async with full(vpp, gateway) as recorded:
        served = await gateway.answer(request("POST", "/mdm/v2/users/create", headers, users))
        asked = await gateway.answer(
            request("POST", "/mdm/v2/client/config", headers, json.dumps(HOOK).encode())
        )
    seen = await gateway.answer(request("GET", "/mdm/v2/users", headers))
    await gateway.close()

    journal = vpp.store.journal()
    cuts, exchanges = await asyncio.to_thread(lambda: (journal.cuts(), journal.read(limit=1000)))
    assert (served.status, asked.status, seen.status) == (200, 400, 200)
    assert json.loads(seen.body)["users"] == []
    assert {one.reason for one in cuts} == {"unseen"}
    missing = [seq for one in cuts for seq in range(one.first, one.last + 1)]
    assert missing == [recorded + 1, recorded + 2, recorded + 3]
    assert [one.seq for one in exchanges] == [*range(1, recorded + 1), recorded + 4]


async def test_a_page_is_served_unseen_whole(vpp: Vpp) -> None:
    people = [(f"u-{number}", "", "") for number in range(2 * PIECE)]
    await asyncio.to_thread(vpp.at, lambda state, place: users.add_many(state, place, people))
    stoken = await asyncio.to_thread(lambda: vpp.stoken)
    gateway = Gateway(vpp.store, vpp.engine, Clock(), serve_unjournalled=True)
    gateway.start()
    asked = request("GET", "/mdm/v2/users", [("Host", "x"), ("Authorization", f"Bearer {stoken}")])
    async with full(vpp, gateway):
        served = await gateway.answer(asked)
    await gateway.close()

    assert served.status == 200
    assert len(json.loads(served.body)["users"]) == len(people)


async def test_what_cannot_even_be_computed_is_refused_though_unseen_would_do(
    apple: Apple, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = Gateway(apple.store, apple.engine, Clock(), serve_unjournalled=True)
    gateway.start()
    await asyncio.to_thread(
        cast("SqliteStore", apple.store)._connection.execute,
        "ALTER TABLE exchange RENAME TO elsewhere",
    )
    await asyncio.to_thread(cast("SqliteStore", apple.store)._connection.execute, "BEGIN")
    refused = await gateway.answer(ACCOUNT)
    await gateway.close()

    assert refused.status == 503
    assert str(gateway.unrecorded.trouble) == "RuntimeError"


async def test_large_work_has_a_transaction_of_its_own_and_keeps_its_turn(
    apple: Apple, gateway: Gateway
) -> None:
    def write(key: str, *, fails: bool = False) -> Callable[[State], list[str]]:
        def work(state: State) -> list[str]:
            state.put("thing", key, {})
            if fails:
                raise ValueError(key)
            return [one.key for one in state.scan("thing")]

        return work

    found = await asyncio.gather(
        gateway.run(write("a")),
        gateway.load(write("b")),
        gateway.load(write("c", fails=True)),
        gateway.run(write("d")),
        gateway.answer(ACCOUNT),
        gateway.load(write("e")),
        return_exceptions=True,
    )

    assert [found[at] for at in (0, 1, 3, 5)] == [["a"], ["a", "b"], list("abd"), list("abde")]
    assert isinstance(found[2], ValueError)
    assert isinstance(found[4], Response)
    assert found[4].status == 401
    assert await last(apple) == 1


async def test_large_work_that_fails_is_not_done_again_for_what_waits_behind_it(
    gateway: Gateway,
) -> None:
    done: list[str] = []

    def fail(state: State) -> None:
        done.append("load")
        raise ValueError("no")

    def note(state: State) -> None:
        done.append("work")

    ended = await asyncio.gather(
        gateway.run(note), gateway.load(fail), gateway.run(note), return_exceptions=True
    )

    assert [type(one) for one in ended] == [type(None), ValueError, type(None)]
    assert done == ["work", "load", "work"]


async def test_an_answer_waits_for_no_more_work_than_fits_into_a_moment(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulator.engine.writer.monotonic", itertools.count().__next__)
    first_is_known = threading.Event()

    def wait(_: State) -> bool:
        return first_is_known.wait(10)

    first = asyncio.ensure_future(gateway.answer(ACCOUNT))
    second = asyncio.ensure_future(gateway.run(wait))
    status = (await first).status
    first_is_known.set()

    assert (status, await second) == (401, True)


@pytest.mark.parametrize("step_s", [0, 1])
async def test_what_does_not_fit_comes_next(
    tmp_path: Path, threads: Threads, monkeypatch: pytest.MonkeyPatch, step_s: int
) -> None:
    monkeypatch.setattr("simulator.engine.writer.monotonic", itertools.count(0, step_s).__next__)
    async with swift(tmp_path, threads) as gateway:
        for number in range(5):
            gateway.submit(request("GET", f"/account?{number}", []), lambda _: None)
        revision = await gateway.run(lambda state: state.put("thing", "a", {}))

    # Each of the five was refused, and counted.
    assert revision == 6
    assert threads.ran == [f"/account?{number}" for number in range(5)]


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
    asked: list[OutboundCall] = []
    spent_us: list[int] = []

    async def call_out(outbound_call: OutboundCall) -> str:
        asked.append(outbound_call)
        began_ns = time.monotonic_ns()
        hashlib.pbkdf2_hmac("sha256", b"takes", b"its time", 50_000)
        spent_us.append((time.monotonic_ns() - began_ns) // 1000)
        return about

    gateway = Gateway(vpp.store, vpp.engine, Clock())
    asking = Gateway(vpp.store, vpp.engine, Clock(), call_out)
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
    first, second = await asyncio.to_thread(vpp.store.journal().read)
    assert first.took_us > spent_us[0]  # the call that was made for it is in it
    assert second.took_us > 0


async def test_work_is_run_anew_once_what_it_needs_is_done(gateway: Gateway) -> None:
    def piece(state: State) -> bool:
        return state.reserve("pieces") == 3

    def work(state: State) -> int:
        state.reserve("tries")
        if state.reserve("pieces", 0) <= 3:
            raise NeedsPieces(piece)
        return state.reserve("tries", 0)

    assert [await gateway.run(work), await gateway.load(work)] == [2, 3]
