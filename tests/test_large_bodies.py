"""Large bodies are read beside the writer, in a process of their own, with the same result."""

import asyncio
import gzip
import json
import os
import signal
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from simulator import body_process
from simulator.core.clock import Clock
from simulator.core.messages import Exchange, Request, Response
from simulator.core.settings import Settings
from simulator.engine.body_reader import ENDED, MOST_WAITING, BodyLanes, BodyReader
from simulator.engine.gateway import Gateway
from simulator.engine.preparation import BUSY, LARGE, TOO_SLOW, Prepared, Preparer
from simulator.faults import faults
from tests.apple import AGENT, KEY, Apple, request
from tests.axm import Axm

FILLER = "f" * LARGE
NAMES = ["0ZA", "0ZB"]


def profile(session: str, body: bytes, *more: tuple[str, str]) -> Request:
    headers = [("Host", "mdmenrollment.apple.com"), ("User-Agent", AGENT)]
    headers += [("X-Server-Protocol-Version", "10"), ("X-ADM-Auth-Session", session)]
    return request(
        "POST", "/profile", [*headers, ("Content-Type", "application/json"), *more], body
    )


def good(**more: Any) -> bytes:
    body = {"profile_name": "large", "url": "https://mdm.example/e", "devices": NAMES} | more
    return json.dumps(body).encode()


@pytest.fixture
def apple() -> Apple:
    made = Apple()
    made.add(*NAMES)
    return made


@pytest.fixture
def session(apple: Apple) -> str:
    return apple.session()


@pytest.fixture
def reader() -> BodyReader:
    return BodyReader(body_process.MODULE, (Settings(), KEY, ()))


@pytest.fixture
async def gateway(apple: Apple, reader: BodyReader) -> AsyncIterator[Gateway]:
    clock = Clock()
    clock.freeze(apple.now_ms)
    running = Gateway(apple.store, apple.engine, clock, preparer=reader)
    running.start()
    yield running
    await running.close()


async def newest(apple: Apple) -> Exchange:
    found = await asyncio.to_thread(lambda: apple.store.journal().read(limit=1000))
    return found[-1]


async def test_a_large_body_is_answered_and_recorded_as_any(
    apple: Apple, session: str, gateway: Gateway
) -> None:
    sent = profile(session, good(filler=FILLER, password="hunter2!"))

    answer = await gateway.answer(sent)

    recorded = await newest(apple)
    assert (answer.status, sorted(json.loads(answer.body)["devices"])) == (200, NAMES)
    assert recorded.organisation == "acme"
    assert FILLER.encode() in recorded.request.body
    assert b"hunter2!" not in recorded.request.body
    assert session not in str(recorded.request.headers)
    direct = (await asyncio.to_thread(apple.send, sent)).exchange
    assert recorded.request == direct.request
    assert recorded.findings == direct.findings


@pytest.fixture
def activity() -> tuple[Axm, Request]:
    """Return services, and a request that names more devices than are looked up at once."""
    axm, serials = Axm(), [f"SN{number}" for number in range(1100)]
    axm.add(*serials)
    named = {"data": [{"type": "orgDevices", "id": one} for one in serials]}
    data = {
        "type": "orgDeviceActivities",
        "attributes": {"activityType": "UNASSIGN_DEVICES"},
        "relationships": {"devices": named},
    }
    headers = [("Host", axm.host), ("Authorization", f"Bearer {axm.access_token()}")]
    headers += [("User-Agent", AGENT), ("Content-Type", "application/json")]
    body = json.dumps({"data": data}).encode()
    return axm, request("POST", "/v1/orgDeviceActivities", headers, body)


@pytest.mark.parametrize("is_prepared", [True, False])
async def test_what_was_looked_up_for_a_request_is_kept_until_it_is_answered(
    activity: tuple[Axm, Request], reader: BodyReader, *, is_prepared: bool
) -> None:
    axm, sent = activity
    clock = Clock()
    clock.freeze(axm.now_ms)
    running = Gateway(axm.store, axm.engine, clock, preparer=reader if is_prepared else None)
    running.start()
    try:
        async with asyncio.timeout(20):
            answer = await running.answer(sent)
    finally:
        await running.close()

    assert answer.status == 201


async def test_a_short_request_passes_a_large_one(session: str, gateway: Gateway) -> None:
    order: list[str] = []

    async def ask(name: str, sent: Request) -> Response:
        answer = await gateway.answer(sent)
        order.append(name)
        return answer

    account = replace(profile(session, b""), method="GET", target="/account")
    answers = await asyncio.gather(
        ask("large", profile(session, good(filler=FILLER))), ask("short", account)
    )

    assert order == ["short", "large"]
    assert [one.status for one in answers] == [200, 200]


async def test_a_simulator_that_has_been_large_has_large_bodies_read_too(
    session: str, gateway: Gateway
) -> None:
    # On Linux a new process says of itself that it has been as large as the one that made it.
    bytearray(body_process.LARGEST * 1024 + 2**20).translate(bytes(256))

    answer = await gateway.answer(profile(session, good(filler=FILLER)))

    assert answer.status == 200


async def test_of_a_stranger_only_the_digest_is_kept(
    apple: Apple, gateway: Gateway, reader: BodyReader
) -> None:
    body = good(filler=FILLER)

    answer = await gateway.answer(profile("nobody", body))

    recorded = await newest(apple)
    rules = [(one.rule, one.refused) for one in recorded.findings]
    assert answer.status == 401
    assert recorded.request.body.startswith(f"<sealed-body opaque {len(body)} ".encode())
    assert len(recorded.request.body) < 100
    assert ("body-unread", False) in rules
    assert reader.process_id is None


