"""Concepts: what a value means, wherever it stands. The table is ``concepts.toml``."""

import tomllib
from dataclasses import dataclass
from importlib import resources

CATEGORIES = frozenset(
    [
        "device-identifier",
        "device-attribute",
        "person-identifier",
        "contact",
        "organisation",
        "server-identity",
        "credential",
        "configuration",
        "asset",
        "network-metadata",
        "free-text",
        "protocol",
        "unknown",
    ]
)
SUBJECTS = frozenset(
    [
        "device",
        "user",
        "pupil",
        "staff",
        "administrator",
        "organisation",
        "mdm-server",
        "none",
        "unknown",
    ]
)
SECRECY = frozenset(("no", "semi", "yes"))
_KEYS = frozenset(("category", "subject", "secret", "closed"))


@dataclass(frozen=True, slots=True)
class Concept:
    """One meaning of a value."""

    name: str
    category: str
    subject: str
    """Whose data it is."""
    secret: str
    """``no``, ``semi`` (identifies, and half grants) or ``yes``."""
    closed: bool = False
    """Whether its values are a documented closed set, and may be shown."""

    @property
    def sealed(self) -> bool:
        """Whether its values never reach the disk."""
        return self.secret in {"semi", "yes"}


def parse_concepts(text: str) -> dict[str, Concept]:
    """Read the table; ValueError names the concept and the word that is in no vocabulary."""
    concepts = {}
    for name, row in tomllib.loads(text).items():
        if unknown := row.keys() - _KEYS:
            raise ValueError(f"concept {name}: unknown key {min(unknown)}")
        for key, allowed in (("category", CATEGORIES), ("subject", SUBJECTS), ("secret", SECRECY)):
            if row.get(key) not in allowed:
                raise ValueError(f"concept {name}: {key} must be one of {sorted(allowed)}")
        concepts[name] = Concept(name, **row)
    return concepts


CONCEPTS = parse_concepts(
    resources.files("simulator.disclosure").joinpath("concepts.toml").read_text("utf-8")
)
"""All concepts by name."""
UNKNOWN = "unknown"
PROTOCOL = "protocol"
"""Plumbing: exempt from declaration."""
QUERY = ".query"
"""Ending of the concept of a URL's query, fragment and user part."""
