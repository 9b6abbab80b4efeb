"""Oddities of the live service, each a switch (dep.md 3.3)."""

from simulator.protocol.head import Quirk

SAME_CURSOR = Quirk(
    "dep.same-cursor",
    "A fetch that goes on from a cursor answers that very cursor, and that more is to follow.",
    "GH micromdm/nanodep#73, GH micromdm/micromdm#1016",
)
EVENT_TWICE = Quirk(
    "dep.event-twice",
    "A sync gives the last event of the sync before once more.",
    "GH micromdm/micromdm#829",
)
THROTTLED_MISSING = Quirk(
    "dep.throttled-missing",
    "Throttled devices are left out of fetch and sync, and no event says so.",
    "GH fleetdm/fleet#45590",
)
ADDED_AND_MODIFIED = Quirk(
    "dep.added-and-modified",
    "A device that was added also comes as modified, in the same answer and of the same time.",
    "GH fleetdm/fleet#37460",
)
LATE_EVENTS = Quirk(
    "dep.late-events",
    "A sync tells of nothing that happened in the last five minutes.",
    "GH fleetdm/fleet#8741",
)
LATE_MS = 5 * 60 * 1000
NEW_MISSING = Quirk(
    "dep.new-missing",
    "A sync never tells of devices that were added: only a fetch from the start has them.",
    "GH fleetdm/fleet#49837",
)
ROSTERS_FOR_ALL = Quirk(
    "dep.rosters-for-all",
    "A business organisation is told of rosters, and gets empty lists.",
    "MM",
)
ROSTER_STRINGS = Quirk(
    "dep.roster-strings",
    'Rosters say "more_to_follow" as a text, as in the samples.',
    "PR-R",
)
ROSTER_DAY = Quirk(
    "dep.roster-day",
    "The cursor of a roster is good for a day, as the table of errors says.",
    "EV",
)
RELEASE_TELLS = Quirk(
    "dep.release-tells",
    "A device that was released, in the portal or by disown, comes as deleted in the next sync.",
    "GH fleetdm/fleet#49367, PR",
)
MIGRATING_MISSING = Quirk(
    "dep.migrating-missing",
    "A sync never tells of devices with a deadline to migrate: only a fetch from the start has "
    "them.",
    "GH fleetdm/fleet#49837 (FB24445195)",
)
SAME_SYNC_CURSOR = Quirk(
    "dep.same-sync-cursor",
    "A sync that goes on from a sync's cursor answers that very cursor.",
    "GH micromdm/nanodep#73",
)
OLD_TOKEN_DIES = Quirk(
    "dep.old-session-dies",
    "Once an answer has named a newer session token, the ones before are refused.",
    "PR",
)
ALL = (
    SAME_CURSOR,
    EVENT_TWICE,
    THROTTLED_MISSING,
    ADDED_AND_MODIFIED,
    LATE_EVENTS,
    NEW_MISSING,
    ROSTERS_FOR_ALL,
    ROSTER_STRINGS,
    ROSTER_DAY,
    OLD_TOKEN_DIES,
    RELEASE_TELLS,
    MIGRATING_MISSING,
    SAME_SYNC_CURSOR,
)
