"""The releases that a world begins with, dated relative to the day on which it was loaded.

Versions, builds and dates are invented, after the habits of the real list: two
builds of one version, the same build posted twice, old majors that stay,
another date in each list, releases that the public no longer gets, and some
that are yet to come.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from simulator.core.state import State
from simulator.core.timestamps import rfc3339
from simulator.services.gdmf import releases
from simulator.services.gdmf.releases import Release
from simulator.services.gdmf.rows import Plan, releases_of

_IPHONES = tuple(f"iPhone{n}" for n in ("14,7", "15,2", "15,4", "16,1", "16,2", "17,1", "17,3"))
_OLDER_IPHONES = ("iPhone12,1", "iPhone12,8", "iPhone13,2", "iPhone14,5")
_IPADS = ("iPad13,1", "iPad13,18", "iPad14,1", "iPad14,8", "iPad16,3")
_OLD_IPADS = ("iPad7,11", "iPad11,1", "iPad11,6")
_MACS = ("J413AP", "J416sAP", "J473AP", "J504AP", "J516sAP", "J613AP", "J700AP", "VMA2MACOSAP")
_INTEL = ("Mac-1E7E29AD0135F9BC", "Mac-CFF7D910A743CAAF", "VMM-x86_64", "X86LEGACYAP")
_VISION = ("RealityDevice14,1", "RealityDevice17,1")

_Row = tuple[str, str, int, int | None]
"""Version, build, day of posting, and days until it expires; None: that is not said."""
_LINES: tuple[tuple[str, str, tuple[str, ...], tuple[_Row, ...]], ...] = (
    (
        "iOS",
        "iphone-27",
        (*_IPHONES, *_OLDER_IPHONES, *_IPADS),
        (
            ("27.0", "24A334", -75, 116),
            ("27.0.1", "24A355", -52, 150),
            ("27.0.1", "24A6355", -52, 150),
            ("27.1", "24B82", -25, None),
            ("27.1.1", "24B91", 20, 180),
            ("27.2", "24C52", 45, 180),
            ("27.3", "24D60", 100, 180),
        ),
    ),
    (
        "iOS",
        "iphone-26",
        (*_IPHONES, *_OLDER_IPHONES, *_IPADS, *_OLD_IPADS),
        (
            ("26.6", "23G80", -130, 92),
            ("26.6.1", "23G90", -115, 90),
            ("26.7", "23H20", -75, 182),
            ("26.7.1", "23H41", -52, 182),
            ("26.7.2", "23H55", 20, 180),
        ),
    ),
    (
        "iOS",
        "iphone-18",
        ("iPhone11,2", "iPhone11,8", *_OLD_IPADS),
        (
            ("18.7.8", "22H340", -115, 90),
            ("18.7.9", "22H352", -52, 180),
            ("18.7.9", "22H6352", -52, 180),
        ),
    ),
    (
        "iOS",
        "iphone-16",
        ("iPhone10,3", "iPhone10,6", "iPad11,1"),
        (("16.7.15", "20H380", -52, 180), ("16.7.15", "20H6380", -52, 180)),
    ),
    ("iOS", "iphone-15", ("iPhone8,1", "iPad5,3"), (("15.8.8", "19H422", -180, 360),)),
    ("iOS", "iphone-12", ("iPhone7,2", "iPad4,1"), (("12.5.8", "16H88", -305, None),)),
    (
        "iOS",
        "watch",
        ("Watch6,6", "Watch7,1", "Watch7,5"),
        (("27.0", "24R350", -75, 116), ("27.1", "24S80", -25, 180), ("27.2", "24S100", 45, 180)),
    ),
    ("iOS", "watch-6", ("Watch2,3", "Watch2,6"), (("6.3.1", "17U216", -420, None),)),
    (
        "iOS",
        "tv",
        ("AppleTV14,1", "AppleTV11,1", "AudioAccessory5,1"),
        (("27.0", "24J357", -75, 116), ("27.1", "24J580", -25, 180), ("27.2", "24K53", 45, 180)),
    ),
    (
        "macOS",
        "mac-27",
        _MACS,
        (
            ("27.0", "26A300", -75, 116),
            ("27.0.1", "26A320", -52, 150),
            ("27.1", "26B80", -25, 180),
            ("27.2", "26C60", 45, 180),
        ),
    ),
    (
        "macOS",
        "mac-26",
        (*_MACS, *_INTEL),
        (
            ("26.6.1", "25G80", -115, 90),
            ("26.7", "25H20", -75, 182),
            ("26.7.1", "25H41", -52, 182),
            ("26.7.2", "25H55", 20, 180),
        ),
    ),
    (
        "macOS",
        "mac-15",
        (*_MACS[:3], *_INTEL),
        (("15.7.9", "24G700", -115, 180), ("15.7.10", "24G720", -25, 180)),
    ),
    (
        "macOS",
        "mac-11",
        _INTEL[1:],
        (("11.7.11", "20G1443", -280, 380), ("11.7.11", "20G1443", -180, 380)),
    ),
    (
        "visionOS",
        "vision",
        _VISION,
        (
            ("26.6", "23O80", -130, 92),
            ("27.0", "24M336", -75, 116),
            ("27.1", "24N68", -25, 180),
            ("27.2", "24N90", 45, 180),
        ),
    ),
)
_IMPROVEMENTS: tuple[tuple[str, tuple[str, ...], str, str, str, str, int], ...] = (
    ("iOS", (*_IPHONES, *_IPADS), "27.1", "(a)", "24B6082a", "24B82", -10),
    ("macOS", _MACS[1:], "27.1", "(a)", "26B6080a", "26B80", -10),
    ("macOS", _MACS[:1], "27.0.1", "(a)", "26A7320a", "26A320", -12),
)
"""Platform, devices, version, extra, build, the build that it goes on, day of posting."""
_IMPROVEMENT_DAYS = 93
_TWO_DATES = ("27.1", "24S80")
"""A release that the public gets later than MDM."""
_LATER_DAYS = 3


def ensure(state: State, now_ms: int, plan: Plan | None = None) -> None:
    """Write the releases of a world that is loaded now, unless there were any before.

    *plan* is what the world says of them; None: the invented ones.
    """
    if not releases.is_begun(state):
        today = date.fromisoformat(rfc3339(now_ms)[:10])
        listed = _releases(today) if plan is None else releases_of(plan, today)
        releases.begin(state, listed)


def _releases(today: date) -> Iterator[Release]:
    for platform, line, devices, rows in _LINES:
        for version, build, day, days in rows:
            posted = today + timedelta(day)
            later = timedelta(_LATER_DAYS if (version, build) == _TWO_DATES else 0)
            yield Release(
                platform=platform,
                line=line,
                version=version,
                build=build,
                posted=posted.isoformat(),
                public_from=(posted + later).isoformat(),
                expires="" if days is None else (posted + timedelta(days)).isoformat(),
                devices=devices,
            )
    for platform, devices, version, extra, build, base, day in _IMPROVEMENTS:
        posted = today + timedelta(day)
        yield Release(
            platform=platform,
            line=f"{platform}-{base}",
            version=version,
            build=build,
            posted=posted.isoformat(),
            public_from=posted.isoformat(),
            expires=(posted + timedelta(_IMPROVEMENT_DAYS)).isoformat(),
            devices=devices,
            extra=extra,
            prerequisite=base,
        )
