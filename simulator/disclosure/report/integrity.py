"""Proof: what the hash chain says of a journal, as plain values for reports."""

from dataclasses import dataclass

from simulator.core.timestamps import rfc3339
from simulator.journal.chain import UNSEEN, Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityProblem:
    """A place where the evidence is missing or altered."""

    kind: str
    first: int
    last: int
    """Exchanges that it is about."""
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """Exchanges that were deleted on purpose, which is on record."""

    first: int
    last: int
    at: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the hash chain says of the journal that the report was made of."""

    complete: bool
    checked: int
    """Exchanges whose hash was checked."""
    checked_earlier: int
    """Of these, those that were checked before: nobody has written to the database since."""
    checked_earlier_at: str
    """When; empty: all were checked for this report."""
    head_exchange: int
    head_sha256: str
    """Hash of the whole chain; keep it elsewhere to prove that nothing was written anew."""
    chained_from: int
    problems: tuple[IntegrityProblem, ...]
    problems_found: int
    deletions: tuple[Deletion, ...]

    @classmethod
    def of(cls, evidence: Evidence) -> "Proof":
        """Put *evidence* into plain values."""
        head = evidence.head
        return cls(
            complete=evidence.complete,
            checked=evidence.checked,
            checked_earlier=evidence.earlier,
            checked_earlier_at=rfc3339(evidence.earlier_ms) if evidence.earlier else "",
            head_exchange=head.seq,
            head_sha256=head.link.hex(),
            chained_from=head.chained_from,
            problems=tuple(
                IntegrityProblem(kind=one.kind, first=one.first, last=one.last, about=one.about)
                for one in evidence.problems
            ),
            problems_found=evidence.found,
            deletions=tuple(
                Deletion(first=one.first, last=one.last, at=rfc3339(one.at_ms), reason=one.reason)
                for one in evidence.cuts
                if one.reason != UNSEEN
            ),
        )
