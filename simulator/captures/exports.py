"""Our own exports that hold what was disclosed, but no requests.

These are HARs below level ``clear``, and jsonl. They can be evaluated anew, by any manifest, as
long as their values can be told apart: from level ``fingerprint`` on. What was received, what
connections told and whether values were new to Apple stands in none of them.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from simulator.captures.messages import (
    NO_CONNECTION,
    Advance,
    Entry,
    ExportedExchange,
    Invalid,
    InvalidEntryError,
)
from simulator.core.messages import Exchange, Request, Response
from simulator.core.settings import ConfigurationError
from simulator.core.timestamps import milliseconds
from simulator.disclosure.judge.manifest import FORBIDDEN, UNDECLARED, rendered
from simulator.disclosure.observe.records import Disclosure, ObservedRecord
from simulator.disclosure.report.lines import UNMATCHED

_LINE = 1_048_576
"""Bytes of the longest first line that is looked at to tell jsonl from other JSON."""
_OF_JUDGEMENT = (UNDECLARED, FORBIDDEN)
"""Flags that came from the manifest of the export."""


def is_jsonl(head: bytes) -> bool:
    """Tell whether a file that begins with *head* holds a disclosure in each line."""
    try:
        first = json.loads(head.partition(b"\n")[0])
    except ValueError:
        return False
    return isinstance(first, dict) and {"op", "exchange", "value"} <= first.keys()


def first_line(path: Path) -> bytes:
    """Return the first line of a file, or the start of one that is too long."""
    with path.open("rb") as file:
        return file.readline(_LINE)


def lines(path: Path, advance: Advance) -> Iterator[Entry]:
    """Yield the exchanges of a jsonl; those that disclosed nothing are not in it."""
    with path.open("rb") as file:
        rows = _rows(file, advance)
        for number, (_, group) in enumerate(groupby(rows, _exchange_of), 1):
            yield _whole(path, number, list(group))


def _rows(file: Any, advance: Advance) -> Iterator[Any]:
    for line in file:
        advance(len(line))
        try:
            yield json.loads(line)
        except ValueError:
            yield None


def _exchange_of(row: Any) -> Any:
    return row.get("exchange") if isinstance(row, dict) else None


def _whole(path: Path, number: int, rows: list[Any]) -> Entry:
    first = rows[0]
    if not isinstance(first, dict):
        return Invalid(number, "a line is no JSON object")
    try:
        exchange = _exchange(
            seq=first["exchange"],
            at=first["ts"],
            route=first["route"],
            service=first["service"],
            operation=first["op"],
            version=first["protocol"]["effective"],
            status=first["status"],
        )
        observed = [_record(path, row | row["value"]) for row in rows]
    except (InvalidEntryError, LookupError, TypeError, ValueError) as error:
        return Invalid(number, f"it is no disclosure as we export it ({error})")
    return ExportedExchange(exchange, observed)


def of_har(path: Path, entry: Mapping[str, Any]) -> ExportedExchange:
    """Return an entry of a HAR below level ``clear``; InvalidEntryError if it is none of ours."""
    try:
        exchange = _exchange(
            seq=entry["_exchange"],
            at=entry["startedDateTime"],
            route=entry["request"]["method"],
            service=entry["_service"],
            operation=entry["_operation"],
            version=entry["_version"],
            status=entry["response"]["status"],
        )
        return ExportedExchange(exchange, [_record(path, row) for row in entry["_disclosures"]])
    except (LookupError, TypeError, ValueError) as error:
        raise InvalidEntryError(f"it is no exchange as we export it ({error})") from None


def _exchange(
    *, seq: Any, at: str, route: str, service: str, operation: str, version: Any, status: Any
) -> Exchange:
    method, _, path = route.partition(" ")
    request = Request(method, path or "/", (), b"", "https", NO_CONNECTION)
    made = Exchange(
        milliseconds(at),
        request,
        seq=seq,
        service="" if service == UNMATCHED else service,
        operation="" if operation == UNMATCHED else operation,
        route=route,
        version=version or 0,
        response=Response(status),
    )
    return msgspec.convert(msgspec.to_builtins(made), Exchange)


def _record(path: Path, row: Mapping[str, Any]) -> ObservedRecord:
    if "fp" not in row:
        raise ConfigurationError(
            f"{path}: is an export whose values cannot be told apart: export it with --redact "
            "fingerprint, partial or clear"
        )
    flags = [one for one in row["flags"] if one not in _OF_JUDGEMENT]
    facts = {name: row[name] for name in Disclosure.__struct_fields__ if name in row}
    facts |= {
        "flags": flags,
        "documented": "undocumented" not in flags and row["shape"] != "opaque",
        "clear": row.get("clear"),
        "inherent": row["inherent"] or "",
    }
    one = msgspec.convert(facts, Disclosure)
    in_clear = row.get("level") == "clear" and row["shown"] != rendered(one)
    return one, row["shown"] if in_clear else None
