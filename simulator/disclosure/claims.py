"""Claims: what somebody has declared to disclose, read from a manifest's TOML."""

import hashlib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from simulator.disclosure.concepts import CONCEPTS
from simulator.disclosure.values import shape_of
from simulator.settings import ConfigurationError

SERVICES = ("apns", "dep", "roster", "vpp", "axm", "lock", "catalog")
"""Apple's services that a claim may name, built or not."""
_DIRECTIONS = ("sent", "received", "both")


@dataclass(frozen=True, slots=True)
class Claim:
    """One row of a manifest: these concepts may go to these services."""

    id: str
    label: str
    services: tuple[str, ...]
    concepts: tuple[str, ...]
    label_en: str = ""
    """The label before it was translated."""
    never: tuple[str, ...] = ()
    """Concepts that must not travel at all."""
    op: tuple[str, ...] = ()
    """Operations that it is narrowed to; none: all."""
    place: tuple[str, ...] = ()
    """Parts (``body``) or places (``/devices/*``) that it is narrowed to; none: all."""
    values: tuple[str, ...] = ()
    """Values that it is narrowed to, of those that may be shown; none: all."""
    format: str = ""
    """Shape that is promised. A value of another shape is still what was declared."""
    direction: str = "sent"
    purpose: str = ""
    legal_basis: str = ""
    retention: str = ""
    transfer: str = ""
    owner: str = ""
    reason: str = ""
    expires: date | None = None
    min_protocol: int = 0
    optional: bool = False
    may_be_empty: bool = False
    ambiguous: str = ""
    """Why the row can be read in two ways."""
    printed_values: tuple[str, ...] = ()
    value_labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """What it may be called on the wire: its labels, without the s of a plural."""
        return frozenset(plain(label) for label in (self.label, self.label_en) if label)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A declaration, with the claims by what they are about."""

    name: str
    """Name or file that it was read from."""
    claims: tuple[Claim, ...]
    about: Mapping[str, Any]
    """Its own particulars: discloser, recipient, source, revision ..."""
    sha256: str
    by_concept: Mapping[tuple[str, str], tuple[Claim, ...]]
    """Claims by service and concept, in the order of the file."""
    never: Mapping[tuple[str, str], Claim]
    """The claim that forbids a concept to a service."""
    expired: tuple[Claim, ...] = ()
    """Claims that no longer count, as their date has passed."""

    def on(self, day: date) -> "Manifest":
        """Return the manifest as it is on *day*: without the claims that have expired by then."""
        expired = tuple(one for one in self.claims if one.expires and one.expires < day)
        if not expired:
            return self
        return replace(
            self,
            expired=expired,
            by_concept={
                key: tuple(one for one in claims if one not in expired)
                for key, claims in self.by_concept.items()
            },
        )

    @classmethod
    def parse(cls, text: str, name: str) -> "Manifest":
        """Read a manifest; ConfigurationError says in one line where it is wrong."""
        try:
            tree = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(f"{name}: is not TOML: {error}") from None
        _keys(name, "the file", tree, {"manifest": _table, "defaults": _table, "claim": _tables})
        about = tree.get("manifest", {})
        _keys(name, "[manifest]", about, _MANIFEST)
        if about.get("schema") != 1:
            raise ConfigurationError(f"{name}: [manifest]: schema: write schema = 1")
        defaults = tree.get("defaults", {})
        _keys(name, "[defaults]", defaults, _DEFAULTS)
        claims: dict[str, Claim] = {}
        for number, row in enumerate(tree.get("claim", []), 1):
            claim = _claim(name, number, {**defaults, **row})
            if claim.id in claims:
                raise ConfigurationError(f"{name}: claim {claim.id}: id: is taken: choose another")
            claims[claim.id] = claim
        return cls(
            name,
            tuple(claims.values()),
            about,
            hashlib.sha256(text.encode()).hexdigest(),
            _by_concept(claims.values(), lambda claim: claim.concepts),
            {
                key: found[0]
                for key, found in _by_concept(claims.values(), lambda claim: claim.never).items()
            },
        )


def plain(name: str) -> str:
    """Return *name* in lower case, without the s of a plural."""
    return name.lower().removesuffix("s")


def _by_concept(
    claims: Any, concepts: Callable[[Claim], tuple[str, ...]]
) -> dict[tuple[str, str], tuple[Claim, ...]]:
    found: dict[tuple[str, str], tuple[Claim, ...]] = {}
    for claim in claims:
        for service in claim.services:
            for concept in concepts(claim):
                found[service, concept] = (*found.get((service, concept), ()), claim)
    return found


def _claim(name: str, number: int, row: dict[str, Any]) -> Claim:
    where = f"claim {row['id']}" if isinstance(row.get("id"), str) else f"claim number {number}"
    _keys(name, where, row, _CLAIM)
    for key in ("id", "services"):
        if not row.get(key):
            raise ConfigurationError(f"{name}: {where}: {key}: is missing: add it")
    if not row.get("concepts") and not row.get("never"):
        raise ConfigurationError(f"{name}: {where}: concepts: is missing: name what may be sent")
    values: dict[str, Any] = {"label": "", "concepts": ()}
    values |= {key: tuple(it) if isinstance(it, list) else it for key, it in row.items()}
    return Claim(**values)


Check = Callable[[Any], str]
"""Returns what a value must be, or nothing if it is that."""


def _keys(name: str, where: str, row: Any, known: Mapping[str, Check]) -> None:
    for key, value in row.items():
        check = known.get(key)
        if check is None:
            allowed = ", ".join(sorted(known))
            raise ConfigurationError(f"{name}: {where}: {key}: no such key; there are {allowed}")
        if why := check(value):
            raise ConfigurationError(f"{name}: {where}: {key}: {why}")


def _text(value: Any) -> str:
    return "" if isinstance(value, str) else "must be a text"


def _texts(value: Any) -> str:
    good = isinstance(value, list) and all(isinstance(item, str) and item for item in value)
    return "" if good else "must be an array of texts"


def _number(value: Any) -> str:
    good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return "" if good else "must be a whole number"


def _flag(value: Any) -> str:
    return "" if isinstance(value, bool) else "must be true or false"


def _day(value: Any) -> str:
    return "" if type(value) is date else "must be a date, such as 2026-01-31 without quotes"


def _table(value: Any) -> str:
    return "" if isinstance(value, dict) else "must be a table"


def _tables(value: Any) -> str:
    good = isinstance(value, list) and all(isinstance(item, dict) for item in value)
    return "" if good else "must be written as [[claim]]"


def _labels(value: Any) -> str:
    good = isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    return "" if good else "must be a table of texts"


def _one_of(*allowed: str) -> Check:
    def check(value: Any) -> str:
        return "" if value in allowed else f"must be one of {', '.join(allowed)}"

    return check


def _all_of(kind: str, allowed: Any) -> Check:
    def check(value: Any) -> str:
        if why := _texts(value):
            return why
        unknown = [item for item in value if item not in allowed]
        choice = f"; there are {', '.join(allowed)}" if isinstance(allowed, tuple) else ""
        return f"no {kind} is called {unknown[0]}{choice}: correct it" if unknown else ""

    return check


_SHAPES = tuple(
    dict.fromkeys(
        shape_of(value)
        for value in (
            "a@b.c",
            "1",
            "+46 8 000 00",
            "https://a",
            "00000000-0000-0000-0000-000000000000",
            "a" * 32,
            "text",
        )
    )
)
_MANIFEST: dict[str, Check] = {
    "schema": _number,
    "discloser": _text,
    "recipient": _text,
    "source": _text,
    "revision": _text,
    "dated": _day,
    "handoff": _day,
    "table_sha256": _text,
    "about": _text,
}
_DEFAULTS: dict[str, Check] = {
    "direction": _one_of(*_DIRECTIONS),
    "purpose": _text,
    "legal_basis": _text,
    "retention": _text,
    "transfer": _text,
    "owner": _text,
}
_CLAIM: dict[str, Check] = _DEFAULTS | {
    "id": _text,
    "label": _text,
    "label_en": _text,
    "services": _all_of("service", SERVICES),
    "concepts": _all_of("concept", CONCEPTS),
    "never": _all_of("concept", CONCEPTS),
    "op": _texts,
    "place": _texts,
    "values": _texts,
    "format": _one_of(*_SHAPES),
    "reason": _text,
    "expires": _day,
    "min_protocol": _number,
    "optional": _flag,
    "may_be_empty": _flag,
    "ambiguous": _text,
    "printed_values": _texts,
    "value_labels": _labels,
}
