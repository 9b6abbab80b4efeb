"""DER as far as CMS needs it: write it, and read it and BER (X.690).

`cryptography` reads certificates and makes plain CMS messages, but neither adds
signed attributes nor tells what a CMS message holds; `simulator.pki.cms` does.
"""

from collections.abc import Iterator
from typing import NamedTuple

INTEGER, OCTET_STRING, NULL, OBJECT_ID, PRINTABLE_STRING = 0x02, 0x04, 0x05, 0x06, 0x13
SEQUENCE, SET = 0x30, 0x31
CONTEXT, CONSTRUCTED = 0x80, 0x20
_TAG_NUMBER = 0x1F
_LONG = 0x80
_END = b"\x00\x00"
_DEEPEST = 24
"""Constructed values within each other; CMS has about ten."""


class Element(NamedTuple):
    """One tag-length-value."""

    tag: int
    content: bytes
    encoded: bytes
    """All of it, as it stood."""

    @property
    def constructed(self) -> bool:
        """Whether its content is elements."""
        return bool(self.tag & CONSTRUCTED)

    def parts(self) -> list["Element"]:
        """Return the elements that it consists of; ValueError if it is damaged."""
        return list(_elements(self.content, 0))

    def octets(self) -> bytes:
        """Return an octet string, whose pieces are joined where BER cut it up."""
        if not self.constructed:
            return self.content
        return b"".join(part.octets() for part in self.parts())

    def integer(self) -> int:
        """Return a whole number; ValueError if it is none."""
        self.expect(INTEGER)
        return int.from_bytes(self.content, signed=True)

    def object_id(self) -> str:
        """Return an object identifier, dotted; ValueError if it is none."""
        self.expect(OBJECT_ID)
        numbers, number = [], 0
        for byte in self.content:
            number = number << 7 | byte & 0x7F
            if not byte & _LONG:
                numbers.append(number)
                number = 0
        if not numbers:
            raise ValueError("an object identifier is empty")
        first = min(numbers[0] // 40, 2)
        return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))

    def expect(self, tag: int) -> "Element":
        """Return the element itself; ValueError if its tag is not *tag*."""
        if self.tag != tag:
            raise ValueError(f"the ASN.1 tag {self.tag:#04x} stands where {tag:#04x} has to")
        return self


def read(data: bytes) -> Element:
    """Return the element that *data* begins with; ValueError if it is damaged."""
    return _element(data, 0, 0)[0]


def _elements(data: bytes, depth: int) -> Iterator[Element]:
    at = 0
    while at < len(data):
        element, at = _element(data, at, depth)
        yield element


def _element(data: bytes, at: int, depth: int) -> tuple[Element, int]:
    """Return the element at *at* and where the next begins."""
    if depth > _DEEPEST:
        raise ValueError("the ASN.1 values stand too deep within each other")
    if at + 2 > len(data):
        raise ValueError("the ASN.1 ends within a value")
    tag, length, start = data[at], data[at + 1], at + 2
    if tag & _TAG_NUMBER == _TAG_NUMBER:
        raise ValueError("the ASN.1 has a tag number above 30")
    if length == _LONG:
        if not tag & CONSTRUCTED:
            raise ValueError("a primitive ASN.1 value has no length")
        end = start
        while data[end : end + 2] != _END:
            _, end = _element(data, end, depth + 1)
        return Element(tag, data[start:end], data[at : end + 2]), end + 2
    if length > _LONG:
        size = length & 0x7F
        length = int.from_bytes(data[start : start + size])
        start += size
    end = start + length
    if end > len(data):
        raise ValueError("the ASN.1 ends within a value")
    return Element(tag, data[start:end], data[at:end]), end


def write(tag: int, *contents: bytes) -> bytes:
    """Return the element with *tag* whose content is *contents*, joined."""
    content = b"".join(contents)
    size = len(content)
    if size < _LONG:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, _LONG | len(length))) + length + content


def sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE of *parts*."""
    return write(SEQUENCE, *parts)


def set_of(*parts: bytes) -> bytes:
    """Return a SET OF *parts*, in the order that DER wants."""
    return write(SET, *sorted(parts))


def integer(number: int) -> bytes:
    """Return an INTEGER, not negative."""
    return write(INTEGER, number.to_bytes(number.bit_length() // 8 + 1))


def object_id(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER."""
    first, second, *rest = map(int, dotted.split("."))
    return write(OBJECT_ID, *(_base128(number) for number in (first * 40 + second, *rest)))


def _base128(number: int) -> bytes:
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(number & 0x7F | _LONG)
    return bytes(reversed(digits))
