"""Leaves: the values of a message, with their places, their rows and where they stand."""

from typing import Any

from msgspec import Struct, field

from simulator.disclosure.concepts import CONCEPTS
from simulator.disclosure.observe.plans import Row
from simulator.disclosure.redact.markers import Marker

INSIDE = "inside"
"""Part of a spot: within a sealed value, kept with its marker."""


class ValueLocation(Struct, frozen=True):
    """Where a value stands, for sealing."""

    part: str
    """``header``, ``target``, ``body``, ``form`` or ``inside``."""
    index: int = 0
    """Number of the header, or of the value among all values of the body."""
    start: int = 0
    """Offset of the raw value in the header, the target or the form."""
    end: int | None = None
    """None: to the end."""
    bare: bool = False
    """Whether a marker needs quotes around it here."""
    piece: tuple[int, int] | None = None
    """Part of the decoded value that is meant; None: all of it."""


class ObservedValue(Struct):
    """One value."""

    part: str
    at: str
    generic: str
    row: Row
    value: Any
    spot: ValueLocation | None = None
    """None: it cannot be sealed on its own."""
    via: str = ""
    concept: str = ""
    documented: bool = True
    name: str = ""
    """Name on the wire, where it is not that of the row."""
    parent: "ObservedValue | None" = None
    whole: str = ""
    """What stood there before it was split, if it was."""
    marker: Marker | None = None
    """What was sealed here, when the message is read from the journal."""
    flags: tuple[str, ...] = ()
    hidden: bool = False
    """Whether the value is not to be written down."""
    inner: "list[ObservedValue]" = field(default_factory=list)
    """What can be read inside a secret; it is disclosed as well, so it outlives the sealing."""
    secrets: tuple[str, ...] = ()
    """Texts inside that are as secret as the whole."""

    @property
    def inside(self) -> bool:
        """Whether it stands inside a secret."""
        return self.spot is not None and self.spot.part == INSIDE

    @property
    def secret(self) -> bool:
        """Whether its concept is one whose values are sealed."""
        concept = CONCEPTS.get(self.concept)
        return concept is not None and concept.sealed
