"""What a value on the wire means, and how it is to be treated."""

from msgspec import Struct


class Concept(Struct, frozen=True):
    """One meaning of a value."""

    name: str
    category: str
    subject: str
    """Whose data it is."""
    secret: str
    """``no``, ``semi`` (identifies, and half grants) or ``yes``."""
    closed: bool = False
    """Whether its values are a documented closed set, and may be shown."""

    words: str = ""
    """What reports call one value and several, such as ``post box|post boxes``; empty: as in
    ``report/texts.toml``."""

    @property
    def sealed(self) -> bool:
        """Whether its values never reach the disk."""
        return self.secret in {"semi", "yes"}
