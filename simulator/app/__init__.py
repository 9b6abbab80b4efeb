"""The composition root: the only place that knows which concrete parts make a simulator."""

import asyncio
import importlib
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from datetime import UTC, datetime
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, Self

from simulator.app.opening import opened_with
from simulator.core.clock import Clock
from simulator.core.data_directory import Directory
from simulator.core.settings import ConfigurationError, Settings
from simulator.store.errors import StoreError
from simulator.store.opening import Place, starting

if TYPE_CHECKING:
    from simulator.app.running import Running
    from simulator.engine.gateway import Gateway
    from simulator.worlds.describing import Bar


class Simulator:
    """A running simulator: an asynchronous context manager around all its parts."""

    gateway: "Gateway"

    def __init__(
        self, settings: Settings, bar: "Bar | None" = None, further: Sequence[ModuleType] = ()
    ) -> None:
        """Take the settings; *bar* shows how far the loading of a world has got.

        *further* are packages of services beside those that ship.
        """
        self.settings = settings
        self._further = tuple(further)
        self._bar = bar
        self.clock = Clock()
        self.ready: dict[str, Any] = {}
        """What ``ready.json`` holds, once it runs."""
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Start everything; ConfigurationError says what keeps it from starting."""
        try:
            async with AsyncExitStack() as stack:
                await self._start(stack)
                self._stack = stack.pop_all()
        except StoreError as error:
            raise ConfigurationError(self._unusable(str(error), error.advice)) from error
        except OSError as error:
            why = f"{error.strerror}: {error.filename}" if error.filename else f"{error.strerror}"
            raise ConfigurationError(self._unusable(why, "make room on its disk")) from error
        return self

    def _unusable(self, why: str, advice: str) -> str:
        settings = self.settings
        where = "the store" if settings.store else f"the data directory {settings.data}"
        return f"{where} cannot be used ({why}): {advice}"

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Take no more connections, answer what is in flight, commit and close, within 5 s."""
        await self._stack.aclose()

    async def drain(self) -> None:
        """Go on for ``drain_s`` seconds in which /readyz has clients sent elsewhere."""
        if self.settings.drain_s:
            self.gateway.leaving = True
            await asyncio.sleep(self.settings.drain_s)

    @property
    def control_token(self) -> str:
        """The bearer token of the control API."""
        return str(self.ready["control_token"])

    @property
    def urls(self) -> tuple[str, ...]:
        """Where the services are: HTTPS, then HTTP."""
        http = self.ready["http"]
        return (*self.ready["tls"], *([http] if http else []))

    async def _start(self, stack: AsyncExitStack) -> None:
        settings = self.settings
        directory = await asyncio.to_thread(
            partial(
                Directory,
                settings.data,
                shared=bool(settings.store),
                keyless=bool(settings.store_key),
            )
        )
        stack.push_async_callback(asyncio.to_thread, directory.release)
        place = settings.store or directory.database
        # What the first replica makes, such as keys and the world, the others find.
        alone = starting(place)
        await asyncio.to_thread(alone.__enter__)
        try:
            await self._start_alone(directory, place, stack)
        finally:
            await asyncio.to_thread(alone.__exit__, None, None, None)
        await self._running.resume_devices(stack)

    async def _start_alone(self, directory: Directory, place: Place, stack: AsyncExitStack) -> None:
        """Start everything but the simulated devices, while no other replica starts."""
        files = ExitStack()
        stack.push_async_callback(asyncio.to_thread, files.close)
        settings, now = self.settings, datetime.now(UTC)  # noqa: TID251 (as clients read their own)
        opened = await asyncio.to_thread(
            opened_with, settings, directory, place, now, self.clock.now_ms, self._further, files
        )
        # Meanwhile a thread copies the world, which leaves Python to others.
        module = await asyncio.to_thread(importlib.import_module, "simulator.app.running")
        self._running: Running = module.Running(settings, self.clock, self._bar, self._further)
        await self._running.start(opened, directory, place, stack)
        self.catalogue, self.provisionings = opened.catalogue, opened.provisionings
        self.gateway, self.ready = self._running.gateway, self._running.ready
