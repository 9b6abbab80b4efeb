"""Keys that devices share: few are made, also for many devices that come at once."""

import asyncio
from typing import cast

from simulator.core.clock import Clock
from simulator.devices.device import VirtualDevice, new_device
from simulator.devices.flow import new_key
from simulator.devices.hosting.hosted import Keeper
from simulator.devices.hosting.performer import ControlAddress, Performer


async def _saved(_: VirtualDevice) -> None:
    """Keep nothing."""


async def test_devices_that_come_at_once_share_sixteen_keys() -> None:
    nowhere, nobody = ControlAddress("http://127.0.0.1:1", ""), cast("Keeper", None)
    device = new_device("0Z1", {})

    async with Performer(nowhere, Clock(), nobody, _saved) as performer:
        flows = [new_key(1024, shared=True) for _ in range(40)]
        shared = await asyncio.gather(*(performer.run(flow, device) for flow in flows))
        own = await performer.run(new_key(1024), device)

    assert len(set(map(id, shared))) == 16
    assert own not in shared
