"""What exchanges can be narrowed by, as conditions of SQL."""

import re
from collections.abc import Mapping
from typing import Any

from simulator.store import search
from simulator.store.sql.connection import Dialect

_USUAL = 200
_STATUS = re.compile("0|[1-9][0-9]{0,2}")
_COMMON = ("client", "operation", "organisation", "service")
"""Filters that may leave most exchanges: they are no help where another one leaves few."""
MATCHES = {
    "service": "service = :service",
    "operation": "operation = :operation",
    "organisation": "organisation = :organisation",
    "client": "client = :client",
    "session": "instr(rules, ' session:' || :session || ' ') > 0",
    "fault": "instr(rules, ' fault:' || :fault || ' ') > 0",
    "error": "error = :error",
    "status": "status = :status",
    "finding": "instr(rules, ' ' || :finding || ' ') > 0",
    "q": "(instr(lower({record}), :q) > 0"
    " OR instr(lower(route || ' ' || target || ' ' || status), :q) > 0"
    " OR instr({record}, {backslash}) > 0 OR instr(target, '%') > 0 OR instr(target, '+') > 0"
    " OR instr(lower({record}), 'content-encoding') > 0)",
}
"""The condition of each filter.

That of a text leaves too many, such as all in which something is encoded:
`simulator.store.search` has the last word.
"""


def condition(match: Mapping[str, str] | None, dialect: Dialect) -> tuple[str, dict[str, Any]]:
    """Return the conditions for *match*, and the values that they name; ValueError if unknown."""
    values: dict[str, Any] = dict(match or {})
    unknown = sorted(set(values) - set(MATCHES))
    if unknown:
        raise ValueError(f"exchanges cannot be matched by {', '.join(unknown)}")
    if "q" in values:
        values["q"] = search.needle(values["q"])
    rare = []
    if "status" in values:
        text = str(values["status"])
        values["status"] = int(text) if _STATUS.fullmatch(text) else -1
        if values["status"] != _USUAL:
            rare.append(" AND status <> 200")
    if values.get("error"):
        rare.append(" AND error <> ''")
    if values.keys() & {"session", "fault", "finding"}:
        rare.append(" AND rules <> ''")
    sign = dialect.unindexed if rare else ""
    terms = [f" AND {sign if name in _COMMON else ''}{MATCHES[name]}" for name in values]
    for place, text in (("{record}", dialect.record_text), ("{backslash}", dialect.backslash)):
        terms = [term.replace(place, text) for term in terms]
    return "".join((*terms, *rare)), values
