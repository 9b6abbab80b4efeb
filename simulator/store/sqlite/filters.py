"""What exchanges can be narrowed by, as conditions of SQL."""

from collections.abc import Mapping
from typing import Any

from simulator.store import search

MATCHES = {
    "service": "service = :service",
    "operation": "operation = :operation",
    "organisation": "organisation = :organisation",
    "client": "client = :client",
    "session": "instr(rules, ' session:' || :session || ' ') > 0",
    "fault": "instr(rules, ' fault:' || :fault || ' ') > 0",
    "error": "error = :error",
    "status": "CAST(status AS TEXT) = :status",
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
    return "".join(f" AND {MATCHES[name]}" for name in values), values
