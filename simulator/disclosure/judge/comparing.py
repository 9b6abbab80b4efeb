"""The difference between two manifests: what may be sent that might not before, and why."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from simulator.disclosure.judge.claims import ACCOUNTABILITY, Claim, Manifest

_FACTS = (*ACCOUNTABILITY, "expires", "values", "format", "flags", "min_protocol", "optional")
"""What is compared of a claim that stands in both."""


class ClaimDifference(Struct, frozen=True):
    """One difference."""

    how: str
    """``added``, ``removed`` or ``changed``."""
    about: str
    """Which way, service, concept, and what it is narrowed to."""
    claim: str
    """Id of the claim, in the newer manifest if it stands there."""
    changes: tuple[str, ...] = ()

    def __str__(self) -> str:
        sign = {"added": "+", "removed": "-", "changed": "~"}[self.how]
        return ": ".join((f"{sign} {self.about} ({self.claim})", *self.changes))


def compare_manifests(old: Manifest, new: Manifest) -> list[ClaimDifference]:
    """Return what differs, by what may be sent where; labels and ids do not count."""
    before, after = dict(_reach(old)), dict(_reach(new))
    found = []
    for about in sorted({*before, *after}):
        one, other = before.get(about, []), after.get(about, [])
        if not other:
            found += [ClaimDifference("removed", about, claim.id) for claim in one]
        elif not one:
            found += [ClaimDifference("added", about, claim.id) for claim in other]
        elif changes := tuple(_changes(_facts(one), _facts(other))):
            found.append(ClaimDifference("changed", about, other[0].id, changes))
    return found


def _reach(manifest: Manifest) -> Mapping[str, list[Claim]]:
    """Return the claims by each thing that they speak of."""
    found: dict[str, list[Claim]] = {}
    for claim in manifest.claims:
        kind = "let pass" if claim.allowed else claim.direction
        narrowed = "".join(f" {word}" for word in sorted((*claim.op, *claim.place)))
        for service in claim.services:
            for concept in claim.concepts:
                found.setdefault(f"{kind} {service} {concept}{narrowed}", []).append(claim)
            for concept in claim.never:
                found.setdefault(f"never {service} {concept}", []).append(claim)
    return found


def _facts(claims: list[Claim]) -> Mapping[str, str]:
    return {name: ", ".join(filter(None, (_text(one, name) for one in claims))) for name in _FACTS}


def _text(claim: Claim, name: str) -> str:
    value = getattr(claim, name)
    return ", ".join(value) if isinstance(value, tuple) else str(value or "")


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for name in _FACTS:
        if before[name] != after[name]:
            yield f"{name} {before[name] or 'none'} -> {after[name] or 'none'}"
