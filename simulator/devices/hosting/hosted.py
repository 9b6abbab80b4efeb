"""A device in this process, and who keeps its record."""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from simulator.devices.device import Body, VirtualDevice


class Keeper(Protocol):
    """Keeps the records of devices over restarts."""

    async def load(self) -> list[Body]:
        """Return all records."""
        ...

    async def save(self, serial: str, body: Body) -> None:
        """Write one record."""
        ...

    async def remove(self, serial: str) -> None:
        """Remove one record."""
        ...


@dataclass(slots=True)
class Hosted:
    """A device in this process."""

    device: VirtualDevice
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the device does something."""
    pushed: bool = False
    """Whether a push waits for the device to be done with what it does."""
    asking: asyncio.Task[None] | None = None
    """Waits for the time at which the device asks for commands by itself."""
    moving: asyncio.Task[None] | None = None
    """Waits for the deadline by which the device moves to another server."""
