"""What the person can do who holds a device: each is a flow that the fleet runs."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from simulator.devices.device import VirtualDevice
from simulator.devices.flow import Flow
from simulator.devices.life import (
    enrol_by_account,
    enrol_by_profile,
    erase,
    log_in,
    log_out,
    migrate,
    power_off,
    power_on,
    unenrol,
    use_account,
)
from simulator.devices.options import Options
from simulator.devices.return_to_service import return_to_service, why_not
from simulator.devices.world import DeviceEnvironment


class DeviceActions(ABC):
    """The actions, on top of what runs a flow on a device."""

    world: DeviceEnvironment

    @abstractmethod
    def get(self, serial: str) -> VirtualDevice:
        """Return a device; LookupError if there is none."""

    @abstractmethod
    async def _act(self, serial: str, act: Callable[[VirtualDevice], Flow[None]]) -> VirtualDevice:
        """Do something with a device, then let it ask for commands if it is enrolled."""

    async def power_on(self, serial: str) -> VirtualDevice:
        """Turn a device on, and let it do what it then does, up to its first session."""
        return await self._act(serial, lambda device: power_on(device, self.world))

    async def power_off(self, serial: str) -> VirtualDevice:
        """Turn a device off."""

        def off(device: VirtualDevice) -> Flow[None]:
            yield from ()
            power_off(device, self.world)

        return await self._act(serial, off)

    async def enrol(self, serial: str, *, content: bytes = b"", url: str = "") -> VirtualDevice:
        """Enrol a device by a profile."""
        return await self._act(
            serial, lambda device: enrol_by_profile(device, self.world, content=content, url=url)
        )

    async def enrol_account(self, serial: str, account: str) -> VirtualDevice:
        """Enrol a device by an account."""
        return await self._act(serial, lambda device: enrol_by_account(device, self.world, account))

    async def use_account(self, serial: str, account: str) -> VirtualDevice:
        """Let a device's person sign in to a Managed Apple Account."""
        return await self._act(serial, lambda device: use_account(device, self.world, account))

    async def erase(self, serial: str) -> VirtualDevice:
        """Erase a device, as its user can."""
        return await self._act(serial, lambda device: erase(device, self.world))

    async def unenrol(self, serial: str) -> VirtualDevice:
        """Remove the MDM profile, as the user can."""
        return await self._act(serial, lambda device: unenrol(device, self.world, "the user"))

    async def change(self, serial: str, options: Options) -> VirtualDevice:
        """Give a device other options."""

        def change(device: VirtualDevice) -> Flow[None]:
            yield from ()
            device.options = options

        return await self._act(serial, change)

    async def log_in(self, serial: str, name: str, password: str = "") -> VirtualDevice:
        """Let a person log in to a Mac or Shared iPad; ValueError if the device is neither.

        *password*: that of a network account, which only Macs know.
        """
        device = self.get(serial)
        if not (device.mac or device.shared):
            why = "an iPad is shared once a profile with is_multi_user is assigned and it is on"
            raise ValueError(f"{serial} is no Mac and no Shared iPad: nobody logs in to it; {why}")
        if password and device.shared:
            raise ValueError("password is for network accounts of Macs: leave it out")
        return await self._act(serial, lambda device: log_in(device, self.world, name, password))

    async def log_out(self, serial: str, name: str) -> VirtualDevice:
        """Let a person log out; ValueError if nobody of that name has logged in."""
        users = self.get(serial).users
        if name not in users:
            who = ", ".join(sorted(users)) or "nobody"
            raise ValueError(f"{name} has no account on {serial}; there is {who}")

        def out(device: VirtualDevice) -> Flow[None]:
            yield from ()
            log_out(device, self.world, name)

        return await self._act(serial, out)

    async def migrate(self, serial: str) -> VirtualDevice:
        """Let a device move to the server that it is assigned to, before its deadline."""
        return await self._act(serial, lambda device: migrate(device, self.world))

    async def return_to_service(self, serial: str) -> VirtualDevice:
        """Let a device's user return it to service; ValueError if the device does not offer it."""
        if why := why_not(self.get(serial)):
            raise ValueError(f"{serial} offers no Return to Service: {why}")
        return await self._act(serial, lambda device: return_to_service(device, self.world))

    async def poll(self, serial: str) -> VirtualDevice:
        """Let a device ask for commands without a push."""
        return await self._act(serial, _nothing)


def _nothing(_: VirtualDevice) -> Flow[None]:
    yield from ()
