"""Certificates: the names in them, and what the one that a client logs in with tells."""

import base64
import warnings
from collections.abc import Iterator
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from simulator.disclosure.concepts import UNKNOWN
from simulator.disclosure.observe.leaf import ObservedValue
from simulator.disclosure.observe.plans import Row
from simulator.disclosure.observe.values import has_uuid

CLIENT = "client_cert"
"""Place of the client's certificate."""
_PEM = "-----BEGIN CERTIFICATE-----"
_EMAIL_OID = "1.2.840.113549.1.9.1"
_BAD = (
    ValueError,  # also broken base64
    TypeError,
    KeyError,  # of cryptography 45, at a kind of text that it does not know
    x509.InvalidVersion,
    x509.DuplicateExtension,
    UnsupportedAlgorithm,
)
_TOPIC = "push.topic"
_CONCEPTS: dict[str, str] = {
    "UID": _TOPIC,
    "CN": "server.cert_name",
    "C": "push.cert_country",
    "O": "org.name",
    "OU": "org.department",
    "L": "org.address",
    "ST": "org.address",
    "STREET": "org.address",
    "emailAddress": "org.email",
    "serialNumber": "server.cert_name",
    "DC": "server.hostname",
}
"""Concept by attribute of the subject. The order is that of the records; others follow."""
_TOPICS = ("APSP:", "com.apple.mgmt.")
"""How a common name starts that is a push topic as well."""


def client_leaves(der: bytes) -> list[ObservedValue] | None:
    """Return what a client's certificate (DER) tells; None if it cannot be read.

    These are its subject and its serial number. Issuer and validity are no
    disclosures: Apple put them in itself.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd certificates are recorded, not complained about
        try:
            certificate = x509.load_der_x509_certificate(der)
            names = list(_attributes(certificate.subject))
            serial = _hex(certificate.serial_number)
        except _BAD:
            return None
    order = list(_CONCEPTS)
    names.sort(key=lambda pair: order.index(pair[0]) if pair[0] in order else len(order))
    return [
        *(_leaf(f"subject.{name}", name, _meaning(name, value), value) for name, value in names),
        _leaf("serial", "serial", "push.cert_serial", serial),
    ]


def _meaning(name: str, value: str) -> str:
    topic = name == "CN" and value.startswith(_TOPICS) and has_uuid(value)
    return _TOPIC if topic else _CONCEPTS.get(name, UNKNOWN)


def _leaf(place: str, name: str, concept: str, value: str) -> ObservedValue:
    at = f"{CLIENT}.{place}"
    row = Row(name, concept, documented=concept != UNKNOWN)
    return ObservedValue("tls", at, at, row, value, concept=concept, documented=row.documented)


def names_in(value: str) -> list[tuple[str, str]] | None:
    """Return names and serial number of a certificate in base64 or PEM; None if it is none.

    Each is a pair such as ``("subject.CN", "Root")``.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd certificates are what is being looked for
        try:
            if _PEM in value:
                certificate = x509.load_pem_x509_certificate(value.encode())
            else:
                certificate = x509.load_der_x509_certificate(base64.b64decode(value))
            found = [
                (f"{which}.{name}", text)
                for which, holder in (
                    ("subject", certificate.subject),
                    ("issuer", certificate.issuer),
                )
                for name, text in _attributes(holder)
            ]
            return [*found, ("serial", _hex(certificate.serial_number))]
        except _BAD:
            return None


def csr_names(value: str) -> list[tuple[str, str, str]]:
    """Return the names in a certificate request, base64 of DER or PEM; none if it is none.

    Each is a triple such as ``("subject.CN", "Push", "server.cert_name")``.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd requests are what is being looked for
        try:
            content = base64.b64decode(value)
            pem = content.startswith(b"-----")
            csr = x509.load_pem_x509_csr(content) if pem else x509.load_der_x509_csr(content)
            return [
                (f"subject.{name}", text, _CONCEPTS.get(name, UNKNOWN))
                for name, text in _attributes(csr.subject)
            ]
        except _BAD:
            return []


def _hex(serial: int) -> str:
    return f"0x{serial:X}"


def _attributes(name: x509.Name) -> Iterator[tuple[str, str]]:
    for attribute in name:
        value: Any = attribute.value
        yield _word(attribute), value.hex() if isinstance(value, bytes) else value


def _word(attribute: x509.NameAttribute[Any]) -> str:
    name = attribute.rfc4514_attribute_name
    return "emailAddress" if name == _EMAIL_OID else name
