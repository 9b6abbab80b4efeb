"""The record of a simulated device: all that it is and has, and that a restart must not lose."""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Literal

from msgspec import Struct, convert, to_builtins
from msgspec import field as struct_field

from simulator.core.timestamps import rfc3339, rfc3339_ms
from simulator.devices import models
from simulator.devices.options import Options
from simulator.devices.records import (
    App,
    Attestation,
    Body,
    DeviceUser,
    Enrolment,
    EnrolmentAttempt,
    InstalledProfile,
    LifeEvent,
    ManagedAccount,
)
from simulator.devices.world import dashed

Condition = Literal["unactivated", "activated", "enrolled", "off"]
LIFE = 100
"""Events of a device's life that are kept."""


class VirtualDevice(Struct):
    """One device."""

    serial: str
    hardware: Body
    """What Apple knows of it, by the names of the DEP record."""
    udid: str
    version: str
    build: str
    organisation: str = ""
    condition: Condition = "unactivated"
    generation: int = 0
    """How often it has been erased."""
    supervised: bool = False
    assigned: Body | None = None
    """The DEP profile that activation brought."""
    enrolment: Enrolment | None = None
    name: str = ""
    push_token: str = ""
    """Hexadecimal; empty before activation."""
    profiles: dict[str, InstalledProfile] = struct_field(default_factory=dict)
    """By identifier."""
    apps: dict[str, App] = struct_field(default_factory=dict)
    """By bundle identifier."""
    users: dict[str, DeviceUser] = struct_field(default_factory=dict)
    """Who has logged in, by short name."""
    settings: Body = struct_field(default_factory=dict)
    """What Settings and others set, by the item's name."""
    passcode: bool = False
    unlock_token: bytes = b""
    bootstrap_token: bytes = b""
    account: ManagedAccount | None = None
    firmware_password: str = ""
    recovery_lock: str = ""
    recovery_key: str = ""
    """FileVault's personal recovery key; empty: the disk is not encrypted."""
    pin: str = ""
    """PIN that unlocks a locked Mac."""
    lost: Body | None = None
    """Message, phone number and footnote of lost mode, if it is on."""
    migrates_ms: int = 0
    """When it moves to the server that it is assigned to by then; 0: it does not."""
    anonymous: bool = False
    """Whether it enrols, or has enrolled, by its user: it tells no serial number and no UDID."""
    asks_at_ms: int = 0
    """When it asks for commands by itself; 0: not before it is pushed to."""
    enrolling: EnrolmentAttempt | None = None
    """How it is enrolling; a restart goes on with it."""
    leaving: Literal["", "erase", "unenrol"] = ""
    """What it has acknowledged and does next; a restart must not forget it."""
    returning: bool = False
    """Whether it was erased with Return to Service, so that it enrols again by itself."""
    return_profile: bytes = b""
    """The MDM profile that it then enrols with; empty: the one that is assigned."""
    attestation: Attestation | None = None
    """What it shows as DevicePropertiesAttestation; None: it has not been asked."""
    bypass_until_ms: int = 0
    """Until when it tells the bypass code of Activation Lock; 0: it has none."""
    declarations: Body = struct_field(default_factory=dict)
    """What declarative management keeps: token, manifest, declarations."""
    options: Options = struct_field(default_factory=Options)
    trouble: str = ""
    """Why it is not where it should be; empty if all is well."""
    life: list[LifeEvent] = struct_field(default_factory=list)

    @property
    def family(self) -> str:
        """The ``device_family`` of its DEP record."""
        return str(self.hardware.get("device_family", "iPhone"))

    @property
    def platform(self) -> str:
        """The platform, as Apple's documentation names it: iOS for iPads too."""
        return models.system(self.family).platform

    @property
    def mac(self) -> bool:
        """Whether it is a Mac."""
        return self.platform == models.MACOS

    @property
    def enrolment_id(self) -> str:
        """The identifier of a user enrolment: it tells nothing of the device.

        It is another one after each erase.
        """
        what = f"enrolment|{self.serial}|{self.generation}".encode()
        return blake2b(what, digest_size=16).hexdigest()

    @property
    def shared(self) -> bool:
        """Whether it is a Shared iPad: the DEP profile made it one."""
        assigned = self.assigned or {}
        return self.family == "iPad" and assigned.get("is_multi_user") is True

    @property
    def product(self) -> str:
        """The product identifier, such as ``iPhone17,3``."""
        return models.product(str(self.hardware.get("model", "")), self.family)

    @property
    def installed(self) -> Iterator[InstalledProfile]:
        """The profiles, the enrolment profile first."""
        first = self.enrolment.profile if self.enrolment else ""
        return iter(sorted(self.profiles.values(), key=lambda one: one.identifier != first))

    @property
    def magics(self) -> dict[str, str]:
        """The PushMagic of each channel to the MDM, by its push token."""
        users = {one.push_token: one.magic for one in self.users.values() if one.magic}
        return users | ({self.push_token: self.enrolment.magic} if self.enrolment else {})

    @property
    def roots(self) -> tuple[bytes, ...]:
        """Certificates that profiles brought, DER: the device trusts them."""
        return tuple(one for profile in self.profiles.values() for one in profile.certificates)

    def happened(self, now_ms: int, what: str, about: str = "") -> None:
        """Note what happened to the device."""
        self.life.append(LifeEvent(now_ms, what, about))
        del self.life[:-LIFE]

    def kept(self) -> Body:
        """Return the device as JSON, for the store."""
        body: Body = to_builtins(self)
        return body

    def shown(self) -> Body:
        """Return what the control API shows: no keys, tokens or passwords."""
        enrolment = self.enrolment
        return {
            "serial_number": self.serial,
            "udid": self.udid,
            "name": self.name,
            "family": self.family,
            "product": self.product,
            "os_version": self.version,
            "state": self.state,
            "supervised": self.supervised,
            "topic": enrolment.topic if enrolment else None,
            "server_url": enrolment.server_url if enrolment else None,
            "push_token": self.push_token or None,
            "profiles": [one.identifier for one in self.installed],
            "apps": sorted(self.apps),
            "users": sorted(self.users),
            "managed_account": to_builtins(self.account),
            "migrates": rfc3339(self.migrates_ms) if self.migrates_ms else None,
            "trouble": self.trouble or None,
            "life": [
                {"at": rfc3339_ms(one.at_ms), "what": one.what, "about": one.about}
                for one in self.life
            ],
        }

    @property
    def state(self) -> str:
        """Where it is in its life (device.md 8): ``awaiting`` and ``lost`` are told apart too."""
        if self.condition == "enrolled" and self.enrolment is not None and self.enrolment.awaiting:
            return "awaiting"
        if self.condition == "enrolled" and self.lost is not None:
            return "lost"
        return self.condition

    def forget_management(self) -> None:
        """Remove the enrolment and all that came by it."""
        if self.enrolment is not None and self.enrolment.bearer:  # the account has brought it
            self.account = None
        self.enrolment, self.anonymous = None, False
        self.users = {}
        self.profiles = {name: one for name, one in self.profiles.items() if not one.managed}
        self.apps = {name: one for name, one in self.apps.items() if not one.managed}
        self.declarations = {}
        self.unlock_token = self.bootstrap_token = b""
        if self.condition == "enrolled":
            self.condition = "activated"

    def erase(self) -> None:
        """Become what comes out of an erase: nothing is left but the hardware and the history."""
        kept = ("serial", "hardware", "udid", "version", "build", "organisation")
        fresh = VirtualDevice(**{name: getattr(self, name) for name in kept})
        fresh.generation = self.generation + 1
        fresh.options, fresh.life = self.options, self.life
        for name in self.__struct_fields__:
            setattr(self, name, getattr(fresh, name))


def restored(body: Body) -> VirtualDevice:
    """Return the device that was kept as *body*; ValueError if it is damaged."""
    return convert(body, VirtualDevice)


def new_device(serial: str, hardware: Body, organisation: str = "") -> VirtualDevice:
    """Return a device as it leaves the factory."""
    system = models.system(str(hardware.get("device_family", "iPhone")))
    return VirtualDevice(
        serial=serial,
        hardware=hardware,
        udid=_udid(serial, system.platform),
        version=system.version,
        build=system.build,
        organisation=organisation,
    )


def _udid(serial: str, platform: str) -> str:
    """Return the UDID of a device, which follows from its serial number.

    A Mac's is a UUID; the others' have the chip, a dash and 16 digits, which are made up.
    """
    digits = blake2b(f"udid|{serial}".encode(), digest_size=16).hexdigest().upper()
    return dashed(digits) if platform == models.MACOS else f"00008140-{digits[:16]}"
