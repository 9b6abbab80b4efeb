"""Which findings and disclosures belong to which field of an exchange."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Facts = Mapping[str, Any]
"""A finding or a disclosure, as the control API answers it."""


@dataclass(slots=True)
class Marks:
    """What was found at one field."""

    findings: list[Facts] = field(default_factory=list)
    disclosures: list[Facts] = field(default_factory=list)

    @property
    def category(self) -> str:
        """The category that colours the field: of its worst disclosure."""
        if not self.disclosures:
            return ""
        return str(max(self.disclosures, key=_severity)["category"])

    def __bool__(self) -> bool:
        return bool(self.findings or self.disclosures)


_ORDER = ("ok", "warn", "fail")
_HEADERS = {"header", "oauth1", "cookie"}
_CARRIER = {"oauth1": "authorization", "cookie": "cookie"}
"""Headers that parts of their own are read from."""


def _severity(one: Facts) -> int:
    return _ORDER.index(one["severity"])


@dataclass(slots=True)
class Placed:
    """Marks by place, of one exchange."""

    path: Marks = field(default_factory=Marks)
    query: dict[str, Marks] = field(default_factory=dict)
    headers: dict[str, Marks] = field(default_factory=dict)
    """By name, lower case."""
    body: dict[str, Marks] = field(default_factory=dict)
    """By JSON pointer."""
    connection: Marks = field(default_factory=Marks)
    elsewhere: Marks = field(default_factory=Marks)
    """What belongs to no field that is shown, such as a header that is missing."""


def place(
    findings: Iterable[Facts],
    disclosures: Iterable[Facts],
    *,
    query: Iterable[str],
    headers: Iterable[str],
    body: Iterable[str],
) -> Placed:
    """Sort *findings* and *disclosures* by the fields that are there to be shown."""
    placed = Placed(
        query={name: Marks() for name in query},
        headers={name.lower(): Marks() for name in headers},
        body={pointer: Marks() for pointer in body},
    )
    for one in findings:
        _marks(placed, one).findings.append(one)
    for one in disclosures:
        _marks(placed, one).disclosures.append(one)
    return placed


def _marks(placed: Placed, one: Facts) -> Marks:
    part, at = one["part"], one["at"]
    if part == "path":
        return placed.path
    if part in ("tls", "connection"):
        return placed.connection
    if part == "query":
        return placed.query.get(at, placed.elsewhere)
    if part in _HEADERS:
        return placed.headers.get(_CARRIER.get(part, at.lower()), placed.elsewhere)
    # What a decoder found inside a value stands below that value's place, or in its query.
    while at and at not in placed.body:
        if at.partition("?")[0] in placed.body:
            at = at.partition("?")[0]
            break
        at = at.rpartition("/")[0]
    return placed.body.get(at, placed.elsewhere)


def by_category(disclosures: Iterable[Facts]) -> list[tuple[str, list[Facts]]]:
    """Return disclosures by category: those that are worst, then those that are many, first."""
    groups: dict[str, list[Facts]] = {}
    for one in disclosures:
        groups.setdefault(one["category"], []).append(one)
    return sorted(
        groups.items(),
        key=lambda pair: (pair[0] == "protocol", -max(map(_severity, pair[1])), -len(pair[1])),
    )


def severities(disclosures: Iterable[Facts]) -> Counter[str]:
    """Return how many disclosures there are of each severity."""
    return Counter(one["severity"] for one in disclosures)
