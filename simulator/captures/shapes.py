"""The shape of a JSON body: which type of value stands where; and how two shapes differ.

A place is a JSON pointer with ``*`` for the index of a list, and for keys that are data.
Types are those of JSON, texts in a well-known form are told apart: ``text:date``.
"""

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from msgspec import Struct

from simulator.disclosure.observe.inner import step
from simulator.protocol.wire import parse_json

Shape = Mapping[str, AbstractSet[str]]
_FORMS = (
    ("uuid", re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")),
    ("hex32", re.compile(r"[0-9a-fA-F]{32}")),
    ("hex64", re.compile(r"[0-9a-fA-F]{64}")),
    ("time", re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")),
    ("time+0000", re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+0000")),
    ("date", re.compile(r"\d{4}-\d\d-\d\d")),
)
"""Forms that no value has by chance."""


class ShapeDifference(Struct, frozen=True):
    """One way in which a response differs from the captured one."""

    how: str
    """``missing``, ``extra``, ``type`` or ``status``."""
    at: str
    """The place; empty for the response as a whole."""
    about: str = ""
    """What is there, or was and is."""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.how, self.at, self.about)))


def shape_of(body: bytes, keyed: AbstractSet[str] = frozenset()) -> Shape:
    """Return the shape of a body; of one that is no JSON, its one type.

    *keyed* holds the places of objects whose keys are data.
    """
    if not body:
        return {"": frozenset(("empty body",))}
    try:
        tree = parse_json(body)
    except ValueError:
        return {"": frozenset(("no JSON",))}
    found: dict[str, set[str]] = {}
    for place, node in nodes(tree, keyed):
        is_open = node == {} and place in keyed
        found.setdefault(place, set()).add("empty object" if is_open else _kind(node))
    return found


def nodes(node: Any, keyed: AbstractSet[str], place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value of a tree, objects and lists included, with its place."""
    yield place, node
    if isinstance(node, dict):
        for key, value in node.items():
            below = f"{place}/*" if place in keyed else place + step(key)
            yield from nodes(value, keyed, below)
    elif isinstance(node, list):
        for item in node:
            yield from nodes(item, keyed, f"{place}/*")


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            form = next((name for name, form in _FORMS if form.fullmatch(value)), "")
            return f"text:{form}" if form else "text"
        case list():
            return "list" if value else "empty list"
        case _:
            return "object"


def differences(captured: Shape, ours: Shape) -> Iterator[ShapeDifference]:
    """Yield how *ours* differs: what is missing, extra, or of another type, in order of places.

    Nothing is said of what stands below null, an empty list, or an empty object whose keys are
    data, of either side; nor below what is of another type.
    """
    for place in sorted({*captured, *ours}):
        before, after = captured.get(place, frozenset()), ours.get(place, frozenset())
        if not before or not after:
            other = ours if before else captured
            if not _is_hidden(place, other):
                kinds = " or ".join(sorted(before or after))
                yield ShapeDifference("missing" if before else "extra", place, kinds)
        elif not _agree(before, after):
            was, is_ = (" or ".join(sorted(one)) for one in (before, after))
            yield ShapeDifference("type", place, f"{was} -> {is_}")


def _is_hidden(place: str, other: Shape) -> bool:
    """Tell whether the *other* side says nothing of *place*, or differs above it already."""
    above = other.get(place.rpartition("/")[0])
    return bool(place) and (above is None or not above & {"object", "list"})


def _agree(before: AbstractSet[str], after: AbstractSet[str]) -> bool:
    """Tell whether types may be the captured ones; where any text was, one in a form may be."""
    known, found = ({kind.removeprefix("empty ") for kind in one} for one in (before, after))
    found -= {"null"}
    return known == {"null"} or all(
        kind in known or kind.partition(":")[0] in known for kind in found
    )
