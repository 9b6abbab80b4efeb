"""A device's life: power on, activation, enrolment, erase, the end of its management (device.md 8).

What goes wrong on the way is noted in the device, as `Device.trouble`.
"""

import json

from simulator.core.timestamps import milliseconds
from simulator.devices.device import VirtualDevice
from simulator.devices.enrolment import check_in
from simulator.devices.enrolment.account import account_driven_profile
from simulator.devices.enrolment.fetching import automated_profile, profile_at, resolved
from simulator.devices.enrolment.installing import install_enrolment
from simulator.devices.errors import DeviceError, activation_locked, enrolment_failed
from simulator.devices.flow import OK, Apple, Flow, perform, save
from simulator.devices.managed_account import sign_in
from simulator.devices.models import model_name, number_of
from simulator.devices.network_account import authenticated
from simulator.devices.records import ANYBODY, Body, DeviceUser, EnrolmentAttempt
from simulator.devices.world import DeviceEnvironment

_BYPASS_MS = 15 * 24 * 3600 * 1000
"""How long a supervised device tells its bypass code (AD:activationlockbypasscode)."""
_MIGRATES_SINCE = (26,)
"""Version of iOS and macOS from which on devices move without an erase."""


def power_on(device: VirtualDevice, world: DeviceEnvironment) -> Flow[None]:
    """Turn the device on: a new or erased one activates, and enrols where Apple says so."""
    if device.condition == "off":
        device.condition = "activated" if device.push_token else "unactivated"
        if device.enrolment is not None:
            device.condition = "enrolled"
        device.happened(world.now_ms(), "on")
    if device.enrolment is None:
        yield from _enrol(EnrolmentAttempt(world.push_token()), device, world)


def power_off(device: VirtualDevice, world: DeviceEnvironment) -> None:
    """Turn the device off: pushes wait for it."""
    device.condition = "off"
    device.happened(world.now_ms(), "off")


def _activate(device: VirtualDevice, world: DeviceEnvironment) -> Flow[None]:
    """Set the device up, unless it is: ask Apple for the assigned profile, if there is one.

    A locked device cannot be set up, and DeviceError says so.
    """
    if device.condition != "unactivated":
        return
    lock = yield from perform(Apple("GET", f"/locks/{device.serial}"))
    if lock.status == OK and json.loads(lock.body)["source"] is not None:
        raise activation_locked()
    received = yield from perform(Apple("POST", f"/devices/{device.serial}/activate", {}))
    record: Body = json.loads(received.body) if received.status == OK else {}
    _take(device, record)
    device.condition = "activated"
    device.push_token = device.enrolling.token if device.enrolling else world.push_token()
    device.name = model_name(str(device.hardware.get("model", "")), device.family)
    device.supervised = device.assigned is not None
    device.bypass_until_ms = world.now_ms() + _BYPASS_MS if device.supervised else 0
    about = str((device.assigned or {}).get("profile_name", "no profile"))
    device.happened(world.now_ms(), "activated", about)


def _take(device: VirtualDevice, record: Body) -> None:
    """Take what Apple says of the device: the assigned profile, and when it has to move."""
    device.assigned = record.get("profile")
    deadline = record.get("mdm_migration_deadline")
    device.migrates_ms = milliseconds(deadline) if deadline else 0


def _automated(device: VirtualDevice, world: DeviceEnvironment) -> Flow[None]:
    yield from _activate(device, world)
    device.anonymous = False
    if not (device.assigned or device.returning):
        return
    content = device.return_profile
    if not content:
        content = yield from automated_profile(device, world)
    content = yield from resolved(content, device, world)
    yield from install_enrolment(content, device, world, automated=True)
    device.returning, device.return_profile = False, b""
    yield from _has_moved(device)


def _has_moved(device: VirtualDevice) -> Flow[None]:
    """Tell Apple, if it waits for that, that the device is with the server that it should be."""
    if device.migrates_ms:
        yield from perform(Apple("POST", f"/devices/{device.serial}/complete-migration", {}))
        device.migrates_ms = 0


