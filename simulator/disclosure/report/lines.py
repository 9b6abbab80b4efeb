"""Lines: groups of the ledger, judged and put into words."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from simulator.core.timestamps import rfc3339
from simulator.disclosure.concepts import CONCEPTS, PROTOCOL, UNKNOWN
from simulator.disclosure.judge.claims import Manifest, plain
from simulator.disclosure.judge.inherent import INHERENT
from simulator.disclosure.judge.manifest import EXEMPT, NONE, SEVERITIES, UNDECLARED, judge
from simulator.disclosure.report.groups import ReceivedValues, Seen, Sent, SentExample
from simulator.disclosure.report.ledger import Ledger
from simulator.disclosure.report.origins import FOREIGN, NOVEL, Known
from simulator.disclosure.report.recognising import Recogniser
from simulator.disclosure.report.redaction import Level, received_example, shown
from simulator.disclosure.report.vocabularies import term_of
from simulator.protocol.catalogue import Catalogue

UNMATCHED = "unmatched"
"""What is shown where a request was for no known service or operation."""
FOREIGN_FLAG = "value:foreign"
_PARTS = ("conn", "tls", "path", "query", "header", "oauth1", "cookie", "body")


@dataclass(frozen=True, slots=True, kw_only=True)
class LineExample:
    """One value as it may be shown, with its own flags."""

    value: str
    flags: tuple[str, ...]
    exchange: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """One group of values: same operation, place and meaning."""

    recipient: str
    """Apple's host name."""
    service: str
    operation: str
    field: str
    part: str
    place: str
    via: str
    concept: str
    category: str
    subject: str
    secret: str
    direction: str
    """``sent`` or ``received``."""
    required: bool
    versions: str
    documented: bool
    docs: str
    declared: str
    """Id of the claim, ``exempt``, ``inherent`` or ``-``."""
    flags: tuple[str, ...]
    severity: str
    requests: int
    records: int
    values: int
    """How many different ones."""
    asked_versions: tuple[int, ...]
    first_seen: str
    last_seen: str
    example: str
    """Of the value that was judged worst."""
    examples: tuple[LineExample, ...]
    """Of values that were sent, worst first: one for each set of flags."""
    evidence: tuple[int, ...]
    """Numbers of the first exchanges."""
    novelty: Mapping[str, int]
    """Different values by origin: ``novel``, ``foreign``, ``derived``, ``echo:<operation>``."""
    fides: str
    """Key of the Fideslang taxonomy that says what it is."""
    dpv: str
    """IRI of the Data Privacy Vocabulary that says so."""

    @property
    def id(self) -> str:
        """Sixteen hex digits that name the group, whatever the run and the key."""
        place = (self.direction, self.service, self.operation, self.part, self.place, self.via)
        return hashlib.sha256("\x1f".join((*place, self.concept)).encode()).hexdigest()[:16]


def order(line: LedgerLine) -> tuple[int, str, str, int, str, str, str]:
    """Return the sorting key: worst first, then by place."""
    return (
        -SEVERITIES.index(line.severity),
        line.service,
        line.operation,
        _PARTS.index(line.part),
        line.place,
        line.via,
        line.concept,
    )


def order_by_place(line: LedgerLine) -> tuple[str, str, int, str, str, str]:
    """Return the sorting key without the judgement."""
    _, service, operation, part, place, via, concept = order(line)
    return service, operation, part, place, via, concept


def sent_line(
    group: Sent,
    ledger: Ledger,
    manifest: Manifest,
    catalogue: Catalogue,
    redact: Level,
    *,
    gate: bool,
    known: Known | None = None,
) -> LedgerLine:
    """Judge one group of what was sent, as badly as its worst value."""
    group = Recogniser(ledger, known).group(group)
    first = group.example
    novelty = _novelty(group, known)
    flags = (*group.flags, *((FOREIGN_FLAG,) if FOREIGN in novelty else ()))
    whole = replace(first, flags=flags, documented=group.documented)
    judged = [
        judge(replace(one, flags=whole.flags), group.service, group.operation, manifest, gate=gate)
        for one in group.samples.values()
    ]
    worst = max(judged, key=lambda one: SEVERITIES.index(one.severity))
    claims = [INHERENT if one.inherent else one.declared for one in judged]
    declared = NONE if NONE in claims else claims[0]
    operation = catalogue.operations.get(group.operation)
    rows = operation.request if operation else ()
    examples = _examples(group, manifest, redact, gate=gate)
    return LedgerLine(
        **_where(group.service, group.operation, catalogue),
        field=first.field,
        part=first.part,
        place=first.generic,
        via=first.via,
        concept=first.concept,
        category=first.category,
        subject=first.subject,
        secret=first.secret,
        direction="sent",
        required=any(row.name == first.field and row.required for row in rows),
        versions=first.versions,
        documented=group.documented,
        docs=operation.docs if operation else "",
        declared=declared,
        flags=tuple(one for one in worst.flags if declared != INHERENT or one != UNDECLARED),
        severity=worst.severity,
        example=examples[0].value,
        examples=examples,
        novelty=novelty,
        **_how_often(group.seen),
        **_meaning(first.concept),
    )


