"""Names and usages of the certificates that payloads ask for."""

from collections.abc import Mapping, Sequence
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier

from simulator.devices.device import VirtualDevice
from simulator.devices.errors import profile_invalid
from simulator.pki import der

_SHORT = {
    "C": NameOID.COUNTRY_NAME,
    "CN": NameOID.COMMON_NAME,
    "DC": NameOID.DOMAIN_COMPONENT,
    "E": NameOID.EMAIL_ADDRESS,
    "L": NameOID.LOCALITY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "SERIALNUMBER": NameOID.SERIAL_NUMBER,
    "SN": NameOID.SURNAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "UID": NameOID.USER_ID,
}
_PRINCIPAL = ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
_PERMANENT = ObjectIdentifier("1.3.6.1.5.5.7.8.3")
_UTF8 = 0x0C
SIGN, ENCRYPT = 1, 4


def filled(text: str, device: VirtualDevice) -> str:
    """Return *text* with the variables that a device fills in, such as ``%SerialNumber%``."""
    values = {
        "ComputerName": device.name,
        "HostName": device.name,
        "HardwareUUID": device.enrolment_id if device.anonymous else device.udid,
        "SerialNumber": _serial(device),
    }
    for name, value in values.items():
        text = text.replace(f"%{name}%", value)
    return text


def _serial(device: VirtualDevice) -> str:
    return device.enrolment_id if device.anonymous else device.serial


def subject(given: Any, device: VirtualDevice) -> x509.Name:
    """Return the name that a payload's ``Subject`` describes: an array of arrays of pairs.

    Without one it is the serial number, or what stands for it. DeviceError if it is
    of another form.
    """
    if given is None:
        given = [[["CN", _serial(device)]]]
    try:
        return x509.Name(
            [
                x509.RelativeDistinguishedName(
                    [
                        x509.NameAttribute(_identifier(kind), filled(text, device))
                        for kind, text in rdn
                    ]
                )
                for rdn in given
            ]
        )
    except (ValueError, TypeError, AttributeError):
        raise profile_invalid("The field “Subject” is invalid.") from None


def _identifier(kind: str) -> ObjectIdentifier:
    return _SHORT.get(kind.upper()) or ObjectIdentifier(kind)


def alternative_names(given: Any) -> Sequence[x509.GeneralName]:
    """Return the names of a payload's ``SubjectAltName``."""
    if not isinstance(given, Mapping):
        return ()
    found: list[x509.GeneralName] = []
    for key, make in (
        ("rfc822Name", x509.RFC822Name),
        ("dNSName", x509.DNSName),
        ("uniformResourceIdentifier", x509.UniformResourceIdentifier),
        ("ntPrincipalName", _principal),
    ):
        value = given.get(key, [])
        listed = [value] if isinstance(value, str) else value
        try:
            found += [make(one) for one in listed]
        except (ValueError, TypeError):
            raise profile_invalid("The field “SubjectAltName” is invalid.") from None
    return found


def _principal(name: str) -> x509.OtherName:
    return x509.OtherName(_PRINCIPAL, der.write(_UTF8, name.encode()))


def permanent_identifier(value: str) -> x509.OtherName:
    """Return the name of a device for good (RFC 4043), without who has assigned it."""
    return x509.OtherName(_PERMANENT, der.sequence(der.write(_UTF8, value.encode())))


def key_usage(bits: int) -> x509.KeyUsage:
    """Return what a payload's ``Key Usage`` says: 1 for signing, 4 for encryption, 5 for both."""
    return x509.KeyUsage(
        digital_signature=bool(bits & SIGN),
        key_encipherment=bool(bits & ENCRYPT),
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