def migrate(device: VirtualDevice, world: DeviceEnvironment) -> Flow[None]:
    """Move to the server that the device is assigned to, without an erase (device.md 8).

    The server before is told, if its profile asks for that, once the new one has
    given a profile; until then the device stays as it is.
    """
    yield from _attempt(_migrated(device, world), device, world)
    device.enrolling = None


def _migrated(device: VirtualDevice, world: DeviceEnvironment) -> Flow[None]:
    device.migrates_ms = 0
    if device.enrolment is None:
        raise enrolment_failed("The device is enrolled in no MDM that it could leave.")
    if number_of(device.version) < _MIGRATES_SINCE:
        text = f"The system ({device.version}) cannot migrate: erase the device."
        raise enrolment_failed(text)
    received = yield from perform(Apple("POST", f"/devices/{device.serial}/activate", {}))
    if received.status != OK:
        raise enrolment_failed("Apple does not know the device.")
    _take(device, json.loads(received.body))
    if device.assigned is None:
        raise enrolment_failed("The device is assigned to no server that has a profile for it.")
    content = yield from automated_profile(device, world)
    content = yield from resolved(content, device, world)
    token = device.push_token
    yield from unenrol(device, world, "migration")
    yield from perform(Apple("POST", f"/push-tokens/{token}/unregister", {}))
    device.push_token = world.push_token()
    device.enrolling = EnrolmentAttempt(device.push_token)  # the old server is left for good
    yield from save()
    yield from install_enrolment(content, device, world, automated=True)
    yield from _has_moved(device)


def resume(device: VirtualDevice, world: DeviceEnvironment) -> Flow[None]:
    """Begin anew with the enrolment that a restart has interrupted."""
    if device.enrolling is not None:
        yield from _enrol(device.enrolling, device, world)


def _enrol(
    attempt: EnrolmentAttempt, device: VirtualDevice, world: DeviceEnvironment
) -> Flow[None]:
    """Enrol as *attempt* says; it is kept until it has an end, whatever that is."""
    if attempt.account:
        enrolling = _by_account(device, world, attempt.account)
    elif attempt.content or attempt.url:
        enrolling = _by_hand(device, world, attempt.content, attempt.url)
    else:
        enrolling = _automated(device, world)
    if device.enrolment is None:
        device.enrolling = attempt
        yield from save()
    yield from _attempt(enrolling, device, world)
    device.enrolling = None


def _attempt(enrolling: Flow[None], device: VirtualDevice, world: DeviceEnvironment) -> Flow[None]:
    """Enrol; what keeps it from that becomes the device's trouble."""
    try:
        yield from enrolling
    except DeviceError as error:
        device.trouble = str(error)
        device.happened(world.now_ms(), "failed", device.trouble)
    except check_in.UnenrolledError:
        device.trouble = "the MDM does not know the device any more"
        device.happened(world.now_ms(), "failed", device.trouble)
    else:
        device.trouble = ""
        if device.enrolment is not None:
            device.happened(world.now_ms(), "enrolled", device.enrolment.server_url)


def enrol_by_profile(
    device: VirtualDevice, world: DeviceEnvironment, *, content: bytes = b"", url: str = ""
) -> Flow[None]:
    """Enrol by a profile that a person installs: *content*, or what is at *url*."""
    yield from _enrol(EnrolmentAttempt(world.push_token(), content, url), device, world)


def enrol_by_account(device: VirtualDevice, world: DeviceEnvironment, account: str) -> Flow[None]:
    """Enrol by the account that a person signs in with."""
    yield from _enrol(EnrolmentAttempt(world.push_token(), account=account), device, world)


def _by_account(device: VirtualDevice, world: DeviceEnvironment, account: str) -> Flow[None]:
    if device.enrolment is not None:
        raise enrolment_failed("The device is enrolled in an MDM already.")
    yield from _activate(device, world)
    device.anonymous = True
    content, token = yield from account_driven_profile(device, world, account)
    yield from install_enrolment(content, device, world, automated=False, bearer=token)
    yield from sign_in(device, world, account)


