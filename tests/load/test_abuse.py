"""Floods on real sockets: each is ended, and whoever behaves is served all the same."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import aiohttp
import pytest

from simulator.app import Simulator
from simulator.core.settings import Settings
from simulator.transport.http2.frames import GOAWAY, HEADER_SIZE, PREFACE, Code, settings
from tests.load import crowd, rude
from tests.transport.http2 import test_limits as floods
from tests.transport.http2.peers import REQUEST, Raw

CALM = Code.ENHANCE_YOUR_CALM
FLOODS = (
    floods.rapid_reset,
    floods.made_you_reset,
    floods.pings,
    floods.all_settings,
    floods.empty_data,
    floods.priorities,
    floods.unknown,
    floods.continuations,
    floods.endless_block,
    floods.hpack_bomb,
)


class Patient(Raw):
    """One whose requests are answered without an end to the connection.

    Where a request is answered before it is reset, that would be another end than the flood's.
    """

    def headers(
        self, stream: int, fields: Sequence[tuple[str, str]] = REQUEST, flags: int = 5
    ) -> bytes:
        """Return HEADERS; by default of a request that needs no credential."""
        path = (":path", "/mdm/v2/service/config")
        asked = [path if field[0] == ":path" else field for field in fields]
        return super().headers(stream, asked, flags)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    options = Settings(
        data=":memory:",
        tls_port=(0,),
        http_port=0,
        control_port=0,
        proxy_port=None,
        push_auth="none",
        unknown_tokens="accept",
    )
    async with Simulator(options) as running:
        yield running


async def ended_by(port: int, flood: Iterator[bytes]) -> int:
    """Send *flood* until the server ends the connection; return the code of its GOAWAY."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    said = bytearray()

    async def listen() -> None:
        try:
            while data := await reader.read(65_536):
                said.extend(data)
        except ConnectionResetError:
            pass  # it was told before

    listening = asyncio.ensure_future(listen())
    writer.write(PREFACE + settings({}))
    try:
        for data in flood:
            writer.write(data)
            await writer.drain()
            if listening.done():
                break
    except ConnectionError:
        pass
    await asyncio.wait([listening], timeout=20)
    writer.close()
    return code_in(bytes(said))


def code_in(said: bytes) -> int:
    """Return the code of the first GOAWAY among frames; -1 if there is none."""
    while len(said) >= HEADER_SIZE:
        size = int.from_bytes(said[:3], "big")
        if said[3] == GOAWAY:
            return int.from_bytes(said[HEADER_SIZE + 4 : HEADER_SIZE + 8], "big")
        said = said[HEADER_SIZE + size :]
    return -1


@pytest.mark.parametrize("flood", FLOODS, ids=lambda flood: str(flood.__name__))
async def test_a_flood_is_ended_and_others_are_served(
    simulator: Simulator, flood: Callable[[Raw], Iterator[bytes]]
) -> None:
    ports = rude.Ports.of(simulator.ready | {"proxy": "http://127.0.0.1:1"})
    topic = simulator.ready["organisations"][0]["push_topics"][0]["topic"]
    (good,) = await crowd.hold_apns(ports.tls, 1)

    code = await ended_by(ports.http, flood(Patient()))
    answer = await good.push(topic, "0" * 64)

    assert code == CALM
    assert answer == b"\x88"
    assert good.transport is not None
    good.transport.abort()


@pytest.mark.parametrize("count", [257, 5000])
async def test_too_many_header_fields_are_refused(simulator: Simulator, count: int) -> None:
    port = rude.Ports.of(simulator.ready | {"proxy": "http://127.0.0.1:1"}).http
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /account HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * count + b"\r\n")

    answer = await reader.read()
    writer.close()

    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")


@pytest.mark.parametrize("port", ["http", "control"])
async def test_a_bomb_is_not_unpacked(simulator: Simulator, port: str) -> None:
    bomb = gzip.compress(bytes(200_000_000), 1)
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    path = "/profile" if port == "http" else "/api/v1/faults"
    before = crowd.memory(simulator.ready["pid"])
    async with aiohttp.ClientSession() as session:
        url = simulator.ready[port] + path
        async with session.post(url, data=bomb, headers=headers) as answer:
            status = answer.status
    grown = crowd.memory(simulator.ready["pid"]) - before

    assert status in {401, 413}
    assert grown < 150_000_000
