"""The difference between two runs, in few enough lines for a pull request."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from simulator.core.settings import ConfigurationError
from simulator.disclosure.concepts import CONCEPTS, UNKNOWN
from simulator.disclosure.judge.gate import NEVER, OF_CLAIMS, THRESHOLDS, reaches, thresholds
from simulator.disclosure.judge.lock import DisclosureLock, LockEntry
from simulator.disclosure.judge.manifest import severity_of
from simulator.disclosure.report.layout import printable
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.fields import span, walk

SHOWN = 60
"""Lines that are written; the others are counted."""
ANY, ADDED = "any", "added"
DIFFERENCES: Mapping[str, str] = {
    ANY: "any difference",
    ADDED: "something more is sent or received",
    **{name: about for name, about in THRESHOLDS.items() if name not in OF_CLAIMS},
}
"""What ``--fail-on`` of ``mdmsim diff`` takes; thresholds of a report look at what is new."""
_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference."""

    how: str
    """``added``, ``removed`` or ``changed``."""
    kind: str
    """``sent``, ``received`` or ``version``."""
    about: str
    severity: str = "ok"
    flags: tuple[str, ...] = ()

    def __str__(self) -> str:
        return printable(f"{_SIGNS[self.how]} {self.kind} {self.about}")


def compare(old: DisclosureLock, new: DisclosureLock, catalogue: Catalogue) -> list[Difference]:
    """Return what differs: protocol versions first, then what is sent, then what is received."""
    changes = list(_versions(old, new, catalogue))
    for kind in ("sent", "received"):
        keys = [key for key in sorted({*old.entries, *new.entries}) if key[0] == kind]
        for key in keys:
            before, after = old.entries.get(key), new.entries.get(key)
            if before != after:
                changes.append(_change(before, after))
    return changes


def _change(before: LockEntry | None, after: LockEntry | None) -> Difference:
    entry = after or before
    if entry is None:
        raise ValueError("a change is of something")
    service, operation, part, place, *_, concept = entry.words
    about = f"{operation if operation.startswith(service) else f'{service} {operation}'} {place}"
    if part != "body":
        about = about.replace(f" {place}", f" {part} {place}")
    about += f" ({concept})"
    flags = tuple(filter(None, entry.fact("flags").split(",")))
    category = CONCEPTS.get(concept, CONCEPTS[UNKNOWN]).category
    severity = severity_of(flags, category) if entry.kind == "sent" else "ok"
    if before is None or after is None:
        facts = _facts(entry)
        how = "added" if before is None else "removed"
        return Difference(how, entry.kind, f"{about}{facts}", severity, flags)
    changed = [
        f"{name} {before.fact(name) or 'none'} -> {value or 'none'}"
        for name, value in after.facts
        if value != before.fact(name)
    ]
    return Difference("changed", entry.kind, f"{about}: {', '.join(changed)}", severity, flags)


def _facts(entry: LockEntry) -> str:
    if entry.kind == "received":
        return f", since version {entry.fact('since')}"
    claim, flags = entry.fact("claim"), entry.fact("flags")
    known = "exempt" if claim == "exempt" else f"claim {claim}"
    return f": {flags or known}" if claim == "none" else f": {known}{flags and f', {flags}'}"


def _versions(
    old: DisclosureLock, new: DisclosureLock, catalogue: Catalogue
) -> Iterator[Difference]:
    """Yield a line per change of protocol versions, with what Apple may answer more."""
    before, after = old.versions(), new.versions()
    changed: dict[tuple[str, tuple[int, ...], tuple[int, ...]], list[str]] = {}
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name]:
            service = name.partition(".")[0]
            changed.setdefault((service, before[name], after[name]), []).append(name)
    for (service, low, high), names in changed.items():
        about = f"{service} protocol {_numbers(low)} -> {_numbers(high)} in {', '.join(names)}"
        if more := list(_more(low[-1], high[-1], names, catalogue)):
            about += f": Apple may answer {len(more)} more fields: {', '.join(more)}"
        yield Difference("changed", "version", about, "warn" if more else "ok")


def _numbers(versions: Sequence[int]) -> str:
    return ",".join(map(str, versions))


def _more(low: int, high: int, names: Iterable[str], catalogue: Catalogue) -> Iterator[str]:
    """Yield the fields of answers that version *low* does not get and *high* gets."""
    seen: set[str] = set()
    for name in names:
        operation = catalogue.operations.get(name)
        for row in walk(operation.response if operation else ()):
            first, last = span(row.versions)
            if low < first <= high <= last and row.name not in seen:
                seen.add(row.name)
                yield row.name


def exit_code(changes: Sequence[Difference], fail_on: str) -> int:
    """Return 1 if a change reaches *fail_on*, else 0; ConfigurationError if there is no such."""
    words = [word.strip() for word in fail_on.split(",") if word.strip()]
    others = [word for word in words if word not in (ANY, ADDED)]
    if not words or OF_CLAIMS.keys() & words:
        raise ConfigurationError(f"--fail-on: name one of {', '.join(DIFFERENCES)}")
    if others:
        thresholds(",".join(others))
    if NEVER in words:
        return 0
    if ANY in words and changes:
        return 1
    more = [one for one in changes if one.how == "added" or one.kind == "version"]
    if ADDED in words and more:
        return 1
    fresh = [one for one in changes if one.how != "removed"]
    return int(any(reaches(one.severity, one.flags, others) for one in fresh))


def _summary(changes: Sequence[Difference]) -> str:
    if not changes:
        return "disclosures: no difference"
    counts = [(how, sum(one.how == how for one in changes)) for how in _SIGNS]
    return "disclosures: " + ", ".join(f"{count} {how}" for how, count in counts if count)


def to_text(changes: Sequence[Difference]) -> str:
    """Return a line per change."""
    lines = [_summary(changes), *map(str, changes[:SHOWN])]
    if len(changes) > SHOWN:
        lines.append(f"and {len(changes) - SHOWN} more")
    return "\n".join(lines) + "\n"


def to_markdown(changes: Sequence[Difference]) -> str:
    """Return the same for a comment on a pull request."""
    heading, *lines = to_text(changes).splitlines()
    block = ["", "```diff", *(line.replace("```", "'''") for line in lines), "```"] if lines else []
    return "\n".join((f"**{heading}**", *block)) + "\n"


def to_json(changes: Sequence[Difference]) -> str:
    """Return all changes as JSON."""
    return json.dumps([asdict(one) for one in changes], indent=1, ensure_ascii=False) + "\n"


FORMATS: Mapping[str, Callable[[Sequence[Difference]], str]] = {
    "text": to_text,
    "markdown": to_markdown,
    "json": to_json,
}
