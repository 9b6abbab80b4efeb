"""The report: a ledger laid beside a manifest.

It holds no more than may leave the machine at the level of redaction that it
was made with. Secrets stop at fingerprint at every level.
"""

from dataclasses import dataclass
from typing import Literal

from simulator.disclosure.claims import Claim, Manifest
from simulator.disclosure.evidence import Evidence
from simulator.disclosure.ledger import Ledger
from simulator.disclosure.lines import UNMATCHED, Line, order, received_line, sent_line
from simulator.disclosure.manifest import EXEMPT, NONE, SEVERITIES, UNDECLARED
from simulator.disclosure.origins import Known
from simulator.disclosure.redaction import Level
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.reference import digest
from simulator.timestamps import rfc3339

Verdict = Literal["empty", "clean", "warnings", "findings", "incomplete"]
THRESHOLDS = ("fail", "warn", "undeclared", "undocumented", "forbidden", "never")
"""What a gate may be set to; other flags work as well."""
CLEAN, FINDINGS, INCOMPLETE = 0, 1, 3
"""Exit codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimLine:
    """One claim and what came of it."""

    id: str
    label: str
    services: tuple[str, ...]
    concepts: tuple[str, ...]
    purpose: str
    retention: str
    values: int
    """How often a value of it was seen, repeats included."""
    places: tuple[str, ...]
    """Where it was seen: ``dep.assign /devices/*``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How many exchanges ended in one way."""

    service: str
    operation: str
    status: int
    exchanges: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What the report was made of."""

    tool: str
    manifest: str
    manifest_sha256: str
    manifest_claims: int
    discloser: str
    source: str
    catalogue_sha256: str
    key_id: str
    redaction: str
    first_exchange: int
    last_exchange: int
    first_seen: str
    last_seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
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
    head_exchange: int
    head_sha256: str
    """Hash of the whole chain; keep it elsewhere to prove that nothing was written anew."""
    chained_from: int
    problems: tuple[Doubt, ...]
    problems_found: int
    deletions: tuple[Deletion, ...]

    @classmethod
    def of(cls, evidence: Evidence) -> "Proof":
        """Put *evidence* into plain values."""
        head = evidence.head
        return cls(
            complete=evidence.complete,
            checked=evidence.checked,
            head_exchange=head.seq,
            head_sha256=head.link.hex(),
            chained_from=head.chained_from,
            problems=tuple(
                Doubt(kind=one.kind, first=one.first, last=one.last, about=one.about)
                for one in evidence.problems
            ),
            problems_found=evidence.found,
            deletions=tuple(
                Deletion(first=one.first, last=one.last, at=rfc3339(one.at_ms), reason=one.reason)
                for one in evidence.cuts
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All sections, as data."""

    verdict: Verdict
    counts: dict[str, int]
    outcomes: tuple[Outcome, ...]
    undeclared: tuple[Line, ...]
    flagged: tuple[Line, ...]
    """Undocumented, misplaced, too new, or odd by their value."""
    declared: tuple[ClaimLine, ...]
    only_received: tuple[ClaimLine, ...]
    """Claimed to be sent, but only ever received."""
    not_seen: tuple[ClaimLine, ...]
    received: tuple[Line, ...]
    sent: tuple[Line, ...]
    """All that was sent, exempt plumbing included."""
    evidence: Proof
    provenance: Provenance

    @classmethod
    def build(
        cls,
        ledger: Ledger,
        manifest: Manifest,
        catalogue: Catalogue,
        *,
        tool: str,
        evidence: Evidence | None = None,
        known: Known | None = None,
        redact: Level = "fingerprint",
        gate: bool = False,
    ) -> "Report":
        """Judge *ledger* by *manifest*. *tool* is our name and version.

        *evidence* is what the chain of its journal says; without, the ledger
        is taken to be all there is. *known* tells what the world
        holds, and so what is foreign to it.

        With *gate* what is only worth a warning to people fails a release.
        """
        sent = sorted(
            (
                sent_line(group, ledger, manifest, catalogue, redact, gate=gate, known=known)
                for group in ledger.sent.values()
            ),
            key=order,
        )
        received = sorted(
            (
                received_line(group, manifest, catalogue, redact)
                for group in ledger.received.values()
            ),
            key=order,
        )
        evidence = evidence or Evidence()
        undeclared = tuple(line for line in sent if line.declared == NONE)
        flagged = tuple(line for line in sent if set(line.flags) - {UNDECLARED})
        lines = [_claim_line(claim, sent, received) for claim in manifest.claims]
        seen = {line.declared for line in sent}
        back = {line.declared for line in received}
        return cls(
            verdict=_verdict(ledger, evidence, [*undeclared, *flagged]),
            counts=_counts(ledger, evidence, sent),
            outcomes=_outcomes(ledger),
            undeclared=undeclared,
            flagged=flagged,
            declared=tuple(line for line in lines if line.id in seen),
            only_received=tuple(line for line in lines if line.id in back - seen),
            not_seen=tuple(line for line in lines if line.id not in back | seen),
            received=tuple(received),
            sent=tuple(sent),
            evidence=Proof.of(evidence),
            provenance=_provenance(ledger, manifest, catalogue, tool, redact),
        )

    def exit_code(self, fail_on: str = "fail") -> int:
        """Return 3 if evidence is incomplete, 1 if a finding reaches *fail_on*, else 0.

        *fail_on* is a severity (``fail``, ``warn``), a flag or the start of one
        (``undeclared``, ``value:``), or ``never``.
        """
        if self.verdict == "incomplete":
            return INCOMPLETE
        return FINDINGS if any(_reaches(line, fail_on) for line in self.sent) else CLEAN


def _reaches(line: Line, fail_on: str) -> bool:
    if fail_on in SEVERITIES:
        return SEVERITIES.index(line.severity) >= SEVERITIES.index(fail_on)
    return any(flag.startswith(fail_on) for flag in line.flags)


def _verdict(ledger: Ledger, evidence: Evidence, sent: list[Line]) -> Verdict:
    if ledger.truncated or not evidence.complete:
        return "incomplete"
    if any(line.severity == "fail" for line in sent):
        return "findings"
    if any(line.severity == "warn" for line in sent):
        return "warnings"
    return "clean" if ledger.exchanges else "empty"


def _counts(ledger: Ledger, evidence: Evidence, sent: list[Line]) -> dict[str, int]:
    unmatched = sum(count for (_, operation, _), count in ledger.outcomes.items() if not operation)
    return {
        "exchanges": ledger.exchanges,
        "refused": ledger.refused,
        "unmatched": unmatched,
        "unreadable": ledger.unreadable,
        "truncated": ledger.truncated,
        "gaps": evidence.missing,
        "values": sum(line.records for line in sent),
        "lines": len(sent),
        "declared": sum(line.declared not in (NONE, EXEMPT) for line in sent),
        "undeclared": sum(line.declared == NONE for line in sent),
        "exempt": sum(line.declared == EXEMPT for line in sent),
        "undocumented": sum(not line.documented for line in sent),
        "secrets": sum(line.secret in {"semi", "yes"} for line in sent),
        "fail": sum(line.severity == "fail" for line in sent),
        "warn": sum(line.severity == "warn" for line in sent),
    }


def _outcomes(ledger: Ledger) -> tuple[Outcome, ...]:
    return tuple(
        Outcome(
            service=service or UNMATCHED,
            operation=operation or UNMATCHED,
            status=status,
            exchanges=count,
        )
        for (service, operation, status), count in sorted(ledger.outcomes.items())
    )


def _claim_line(claim: Claim, sent: list[Line], received: list[Line]) -> ClaimLine:
    covered = [line for line in sent if line.declared == claim.id]
    lines = covered or [line for line in received if line.declared == claim.id]
    return ClaimLine(
        id=claim.id,
        label=claim.label_en or claim.label,
        services=claim.services,
        concepts=claim.concepts,
        purpose=claim.purpose,
        retention=claim.retention,
        values=sum(line.records for line in lines),
        places=tuple(f"{line.operation} {line.place}" for line in lines),
    )


def _provenance(
    ledger: Ledger, manifest: Manifest, catalogue: Catalogue, tool: str, redact: Level
) -> Provenance:
    (first, first_ms), (last, last_ms) = ledger.first, ledger.last
    some = ledger.exchanges > 0
    return Provenance(
        tool=tool,
        manifest=manifest.name,
        manifest_sha256=manifest.sha256,
        manifest_claims=len(manifest.claims),
        discloser=str(manifest.about.get("discloser", "")),
        source=str(manifest.about.get("source", "")),
        catalogue_sha256=digest(catalogue),
        key_id=ledger.key_id,
        redaction=redact,
        first_exchange=first,
        last_exchange=last,
        first_seen=rfc3339(first_ms) if some else "",
        last_seen=rfc3339(last_ms) if some else "",
    )
