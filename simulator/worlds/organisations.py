"""A world as a value: organisations, their servers and their devices."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.core.settings import ConfigurationError
from simulator.hardware.devices import BLOCK
from simulator.services.fleet.arrivals import LISTS

LARGE_LISTS = LISTS - 1
"""How many lists of a world have a block of device indices each; all others share the last one."""
PART = BLOCK // 10_000
"""Device indices of each of the others."""
MOST_LISTS = LARGE_LISTS + BLOCK // PART
_FACTS = (
    "id",
    "name",
    "email",
    "phone",
    "address",
    "org_id",
    "org_type",
    "org_version",
    "admin_id",
    "facilitator_id",
)


@dataclass(frozen=True, slots=True)
class DepServer:
    """One MDM server as the portal knows it."""

    id: str
    name: str
    token: Mapping[str, str] | None = field(default=None, repr=False)
    """Values of its server token; None: made."""


@dataclass(frozen=True, slots=True)
class DeviceList:
    """Devices that are assigned to one server one after the other: generated or listed."""

    number: int
    """Which list of the world it is, from 0."""
    server: str
    assigned_by: str
    assigned_from_ms: int
    """When the first was assigned, milliseconds since the epoch."""
    every_s: int
    count: int
    families: tuple[str, ...] | None
    """Families to generate; None for all."""
    migrate_in_days: int | None = None
    """Days from the loading until they have to have moved to the server; None: they are there."""
    listed: tuple[Mapping[str, Any], ...] = ()
    """Hardware facts by their names on the wire; empty if the devices are generated."""

    @property
    def start(self) -> int:
        """Return the index of the first generated device."""
        return min(self.number, LARGE_LISTS) * BLOCK + max(self.number - LARGE_LISTS, 0) * PART

    @property
    def room(self) -> int:
        """Return how many devices there can be."""
        return BLOCK if self.number < LARGE_LISTS else PART

    def assigned_at_ms(self, number: int) -> int:
        """Return when the device with *number*, from 0, is assigned."""
        return self.assigned_from_ms + number * self.every_s * 1000


@dataclass(frozen=True, slots=True)
class ArrivalPlan:
    """Devices that come later, so many each time; see `simulator.services.fleet.arrivals`."""

    server: str
    assigned_by: str
    count: int
    every_s: int
    starts_ms: int | None
    """None: *every_s* after the world was loaded."""
    ends_ms: int | None
    times: int
    """0: any number."""
    families: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """One organisation with everything behind it."""

    id: str
    name: str
    email: str
    phone: str
    address: str
    org_id: str
    org_type: str
    org_version: str
    admin_id: str
    facilitator_id: str | None
    dep_servers: tuple[DepServer, ...]
    devices: tuple[DeviceList, ...]
    arrivals: tuple[ArrivalPlan, ...] = ()
    parts: Mapping[str, Any] = field(default_factory=dict)
    """What each service that has a `WorldPart` is to have, by the service's name."""

    def facts(self) -> dict[str, str]:
        """Return what the portal knows of the organisation itself, by name."""
        return {name: value for name in _FACTS if (value := getattr(self, name)) is not None}


@dataclass(frozen=True, slots=True)
class World:
    """Test data for whole organisations."""

    name: str
    about: str
    organisations: tuple[Organisation, ...]
    parts: Mapping[str, Any] = field(default_factory=dict)
    """What each service that has a `FilePart` is to have, by the service's name."""

    def device_lists(self) -> Iterator[tuple[Organisation, DeviceList]]:
        """Yield every device list with its organisation, in the order of the file."""
        for organisation in self.organisations:
            for devices in organisation.devices:
                yield organisation, devices

    def timeless_lists(self) -> list[tuple[str, DeviceList]]:
        """Return the lists that are written alike whenever the world is loaded.

        Each with the id of its organisation: all lists of it are generated, and none has a deadline
        that counts from the loading.
        """
        return [
            (organisation.id, devices)
            for organisation in self.organisations
            if not any(one.listed or one.migrate_in_days for one in organisation.devices)
            for devices in organisation.devices
        ]

    def device_count(self) -> int:
        """Return how many devices there are in all."""
        return sum(devices.count for _, devices in self.device_lists())

    def size(self) -> int:
        """Return how many organisations and devices there are: what its loading goes through."""
        return len(self.organisations) + self.device_count()

    def resized(self, count: int) -> "World":
        """Return the world with *count* devices in its first generated list.

        Raise ConfigurationError if it generates none, or for an impossible count.
        """
        first = next((each for _, each in self.device_lists() if not each.listed), None)
        if first is None:
            raise ConfigurationError(
                f"world {self.name} generates no devices: give one [[organisation.devices]] a count"
            )
        if not 1 <= count <= first.room:
            raise ConfigurationError(f"devices must be a whole number from 1 to {first.room}")
        number = first.number
        return replace(
            self, organisations=tuple(_resized(o, number, count) for o in self.organisations)
        )


def _resized(organisation: Organisation, number: int, count: int) -> Organisation:
    devices = tuple(
        replace(d, count=count) if d.number == number else d for d in organisation.devices
    )
    return replace(organisation, devices=devices)
