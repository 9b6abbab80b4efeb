"""Many devices in one process: who runs what, who hears which push, what is kept.

A device does one thing at a time; an idle one costs its record only.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack
from typing import Any, Self

from simulator.core.clock import Clock
from simulator.core.timers import sleep_until
from simulator.devices.connect import sessions
from simulator.devices.device import VirtualDevice, new_device, restored
from simulator.devices.flow import Flow
from simulator.devices.hosting.actions import DeviceActions
from simulator.devices.hosting.hosted import Hosted, Keeper
from simulator.devices.hosting.performer import ControlAddress, Performer
from simulator.devices.hosting.pushes import listen
from simulator.devices.judging import schema
from simulator.devices.life import leave, resume
from simulator.devices.options import Options
from simulator.devices.records import Body
from simulator.devices.world import DeviceEnvironment

LOG = logging.getLogger("mdmsim")
AWAIT_S = 5
"""How often a device asks that waits for DeviceConfigured (device.md 5.2)."""


class Fleet(DeviceActions):
    """The devices of a running simulator; an asynchronous context manager."""

    def __init__(
        self,
        control: ControlAddress,
        clock: Clock,
        world: DeviceEnvironment,
        keeper: Keeper,
    ) -> None:
        """Take where Apple is, the clock, what devices need, and what keeps them."""
        self._control = control
        self._clock = clock
        self.world = world
        self._keeper = keeper
        self._performer = Performer(control, clock, keeper, self._save)
        self._hosted: dict[str, Hosted] = {}
        self._tokens: dict[str, str] = {}
        """Serial numbers by push token."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Task[None] | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Go on where the devices were."""
        await asyncio.to_thread(schema.load)
        await self._stack.enter_async_context(self._performer)
        await self._load()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()
        await self._stack.aclose()

    async def reload(self) -> None:
        """Begin anew with what is kept, as after a reset of the simulator."""
        await self._stop()
        await self._load()

    async def _load(self) -> None:
        for body in await self._keeper.load():
            self._add(restored(body))

    async def _stop(self) -> None:
        tasks = [*self._tasks, *([self._listener] if self._listener else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._hosted.clear()
        self._tokens.clear()
        self._listener = None

    def _add(self, device: VirtualDevice) -> Hosted:
        hosted = self._hosted[device.serial] = Hosted(device)
        self._settle(hosted)
        self._wait_for_deadline(hosted)
        if device.asks_at_ms:  # also what was due when the simulator was killed
            self._later(hosted)
        if device.leaving:
            self._spawn(self._go_on(device.serial, leave))
        if device.enrolling is not None:
            self._spawn(self._go_on(device.serial, resume))
        return hosted

    async def _go_on(
        self, serial: str, act: Callable[[VirtualDevice, DeviceEnvironment], Flow[None]]
    ) -> None:
        """Let a device do what it had begun or acknowledged when the simulator was killed."""
        await self._act(serial, lambda device: act(device, self.world))

    def serials(self) -> list[str]:
        """Return the serial numbers of all devices, in order."""
        return sorted(self._hosted)

    def get(self, serial: str) -> VirtualDevice:
        """Return a device; LookupError if there is none."""
        return self._get(serial).device

    def _get(self, serial: str) -> Hosted:
        if serial not in self._hosted:
            raise LookupError(f"no simulated device has the serial number {serial}")
        return self._hosted[serial]

    async def add(
        self, serial: str, hardware: Body, organisation: str, options: Options
    ) -> VirtualDevice:
        """Add a new device; ValueError if there is one with its serial number."""
        if serial in self._hosted:
            raise ValueError(f"{serial} is a simulated device already")
        device = new_device(serial, hardware, organisation)
        device.options = options
        self._add(device)
        await self._keeper.save(serial, device.kept())
        return device

    async def remove(self, serial: str) -> None:
        """Delete a device; its MDM is told nothing."""
        hosted = self._get(serial)
        async with hosted.lock:
            self._forget_tokens(hosted.device.magics)
            del self._hosted[serial]
            await self._keeper.remove(serial)

    async def set_deadline(self, serial: str, at_ms: int) -> None:
        """Tell a device, if there is one, when it has to move to another server; 0: it has not.

        Apple tells it whatever it does at the time, so nothing is waited for.
        """
        hosted = self._hosted.get(serial)
        if hosted is None or hosted.device.migrates_ms == at_ms:
            return
        hosted.device.migrates_ms = at_ms
        self._wait_for_deadline(hosted)
        await self._keeper.save(serial, hosted.device.kept())

    def _wait_for_deadline(self, hosted: Hosted) -> None:
        """Let the device move when its deadline is over."""
        deadline_ms = hosted.device.migrates_ms
        if hosted.moving is not None:
            hosted.moving.cancel()
            hosted.moving = None

        async def move() -> None:
            await sleep_until(self._clock, deadline_ms)
            hosted.moving = None
            is_here = self._hosted.get(hosted.device.serial) is hosted
            if is_here and hosted.device.migrates_ms == deadline_ms:  # it has not moved before
                await self.migrate(hosted.device.serial)

        if deadline_ms and hosted.device.enrolment is not None:
            hosted.moving = self._spawn(move())

    async def _act(self, serial: str, act: Callable[[VirtualDevice], Flow[None]]) -> VirtualDevice:
        """Do something with a device, then let it ask for commands if it is enrolled.

        ValueError if the simulator ends or is reset meanwhile, as a device may wait for long.
        """
        hosted = self._get(serial)

        async def acting() -> None:
            async with hosted.lock:
                await self._run(hosted, act(hosted.device))
                await self._sessions(hosted)

        task = self._track(acting())
        try:
            await task
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if caller is not None and caller.cancelling():
                raise
            raise ValueError(
                f"{serial} was interrupted: the simulator ends, or was reset"
            ) from None
        return hosted.device

    async def _run(self, hosted: Hosted, flow: Flow[Any]) -> Any:
        """Run a flow, and keep what it left."""
        tokens = hosted.device.magics
        try:
            return await self._performer.run(flow, hosted.device)
        finally:
            self._forget_tokens(tokens)
            if self._hosted.get(hosted.device.serial) is hosted:
                self._settle(hosted)
                await self._save(hosted.device)

    async def _save(self, device: VirtualDevice) -> None:
        """Keep a device, unless it has been deleted, or the simulator reset."""
        hosted = self._hosted.get(device.serial)
        if hosted is not None and hosted.device is device:
            await self._keeper.save(device.serial, device.kept())

    def _forget_tokens(self, tokens: Iterable[str]) -> None:
        for token in tokens:
            self._tokens.pop(token, None)

    def _settle(self, hosted: Hosted) -> None:
        """Note where the device's pushes go, and listen for them."""
        device = hosted.device
        if device.enrolment is not None and device.condition == "enrolled":
            self._tokens.update(dict.fromkeys(device.magics, device.serial))
            if self._listener is None:
                self._listener = asyncio.ensure_future(
                    listen(
                        self._control, self.world.authority.token_prefix, self._clock, self._pushed
                    )
                )
            now_ms = self._clock.now_ms()
            if hosted.pushed:
                device.asks_at_ms = now_ms
            elif device.enrolment.awaiting and not device.asks_at_ms:
                device.asks_at_ms = now_ms + AWAIT_S * 1000
            if device.asks_at_ms > now_ms:
                self._later(hosted)
        if device.returning and device.condition == "unactivated":
            self._spawn(self._come_back(device.serial))

    async def _come_back(self, serial: str) -> None:
        await self.power_on(serial)

    async def _sessions(self, hosted: Hosted) -> None:
        """Let the device ask for commands, again if a push came meanwhile."""
        hosted.pushed = True
        while hosted.pushed:
            hosted.pushed = False
            await self._run(hosted, sessions(hosted.device, self.world))

    def _later(self, hosted: Hosted) -> None:
        """Let the device ask when it is time, by the simulator's clock."""

        async def ask() -> None:
            await sleep_until(self._clock, hosted.device.asks_at_ms)
            hosted.asking = None
            await self._wake(hosted)

        if hosted.asking is None:
            hosted.asking = self._spawn(ask())

    async def _wake(self, hosted: Hosted) -> None:
        hosted.pushed = True
        async with hosted.lock:
            if hosted.pushed:
                await self._sessions(hosted)

    def _spawn(self, work: Awaitable[None]) -> asyncio.Task[None]:
        async def logged() -> None:
            try:
                await work
            except Exception:
                LOG.exception("a simulated device failed")

        return self._track(logged())

    def _track(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do some work that ends with the fleet."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _pushed(self, push: Body) -> None:
        """Wake the device that a push is for; one with another magic is ignored."""
        hosted = self._hosted.get(self._tokens.get(push["token"], ""))
        if hosted is None or hosted.device.enrolment is None:
            return
        if push["mdm"] != hosted.device.magics.get(push["token"]):
            hosted.device.happened(self._clock.now_ms(), "push ignored", "another PushMagic")
            return
        hosted.device.happened(self._clock.now_ms(), "push")
        if hosted.lock.locked():
            hosted.pushed = True
        else:
            hosted.device.asks_at_ms = self._clock.now_ms()
            self._spawn(self._hear(hosted))

    async def _hear(self, hosted: Hosted) -> None:
        """Keep that the device has been pushed to, as APNs has delivered that; then let it ask."""
        await self._save(hosted.device)
        await self._wake(hosted)
