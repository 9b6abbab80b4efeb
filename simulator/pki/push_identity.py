"""What a push certificate says about its holder: the fields that Apple put into it.

The extensions are Apple's own, so their content is read and written here, in DER.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import ObjectIdentifier
from msgspec import Struct

ENVIRONMENTS: dict[str, ObjectIdentifier] = {
    "development": ObjectIdentifier("1.2.840.113635.100.6.3.1"),
    "production": ObjectIdentifier("1.2.840.113635.100.6.3.2"),
}
"""The extension that opens each environment to a certificate. Its value is NULL."""

TOPICS = ObjectIdentifier("1.2.840.113635.100.6.3.6")
"""The extension of a certificate with several topics: SEQUENCE of topic, SEQUENCE of kind."""

_KINDS = {".voip": "voip", ".complication": "complication"}
"""The kind of a topic by its ending; any other is an ``app``."""

UNREADABLE = (
    ValueError,
    TypeError,
    KeyError,  # of cryptography 45, at a kind of text that it does not know
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What reading an odd certificate raises."""

_UNSET = datetime(1970, 1, 1, tzinfo=UTC)
_NULL, _UTF8, _SEQUENCE = 0x05, 0x0C, 0x30
_LONG = 0x80
"""A DER length from here on says how many bytes hold the length."""


class PushIdentity(Struct, frozen=True):
    """What a client certificate says: all that APNs goes by.

    *topic* is the subject's UID; *topics* are those of the extension, empty for
    a certificate with a single topic. *subject* holds (short name, value), in
    the order of the DER. What a certificate lacks is empty, 0 or 1970.
    """

    topic: str = ""
    topics: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    serial: int = 0
    not_before: datetime = _UNSET
    not_after: datetime = _UNSET
    subject: tuple[tuple[str, str], ...] = ()
    issuer: str = ""


def read_push_certificate(der: bytes) -> PushIdentity:
    """Return what the certificate *der* says, whoever signed it.

    Never raise: what cannot be read is missing from the result, and of what is
    no certificate nothing is left.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
    except UNREADABLE:
        return PushIdentity()
    subject: tuple[tuple[str, str], ...] = ()
    issuer = ""
    extensions: dict[ObjectIdentifier, x509.ExtensionType] = {}
    start, end = _UNSET, _UNSET
    with suppress(*UNREADABLE):
        subject = tuple((a.rfc4514_attribute_name, _text(a.value)) for a in certificate.subject)
    with suppress(*UNREADABLE):
        issuer = ", ".join(a.rfc4514_string() for a in certificate.issuer)
    with suppress(*UNREADABLE):
        extensions = {extension.oid: extension.value for extension in certificate.extensions}
    with suppress(*UNREADABLE):
        start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return PushIdentity(
        topic=next((value for name, value in subject if name == "UID"), ""),
        topics=_read_topics(extensions.get(TOPICS)),
        environments=tuple(name for name, oid in ENVIRONMENTS.items() if oid in extensions),
        serial=certificate.serial_number,
        not_before=start,
        not_after=end,
        subject=subject,
        issuer=issuer,
    )


def entitlements(
    topics: Sequence[str], environments: Sequence[str]
) -> tuple[x509.UnrecognizedExtension, ...]:
    """Return Apple's extensions for *environments* and, if there are any, for several *topics*.

    Raise ValueError when an environment is unknown.
    """
    unknown = [name for name in environments if name not in ENVIRONMENTS]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no environment: {' or '.join(ENVIRONMENTS)}")
    values = {ENVIRONMENTS[name]: _element(_NULL, b"") for name in environments}
    if topics:
        values[TOPICS] = _element(_SEQUENCE, b"".join(map(_pair, topics)))
    return tuple(x509.UnrecognizedExtension(oid, value) for oid, value in values.items())


def _pair(topic: str) -> bytes:
    kind = next((kind for ending, kind in _KINDS.items() if topic.endswith(ending)), "app")
    return _element(_UTF8, topic.encode()) + _element(_SEQUENCE, _element(_UTF8, kind.encode()))


def _read_topics(extension: x509.ExtensionType | None) -> tuple[str, ...]:
    if not isinstance(extension, x509.UnrecognizedExtension):
        return ()
    outer = next(_elements(extension.value), (_SEQUENCE, b""))
    strings = (content for tag, content in _elements(outer[1]) if tag == _UTF8)
    return tuple(topic.decode(errors="replace") for topic in strings)


def _elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (tag, content) of the elements that *der* consists of, until one is cut short."""
    rest = der
    while len(rest) > 1:
        tag, length, start = rest[0], rest[1], 2
        if length >= _LONG:
            start += length - _LONG
            length = int.from_bytes(rest[2:start], "big")
        if len(rest) < start + length:
            return
        yield tag, rest[start : start + length]
        rest = rest[start + length :]


def _element(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < _LONG:
        return bytes((tag, size)) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG + len(digits))) + digits + content


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.hex()
