"""The product lines that invented devices are of: families, models, colours, equipment.

The lines are Apple's, so that a client under test meets what it would meet;
which colour comes in which configuration is simplified.
"""

from msgspec import Struct

FAMILIES: dict[str, str] = {
    "iPhone": "iOS",
    "iPad": "iPadOS",
    "iPod": "iOS",
    "Mac": "OSX",
    "AppleTV": "tvOS",
    "Vision": "visionOS",
}
"""``os`` on the wire by ``device_family``. Older protocol versions see iPads as ``iOS``."""


class ProductLine(Struct, frozen=True, kw_only=True):
    """One product line."""

    family: str
    model: str
    """Marketing name."""
    description: str
    """Template of ``description``: ``{color}`` and ``{build}`` are filled in."""
    builds: tuple[str, ...]
    """Configurations, as they stand in the description."""
    colors: tuple[str, ...] = ()
    """Colours as on the wire; Apple sends none at all for some models."""
    imeis: int = 0
    meid: bool = False
    esim: bool = False
    ethernet: bool = False
    serial_length: int = 10
    """12 for lines from before Apple's serial numbers were shortened, else 10."""


PRODUCTS = (
    ProductLine(
        family="iPhone",
        model="iPhone 16",
        description="IPHONE 16 {color} {build}-USA",
        builds=("128GB", "256GB"),
        colors=("BLACK", "WHITE", "TEAL", "ULTRAMARINE"),
        imeis=2,
        meid=True,
        esim=True,
    ),
    ProductLine(
        family="iPhone",
        model="iPhone 16 Pro",
        description="IPHONE 16 PRO {color} {build}-USA",
        builds=("256GB", "512GB"),
        colors=("BLACK TITANIUM", "NATURAL TITANIUM"),
        imeis=2,
        meid=True,
        esim=True,
    ),
    ProductLine(
        family="iPhone",
        model="iPhone 15",
        description="IPHONE 15 {color} {build}-USA",
        builds=("128GB",),
        colors=("BLACK", "BLUE", "PINK"),
        imeis=2,
        meid=True,
        esim=True,
    ),
    ProductLine(
        family="iPhone",
        model="iPhone 14",
        description="IPHONE 14 {color} {build}-USA",
        builds=("128GB",),
        colors=("MIDNIGHT", "STARLIGHT"),
        imeis=2,
        esim=True,
    ),
    ProductLine(
        family="iPhone",
        model="iPhone SE",
        description="IPHONE SE {color} {build}-USA",
        builds=("64GB", "128GB"),
        colors=("MIDNIGHT", "STARLIGHT"),
        imeis=2,
        meid=True,
        esim=True,
    ),
    ProductLine(
        family="iPhone",
        model="iPhone 8",
        description="IPHONE 8 {color} {build}-USA",
        builds=("64GB",),
        colors=("SPACE GRAY", "SILVER"),
        imeis=1,
        meid=True,
        serial_length=12,
    ),
    ProductLine(
        family="iPad",
        model="iPad Air",
        description="IPAD AIR 11 WI-FI {build}-USA",
        builds=("128GB", "256GB"),
        colors=("BLUE", "STARLIGHT", "SPACE GRAY"),
    ),
    ProductLine(
        family="iPad",
        model="iPad Air",
        description="IPAD AIR 13 WI-FI+CELL {build}-USA",
        builds=("128GB", "256GB"),
        colors=("BLUE", "PURPLE"),
        imeis=1,
        meid=True,
        esim=True,
    ),
    ProductLine(
        family="iPad",
        model="iPad Pro",
        description="IPAD PRO 11 WI-FI {build} {color}-USA",
        builds=("256GB",),
        colors=("SPACE BLACK", "SILVER"),
    ),
    ProductLine(
        family="iPad",
        model="iPad Pro",
        description="IPAD PRO 13 WI-FI+CELL {build} {color}-USA",
        builds=("256GB", "512GB"),
        colors=("SPACE BLACK", "SILVER"),
        imeis=1,
        esim=True,
    ),
    ProductLine(
        family="iPad",
        model="iPad",
        description="IPAD 10.9 WI-FI {build}-USA",
        builds=("64GB",),
        colors=("BLUE", "PINK", "SILVER", "YELLOW"),
    ),
    ProductLine(
        family="iPad",
        model="iPad",
        description="IPAD A16 WI-FI+CELL {build}-USA",
        builds=("128GB",),
        colors=("BLUE", "SILVER"),
        imeis=1,
        esim=True,
    ),
    ProductLine(
        family="iPad",
        model="iPad mini",
        description="IPAD MINI WI-FI {build}-USA",
        builds=("128GB",),
        colors=("BLUE", "STARLIGHT"),
    ),
    ProductLine(
        family="iPad",
        model="iPad mini 4",
        description="IPAD MINI 4 WI-FI {build} {color}-USA",
        builds=("32GB", "128GB"),
        colors=("SPACE GRAY", "GOLD"),
        serial_length=12,
    ),
    ProductLine(
        family="iPod",
        model="iPod touch",
        description="IPOD TOUCH {build} {color}-USA",
        builds=("32GB",),
        colors=("SPACE GRAY", "BLUE"),
        serial_length=12,
    ),
    ProductLine(
        family="Mac",
        model="MacBook Pro",
        description="MBP 14 {color}/{build}-USA",
        builds=("M4/16GB/512GB", "M4 PRO/24GB/512GB"),
        colors=("SILVER", "SPACE BLACK"),
    ),
    ProductLine(
        family="Mac",
        model="MacBook Pro",
        description="MBP 16 {color}/{build}-USA",
        builds=("M4 PRO/24GB/512GB", "M4 MAX/36GB/1TB"),
        colors=("SILVER", "SPACE BLACK"),
    ),
    ProductLine(
        family="Mac",
        model="MacBook Air",
        description="MBA 13 {color}/{build}-USA",
        builds=("M4/16GB/256GB", "M4/16GB/512GB"),
        colors=("MIDNIGHT", "SKY BLUE", "SILVER"),
    ),
    ProductLine(
        family="Mac",
        model="MacBook Air",
        description="MBA 15 {color}/{build}-USA",
        builds=("M4/16GB/256GB",),
        colors=("MIDNIGHT", "STARLIGHT"),
    ),
    ProductLine(
        family="Mac",
        model="iMac",
        description="IMAC 24 {color}/{build}-USA",
        builds=("M1/8GB/256GB", "M1/16GB/512GB"),
        colors=("BLUE", "GREEN", "SILVER"),
        ethernet=True,
        serial_length=12,
    ),
    ProductLine(
        family="Mac",
        model="Mac mini",
        description="MAC MINI/{build}-USA",
        builds=("M4/16GB/256GB", "M4 PRO/24GB/512GB"),
        ethernet=True,
    ),
    ProductLine(
        family="Mac",
        model="Mac Studio",
        description="MAC STUDIO/{build}-USA",
        builds=("M4 MAX/36GB/512GB",),
        ethernet=True,
    ),
    ProductLine(
        family="AppleTV",
        model="Apple TV 4K",
        description="APPLE TV 4K WI-FI+ETHERNET {build}-USA",
        builds=("128GB",),
        ethernet=True,
    ),
    ProductLine(
        family="AppleTV",
        model="Apple TV 4K",
        description="APPLE TV 4K WI-FI {build}-USA",
        builds=("64GB",),
    ),
    ProductLine(
        family="Vision",
        model="Apple Vision Pro",
        description="APPLE VISION PRO {build}-USA",
        builds=("256GB", "512GB"),
    ),
)
"""The product lines. Each run of as many devices as there are rows holds every line once."""
