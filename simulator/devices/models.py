"""What a device is by its model: platform, product identifier, operating system.

Identifiers and builds are plausible, not looked up for every configuration (device.md 13.10).
"""

from functools import lru_cache

from msgspec import Struct

IOS, MACOS, TVOS, VISIONOS = "iOS", "macOS", "tvOS", "visionOS"
"""Platforms as Apple's documentation names them; iPadOS goes with iOS."""


class System(Struct, frozen=True):
    """An operating system as it comes with a new device."""

    platform: str
    version: str
    build: str


_SYSTEMS = {
    "iPhone": System(IOS, "26.1", "23B85"),
    "iPad": System(IOS, "26.1", "23B85"),
    "iPod": System(IOS, "15.8.5", "19H394"),
    "Mac": System(MACOS, "26.1", "25B78"),
    "AppleTV": System(TVOS, "26.1", "23J579"),
    "Vision": System(VISIONOS, "26.1", "23N47"),
}
"""By ``device_family``."""

_PRODUCTS = {
    "iPhone 16": "iPhone17,3",
    "iPhone 16 Pro": "iPhone17,1",
    "iPhone 15": "iPhone15,4",
    "iPhone 14": "iPhone14,7",
    "iPhone SE": "iPhone14,6",
    "iPhone 8": "iPhone10,1",
    "iPad": "iPad13,18",
    "iPad Air": "iPad14,8",
    "iPad Pro": "iPad16,3",
    "iPad mini": "iPad16,1",
    "iPad mini 4": "iPad5,1",
    "iPod touch": "iPod9,1",
    "MacBook Pro": "Mac16,1",
    "MacBook Air": "Mac16,12",
    "iMac": "iMac21,1",
    "Mac mini": "Mac16,10",
    "Mac Studio": "Mac16,9",
    "Apple TV 4K": "AppleTV14,1",
    "Apple Vision Pro": "RealityDevice14,1",
}
"""Product identifiers by marketing name."""

_FAMILY_NAMES = {"AppleTV": "Apple TV", "Vision": "Apple Vision"}


@lru_cache
def number_of(version: str) -> tuple[int, ...]:
    """Return a version of an operating system as numbers, to be compared."""
    return tuple(int(one) for one in version.split(".") if one.isdigit())


def system(family: str) -> System:
    """Return the operating system of a family; an unknown one is taken for an iPhone."""
    return _SYSTEMS.get(family, _SYSTEMS["iPhone"])


def product(model: str, family: str) -> str:
    """Return the product identifier of a model, such as ``iPhone17,3``."""
    fallback = {IOS: "iPhone17,3", MACOS: "Mac16,1", TVOS: "AppleTV14,1"}
    return _PRODUCTS.get(model, fallback.get(system(family).platform, "RealityDevice14,1"))


def model_name(model: str, family: str) -> str:
    """Return ``ModelName``: the family for iPhone and the like, the model's name for a Mac."""
    return model if family == "Mac" else _FAMILY_NAMES.get(family, family)