def use_account(device: VirtualDevice, world: DeviceEnvironment, account: str) -> Flow[None]:
    """Let the device's person sign in to a Managed Apple Account."""
    try:
        yield from sign_in(device, world, account)
    except check_in.UnenrolledError:
        yield from unenrol(device, world, "the MDM does not know the device", refused=True)


def _by_hand(
    device: VirtualDevice, world: DeviceEnvironment, content: bytes, url: str
) -> Flow[None]:
    if device.enrolment is not None:
        raise enrolment_failed("The device is enrolled in an MDM already.")
    yield from _activate(device, world)
    device.anonymous = False
    if url:
        content = yield from profile_at(url)
    content = yield from resolved(content, device, world)
    yield from install_enrolment(content, device, world, automated=False)


def log_in(
    device: VirtualDevice, world: DeviceEnvironment, name: str, password: str = ""
) -> Flow[None]:
    """Let a person log in; the MDM gets a channel to manage the person, if it wants it.

    *password*: that of a network account, which the MDM checks. To a Shared iPad one
    person is logged in at a time.
    """
    number = ANYBODY if device.shared else world.uuid()
    user = device.users.setdefault(name, DeviceUser(number, name, world.push_token()))
    for one in device.users.values():
        one.away = (one.away or device.shared) and one is not user
    device.happened(world.now_ms(), "login", name)
    enrolment = device.enrolment
    if enrolment is None or check_in.PER_USER not in enrolment.capabilities:
        return
    refused = f"the MDM does not manage the user {name}"
    user.magic = ""
    shared = device.settings.get("SharedDeviceConfiguration", {}) if device.shared else {}
    user.awaiting = (shared.get("AwaitUserConfiguration") or {}).get("Enabled") is True
    try:
        problem = ""
        if password:
            problem = yield from authenticated(device, enrolment, user, password)
        if not problem:
            user.magic = world.uuid()
            taken = yield from check_in.user_token_update(device, enrolment, user)
            problem = "" if taken else refused
    except check_in.UnenrolledError:  # of the person, not of the device (device.md 5.1)
        problem = refused
    if problem:
        user.magic = ""
        device.happened(world.now_ms(), "failed", problem)


def log_out(device: VirtualDevice, world: DeviceEnvironment, name: str) -> None:
    """Let a person log out: the channel sleeps until the next log-in."""
    device.users[name].away = True
    device.happened(world.now_ms(), "logout", name)


def unenrol(
    device: VirtualDevice, world: DeviceEnvironment, why: str, *, refused: bool = False
) -> Flow[None]:
    """End the management: say goodbye if the profile asks for it, and forget all that came by it.

    *refused*: the server itself ended it, so nothing is said.
    """
    enrolment = device.enrolment
    if enrolment is None:
        return
    enrolment.check_out = enrolment.check_out and not refused
    yield from check_in.check_out(device, enrolment)
    device.forget_management()
    device.happened(world.now_ms(), "unenrolled", why)


def leave(device: VirtualDevice, world: DeviceEnvironment) -> Flow[None]:
    """Do what the device has acknowledged, if anything: erase itself, or remove the MDM profile."""
    if device.leaving == "unenrol":
        yield from unenrol(device, world, "RemoveProfile")
    elif device.leaving == "erase":
        returning, profile = device.returning, device.return_profile
        yield from erase(device, world, returning=returning, return_profile=profile)
    device.leaving = ""


def erase(
    device: VirtualDevice,
    world: DeviceEnvironment,
    *,
    returning: bool = False,
    return_profile: bytes = b"",
) -> Flow[None]:
    """Erase the device: it says goodbye to nobody, and Apple retires its token.

    *returning*: with Return to Service it comes back by itself, and enrols with
    *return_profile* or, if that is empty, with the one that is assigned.
    """
    token = device.push_token
    device.erase()
    device.returning, device.return_profile = returning, return_profile
    device.happened(world.now_ms(), "erased")
    if token:
        yield from perform(Apple("POST", f"/push-tokens/{token}/unregister", {}))
