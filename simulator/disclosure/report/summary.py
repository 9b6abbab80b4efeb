"""The answer at a glance: what was sent to Apple about whom, failures first."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from simulator.disclosure.concepts import PROTOCOL
from simulator.disclosure.judge.inherent import INHERENT
from simulator.disclosure.judge.manifest import EXEMPT, NONE, SEVERITIES, UNDECLARED
from simulator.disclosure.report.lines import LedgerLine

SUBJECTS: Mapping[str, str] = {
    "pupil": "pupils",
    "staff": "staff",
    "user": "users",
    "administrator": "administrators",
    "device": "devices",
    "organisation": "the organisation",
    "mdm-server": "the MDM server",
    "unknown": "an unknown subject",
    "none": "nobody",
}
"""Data subjects as a sentence names them, people first."""
CATEGORIES: Mapping[str, str] = {
    "person-identifier": "identifiers",
    "contact": "contact details",
    "device-identifier": "identifiers",
    "device-attribute": "attributes",
    "free-text": "free text",
    "credential": "credentials",
    "organisation": "facts",
    "server-identity": "identity",
    "asset": "apps and books",
    "configuration": "configuration",
    "network-metadata": "network metadata",
    "unknown": "values of unknown meaning",
}
_ORDER = tuple(SUBJECTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryEntry:
    """What was sent of one category about one data subject."""

    subject: str
    category: str
    status: str
    """``undocumented``, ``forbidden``, ``undeclared``, ``inherent``, ``declared`` or empty."""
    severity: str
    """Of its worst line: ``ok``, ``warn`` or ``fail``."""
    values: int
    """How many different ones each field had, added up over the fields."""
    operations: tuple[str, ...]
    text: str
    """It as a part of a sentence."""


def summarise(sent: Iterable[LedgerLine]) -> tuple[SummaryEntry, ...]:
    """Return what *sent* lines add up to: failures first, then people before devices."""
    groups: dict[tuple[str, str, str], list[LedgerLine]] = {}
    for line in sent:
        if line.category != PROTOCOL:
            groups.setdefault((line.subject, line.category, _status(line)), []).append(line)
    return tuple(sorted((_part(*key, lines) for key, lines in groups.items()), key=_rank))


def _part(subject: str, category: str, status: str, lines: list[LedgerLine]) -> SummaryEntry:
    values = sum(one.values for one in lines)
    operations = tuple(dict.fromkeys(one.operation for one in lines))
    count = f"{values} values" if values > 1 else "1 value"
    count += f" in {len(operations)} operations" if len(operations) > 1 else ""
    about = f"{CATEGORIES[category]} of {SUBJECTS[subject]}"
    return SummaryEntry(
        subject=subject,
        category=category,
        status=status,
        severity=max((one.severity for one in lines), key=SEVERITIES.index),
        values=values,
        operations=operations,
        text=f"{about} ({', '.join(filter(None, (count, status)))})",
    )


def _rank(part: SummaryEntry) -> tuple[int, int, str]:
    return -SEVERITIES.index(part.severity), _ORDER.index(part.subject), part.category


def _status(line: LedgerLine) -> str:
    if not line.documented:
        return "undocumented"
    if "forbidden" in line.flags:
        return "forbidden"
    if UNDECLARED in line.flags:
        return "undeclared"
    if line.declared == INHERENT:
        return "inherent"
    return "" if line.declared in (NONE, EXEMPT) else "declared"


def listed(parts: Iterable[SummaryEntry]) -> str:
    """Return the whole as a list, a line for each part; empty if nothing was sent."""
    lines = [f"- {part.text}" for part in parts]
    return "\n".join(["Sent to Apple:", *lines]) if lines else ""
