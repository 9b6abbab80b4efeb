"""Concepts: what a value means, wherever it stands. The table is ``concepts.toml``.

It holds those that several services share, and a service may bring more: `Service.concepts`.
"""

import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

from msgspec.structs import asdict

from simulator.protocol.concepts import Concept

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


def parse_concepts(text: str) -> dict[str, Concept]:
    """Read the table; ValueError names the concept and the word that is in no vocabulary."""
    concepts = {}
    for name, row in tomllib.loads(text).items():
        if unknown := row.keys() - _KEYS:
            raise ValueError(f"concept {name}: unknown key {min(unknown)}")
        _check(name, row)
        concepts[name] = Concept(name, **row)
    return concepts


def _check(name: str, row: Mapping[str, Any]) -> None:
    for key, allowed in (("category", CATEGORIES), ("subject", SUBJECTS), ("secret", SECRECY)):
        if row.get(key) not in allowed:
            raise ValueError(f"concept {name}: {key} must be one of {sorted(allowed)}")


def add_concepts(concepts: Iterable[Concept]) -> None:
    """Add a service's concepts; ValueError if one is in no vocabulary or means something else."""
    for one in concepts:
        _check(one.name, asdict(one))
        if CONCEPTS.setdefault(one.name, one) != one:
            raise ValueError(f"concept {one.name}: it is known with another meaning")


CONCEPTS = parse_concepts(
    resources.files("simulator.disclosure").joinpath("concepts.toml").read_text("utf-8")
)
"""All concepts by name; a catalogue that is compiled adds those of its services."""
UNKNOWN = "unknown"
PROTOCOL = "protocol"
"""Plumbing: exempt from declaration."""
QUERY = ".query"
"""Ending of the concept of a URL's query, fragment and user part."""
