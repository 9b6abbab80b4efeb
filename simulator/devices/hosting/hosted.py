"""A device in this process, and who keeps its record and what it says."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from simulator.core.messages import Finding
from simulator.devices.device import Body, VirtualDevice
from simulator.devices.flow import FlowResponse, Send


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


class Recorder(Protocol):
    """Keeps what devices and their MDM server say to each other."""

    def record(
        self,
        device: VirtualDevice,
        step: Send,
        received: FlowResponse,
        findings: Sequence[Finding],
    ) -> None:
        """Take one exchange with what was found wrong in the response."""
        ...
