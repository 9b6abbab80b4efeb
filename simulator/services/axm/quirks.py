"""Oddities of the live service, each a switch (axm.md 3, 6 and 7)."""

from simulator.protocol.head import Quirk

NO_RETRY_AFTER = Quirk(
    "axm.no-retry-after",
    "429 comes without Retry-After.",
    "AXM-TF, AXM-PX",
)
STALE_READS = Quirk(
    "axm.stale-reads",
    "After a change, the next two reads of a device's server still show the one before.",
    "AXM-SD, AXM-GD",
)
STALE_COUNT = 2
EMPTY_SERVER = Quirk(
    "axm.empty-server",
    "The server of a device that has none is answered 200 with an empty id, not 404.",
    "AXM-SD, AXM-GD",
)
STUCK = Quirk(
    "axm.stuck-activities",
    "Activities that are created stay IN_PROGRESS, and nothing is done.",
    "AXM-D",
)
STOPPED = Quirk(
    "axm.stopped-activities",
    "Activities that are created end as STOPPED, and nothing is done.",
    "AXM-D",
)
FEW_STREAMS = Quirk(
    "axm.few-streams",
    "Over HTTP/2, a connection that has had an answer may have four streams open; further ones are "
    "reset with REFUSED_STREAM, though SETTINGS allow them.",
    "AXM-AS",
)
STREAMS = 4
ALL = (NO_RETRY_AFTER, STALE_READS, EMPTY_SERVER, STUCK, STOPPED, FEW_STREAMS)
