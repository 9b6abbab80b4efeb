"""``GET /v2/pmv``: the whole list of releases."""

from typing import Any

from simulator.core.timestamps import rfc3339
from simulator.protocol.fields import Objects, String, Strings, Table
from simulator.protocol.operations import Call, operation
from simulator.services.gdmf import DOCS, defaults, quirks, releases

_DAY_MS = 24 * 3600 * 1000
_ASSET = (
    String("ProductVersion", "Version: digits and dots.", concept="protocol", source="AD, DS"),
    String(
        "Build",
        "Build; that of an improvement ends in a letter.",
        concept="protocol",
        source="AD, FL",
    ),
    String("ProductVersionExtra", "Such as (a).", concept="protocol", source="AD, ZE"),
    String("PrerequisiteBuild", "Build it goes on.", concept="protocol", source="AD, ZE"),
    String("PostingDate", "Day of posting.", concept="protocol", source="AD, DS"),
    String(
        "ExpirationDate",
        "Day on which signing ends; only a past one means that it has.",
        concept="protocol",
        source="AD, DS",
    ),
    Strings(
        "SupportedDevices",
        "Product names; of Macs board ids.",
        concept="protocol",
        source="AD, DS",
    ),
)
_PLATFORM = Objects("platform", "Releases of one platform.", fields=_ASSET, source="DS")
_RAPID = "PublicRapidSecurityResponses"
_IMPROVEMENTS = "PublicBackgroundSecurityImprovements"


@operation(
    "GET /v2/pmv",
    "Get all releases: those that the public is offered, and those that MDM may install.",
    name="gdmf.lookup",
    response=(
        Table(
            "PublicAssetSets",
            "What the public is offered, by platform.",
            concept="protocol",
            value=_PLATFORM,
            source="AD, DS",
        ),
        Table(
            "AssetSets",
            "What MDM may install, by platform.",
            concept="protocol",
            value=_PLATFORM,
            source="AD, DS, FL",
            inferred="It holds more than the public's list, as seen live; a newer text says less.",
        ),
        Table(
            _IMPROVEMENTS,
            "Background security improvements, by platform.",
            concept="protocol",
            value=_PLATFORM,
            source="AD",
        ),
        Table(
            _RAPID,
            "The same before 26.1, by a quirk.",
            concept="protocol",
            value=_PLATFORM,
            source="DS",
        ),
    ),
    docs=DOCS,
    source="AD, DS, FL",
    inferred="Content-Type, caching and limits are not documented. Releases are invented, and "
    "dated from the day on which the world was loaded.",
)
def lookup(call: Call) -> dict[str, Any]:
    """Return the document of today, by the simulator's clock, as the quirks have it."""
    defaults.ensure(call.state, call.now_ms)
    stale = quirks.STALE_DAYS * _DAY_MS if call.has(quirks.STALE) else 0
    listed = [] if call.has(quirks.EMPTY) else releases.all_of(call.state)
    found = releases.document(listed, rfc3339(max(call.now_ms - stale, 0))[:10])
    dropped = {
        name
        for quirk, name in ((quirks.NO_BUILDS, "Build"), (quirks.NO_EXPIRATION, "ExpirationDate"))
        if call.has(quirk)
    }
    no_vision = call.has(quirks.NO_VISION)
    names = {_IMPROVEMENTS: _RAPID} if call.has(quirks.RAPID_RESPONSES) else {}
    return {
        names.get(name, name): {
            platform: [_without(asset, dropped) for asset in assets]
            for platform, assets in platforms.items()
            if not (no_vision and platform == "visionOS")
        }
        for name, platforms in found.items()
    }


def _without(asset: dict[str, Any], dropped: set[str]) -> dict[str, Any]:
    return {name: value for name, value in asset.items() if name not in dropped}
