"""What one name is that DeviceInformation can be asked for."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from msgspec import Struct

from simulator.devices.commands.rows import Execution
from simulator.devices.device import VirtualDevice
from simulator.devices.models import IOS, MACOS, TVOS, VISIONOS

EVERYWHERE = frozenset({IOS, MACOS, TVOS, VISIONOS})
MOBILE = frozenset({IOS})
MAC = frozenset({MACOS})
INFORMATION, NETWORK, APPS = 16, 32, 4096
"""Access rights that queries need."""


class Query(Struct, frozen=True):
    """One name that DeviceInformation can be asked for."""

    value: Callable[[Execution], Any]
    """Returns the value; None: the device leaves it out."""
    right: int = INFORMATION
    platforms: frozenset[str] = EVERYWHERE
    not_in_user_enrolment: bool = False


def number(device: VirtualDevice, what: str, digits: int) -> str:
    """Return hexadecimal digits that follow from the serial number."""
    return blake2b(f"{what}|{device.serial}".encode(), digest_size=32).hexdigest()[:digits].upper()


def provisioning_udid(device: VirtualDevice) -> str:
    """Return the identifier of a Mac in provisioning profiles, which is not its UDID."""
    return f"0000{number(device, 'chip', 4)}-{number(device, 'ecid', 16)}"
