"""A device in this process, and who keeps its record and what it says."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from simulator.core.messages import Finding
from simulator.devices.device import VirtualDevice
from simulator.devices.flow import FlowResponse, Send
from simulator.devices.records import Body


class Keeper(Protocol):
    """Keeps the records of devices over restarts, and what they and their server said."""

    async def load(self) -> list[Body]:
        """Return all records."""
        ...

    async def save(self, serial: str, body: Body) -> None:
        """Write one record."""
        ...

    async def remove(self, serial: str) -> None:
        """Remove one record."""
        ...

    async def record(
        self,
        device: VirtualDevice,
        step: Send,
        received: FlowResponse,
        findings: Sequence[Finding],
    ) -> None:
        """Write one exchange with what was found wrong in the response.

        It returns once that is on the disk, so the server hears nothing more before it is.
        """
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
