"""Oddities of the software look-up, each a switch (more.md 2)."""

from simulator.protocol.head import Quirk

EMPTY = Quirk(
    "gdmf.empty",
    "The document has all its keys, and not one release: who mirrors it deletes all.",
    "ZE",
)
STALE = Quirk(
    "gdmf.stale", "The document is that of 30 days ago, as from a cache that nobody renewed.", "FL"
)
STALE_DAYS = 30
RAPID_RESPONSES = Quirk(
    "gdmf.rapid-responses",
    "Background security improvements stand under PublicRapidSecurityResponses, as before 26.1.",
    "AD, DS",
)
NO_BUILDS = Quirk("gdmf.no-builds", "No release says its Build, as before 2023.", "FL")
NO_EXPIRATION = Quirk("gdmf.no-expiration", "No release says when it expires.", "AD, FL")
NO_VISION = Quirk(
    "gdmf.no-visionos", "The platform visionOS is missing, as before it existed.", "FL"
)
ALL = (EMPTY, STALE, RAPID_RESPONSES, NO_BUILDS, NO_EXPIRATION, NO_VISION)
