"""Return to Service that the user begins: the MDM says how it goes on (device.md 5.1)."""

from simulator.devices.device import VirtualDevice
from simulator.devices.enrolment import check_in
from simulator.devices.flow import OK, Flow, FlowResponse
from simulator.devices.life import erase, unenrol
from simulator.devices.models import IOS, VISIONOS, number_of
from simulator.devices.plists import read_dictionary
from simulator.devices.world import DeviceEnvironment

_SINCE = (26,)
_PLATFORMS = (IOS, VISIONOS)


def why_not(device: VirtualDevice) -> str:
    """Return why the device does not offer it to its user, empty if it does."""
    enrolment = device.enrolment
    if device.platform not in _PLATFORMS or number_of(device.version) < _SINCE:
        return "it takes iOS or visionOS 26"
    if enrolment is None or not enrolment.automated or not device.supervised:
        return "it takes a supervised device that came by Automated Device Enrollment"
    if (device.assigned or {}).get("is_return_to_service") is not True:
        return "its assigned profile has not is_return_to_service"
    return ""


def return_to_service(device: VirtualDevice, world: DeviceEnvironment) -> Flow[None]:
    """Ask the MDM, then be erased and come back as it says; without an answer nothing happens."""
    enrolment = device.enrolment
    if enrolment is None:
        return
    try:
        received = yield from check_in.return_to_service(device, enrolment)
    except check_in.UnenrolledError:
        yield from unenrol(device, world, "the MDM does not know the device", refused=True)
        return
    profile = _profile(received)
    if isinstance(profile, str):
        device.happened(world.now_ms(), "failed", f"ReturnToService: {profile}")
        return
    yield from erase(device, world, returning=True, return_profile=profile)


def _profile(received: FlowResponse) -> bytes | str:
    """Return the MDM profile that came, empty if none did, or why the device stays as it is."""
    if received.status != OK:
        return f"status {received.status}" if received.status else received.problem
    try:
        given = read_dictionary(received.body, "the answer").get("ReturnToService")
    except ValueError as error:
        return str(error)
    if not isinstance(given, dict) or given.get("Enabled") is not True:
        return "the MDM has not enabled it"
    profile = given.get("MDMProfileData", b"")
    return profile if isinstance(profile, bytes) else "MDMProfileData is no data"
