"""Runs the simulated devices beside the control API, which is all that they reach of it.

Nothing is made before the first device, so who has none pays nothing for them.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from simulator.control.device_journal import DeviceJournal
from simulator.control.parts import ApiProblem, Parts
from simulator.core.files import PRIVATE, write_file
from simulator.core.messages import Finding
from simulator.core.settings import ConfigurationError
from simulator.core.state import Body, State
from simulator.store.errors import StoreError

if TYPE_CHECKING:
    from simulator.devices.device import VirtualDevice
    from simulator.devices.device_ca import DeviceAuthority
    from simulator.devices.flow import FlowResponse, Send
    from simulator.devices.hosting.fleet import Fleet

LOG = logging.getLogger("mdmsim")
PAUSE_S = 1.0
"""Seconds between two looks whether this process leads."""
KIND = "simulated.device"
CERTIFICATE, KEY = "device-ca.pem", "device-ca.key"


class DeviceHost:
    """The fleet of simulated devices, made when it is first asked for."""

    def __init__(
        self,
        parts: Parts,
        directory: Path,
        wall_clock: Callable[[], datetime],
    ) -> None:
        """Take what the control API works on, and where the devices' CA is kept."""
        self._parts = parts
        self._directory = directory
        self.url = ""
        """Where the control API is, once it has been opened."""
        self.services = ""
        """Where Apple's hosts are, plain HTTP, once that port is open."""
        self._wall_clock = wall_clock
        self._stack = AsyncExitStack()
        self._fleet: Fleet | None = None
        self._making = asyncio.Lock()

    async def fleet(self) -> "Fleet":
        """Return the fleet."""
        async with self._making:
            if self._fleet is None and not await self._parts.gateway.leads():
                detail = "simulated devices are in another replica, which leads: ask that one"
                raise ApiProblem(409, "Conflict", detail)
            if self._fleet is None:
                self._fleet = await self._make()
            return self._fleet

    @property
    def running(self) -> "Fleet | None":
        """The fleet, if it has been made: else there are no devices."""
        return self._fleet

    async def resume(self) -> None:
        """Let the devices go on that there were when the simulator ended."""
        if await _Keeper(self._parts).load():
            await self.fleet()

    async def follow(self) -> None:
        """Run the devices for as long as this process leads, of those that share a store; no end.

        So those of a replica that ended go on here, from what it had written of them.
        """
        led = False
        while True:
            leads = await self._parts.gateway.leads()
            try:
                if leads and not led:
                    await self.resume()
                elif led and not leads:
                    await self._pause()
            except StoreError as error:
                LOG.warning("simulated devices cannot go on yet: %s", error)
                leads = False
            led = leads
            await asyncio.sleep(PAUSE_S)

    async def _pause(self) -> None:
        """Have the devices do nothing more here: another replica leads."""
        async with self._making:
            self._fleet = None
            await self._stack.aclose()

    async def reload(self) -> None:
        """Begin anew with the devices that the state has now, as after a reset."""
        if self._fleet is not None:
            await self._fleet.reload()

    async def close(self) -> None:
        """End what the devices do; they go on with the next start."""
        await self._stack.aclose()

    async def _make(self) -> "Fleet":
        # Imported by who has devices only, as it takes long: in a thread, while others go on.
        await asyncio.to_thread(import_module, "simulator.devices.hosting.fleet")
        from simulator.devices.hosting.fleet import Fleet  # noqa: PLC0415 (few use it)
        from simulator.devices.hosting.performer import ControlAddress  # noqa: PLC0415 (few use it)
        from simulator.devices.world import DeviceEnvironment  # noqa: PLC0415 (few use it)

        parts = self._parts
        authority = await asyncio.to_thread(device_authority, self._directory, self._wall_clock())
        world = DeviceEnvironment(parts.clock.now_ms, parts.random_hex, authority, self._wall_clock)
        address = ControlAddress(self.url, parts.token, self.services)
        return await self._stack.enter_async_context(
            Fleet(address, parts.clock, world, _Keeper(parts))
        )


HOST: web.AppKey[DeviceHost] = web.AppKey("devices", DeviceHost)


class _Keeper:
    """Keeps the devices in the store, each with its organisation, and what they said."""

    def __init__(self, parts: Parts) -> None:
        self._gateway = parts.gateway
        self._journal = DeviceJournal(parts)

    async def load(self) -> list[Body]:
        """Return all records."""

        def work(state: State) -> list[Body]:
            found = []
            for org in state.organisations_with(KIND):
                own, after = state.of(org), ""
                while page := own.scan(KIND, after=after, limit=1000):
                    found += [one.body for one in page]
                    after = page[-1].key
            return found

        return await self._gateway.run(work)

    async def save(self, serial: str, body: Body) -> None:
        """Write one record."""

        def work(state: State) -> None:
            state.of(body["organisation"]).put(KIND, serial, body)

        await self._gateway.run(work)

    async def record(
        self,
        device: "VirtualDevice",
        step: "Send",
        received: "FlowResponse",
        findings: Sequence[Finding],
    ) -> None:
        """Write one exchange with what was found wrong in its response."""
        await self._gateway.run(self._journal.writing(device, step, received, findings))

    async def remove(self, serial: str) -> None:
        """Remove one record."""

        def work(state: State) -> None:
            for org in state.organisations_with(KIND, serial):
                state.of(org).delete(KIND, serial)

        await self._gateway.run(work)


def device_authority(directory: Path, now: datetime) -> "DeviceAuthority":
    """Return the CA of the devices, made at the first call."""
    from simulator.devices.device_ca import DeviceAuthority  # noqa: PLC0415 (few use it)

    certificate, key = directory / CERTIFICATE, directory / KEY
    try:
        if not certificate.exists() and not key.exists():
            made = DeviceAuthority.create(now)
            write_file(key, made.key_pem, PRIVATE)
            write_file(certificate, made.certificate_pem, 0o644)
        return DeviceAuthority.load(certificate.read_bytes(), key.read_bytes())
    except FileNotFoundError as error:
        why = f"{error.filename} is missing beside its other half: restore it, or remove "
        raise ConfigurationError(f"{why}{CERTIFICATE} and {KEY} to have new ones made") from error
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
