"""What exchanges can be narrowed by, as conditions of SQL."""

import re
from collections.abc import Mapping
from typing import Any

from simulator.store import search

_USUAL = 200
_STATUS = re.compile("0|[1-9][0-9]{0,2}")
INDEXES = (
    "CREATE INDEX IF NOT EXISTS exchange_status ON exchange (status) WHERE status <> 200",
    "CREATE INDEX IF NOT EXISTS exchange_error ON exchange (error) WHERE error <> ''",
    "CREATE INDEX IF NOT EXISTS exchange_words ON exchange (seq) WHERE rules <> ''",
    "CREATE INDEX IF NOT EXISTS exchange_organisation ON exchange (organisation)",
    "CREATE INDEX IF NOT EXISTS exchange_client ON exchange (client)",
    "CREATE INDEX IF NOT EXISTS exchange_service ON exchange (service)",
)
"""What finds the few among very many. Exchanges that went well are in the last three only."""
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
    "q": "(instr(lower(CAST(record AS TEXT)), :q) > 0"
    " OR instr(lower(route || ' ' || target || ' ' || status), :q) > 0"
    " OR instr(CAST(record AS TEXT), '\\') > 0 OR instr(target, '%') > 0 OR instr(target, '+') > 0"
    " OR instr(lower(CAST(record AS TEXT)), 'content-encoding') > 0)",
}
"""The condition of each filter.

That of a text leaves too many, such as all in which something is encoded:
`simulator.store.search` has the last word.
"""


def condition(match: Mapping[str, str] | None) -> tuple[str, dict[str, Any]]:
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
    # A sign before a column keeps SQLite from its index.
    sign = "+" if rare else ""
    terms = [f" AND {sign if name in _COMMON else ''}{MATCHES[name]}" for name in values]
    return "".join((*terms, *rare)), values
