"""What Apple's sales would know of an invented device: order, part number, agreements.

All of it follows from the serial number and the description, so nothing has to be stored for
it: a device that a test adds by hand has it as well.
Rule: no clock, no random generator, no state.
"""

import re
from functools import lru_cache
from hashlib import blake2b

from msgspec import Struct

_CAPACITY = re.compile(r"(?<![0-9A-Z])\d+(?:GB|TB)")
PRODUCT_TYPES = {
    "IPHONE 16 PRO": "iPhone17,1",
    "IPHONE 16": "iPhone17,3",
    "IPHONE 15": "iPhone15,4",
    "IPHONE 14": "iPhone14,7",
    "IPHONE SE": "iPhone14,6",
    "IPHONE 8": "iPhone10,4",
    "IPAD AIR 11": "iPad14,8",
    "IPAD AIR 13": "iPad14,11",
    "IPAD PRO 11": "iPad16,3",
    "IPAD PRO 13": "iPad16,6",
    "IPAD 10.9": "iPad13,18",
    "IPAD A16": "iPad15,8",
    "IPAD MINI 4": "iPad5,1",
    "IPAD MINI": "iPad16,1",
    "IPOD TOUCH": "iPod9,1",
    "MBP 14": "Mac16,1",
    "MBP 16": "Mac16,7",
    "MBA 13": "Mac16,12",
    "MBA 15": "Mac16,13",
    "IMAC 24": "iMac21,1",
    "MAC MINI": "Mac16,10",
    "MAC STUDIO": "Mac16,9",
    "APPLE TV 4K": "AppleTV14,1",
    "APPLE VISION PRO": "RealityDevice14,1",
}
"""Product type by how a description begins; a longer beginning comes before a shorter one."""
_BY_FAMILY = {
    "iPhone": "iPhone17,3",
    "iPad": "iPad15,8",
    "iPod": "iPod9,1",
    "Mac": "Mac16,1",
    "AppleTV": "AppleTV14,1",
    "Vision": "RealityDevice14,1",
}
DAY_MS = 24 * 3600 * 1000
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
_RESELLER_EVERY, _AGREEMENT_EVERY = 8, 3
_WARRANTY_DAYS, _AGREEMENT_DAYS = 365, 3 * 365


class Agreement(Struct, frozen=True):
    """One AppleCare coverage."""

    number: str
    """Of the agreement; empty for the limited warranty."""
    description: str
    payment: str
    days: int
    """How long it runs from the day of the order."""
    renewable: bool = False


_WARRANTY: tuple[Agreement, ...] = (Agreement("", "Limited Warranty", "NONE", _WARRANTY_DAYS),)


class PurchaseRecord(Struct, frozen=True):
    """What is known of how one device was bought."""

    order_number: str
    ordered_before_ms: int
    """How long before it came to the organisation it was ordered."""
    source: str
    """``APPLE`` or ``RESELLER``."""
    source_id: str
    agreements: tuple[Agreement, ...]


def purchase(serial: str) -> PurchaseRecord:
    """Return how the device of that serial number was bought."""
    draw = int.from_bytes(blake2b(serial.encode(), digest_size=8).digest())
    reseller = draw % _RESELLER_EVERY == 0
    agreements = _WARRANTY
    if draw // 64 % _AGREEMENT_EVERY == 0:
        number = f"{draw % 10**10:010d}"
        agreements += (Agreement(number, "AppleCare+", "PAID_UP_FRONT", _AGREEMENT_DAYS),)
    return PurchaseRecord(
        order_number=f"W{draw // 1024 % 10**9:09d}",
        ordered_before_ms=(3 + draw // 256 % 18) * DAY_MS,
        source="RESELLER" if reseller else "APPLE",
        source_id=str(1 + draw % 10**7) if reseller else "-2085650007946880",
        agreements=agreements,
    )


@lru_cache(maxsize=4096)
def product_type(description: str, family: str) -> str:
    """Return the product type, such as ``iPhone17,3``, of what is described so."""
    found = (kind for start, kind in PRODUCT_TYPES.items() if description.startswith(start))
    return next(found, _BY_FAMILY.get(family, ""))


@lru_cache(maxsize=4096)
def capacity(description: str) -> str:
    """Return the storage that *description* names last, such as ``128GB``; empty if none."""
    found: list[str] = _CAPACITY.findall(description)
    return found[-1] if found else ""


@lru_cache(maxsize=4096)
def part_number(description: str) -> str:
    """Return a part number of the shape of Apple's, such as ``MD311LL/A``."""
    draw = int.from_bytes(blake2b(description.encode(), digest_size=8).digest())
    letters = "".join(_LETTERS[draw // 34**place % 34] for place in range(4))
    return f"M{letters}LL/A"
