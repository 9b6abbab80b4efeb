"""DevicePropertiesAttestation: what a certificate of the device CA says of the device (more.md 6).

Apple's come from a CA of its own, by way of another one; here the device CA
issues them, so that a server has to trust ``device-ca.pem``.
"""

from collections.abc import Iterator
from functools import partial

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from simulator.devices.commands.query import provisioning_udid
from simulator.devices.commands.rows import Execution
from simulator.devices.device import VirtualDevice
from simulator.devices.errors import CommandFormatError
from simulator.devices.flow import Flow, compute
from simulator.devices.records import Attestation

FRESH_MS = 7 * 24 * 3600 * 1000
"""How long a device shows the same one, whatever nonce it is asked with (device.md 6.5)."""
_LONGEST_NONCE = 32
_PREFIX = "1.2.840.113635.100.8."
_SERIAL, _UDID, _UPDATE_ID = "9.1", "9.2", "9.4"
_SYSTEM, _ENCLAVE, _BOOT_LOADER, _FRESHNESS = "10.1", "10.2", "10.3", "11.1"
_INTEGRITY, _SECURE_BOOT, _EXTENSIONS = "13.1", "13.2", "13.3"
_ZERO = b"\x02\x01\x00"
"""The integer 0, DER: integrity protection is on, no kernel extension is allowed."""


def attestation(execution: Execution) -> Flow[list[bytes]]:
    """Return the certificates, the device's own first, without the root that issues it.

    A device that has shown one in the last seven days shows it again, with the
    nonce that it was made for.
    """
    device, world = execution.device, execution.world
    nonce = execution.optional("DeviceAttestationNonce", bytes) or b""
    if len(nonce) > _LONGEST_NONCE:
        raise CommandFormatError(f"DeviceAttestationNonce has over {_LONGEST_NONCE} bytes")
    shown, now_ms = device.attestation, world.now_ms()
    if shown is None or not shown.at_ms <= now_ms < shown.at_ms + FRESH_MS:
        key = yield from compute(partial(ec.generate_private_key, ec.SECP384R1()))
        anonymous = execution.enrolment.user_enrolment
        extensions = dict(properties(device, nonce, anonymous=anonymous))
        serial = int(world.random_hex(_LONGEST_NONCE), 16) >> 1 | 1
        made = world.authority.attest(key.public_key(), extensions, serial, world.wall_clock())
        shown = Attestation(now_ms, made.public_bytes(Encoding.DER))
        device.attestation = shown
    return [shown.certificate]


def properties(
    device: VirtualDevice, nonce: bytes, *, anonymous: bool
) -> Iterator[tuple[str, bytes]]:
    """Yield the extensions by OID: texts are bare UTF-8, as verifiers read them (device.md 4.7).

    *anonymous*: whether the device tells no serial number and no UDID.
    """
    told = {
        _UPDATE_ID: device.product.encode(),
        _SYSTEM: device.version.encode(),
        _ENCLAVE: device.version.encode(),
        _BOOT_LOADER: device.build.encode(),
        _FRESHNESS: nonce,
    }
    if not anonymous:
        told[_SERIAL] = device.serial.encode()
        told[_UDID] = (provisioning_udid(device) if device.mac else device.udid).encode()
    if device.mac:
        told |= {_INTEGRITY: _ZERO, _SECURE_BOOT: b"Full Security", _EXTENSIONS: _ZERO}
    for end, value in told.items():
        yield _PREFIX + end, value
