"""The head of a request: its header fields and what the client showed in TLS.

Checks of the head come before the body is looked at, and clients repeat their heads. The
engine therefore keeps what such a check found, for as long as the stored entities that it
read are unchanged and the clock has passed none of the moments that it asked about.
That is safe because a check gets nothing but a `RequestHead`, which notes what is asked of it.
"""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct, field

from simulator.core.messages import Finding, Tls
from simulator.core.settings import Settings
from simulator.core.state import Entity, State

ALWAYS = (-(2**62), 2**62)
"""From when, and until when, holds what depends on no moment: milliseconds since the epoch."""


class Principal(Struct, frozen=True):
    """Who was recognised."""

    organisation: str
    client: str
    """Such as ``dep:<server id>``."""
    id: str
    """Id of the entity that the credential belongs to."""


NOBODY = Principal("", "", "")


class Quirk(Struct, frozen=True):
    """An oddity of the real service, off unless it is switched on."""

    id: str
    """Such as ``dep.same-cursor``."""
    about: str
    source: str


class RequestHead(Protocol):
    """What a check of the head may look at. `operations.Call` is one."""

    settings: Settings
    secret: bytes
    """Key of this data directory, for tokens and cursors."""
    state: State
    """Seen from no organisation."""
    version: int
    """Protocol version in effect; 0 where the service has none, or until it is read."""
    headers: list[tuple[str, str]]
    """Further header fields of the answer, to which authentication may add."""

    @property
    def principal(self) -> Principal:
        """Who was recognised; nobody until then."""
        ...

    @property
    def tls(self) -> Tls | None:
        """What the client showed while it set up TLS; None without TLS."""
        ...

    @property
    def address(self) -> str:
        """Address of the client. What is made of it is not kept: other clients send the same."""
        ...

    def has(self, quirk: Quirk) -> bool:
        """Tell whether *quirk* is on for the organisation that is known so far."""
        ...

    def header(self, name: str) -> str | None:
        """Return the first value of header *name* (lower case), or None."""
        ...

    def count(self, name: str) -> int:
        """Return how often header *name* (lower case) was sent, whatever its values."""
        ...

    def values(self, name: str) -> list[str]:
        """Return all values of header *name* (lower case), in the order in which they came."""
        ...

    def time(self, *changes_at: int) -> int:
        """Return the time, in milliseconds since the epoch.

        What is made of it must depend only on which of the moments *changes_at* have come:
        it is the same from one of them, inclusive, to the next, exclusive.
        """
        ...

    def note(self, finding: Finding) -> None:
        """Add *finding* to the exchange."""
        ...

    def write_with_record(self, write: Callable[[State], None]) -> None:
        """Have *write* change the state, seen from no organisation, as the exchange is recorded.

        A page that is recorded later has written nothing until then. It is for what nothing in
        the same request looks at; what it goes by may have changed meanwhile.
        """
        ...


class HeadNotes(Struct):
    """What checks of one head have asked for."""

    headers: set[str] = field(default_factory=set)
    """Names in lower case."""
    entities: dict[tuple[str, str, str], Entity | None] = field(default_factory=dict)
    """By organisation, kind and key; None: there was none."""
    since_ms: int = ALWAYS[0]
    until_ms: int = ALWAYS[1]
    """The answer is the same from *since_ms*, inclusive, to *until_ms*, exclusive."""
    repeatable: bool = True
    """Whether nothing was written, and nothing read that is not in *entities*."""

    def time(self, now_ms: int, changes_at: tuple[int, ...]) -> None:
        """Note that the answer changes at some moments."""
        for moment in changes_at:
            if moment <= now_ms:
                self.since_ms = max(self.since_ms, moment)
            else:
                self.until_ms = min(self.until_ms, moment)
