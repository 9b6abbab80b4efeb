"""The report: a ledger laid beside a manifest.

It holds no more than may leave the machine at the level of redaction that it
was made with. Secrets stop at fingerprint at every level.
"""

from dataclasses import asdict, dataclass
from typing import Literal

from simulator.disclosure.judge import gate
from simulator.disclosure.judge.claims import ACCOUNTABILITY, Claim, Manifest
from simulator.disclosure.judge.inherent import INHERENT
from simulator.disclosure.judge.manifest import EXEMPT, NONE, UNDECLARED
from simulator.disclosure.report.devices import DeviceLine
from simulator.disclosure.report.glance import Glance
from simulator.disclosure.report.integrity import Proof
from simulator.disclosure.report.ledger import Ledger
from simulator.disclosure.report.lines import (
    UNMATCHED,
    LedgerLine,
    connection_line,
    order,
    received_line,
    sent_line,
)
from simulator.disclosure.report.origins import Known
from simulator.disclosure.report.provenance import Provenance, provenance
from simulator.disclosure.report.redaction import Level
from simulator.disclosure.report.words import ENGLISH, Words
from simulator.journal.chain import Evidence
from simulator.protocol.catalogue import Catalogue

Verdict = Literal["empty", "clean", "warnings", "findings", "incomplete"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimLine:
    """One claim and what came of it."""

    id: str
    label: str
    services: tuple[str, ...]
    concepts: tuple[str, ...]
    purpose: str
    legal_basis: str
    retention: str
    recipient_country: str
    safeguard: str
    owner: str
    reason: str
    expires: str
    values: int
    """How often a value of it was seen, repeats included."""
    places: tuple[str, ...]
    """Where it was seen: ``dep.assign /devices/*``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeCount:
    """How many exchanges ended in one way."""

    service: str
    operation: str
    status: int
    exchanges: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All sections, as data."""

    verdict: Verdict
    glance: Glance
    """What was sent about whom."""
    counts: dict[str, int]
    outcomes: tuple[OutcomeCount, ...]
    undeclared: tuple[LedgerLine, ...]
    flagged: tuple[LedgerLine, ...]
    """Undocumented, misplaced, too new, or odd by their value."""
    declared: tuple[ClaimLine, ...]
    only_received: tuple[ClaimLine, ...]
    """Claimed to be sent, but only ever received."""
    not_seen: tuple[ClaimLine, ...]
    expired: tuple[ClaimLine, ...]
    """Claims whose date has passed, so that they cover nothing any more."""
    inherent: tuple[LedgerLine, ...]
    """What the protocol itself demands; nobody can leave it out."""
    received: tuple[LedgerLine, ...]
    sent: tuple[LedgerLine, ...]
    """All that was sent, exempt plumbing included."""
    connections: tuple[LedgerLine, ...]
    """What connections told beside their messages; nobody declares that, so it is not judged."""
    devices: tuple[DeviceLine, ...]
    """What devices told the MDM server: none of it is a disclosure to Apple."""
    limits: tuple[str, ...]
    """What whoever recorded the exchanges could not see, such as a proxy the certificate."""
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
        strict: bool = False,
        language: str = ENGLISH,
        product: str | None = None,
    ) -> "Report":
        """Judge *ledger* by *manifest*. *tool* is our name and version.

        *evidence* is what the chain of its journal says; without, the ledger
        is taken to be all there is. *known* tells what the world
        holds, and so what is foreign to it.

        With *strict* what is only worth a warning to people fails a release. *language*
        is one of `words.LANGUAGES`, ConfigurationError if not. *product* is what disclosed,
        with its version, where its User-Agent does not say so.
        """
        judged = [
            (
                sent_line(group, ledger, manifest, catalogue, redact, gate=strict, known=known),
                group.seen.values,
            )
            for group in ledger.sent.values()
        ]
        sent = sorted((line for line, _ in judged), key=order)
        received = sorted(
            (
                received_line(group, manifest, catalogue, redact)
                for group in ledger.received.values()
            ),
            key=order,
        )
        evidence = evidence or Evidence()
        undeclared = tuple(line for line in sent if UNDECLARED in line.flags)
        flagged = tuple(line for line in sent if set(line.flags) - {UNDECLARED})
        lines = [_claim_line(claim, sent, received) for claim in manifest.claims]
        seen = {line.declared for line in sent}
        back = {line.declared for line in received}
        answered = {claim.id for claim in manifest.claims if claim.direction != "sent"}
        return cls(
            verdict=_verdict(ledger, evidence, [*undeclared, *flagged]),
            glance=Glance.build(
                sent, {line.id: values for line, values in judged}, Words(language)
            ),
            counts=_counts(ledger, evidence, sent),
            outcomes=_outcomes(ledger),
            undeclared=undeclared,
            flagged=flagged,
            declared=tuple(line for line in lines if line.id in seen | (back & answered)),
            only_received=tuple(line for line in lines if line.id in back - seen - answered),
            not_seen=tuple(line for line in lines if line.id not in back | seen),
            expired=tuple(_claim_line(claim, sent, received) for claim in manifest.expired),
            inherent=tuple(line for line in sent if line.declared == INHERENT),
            received=tuple(received),
            sent=tuple(sent),
            connections=tuple(
                sorted(
                    (
                        connection_line(group, catalogue, redact)
                        for group in ledger.connections.values()
                    ),
                    key=order,
                )
            ),
            devices=ledger.devices.lines(manifest),
            evidence=Proof.of(evidence),
            limits=ledger.limits,
            provenance=provenance(
                ledger, evidence, manifest, catalogue, tool, redact, language, product
            ),
        )

    def exit_code(self, fail_on: str = "fail") -> int:
        """Return what `gate.exit_code` does."""
        return gate.exit_code(asdict(self), fail_on)


