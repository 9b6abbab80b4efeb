"""Oddities and unknowns of the removal of Activation Lock, each a switch (more.md 3.5)."""

from simulator.protocol.head import Quirk

NOT_LOCKED_IS_FINE = Quirk(
    "lock.not-locked-is-fine", "A device that is not locked is answered 200.", "NM"
)
NO_CERTIFICATE = Quirk(
    "lock.no-certificate",
    "Clients that show no certificate are served, for those that cannot show one.",
    "NM",
)
ALL = (NOT_LOCKED_IS_FINE, NO_CERTIFICATE)
