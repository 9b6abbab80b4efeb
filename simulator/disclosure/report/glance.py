"""The answer at a glance: one structure, which text, HTML and the console render.

`Glance` is built once, by `Report.build`, and stands in a report's JSON as ``glance``::

    {"sentence": "Sent to Apple: serial numbers of 25 devices (declared), …",
     "phrases": [{"text", "status", "severity", "part"}],      # the sentence, in pieces to link
     "chapters": [{"key", "title", "about", "severity",        # people, devices, organisation, …
                   "parts": [{"id", "subject", "concept", "name", "status", "severity", …}]}]}

- ``phrases``: each names the ``part`` (its ``id``) that it links to.
- ``chapters``: by data subject in the order of `CHAPTERS`; those that nothing was sent of are
  left out. Protocol plumbing is in none.
- ``parts``: one concept with one status; failures first. ``places`` says where it was sent, an
  operation and place each, ``evidence`` the numbers of the first exchanges, ``text`` all in one:
  ``proxy's client address of the MDM server (x-forwarded-for, in 6 operations, undocumented)``.

Texts are in the language that the report was built in. ``status`` is a key of `STATUSES`.
The flat ``summary`` of the JSON holds the same parts, failures first.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from simulator.disclosure.concepts import PROTOCOL, UNKNOWN
from simulator.disclosure.judge.inherent import INHERENT
from simulator.disclosure.judge.manifest import EXEMPT, NONE, SEVERITIES, UNDECLARED
from simulator.disclosure.report.firsts import Firsts, together
from simulator.disclosure.report.groups import EVIDENCE
from simulator.disclosure.report.layout import printable
from simulator.disclosure.report.lines import LedgerLine
from simulator.disclosure.report.words import Words

CHAPTERS: Mapping[str, tuple[str, ...]] = {
    "people": ("pupil", "staff", "user", "administrator"),
    "devices": ("device",),
    "organisation": ("organisation",),
    "server": ("mdm-server",),
    "unknown": ("unknown", "none"),
}
"""SummaryChapter -> the data subjects that it is about, in order."""
STATUSES = (
    "forbidden",
    "misplaced",
    "undocumented",
    "undeclared",
    "odd",
    "declared",
    "documented",
    "inherent",
    "empty",
)
"""How a part was judged, worst first."""
_SUBJECTS = [subject for subjects in CHAPTERS.values() for subject in subjects]
_NAMELESS = frozenset((UNKNOWN, "net.forwarded", "net.trace", "net.baggage"))
"""Concepts that say too little: their values are told apart by the name of their field."""
_NAMED = 8
"""Phrases of the sentence; failures are named however many there are, up to `_FAILING`."""
_FAILING = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryPlace:
    """One operation and place that a value was sent to."""

    line: str
    """Id of the report's line about it: `LedgerLine.id`."""
    operation: str
    recipient: str
    place: str
    """``header user-agent``, ``body /devices/*``."""
    requests: int
    values: int
    flags: tuple[str, ...]
    severity: str
    example: str
    evidence: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryEntry:
    """What was sent of one concept, judged one way."""

    id: str
    """Sixteen hex digits that name it, whatever the run."""
    subject: str
    category: str
    concept: str
    name: str
    """The concept, or the field if its concept is unknown, in words."""
    status: str
    severity: str
    """Of its worst line: ``ok``, ``warn`` or ``fail``."""
    values: int
    """How many different ones, over all fields."""
    requests: int
    """Requests that held one, added up over the operations."""
    operations: tuple[str, ...]
    places: tuple[SummaryPlace, ...]
    """Worst first."""
    flags: tuple[str, ...]
    claims: tuple[str, ...]
    """Ids of the claims that cover it."""
    example: str
    evidence: tuple[int, ...]
    text: str
    """It as a part of a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryPhrase:
    """A piece of the sentence."""

    text: str
    status: str
    severity: str
    part: str
    """Id of the part that it is about, or the first of those; empty for how many more there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryChapter:
    """What was sent about one kind of data subject."""

    key: str
    title: str
    about: str
    severity: str
    """Of its worst part."""
    parts: tuple[SummaryEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """The sentence and the chapters."""

    sentence: str
    phrases: tuple[SummaryPhrase, ...]
    chapters: tuple[SummaryChapter, ...]

    @classmethod
    def build(
        cls, sent: Iterable[LedgerLine], values: Mapping[str, Firsts], words: Words
    ) -> "Glance":
        """Add up *sent* lines. *values*: the different values of each line, by its id."""
        parts = _parts(sent, values, words)
        chapters = []
        for key, subjects in CHAPTERS.items():
            if found := sorted((one for one in parts if one.subject in subjects), key=_rank):
                chapters.append(
                    SummaryChapter(
                        key=key,
                        title=words.text(key, "chapter"),
                        about=words.text(key, "about"),
                        severity=found[0].severity,
                        parts=tuple(found),
                    )
                )
        phrases = _phrases([part for chapter in chapters for part in chapter.parts], words)
        start = words.text("sent-to-apple")
        whole = f"{start}: {', '.join(one.text for one in phrases)}."
        return cls(
            sentence=whole if phrases else words.text("nothing-sent"),
            phrases=tuple(phrases),
            chapters=tuple(chapters),
        )

    @property
    def parts(self) -> tuple[SummaryEntry, ...]:
        """All parts: failures first, then people before devices."""
        return tuple(sorted((one for each in self.chapters for one in each.parts), key=_rank))


def status_of(line: LedgerLine) -> str:
    """Return how a line was judged: one of `STATUSES`."""
    flags = set(line.flags)
    for status, reasons in (
        ("forbidden", {"forbidden"}),
        ("misplaced", {"misplaced", "misplaced-credential"}),
        ("undocumented", {"undocumented"}),
        (UNDECLARED, {UNDECLARED}),
    ):
        if flags & reasons:
            return status
    if line.severity != "ok":
        return "odd"
    if line.declared == INHERENT:
        return INHERENT
    return "documented" if line.declared in (NONE, EXEMPT) else "declared"


def _parts(
    sent: Iterable[LedgerLine], values: Mapping[str, Firsts], words: Words
) -> list[SummaryEntry]:
    groups: dict[tuple[str, str, str, str], list[LedgerLine]] = {}
    for line in sent:
        if line.category != PROTOCOL:
            field = printable(line.field) if line.concept in _NAMELESS else ""
            status = status_of(line) if values[line.id] or line.severity != "ok" else "empty"
            groups.setdefault((line.subject, line.concept, field, status), []).append(line)
    return [_part(key, lines, values, words) for key, lines in groups.items()]


def _part(
    key: tuple[str, str, str, str],
    lines: Sequence[LedgerLine],
    values: Mapping[str, Firsts],
    words: Words,
) -> SummaryEntry:
    subject, concept, field, status = key
    worst = max(lines, key=lambda one: SEVERITIES.index(one.severity))
    count = together([values[one.id] for one in lines])
    operations: Counter[str] = Counter()
    for one in lines:
        operations[one.operation] = max(operations[one.operation], one.requests)
    # A field that nobody documents is all that there is to say; others are beside their meaning.
    about, several = words.about(field if concept == UNKNOWN else "", concept, count)
    beside = "" if concept == UNKNOWN else field
    inside = words.count("operation", len(operations)) if len(operations) > 1 else ""
    notes = [one for one in (beside, several, inside, words.text(status, "status")) if one]
    return SummaryEntry(
        id=hashlib.sha256("\x1f".join(key).encode("utf-8", "surrogatepass")).hexdigest()[:16],
        subject=subject,
        category=worst.category,
        concept=concept,
        name=_name(concept, field, words),
        status=status,
        severity=worst.severity,
        values=count,
        requests=sum(operations.values()),
        operations=tuple(operations),
        places=tuple(_place(one) for one in lines),
        flags=tuple(dict.fromkeys(flag for one in lines for flag in one.flags)),
        claims=tuple(
            dict.fromkeys(
                one.declared for one in lines if one.declared not in (NONE, EXEMPT, INHERENT)
            )
        ),
        example=worst.example,
        evidence=tuple(sorted({seq for one in lines for seq in one.evidence})[:EVIDENCE]),
        text=f"{about} ({', '.join(notes)})",
    )


def _name(concept: str, field: str, words: Words) -> str:
    if concept == UNKNOWN:
        return field or words.whole(concept)
    return f"{words.whole(concept)}: {field}" if field else words.whole(concept)


def _place(line: LedgerLine) -> SummaryPlace:
    return SummaryPlace(
        line=line.id,
        operation=line.operation,
        recipient=line.recipient,
        place=printable(f"{line.part} {line.place}"),
        requests=line.requests,
        values=line.values,
        flags=line.flags,
        severity=line.severity,
        example=line.example,
        evidence=line.evidence,
    )


def _rank(part: SummaryEntry) -> tuple[int, int, int, str, str]:
    return (
        -SEVERITIES.index(part.severity),
        _SUBJECTS.index(part.subject),
        STATUSES.index(part.status),
        part.concept,
        part.name,
    )


def _phrases(parts: Sequence[SummaryEntry], words: Words) -> list[SummaryPhrase]:
    """Return the sentence's pieces: what fails, then the first of the others, then how many more.

    They stand in the order of the chapters. What the protocol demands is only counted, and what
    was empty left out, unless nothing else was sent.
    """
    told = [one for one in parts if one.status not in (INHERENT, "empty")] or parts
    failing = [one for one in told if one.severity != "ok"][:_FAILING]
    room = max(_NAMED - len(failing), 0)
    shown = {one.id for one in failing}
    shown |= {one.id for one in [part for part in told if part.severity == "ok"][:room]}
    phrases = [
        SummaryPhrase(text=one.text, status=one.status, severity=one.severity, part=one.id)
        for one in told
        if one.id in shown
    ]
    if more := [one for one in told if one.id not in shown]:
        worst = max((one.severity for one in more), key=SEVERITIES.index)
        text = words.text("and-more", n=len(more))
        phrases.append(SummaryPhrase(text=text, status="", severity=worst, part=""))
    demanded = [one for one in parts if one.status == INHERENT and one not in told]
    if demanded:
        text = words.text("and-inherent", n=len(demanded))
        first = demanded[0].id
        phrases.append(SummaryPhrase(text=text, status=INHERENT, severity="ok", part=first))
    return phrases
