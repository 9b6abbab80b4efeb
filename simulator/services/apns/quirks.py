"""Oddities of the live service, each a switch (apns.md 1.5 and 9)."""

from simulator.protocol.head import Quirk

SILENT_TOPIC = Quirk(
    "apns.silent-topic",
    "A push to a token of another topic is accepted and dropped, as after a certificate was "
    "replaced instead of renewed.",
    "GH fleetdm/fleet#52469, GH fleetdm/fleet#53252",
)
ONE_STREAM = Quirk(
    "apns.one-stream",
    "A refused push lowers the limit of open streams to 1; an accepted one restores it.",
    "GH jchambers/pushy#476",
)
MANY = 1000
"""The limit of open streams as it is otherwise."""
ALL = (SILENT_TOPIC, ONE_STREAM)
