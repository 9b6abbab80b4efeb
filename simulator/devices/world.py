"""What a device needs beside itself: time, random digits, Apple's factory, its MDM's judge."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from simulator.devices.device_ca import DeviceAuthority

_UUID_DIGITS = (8, 12, 16, 20, 32)


def dashed(digits: str) -> str:
    """Return 32 hex digits in the form of a UUID, in upper case."""
    return "-".join(
        digits[start:end].upper()
        for start, end in zip((0, *_UUID_DIGITS), _UUID_DIGITS, strict=False)
    )


@dataclass(frozen=True, slots=True)
class DeviceEnvironment:
    """What a device needs beside itself."""

    now_ms: Callable[[], int]
    """The simulator's clock."""
    random_hex: Callable[[int], str]
    """Returns as many random hexadecimal digits as asked for."""
    authority: DeviceAuthority = field(repr=False)
    """Signs the certificates that devices leave the factory with."""
    wall_clock: Callable[[], datetime]
    """The time that servers check certificates by, whatever time is simulated."""

    def uuid(self) -> str:
        """Return a new UUID, in upper case."""
        return dashed(self.random_hex(32))

    def push_token(self) -> str:
        """Return a new device token: 64 hexadecimal digits, the first of which all have."""
        return self.authority.token_prefix + self.random_hex(64 - len(self.authority.token_prefix))
