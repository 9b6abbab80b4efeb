"""Invented devices: what Apple would know about the hardware, any number of them.

Every number is made up, and marked so that it cannot be taken for a sold device's:

- serial numbers start with ``0Z``, which starts none of Apple's that we know of;
- MAC addresses are locally administered (``AE:…``), so no maker owns them;
- IMEIs start with ``00``, which is kept for test equipment; MEIDs follow the IMEI;
- EIDs carry the country code 999, which nobody has.

All of them follow from the seed and the index alone and are unique by
construction: one permutation of the indices, written in several ways.
Rule: no clock, no random generator, no state.
"""

from array import array
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from hashlib import blake2b
from heapq import merge
from itertools import product
from struct import unpack
from typing import Any

from simulator.hardware.products import FAMILIES, PRODUCTS, ProductLine

MARK = "0Z"
"""What every invented serial number starts with."""

CAPACITY = 1 << 38
"""How many devices one seed has: indices run from 0 to one below it."""

BLOCK = 720_720_000
"""How many device indices each list of devices has to itself.

So a list's devices stay the same whatever the other lists' counts are. A
multiple of nearly every number of product lines, so most lists start a run of them.
"""

BLOCKS = CAPACITY // BLOCK
"""How many such lists there can be."""

ADDED = (BLOCKS - 1) * BLOCK
"""Index of the first of the devices that are added one by one: the last block is theirs."""

Variants = tuple[dict[str, str], ...]
"""What one product line comes in: ``description``, and ``color`` where it has any."""
Choices = list[tuple[ProductLine, Variants]]