async def test_what_unpacks_to_little_is_read_of_a_stranger_too(
    apple: Apple, gateway: Gateway
) -> None:
    await gateway.answer(profile("nobody", gzip.compress(good()), ("Content-Encoding", "gzip")))

    recorded = await newest(apple)
    assert recorded.request.body == good()
    assert "body-unread" not in [one.rule for one in recorded.findings]


async def test_what_unpacks_to_much_is_not_unpacked_for_a_stranger(
    apple: Apple, gateway: Gateway
) -> None:
    packed = gzip.compress(good(filler="f" * 1_000_000))

    answer = await gateway.answer(profile("nobody", packed, ("Content-Encoding", "gzip")))

    recorded = await newest(apple)
    assert answer.status == 401
    assert recorded.request.body.startswith(f"<sealed-body opaque {len(packed)} ".encode())


async def test_a_fault_that_looks_into_the_body_finds_it_though_it_is_refused(
    apple: Apple, session: str, gateway: Gateway
) -> None:
    match = {"operation": "dep.define", "body": {"filler": FILLER}}
    fault = faults.Fault("", match=match, outcome="dep.T_C_NOT_SIGNED")
    await asyncio.to_thread(apple.run, lambda state: faults.arm(state, fault))

    answer = await gateway.answer(profile(session, good(filler=FILLER, url=7)))

    assert answer.body == b"T_C_NOT_SIGNED"


def wait(reader: Preparer, sent: Request) -> Prepared | None:
    """Have *sent* prepared."""
    found: list[Prepared | None] = []
    done = threading.Event()

    def on_prepared(prepared: Prepared | None) -> None:
        found.append(prepared)
        done.set()

    reader.submit(sent, on_prepared)
    assert done.wait(60)
    return found[0]


def test_another_process_takes_over_from_one_that_was_killed(reader: BodyReader) -> None:
    sent = profile("a", good(filler=FILLER))

    first, killed = wait(reader, sent), reader.process_id
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    second = wait(reader, sent)
    after = reader.process_id
    reader.close()
    third = wait(reader, sent)

    assert first is not None
    assert second is not None
    assert first.decoded.tree == second.decoded.tree == json.loads(sent.body)
    assert after != killed
    assert third is not None
    assert third.decoded.problem == "body-unread"
    assert reader.process_id is None


SILENT = "tests.load.silent"
"""A process that takes everything and replies nothing."""


def test_a_body_that_takes_too_long_is_not_read_and_the_next_gets_a_process_of_its_own() -> None:
    reader = BodyReader(SILENT, None, timeout_s=0.2)
    sent = profile("a", good(filler=FILLER))

    answers = [wait(reader, sent) for _ in range(2)]
    reader.close()

    for prepared in answers:
        assert prepared is not None
        assert (prepared.decoded.problem, prepared.decoded.about) == ("body-unread", TOO_SLOW)
        assert prepared.decoded.content == sent.body


def test_a_body_over_which_each_process_ends_is_not_read() -> None:
    reader = BodyReader("abc", None)  # it ends at once, as one does that has no memory

    prepared = wait(reader, profile("a", good(filler=FILLER)))
    reader.close()

    assert prepared is not None
    assert (prepared.decoded.problem, prepared.decoded.about) == ("body-unread", ENDED)


def test_a_body_for_which_too_many_wait_is_not_read() -> None:
    reader = BodyReader(SILENT, None)
    sent = profile("a", good(filler=FILLER))
    waiting: list[Prepared | None] = []

    for _ in range(MOST_WAITING + 2):  # the process has one of them, or will have it soon
        reader.submit(sent, waiting.append)
    at_once = [one.decoded.about for one in waiting if one is not None]
    reader.close()

    assert at_once in ([BUSY], [BUSY, BUSY])
    assert len(waiting) == MOST_WAITING + 2


@pytest.mark.parametrize("packed", [False, True])
def test_a_short_body_waits_for_no_long_one(reader: BodyReader, packed: bool) -> None:
    lanes = BodyLanes(reader, BodyReader(SILENT, None))
    long = good(filler=FILLER * (1 if packed else 64))
    headers = (("Content-Encoding", "gzip"),) if packed else ()
    unanswered: list[Prepared | None] = []

    lanes.submit(profile("a", gzip.compress(long) if packed else long, *headers), unanswered.append)
    prepared = wait(lanes, profile("a", good(filler=FILLER)))
    before = list(unanswered)
    lanes.close()

    assert prepared is not None
    assert prepared.decoded.problem == ""
    assert before == []


async def test_a_request_whose_body_waits_is_answered_in_time(apple: Apple, session: str) -> None:
    clock = Clock()
    clock.freeze(apple.now_ms)
    reader = BodyReader(SILENT, None, wait_s=0.05)
    gateway = Gateway(apple.store, apple.engine, clock, preparer=reader)
    gateway.start()

    answer = await gateway.answer(profile(session, good(filler=FILLER)))
    recorded = await newest(apple)
    await gateway.close()

    assert answer.status == 413
    assert [one.message for one in recorded.findings if one.rule == "body-unread"] == [BUSY]
