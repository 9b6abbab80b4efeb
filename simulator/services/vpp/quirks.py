"""Oddities of the live service, each a switch (vpp.md 5, 6 and 13)."""

from simulator.protocol.head import Quirk

NONSENSE_SERIALS = Quirk(
    "vpp.nonsense-serials",
    "A serial number that cannot be one gets its licence, however strict the simulator is.",
    "GH fleetdm/fleet#20449",
)
LATE_LICENCES = Quirk(
    "vpp.late-licences",
    "The event of v2 is COMPLETE, and the device that is told to install the app finds no licence "
    "(9610) the first time it asks; the second time it does.",
    "GH fleetdm/fleet#25458",
)
LATE_LICENCES_V1 = Quirk(
    "vpp.v1-late-licences",
    "A device that v1 gives a licence to gets 9610 the first time, and the licence the second.",
    "L-obj",
)
VERSION_MOVES = Quirk(
    "vpp.version-moves",
    "The versionId is another on each page of a list, as if somebody wrote to it meanwhile.",
    "D-page",
)
OTHER_OWNER = Quirk(
    "vpp.other-owner",
    "Answers of v2 carry the mdmInfo of another MDM server, as if it had claimed the location.",
    "D-start",
)
LOST = Quirk(
    "vpp.notifications-lost",
    "Every second notification is never sent.",
    "D-notif",
)
TWICE = Quirk(
    "vpp.notifications-twice",
    "A notification that was taken is sent once more, with the same notificationId.",
    "D-notif",
)
REORDERED = Quirk(
    "vpp.notifications-reordered",
    "Every second notification comes five seconds late, so that the next one overtakes it.",
    "D-notif",
)
LATE_MS = 5000
ALL = (
    NONSENSE_SERIALS,
    LATE_LICENCES,
    LATE_LICENCES_V1,
    VERSION_MOVES,
    OTHER_OWNER,
    LOST,
    TWICE,
    REORDERED,
)
