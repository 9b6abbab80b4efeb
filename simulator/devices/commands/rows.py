"""What a command is: where it exists, what it needs, and the function that executes it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct, field

from simulator.devices.device import VirtualDevice
from simulator.devices.errors import CommandFormatError, DeviceError, unknown_command
from simulator.devices.flow import Flow
from simulator.devices.models import IOS, MACOS, TVOS, VISIONOS, number_of
from simulator.devices.plists import kind
from simulator.devices.records import Body, DeviceUser, Enrolment, InstalledProfile
from simulator.devices.world import DeviceEnvironment

T = TypeVar("T")


class Execution(Struct, frozen=True):
    """A command that is being executed."""

    device: VirtualDevice
    enrolment: Enrolment
    world: DeviceEnvironment
    values: Mapping[str, Any]
    """The dictionary ``Command``."""
    user: DeviceUser | None = None
    """Whose channel it came by; None: the device's."""

    @property
    def profiles(self) -> dict[str, InstalledProfile]:
        """The profiles of the channel, by identifier."""
        return self.device.profiles if self.user is None else self.user.profiles

    @property
    def installed(self) -> Sequence[InstalledProfile]:
        """The same in order, the enrolment profile first."""
        if self.user is None:
            return list(self.device.installed)
        return [self.user.profiles[name] for name in sorted(self.user.profiles)]

    def optional(self, key: str, wanted: type[T]) -> T | None:
        """Return the value of *key*, None if it is absent; CommandFormatError if of another type.

        An integer is taken for a real, as property lists are read; a boolean is no integer.
        """
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise CommandFormatError(f"{key} is {kind(value)}")
        return value

    def needed(self, key: str, wanted: type[T]) -> T:
        """Return the value of *key*; CommandFormatError if it is absent or of another type."""
        value = self.optional(key, wanted)
        if value is None:
            raise CommandFormatError(f"{key} is missing")
        return value

    def texts(self, key: str) -> Sequence[str] | None:
        """Return an array of strings, None if it is absent."""
        value = self.optional(key, list)
        if value is not None and not all(isinstance(one, str) for one in value):
            raise CommandFormatError(f"{key} must hold strings")
        return value

    def has_right(self, bit: int) -> bool:
        """Tell whether the enrolment profile grants an access right; user enrolments have none."""
        return self.enrolment.user_enrolment or bool(self.enrolment.access_rights & bit)


class Done(Struct, frozen=True):
    """What became of a command."""

    keys: Body = field(default_factory=dict)
    """What the result holds beside the identifiers and the status."""
    then: Callable[[], Flow[None]] | None = None
    """What the device does once it has told the result."""
    why: str = ""
    """Why the command was not executed, for who looks at the device; empty if it was."""


Handler = Callable[[Execution], Done | Flow[Done]]


class Availability(Struct, frozen=True):
    """Where a command exists on one platform."""

    since: tuple[int, ...]
    supervised: bool = False
    automated: bool = False
    """Whether the device has to have come by Automated Device Enrollment."""
    user_channel: bool = False
    no_user_enrolment: bool = False
    shared: bool = False
    """Whether the device has to be a Shared iPad."""

    @classmethod
    def of(cls, text: str) -> "Availability":
        """Read it as documentation abridges it: ``10.3 s!`` (device.md 6.3).

        The flags: ``s`` supervised, ``d`` automated enrolment, ``u`` user channel too,
        ``!`` not in user enrolment, ``m`` Shared iPad only.
        """
        version, _, flags = text.partition(" ")
        return cls(number_of(version), *(flag in flags for flag in "sdu!m"))


class Command(Struct, frozen=True):
    """One row of the table of commands."""

    name: str
    run: Handler
    right: int
    """The bit of AccessRights that it needs; 0: none."""
    on: Mapping[str, Availability]
    """By platform."""

    def refuse(self, execution: Execution) -> None:
        """Raise the error of a device on which the command does not exist, or is not allowed."""
        device, enrolment = execution.device, execution.enrolment
        available = self.on.get(device.platform)
        if (
            available is None
            or number_of(device.version) < available.since
            or (available.supervised and not device.supervised)
            or (available.automated and not enrolment.automated)
            or (available.no_user_enrolment and enrolment.user_enrolment)
            or (available.shared and not device.shared)
            or (execution.user is not None and not available.user_channel)
            or not (self.right == 0 or execution.has_right(self.right))
        ):
            raise self.unknown(device)

    def unknown(self, device: VirtualDevice) -> DeviceError:
        """Return the error for a command that the device does not execute."""
        return unknown_command(self.name, mac=device.mac)


def command(
    name: str,
    run: Handler,
    right: int = 0,
    *,
    ios: str = "",
    macos: str = "",
    tvos: str = "",
    visionos: str = "",
) -> Command:
    """Return a row: where the command exists as documentation abridges it, empty: nowhere."""
    texts = {IOS: ios, MACOS: macos, TVOS: tvos, VISIONOS: visionos}
    on = {platform: Availability.of(text) for platform, text in texts.items() if text}
    return Command(name, run, right, on)
