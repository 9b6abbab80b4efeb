"""Matching values inside messages: which stand where, and are they the wanted ones.

One small language for faults, waiting and verifying::

    {"query": {"profile_uuid": "0A1B"}, "header": {"user-agent": {"contains": "fleet"}},
     "body": {"devices": "SN1", "limit": {"present": false}}}

A plain value has to stand there, be it as one item of an array. Dots lead into
objects: ``assets.adamId``. Secrets stand in the journal as fingerprints.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from simulator.core.messages import Request
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.fields import Field, Table
from simulator.protocol.operations import Operation
from simulator.protocol.wire import QueryPair

PLACES = ("path", "query", "header", "body")
TESTS = ("equals", "contains", "present")


class Condition(Struct, frozen=True):
    """One value that is wanted."""

    place: str
    name: str
    test: str
    """``equals``, ``contains`` (as text) or ``present``."""
    value: Any

    @property
    def at(self) -> str:
        """Where it is wanted, such as ``body.devices``."""
        return f"{self.place}.{self.name}"

    def says(self) -> str:
        """Return what is wanted, in words."""
        if self.test == "present":
            return "to be there" if self.value else "to be absent"
        return f"{'to contain ' if self.test == 'contains' else ''}{self.value!r}"

    def holds(self, values: list[Any]) -> bool:
        """Tell whether one of the *values* at its place is as wanted."""
        if self.test == "present":
            return bool(values) is self.value
        if self.test == "contains":
            return any(self.value in str(one) for one in values)
        return any(_same(self.value, one) for one in values)


def _same(expected: Any, found: Any) -> bool:
    """Compare as JSON does, but let texts of queries and headers be numbers."""
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(found, str) and isinstance(expected, int | float):
        return str(expected) == found
    return bool(expected == found)


def conditions(match: Mapping[str, Any]) -> tuple[Condition, ...]:
    """Return what *match* wants of values; ValueError says what cannot be understood."""
    found = []
    for place in PLACES:
        named = match.get(place, {})
        if not isinstance(named, Mapping):
            raise ValueError(f"match.{place} must be an object of names and values")  # noqa: TRY004 (it is the caller's text)
        found += [_wanted(place, name, value) for name, value in named.items()]
    return tuple(found)


def _wanted(place: str, name: str, value: Any) -> Condition:
    name = name.lower() if place == "header" else name
    at = f"match.{place}.{name}"
    if isinstance(value, list):
        raise ValueError(f"{at} must be one value, which one item of an array has to be")  # noqa: TRY004 (what was sent is wrong)
    if not isinstance(value, Mapping):
        return Condition(place, name, "equals", value)
    if len(value) != 1 or next(iter(value)) not in TESTS:
        raise ValueError(f"{at} must be a value or an object with one of {', '.join(TESTS)}")
    test, argument = next(iter(value.items()))
    right: Any = {"equals": object, "contains": str, "present": bool}[test]
    if not isinstance(argument, right):
        kind = "true or false" if test == "present" else "a text"
        raise ValueError(f"{at}.{test} must be {kind}")  # noqa: TRY004 (what was sent is wrong)
    return Condition(place, name, test, argument)


def found_at(
    condition: Condition,
    request: Request,
    tree: Any,
    pairs: Iterable[QueryPair],
    path: Mapping[str, str],
) -> list[Any]:
    """Return the values at the place of *condition* in a request: none, one, or each item's."""
    if condition.place == "header":
        return [value for name, value in request.headers if name.lower() == condition.name]
    if condition.place == "query":
        return [pair.value for pair in pairs if pair.name == condition.name]
    if condition.place == "path":
        return [path[condition.name]] if condition.name in path else []
    return list(_inside(tree, condition.name.split(".")))


def _inside(node: Any, names: list[str]) -> Iterator[Any]:
    if isinstance(node, list):
        for item in node:
            yield from _inside(item, names)
    elif not names:
        yield node
    elif isinstance(node, dict) and names[0] in node:
        yield from _inside(node[names[0]], names[1:])


def check_names(
    catalogue: Catalogue, fields: Iterable[Condition], operations: Iterable[Operation]
) -> None:
    """Raise ValueError if one of *fields* stands in none of *operations*, and name those that do.

    Any header may be sent, so any may be matched.
    """
    known = [row for operation in operations for row in catalogue.rows(operation)]
    for one in fields:
        if one.place == "header":
            continue
        rows = [row for row in known if row.place == one.place]
        if not any(_leads(row, one.name.split(".")) for row in rows):
            names = sorted({row.name for row in rows})
            raise ValueError(
                f"match.{one.at} does not exist: the {one.place} has "
                f"{', '.join(names) if names else 'no fields'}"
            )


def _leads(row: Field, names: list[str]) -> bool:
    """Tell whether *names* lead to a field that *row* knows."""
    if row.name != names[0]:
        return False
    if len(names) == 1 or isinstance(row, Table):
        return True
    inner = (row.parts() or {}).get(names[1])
    return inner is not None and _leads(inner, names[1:])