_LOT = 10_000
TURNS = 65_536
"""Orders of the product lines that are kept in memory: a million devices have about as many."""
_HALF_BITS = 19
_HALF = (1 << _HALF_BITS) - 1
_SHORT = 10
"""Characters of a serial number; the older ones have more."""
_ODD = 0x9E37_79B9_7F4A_7C15
_ALPHABET = "0123456789CDFGHJKLMNPQRTVWXY"
_BASE = len(_ALPHABET) ** 2
_PAIRS = tuple(a + b for a, b in product(_ALPHABET, repeat=2))
# By two decimal digits: what they add to a Luhn sum in which the second counts double.
_LUHN = tuple(n // 10 + sum(divmod(n % 10 * 2, 10)) for n in range(100))
# Factors prime to 10, hence one-to-one modulo a power of ten.
_IMEI_FACTOR = 618_033_988_749
_IMEI_PAIRS = 500_000_000_000
_EID_FACTOR = 6_180_339_887_498_948_482_047
_EID_NUMBERS = 10**22
_ASSET_TAG_EVERY = 3


def generate(
    count: int, seed: int, *, start: int = 0, families: Iterable[str] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the hardware facts of *count* devices, by their names on the wire.

    The devices are those with the indices *start* and up, so a long list may be
    made in pieces. Every run of as many devices as there are product lines, from
    a multiple of that number on, has each line once, in an order that follows from
    the seed. *families* narrows the lines; the numbers stay the same whatever it is.
    Raise ValueError for an unknown family and for indices beyond `CAPACITY`.
    """
    if start < 0 or count < 0 or start + count > CAPACITY:
        raise ValueError(f"device indices run from 0 to {CAPACITY - 1}")
    plan = DeviceMix(seed, families)
    return (plan.device(index) for index in range(start, start + count))


def lines(families: Iterable[str] | None = None) -> tuple[ProductLine, ...]:
    """Return the product lines of *families*, or all; raise ValueError for an unknown family."""
    if families is None:
        return PRODUCTS
    wanted = frozenset(families)
    if not wanted or not wanted <= FAMILIES.keys():
        raise ValueError(f"families are one or more of {', '.join(FAMILIES)}")
    return tuple(line for line in PRODUCTS if line.family in wanted)


class DeviceMix:
    """The devices of one seed and some families, each by its index."""

    def __init__(self, seed: int, families: Iterable[str] | None = None) -> None:
        """Take the seed; ValueError for an unknown family."""
        self._keys = unpack("<4Q", _digest(seed, "places", 32))
        self._choices: Choices = [(line, _variants(line)) for line in lines(families)]

        @lru_cache(TURNS)
        def order(turn: int) -> bytes:
            return _shuffled(len(self._choices), seed, turn)

        self._order = order

    def device(self, index: int) -> dict[str, Any]:
        """Return the hardware facts of one device."""
        return self.device_at(_permute(index, self._keys), index)

    def device_at(self, place: int, index: int) -> dict[str, Any]:
        """Return the hardware facts of the device with *index*, whose place is known."""
        turn, position = divmod(index, len(self._choices))
        line, variants = self._choices[self._order(turn)[position]]
        return _device(line, variants[place % len(variants)], index, place)

    def find(self, serial: str) -> int | None:
        """Return the index of the device with that serial number; None if there is none."""
        place = _place_of(serial)
        if place is None:
            return None
        index = self.index(place)
        return index if self.device_at(place, index)["serial_number"] == serial else None

    def by_serial(self, indices: range) -> "array[int]":
        """Return the places of the devices with *indices*, in order of serial number.

        Sorted by lots: while a million numbers are sorted at once, no other thread runs.
        """
        lots = (indices[at : at + _LOT] for at in range(0, len(indices), _LOT))
        places = [sorted(_permute(index, self._keys) for index in lot) for lot in lots]
        return array("Q", merge(*places))

    def index(self, place: int) -> int:
        """Return the index of the device at *place*."""
        return _restore(place, self._keys)


def _device(line: ProductLine, variant: dict[str, str], index: int, place: int) -> dict[str, Any]:
    device: dict[str, Any] = {
        "serial_number": serial_number(place, line.serial_length),
        "model": line.model,
        **variant,
        "os": FAMILIES[line.family],
        "device_family": line.family,
    }
    if index % _ASSET_TAG_EVERY == 0:
        device["asset_tag"] = f"AT-{index:08d}"
    if line.imeis:
        numbers = imeis(place, line.imeis)
        device["imei"] = numbers
        if line.meid:
            device["meid"] = [numbers[0].replace(" ", "")[:14]]
    if line.esim:
        device["eid"] = eid(place)
    wifi, bluetooth, ethernet = mac_addresses(place)
    device["wifi_mac_address"] = wifi
    device["bluetooth_mac_address"] = bluetooth
    if line.ethernet:
        device["ethernet_mac_address"] = ethernet
    return device


def serial_number(place: int, length: int = _SHORT) -> str:
    """Return the serial number of the device at *place*, 10 or 12 characters."""
    number, last = divmod(place, _BASE)
    number, third = divmod(number, _BASE)
    first, second = divmod(number, _BASE)
    # The older, longer ones end in characters that name the configuration.
    end = _PAIRS[(place * _ODD >> 40) % _BASE] if length > _SHORT else ""
    return f"{MARK}{_PAIRS[first]}{_PAIRS[second]}{_PAIRS[third]}{_PAIRS[last]}{end}"


def _place_of(serial: str) -> int | None:
    """Return the place whose serial number begins as *serial* does."""
    digits = serial.removeprefix(MARK)
    place = 0
    if digits == serial or not set(digits) <= set(_ALPHABET):
        return None
    for at in range(0, 8, 2):
        if (pair := digits[at : at + 2]) not in _PAIRS:
            return None
        place = place * _BASE + _PAIRS.index(pair)
    return place if place < CAPACITY else None


def imeis(place: int, count: int) -> list[str]:
    """Return *count* IMEIs, 1 or 2, of the device at *place*, such as ``00 129600 314225 1``.

    The second follows the first. The type allocation code does not tell the model.
    """
    first = place * _IMEI_FACTOR % _IMEI_PAIRS * 2
    return [_imei(number) for number in range(first, first + count)]


def _imei(number: int) -> str:
    digits = f"{number:014d}"
    total = 0
    while number:
        number, pair = divmod(number, 100)
        total += _LUHN[pair]
    return f"{digits[:2]} {digits[2:8]} {digits[8:]} {-total % 10}"


def eid(place: int) -> str:
    """Return the EID of the device at *place*: 32 digits, the number modulo 97 is 1."""
    number = int(f"89999000{place * _EID_FACTOR % _EID_NUMBERS:022d}00")
    return str(number + 98 - number % 97)


def mac_addresses(place: int) -> tuple[str, str, str]:
    """Return the addresses of the device at *place*: Wi-Fi, Bluetooth, Ethernet, in a row."""
    # The last byte ends in two zero bits, which tell the three apart.
    number = 0xAE << 40 | (place * _ODD & CAPACITY - 1) << 2
    first = number.to_bytes(6).hex(":").upper()
    start, last = first[:-2], number & 0xFF
    return first, f"{start}{last + 1:02X}", f"{start}{last + 2:02X}"


def _permute(index: int, keys: tuple[int, ...]) -> int:
    """Return the place of *index*: one-to-one below `CAPACITY` (a Feistel network)."""
    left, right = index >> _HALF_BITS, index & _HALF
    for key in keys:
        left, right = right, left ^ ((right + key) * _ODD >> 29 & _HALF)
    return left << _HALF_BITS | right


def _restore(place: int, keys: tuple[int, ...]) -> int:
    """Return the index that `_permute` puts at *place*."""
    left, right = place >> _HALF_BITS, place & _HALF
    for key in reversed(keys):
        left, right = right ^ ((left + key) * _ODD >> 29 & _HALF), left
    return left << _HALF_BITS | right


@cache
def _variants(line: ProductLine) -> Variants:
    return tuple(
        {
            "description": line.description.format(color=color, build=build),
            **({"color": color} if color else {}),
        }
        for color, build in product(line.colors or ("",), line.builds)
    )


def _shuffled(count: int, seed: int, turn: int) -> bytes:
    """Return the numbers below *count* in the order of one turn."""
    weights = _digest(seed, f"turn {turn}", count * 2)
    order = sorted(range(count), key=lambda n: (weights[2 * n : 2 * n + 2], n))
    return bytes(order)


def _digest(seed: int, what: str, size: int) -> bytes:
    return blake2b(f"{seed}:{what}".encode(), digest_size=size).digest()
