"""Patterns of recorded exchanges: does one match, and if not, by what does it miss."""

import math
from collections.abc import Iterator, Mapping, Sequence
from time import monotonic
from typing import Any

from msgspec import Struct

from simulator.control.parts import Parts, bad
from simulator.core.messages import Exchange
from simulator.core.state import Body
from simulator.disclosure.redact.markers import parse_body_marker
from simulator.faults.matching import PLACES, Condition, check_names, conditions, found_at
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.wire import parse_json, query_pairs
from simulator.store import search

FILTERS = (
    "service",
    "operation",
    "organisation",
    "client",
    "session",
    "status",
    "error",
    "finding",
    "fault",
    "q",
)
"""What the list of exchanges can be narrowed by."""
KEYS = (*FILTERS, *PLACES)
BATCH = 500
FEW = 50
"""Exchanges that are compared at a time: few, as others wait for the interpreter meanwhile."""
WINDOW = 20_000
"""Exchanges among which is looked at a time; in between it is asked whether there is time left."""
LOOKED_AT = 2000
"""Newest exchanges among which the nearest miss is looked for."""


class Pattern(Struct, frozen=True):
    """What is wanted of an exchange."""

    filters: Mapping[str, str]
    fields: tuple[Condition, ...]

    def words(self) -> str:
        """Return what is wanted, in words."""
        words = [f"{name} {value!r}" for name, value in self.filters.items()]
        words += [f"{one.at} {one.says()}" for one in self.fields]
        return ", ".join(words) or "anything"


def pattern(catalogue: Catalogue, match: Mapping[str, Any]) -> Pattern:
    """Return the pattern that *match* describes; a problem names what is wrong in it."""
    if unknown := set(match) - set(KEYS):
        raise bad(f"match.{min(unknown)} is not known: there are {', '.join(KEYS)}")
    filters = {}
    for name in FILTERS:
        value = match.get(name)
        if value is None:
            continue
        whole = name in ("status", "fault") and isinstance(value, int)
        if isinstance(value, bool) or not (whole or isinstance(value, str)):
            raise bad(f"match.{name} must be a text")
        filters[name] = str(value)
    for name, known in (("service", catalogue.services), ("operation", catalogue.operations)):
        if name in filters and filters[name] not in known:
            raise bad(f"match.{name} {filters[name]!r} is not known: there are {', '.join(known)}")
    operations = [
        one
        for one in catalogue.operations.values()
        if filters.get("operation", one.name) == one.name
        and filters.get("service", one.service) == one.service
    ]
    try:
        fields = conditions(match)
        check_names(catalogue, fields, operations)
    except ValueError as error:
        raise bad(str(error)) from None
    return Pattern(filters, fields)


def compared(parts: Parts, pattern: Pattern, exchange: Exchange) -> Iterator[Body]:
    """Yield for everything that the pattern wants what it is, and whether that holds."""
    facts = _facts(exchange)
    for name, value in pattern.filters.items():
        found = facts[name]
        if name == "q":
            holds = search.holds(exchange, value)
        else:
            holds = value == found if isinstance(found, str) else value in found
        yield {"at": name, "wanted": value, "found": found, "holds": holds}
    if not pattern.fields:
        return
    path = parts.catalogue.match(exchange.request).path
    pairs, tree = query_pairs(exchange.request.target), _tree(exchange)
    for field in pattern.fields:
        values = found_at(field, exchange.request, tree, pairs, path)
        shown = {"at": field.at, "wanted": field.says(), "found": values}
        yield shown | {"holds": field.holds(values)}


def _facts(exchange: Exchange) -> dict[str, Any]:
    return {
        "service": exchange.service,
        "operation": exchange.operation,
        "organisation": exchange.organisation,
        "client": exchange.client,
        "session": exchange.session,
        "status": str(exchange.response.status),
        "error": exchange.error,
        "finding": [finding.rule for finding in exchange.findings],
        "fault": [touch.fault for touch in exchange.faults],
        "q": f"{exchange.route} {exchange.request.method} {exchange.request.target}",
    }


def _tree(exchange: Exchange) -> Any:
    body = exchange.request.body
    if not body or parse_body_marker(body) is not None:
        return None
    try:
        return parse_json(body)
    except ValueError:
        return None


def matching(
    parts: Parts, pattern: Pattern, after: int, most: int, until: float = math.inf
) -> tuple[list[Exchange], int]:
    """Return up to *most* matching exchanges after *after*, and the number that was looked up to.

    It looks no further once `time.monotonic` is past *until*. Reads the journal: not for the
    event loop.
    """
    found: list[Exchange] = []
    last = parts.journal.last()
    while after < last:
        through = min(after + WINDOW, last)
        batch = parts.journal.read(after, FEW, pattern.filters, through)
        for exchange in batch:
            if all(each["holds"] for each in compared(parts, pattern, exchange)):
                found.append(exchange)
                if len(found) == most:
                    return found, exchange.seq
        after = batch[-1].seq if len(batch) == FEW else through
        if monotonic() > until:
            break
    return found, after


def count(parts: Parts, pattern: Pattern, after: int) -> int:
    """Return how many exchanges match. Reads the journal: not for the event loop."""
    if not pattern.fields and not after:
        return parts.journal.count(pattern.filters)
    total = 0
    while True:
        found, after = matching(parts, pattern, after, BATCH)
        total += len(found)
        if len(found) < BATCH:
            return total


def nearest(parts: Parts, pattern: Pattern, after: int, until: float = math.inf) -> Body | None:
    """Return the exchange that misses the pattern by the least, and by what; None if there is none.

    Of several the newest counts. It looks no further once `time.monotonic` is past *until*.
    """
    best, score = None, -1
    before = parts.journal.last() + 1
    oldest = max(after, before - 1 - LOOKED_AT)
    while before > oldest + 1 and (batch := parts.journal.newest(before, FEW)):
        before = batch[-1].seq
        for exchange in batch:
            fields = list(compared(parts, pattern, exchange))
            holding = sum(each["holds"] for each in fields)
            if exchange.seq > oldest and score < holding < len(fields):
                best, score = (exchange, fields), holding
        if monotonic() > until:
            break
    if best is None:
        return None
    exchange, fields = best
    route = exchange.route or f"{exchange.request.method} {exchange.request.target}"
    misses = [each for each in fields if not each["holds"]]
    return {
        "seq": exchange.seq,
        "route": route,
        "status": exchange.response.status,
        "fields": fields,
        "because": [_because(each) for each in misses],
    }


def _because(miss: Body) -> str:
    found = miss["found"]
    was = "is absent" if found in ([], "", None) else f"is {_short(found)}"
    return f"{miss['at']} {was}, wanted {miss['wanted']}"


def _short(found: str | Sequence[Any]) -> str:
    if isinstance(found, str):
        return repr(found)
    shown = ", ".join(repr(one) for one in found[:5])
    return shown if len(found) <= 5 else f"{shown} and {len(found) - 5} more"  # noqa: PLR2004 (a few)


def describe(miss: Body | None) -> str:
    """Return the nearest miss as the end of a sentence."""
    if miss is None:
        return "nothing was asked that comes near"
    why = "; ".join(miss["because"])
    return f"the nearest miss is exchange {miss['seq']}, {miss['route']}: {why}"