def _examples(
    group: Sent, manifest: Manifest, redact: Level, *, gate: bool
) -> tuple[LineExample, ...]:
    """Return the examples of a group, worst first."""
    found = []
    for one in (
        SentExample(group.example, group.text, group.seen.evidence[0]),
        *group.odd.values(),
    ):
        judged = judge(one.record, group.service, group.operation, manifest, gate=gate)
        flags = tuple(flag for flag in judged.flags if not (judged.inherent and flag == UNDECLARED))
        example = LineExample(
            value=shown(one.record, one.text, redact), flags=flags, exchange=one.exchange
        )
        found.append((-SEVERITIES.index(judged.severity), -len(flags), example))
    return tuple(example for *_, example in sorted(found, key=lambda each: each[:2]))


def connection_line(group: Sent, catalogue: Catalogue, redact: Level) -> LedgerLine:
    """Describe one fact that connections told."""
    first = group.example
    return LedgerLine(
        **_where(group.service, group.operation, catalogue),
        field=first.field,
        part=first.part,
        place=first.generic,
        via="",
        concept=first.concept,
        category=first.category,
        subject=first.subject,
        secret=first.secret,
        direction="sent",
        required=False,
        versions="",
        documented=True,
        docs="",
        declared=EXEMPT,
        flags=(),
        severity="ok",
        example=shown(first, group.text, redact),
        examples=(),
        novelty={},
        **_how_often(group.seen),
        **_meaning(first.concept),
    )


def _novelty(group: Sent, known: Known | None) -> dict[str, int]:
    """Return how many different values came from where; *known* tells the foreign ones."""
    found = dict(group.origins)
    issued = known(group.example.concept) if known and group.fresh else None
    fresh = group.fresh
    if issued is not None and (foreign := len(fresh) - sum(one in fresh for one in issued)):
        found[FOREIGN] = foreign
        found[NOVEL] -= foreign
    return {name: found[name] for name in sorted(found) if found[name]}


def _meaning(name: str) -> dict[str, Any]:
    term = term_of(name)
    return {"fides": term.fides, "dpv": term.dpv}


def received_line(
    group: ReceivedValues, manifest: Manifest, catalogue: Catalogue, redact: Level
) -> LedgerLine:
    """Describe one group of what was received, with the claim that fits its name best."""
    concept = CONCEPTS.get(group.row.concept, CONCEPTS[UNKNOWN])
    claims = [
        claim
        for claim in manifest.by_concept.get((group.service, concept.name), ())
        if not claim.op or group.operation in claim.op
    ]
    named = [claim for claim in claims if plain(group.row.name) in claim.names]
    claim = next(iter([*named, *claims]), None)
    operation = catalogue.operations[group.operation]
    exempt = EXEMPT if concept.category == PROTOCOL else NONE
    return LedgerLine(
        **_where(group.service, group.operation, catalogue),
        field=group.row.name,
        part="body",
        place=group.place,
        via="",
        concept=concept.name,
        category=concept.category,
        subject=concept.subject,
        secret=concept.secret,
        direction="received",
        required=False,
        versions=group.row.versions,
        documented=True,
        docs=operation.docs,
        declared=claim.id if claim else exempt,
        flags=(),
        severity="ok",
        example=received_example(group, redact),
        examples=(),
        novelty={},
        **_how_often(group.seen),
        **_meaning(concept.name),
    )


def _where(service: str, operation: str, catalogue: Catalogue) -> dict[str, Any]:
    known = catalogue.services.get(service)
    return {
        "recipient": known.hosts[0] if known and known.hosts else "",
        "service": service or UNMATCHED,
        "operation": operation or UNMATCHED,
    }


def _how_often(seen: Seen) -> dict[str, Any]:
    return {
        "requests": seen.requests,
        "records": seen.records,
        "values": len(seen.values),
        "asked_versions": tuple(sorted(seen.versions)),
        "first_seen": rfc3339(seen.first_ms),
        "last_seen": rfc3339(seen.last_ms),
        "evidence": tuple(seen.evidence),
    }
