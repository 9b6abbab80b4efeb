"""Receiving: what an answer told the client, by the rows of the answer.

Answers hold thousands of devices, so this walk keeps no record per value: it
sorts values by place.
"""

from collections.abc import Mapping
from typing import Any

from simulator.disclosure.observe.plans import Row

Found = dict[str, tuple[Row, list[Any]]]
"""Values by generic place, with the row of the place."""


def collect(node: Mapping[str, Any], rows: Mapping[str, Row], pointer: str, values: Found) -> None:
    """Sort the values in one object of an answer into *values*; what has no row is left out."""
    for name, value in node.items():
        row = rows.get(name)
        if row is not None:
            _into(value, row, f"{pointer}/{name}", values)


def _into(value: Any, row: Row, place: str, found: Found) -> None:
    if row.kind == "table" and isinstance(value, dict):
        _values(found, f"{place}/*", row).extend(value)
        plain = row.inner.get("")
        if plain is not None:
            _values(found, f"{place}/*/{plain.name}", plain).extend(value.values())
            return
        for item in value.values():
            if isinstance(item, dict):
                collect(item, row.inner, f"{place}/*", found)
    elif isinstance(value, list):
        for item in value:
            if row.inner and isinstance(item, dict):
                collect(item, row.inner, f"{place}/*", found)
            elif not row.inner:
                _values(found, f"{place}/*", row).append(item)
    elif isinstance(value, dict):
        collect(value, row.inner, place, found)
    else:
        _values(found, place, row).append(value)


def _values(found: Found, place: str, row: Row) -> list[Any]:
    entry = found.get(place)
    if entry is None:
        entry = found[place] = (row, [])
    return entry[1]
