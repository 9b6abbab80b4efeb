"""Claims: what somebody has declared to disclose, read from a manifest's TOML."""

import hashlib
import tomllib
from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from simulator.core.settings import ConfigurationError
from simulator.disclosure.judge import keys
from simulator.disclosure.judge.keys import check_keys
from simulator.protocol.fields import Field


class Claim(Struct, frozen=True):
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
    recipient_country: str = ""
    safeguard: str = ""
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
    allowed: bool = False
    """Whether nobody declared it: a reviewer lets it pass for now, with a reason, up to a day."""
    flags: tuple[str, ...] = ()
    """What a reviewer lets pass beside ``undeclared``."""

    @property
    def names(self) -> frozenset[str]:
        """What it may be called on the wire: its labels, without the s of a plural."""
        return frozenset(plain(label) for label in (self.label, self.label_en) if label)


class Manifest(Struct, frozen=True):
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
    declares: bool = True
    """Whether there is a declaration; without one nothing is undeclared."""
    demands_inherent: bool = False
    """Whether even what the protocol demands must be declared."""

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

    def judging(self, strict: bool, discloser: str | None) -> "Manifest":
        """Return the manifest as a report wants it.

        With *strict* even what is inherent must be declared. *discloser* names who
        discloses where the manifest does not.
        """
        about = {"discloser": discloser, **self.about} if discloser else self.about
        return replace(self, demands_inherent=strict, about=about)

    @classmethod
    def parse(cls, text: str, name: str) -> "Manifest":
        """Read a manifest; ConfigurationError says in one line where it is wrong."""
        try:
            tree = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise ConfigurationError(f"{name}: is not TOML: {error}") from None
        check_keys(name, "the file", tree, keys.FILE)
        about = tree.get("manifest", {})
        check_keys(name, "[manifest]", about, keys.MANIFEST)
        if about.get("schema") != 1:
            raise ConfigurationError(f"{name}: [manifest]: schema: write schema = 1")
        defaults = tree.get("defaults", {})
        check_keys(name, "[defaults]", defaults, keys.DEFAULTS)
        claims: dict[str, Claim] = {}
        rows = [
            (_claim(name, number, {**defaults, **row}), "claim")
            for number, row in enumerate(tree.get("claim", []), 1)
        ]
        rows += [
            (_allowed(name, number, row), "allow")
            for number, row in enumerate(tree.get("allow", []), 1)
        ]
        for claim, kind in rows:
            if claim.id in claims:
                raise ConfigurationError(f"{name}: {kind} {claim.id}: id: is taken: choose another")
            claims[claim.id] = claim
        _refuse_contradictions(name, claims.values())
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


ACCOUNTABILITY = ("purpose", "legal_basis", "retention", "recipient_country", "safeguard", "owner")
"""What a record of processing asks of each claim beside what is sent: names of `Claim`."""
NO_MANIFEST = "none"
"""The name of no declaration at all."""
NOTHING_DECLARED = Manifest(NO_MANIFEST, (), {}, "", {}, {}, declares=False)


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
    where = _checked(name, "claim", number, row, keys.CLAIM)
    if not row.get("concepts") and not row.get("never"):
        raise ConfigurationError(f"{name}: {where}: concepts: is missing: name what may be sent")
    return Claim(**_values(row))


def _allowed(name: str, number: int, row: dict[str, Any]) -> Claim:
    _checked(name, "allow", number, row, keys.ALLOW)
    return Claim(**_values(row), allowed=True)


def _refuse_contradictions(name: str, claims: Collection[Claim]) -> None:
    """Raise ConfigurationError for the first thing that one claim declares and another forbids."""
    never = {(service, it): one for one in claims for service in one.services for it in one.never}
    for claim in claims:
        if claim.allowed or claim.direction == "received":
            continue
        for service in claim.services:
            for concept in claim.concepts:
                if (other := never.get((service, concept))) is not None:
                    raise ConfigurationError(
                        f"{name}: claim {claim.id}: lets {concept} go to {service}, which claim "
                        f"{other.id} says must never go there: keep one"
                    )


def _checked(
    name: str, kind: str, number: int, row: dict[str, Any], known: Collection[Field]
) -> str:
    """Check one row and return what to call it."""
    where = f"{kind} {row['id']}" if isinstance(row.get("id"), str) else f"{kind} number {number}"
    check_keys(name, where, row, known)
    for one in known:
        if one.required and not row.get(one.name):
            raise ConfigurationError(f"{name}: {where}: {one.name}: is missing: add it")
    return where


def _values(row: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {"label": "", "concepts": ()}
    return values | {key: tuple(it) if isinstance(it, list) else it for key, it in row.items()}