def _verdict(ledger: Ledger, evidence: Evidence, sent: list[LedgerLine]) -> Verdict:
    if ledger.truncated or not evidence.complete:
        return "incomplete"
    if any(line.severity == "fail" for line in sent):
        return "findings"
    if any(line.severity == "warn" for line in sent):
        return "warnings"
    return "clean" if ledger.exchanges else "empty"


def _counts(ledger: Ledger, evidence: Evidence, sent: list[LedgerLine]) -> dict[str, int]:
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
        "declared": sum(line.declared not in (NONE, EXEMPT, INHERENT) for line in sent),
        "undeclared": sum(UNDECLARED in line.flags for line in sent),
        "inherent": sum(line.declared == INHERENT for line in sent),
        "exempt": sum(line.declared == EXEMPT for line in sent),
        "undocumented": sum(not line.documented for line in sent),
        "secrets": sum(line.secret in {"semi", "yes"} for line in sent),
        "fail": sum(line.severity == "fail" for line in sent),
        "warn": sum(line.severity == "warn" for line in sent),
    }


def _outcomes(ledger: Ledger) -> tuple[OutcomeCount, ...]:
    return tuple(
        OutcomeCount(
            service=service or UNMATCHED,
            operation=operation or UNMATCHED,
            status=status,
            exchanges=count,
        )
        for (service, operation, status), count in sorted(ledger.outcomes.items())
    )


def _claim_line(claim: Claim, sent: list[LedgerLine], received: list[LedgerLine]) -> ClaimLine:
    covered = [line for line in sent if line.declared == claim.id]
    lines = covered or [line for line in received if line.declared == claim.id]
    return ClaimLine(
        id=claim.id,
        label=claim.label_en or claim.label or claim.reason,
        services=claim.services,
        concepts=claim.concepts,
        **{name: getattr(claim, name) for name in ACCOUNTABILITY},
        reason=claim.reason,
        expires=claim.expires.isoformat() if claim.expires else "",
        values=sum(line.records for line in lines),
        places=tuple(f"{line.operation} {line.place}" for line in lines),
    )
