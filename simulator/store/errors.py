"""What a store raises when its database cannot do what it is asked."""

from typing import Literal

from simulator.core.settings import ConfigurationError

Reason = Literal[
    "full", "busy", "crowded", "read-only", "damaged", "unreachable", "limit", "gone", "failed"
]

_ADVICE: dict[Reason, str] = {
    "full": "make room on its disk",
    "busy": "end the other program that holds its lock",
    "crowded": "try again once others have let go of theirs, or let it take more (max_connections)",
    "read-only": "make the database and its directory writable",
    "damaged": "restore the database from a copy",
    "unreachable": "start PostgreSQL, or see why it does not answer",
    "limit": "send less at once",
    "gone": "start mdmsim again: what is recorded now would be lost with it",
    "failed": "make room on its disk, or see why the disk fails",
}


class StoreError(Exception):
    """The database failed: nothing of the transaction, or of what was read, is of use.

    A transaction that raised it has left nothing behind and may be tried again.
    The text is the database's own; it never holds a stored value.
    """

    def __init__(self, text: str, reason: Reason = "failed") -> None:
        """Keep what the database said, and the kind of failure."""
        super().__init__(text)
        self.reason: Reason = reason

    @property
    def advice(self) -> str:
        """What the user can do about it, as half a sentence."""
        return _ADVICE[self.reason]


class DamagedError(ConfigurationError):
    """A database cannot be opened, as it is damaged: what it held is no evidence of anything."""
