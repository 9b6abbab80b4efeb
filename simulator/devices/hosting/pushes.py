"""The stream of the pushes to all devices, as the simulator's APNs delivers them."""

import json
import logging
from collections.abc import AsyncIterator, Callable

import aiohttp

from simulator.core.clock import Clock
from simulator.core.timers import sleep_until
from simulator.devices.hosting.performer import ControlAddress
from simulator.devices.records import Body

LOG = logging.getLogger("mdmsim")
_RECONNECT_S = 1
_CONNECT_S = 30


async def listen(
    control: ControlAddress, prefix: str, clock: Clock, pushed: Callable[[Body], None]
) -> None:
    """Call *pushed* with each push to a token that begins with *prefix*, for ever.

    A push has ``token``, ``mdm`` (the magic) and ``matches``. The stream begins
    anew if it ends: what came meanwhile waits at APNs.
    """
    headers = {"Authorization": f"Bearer {control.token}"}
    url = f"{control.url}/api/v1/push-tokens/events?prefix={prefix}"
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S)
    while True:
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, headers=headers) as client,
                client.get(url) as stream,
            ):
                stream.raise_for_status()
                async for push in _events(stream):
                    pushed(push)
        except (aiohttp.ClientError, OSError) as error:
            LOG.debug("the stream of pushes ended: %s", error)
        await sleep_until(clock, clock.now_ms() + _RECONNECT_S * 1000)


async def _events(stream: aiohttp.ClientResponse) -> AsyncIterator[Body]:
    """Yield the pushes of a stream of server-sent events."""
    async for line in stream.content:
        if line.startswith(b"data: "):
            push: Body = json.loads(line.removeprefix(b"data: "))
            yield push
