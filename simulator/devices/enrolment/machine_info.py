"""MachineInfo: how a device introduces itself when it asks for its enrolment profile."""

import base64
import plistlib
from collections.abc import Iterable
from typing import Any

from simulator.devices.device import VirtualDevice
from simulator.devices.flow import Flow, new_key
from simulator.devices.identity import Identity
from simulator.devices.world import DeviceEnvironment

CONTENT_TYPE = "application/pkcs7-signature"
HEADER = "x-apple-aspen-deviceinfo"
_BITS = 2048
_SERIAL_DIGITS = 16


def machine_info(device: VirtualDevice) -> dict[str, Any]:
    """Return MachineInfo (AD:machineinfo) of a device that enrols with its serial number.

    ``MDM_CAN_REQUEST_SOFTWARE_UPDATE`` is sent by iOS 17, macOS 14 and later.
    """
    info: dict[str, Any] = {
        "UDID": device.udid,
        "SERIAL": device.serial,
        "PRODUCT": device.product,
        "VERSION": device.build,
        "OS_VERSION": device.version,
        "LANGUAGE": "en",
    }
    if int(device.version.partition(".")[0]) >= (14 if device.mac else 17):
        info["MDM_CAN_REQUEST_SOFTWARE_UPDATE"] = True
        info["SOFTWARE_UPDATE_DEVICE_ID"] = device.product
    for name in ("imei", "meid"):
        if numbers := device.hardware.get(name):
            info[name.upper()] = numbers[0]
    return info


def requested(device: VirtualDevice, attributes: Iterable[str], challenge: str) -> dict[str, Any]:
    """Return what an over-the-air profile service asks for: *attributes* and its challenge."""
    known = machine_info(device) | {"DEVICE_NAME": device.name}
    info = {name: known[name] for name in attributes if name in known}
    return info | ({"CHALLENGE": challenge} if challenge else {})


def factory_identity(device: VirtualDevice, world: DeviceEnvironment) -> Flow[Identity]:
    """Make the identity that the device has from the factory."""
    key = yield from new_key(_BITS, shared=True)
    serial = int(world.random_hex(_SERIAL_DIGITS), 16) | 1
    name = device.enrolment_id if device.anonymous else device.udid
    return world.authority.issue(name, key, serial, world.wall_clock())


def sign(info: dict[str, Any], identity: Identity, world: DeviceEnvironment) -> bytes:
    """Return *info* as CMS SignedData, DER, with the certificates of device and device CA in it."""
    content = plistlib.dumps(info)
    return identity.sign(content, detached=False, chain=(world.authority.certificate,))


def header(signed: bytes) -> str:
    """Return the value of the header `HEADER` for a signed MachineInfo."""
    return base64.b64encode(signed).decode()
