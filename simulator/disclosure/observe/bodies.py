"""The short way to observe a recorded body of plain texts, as that of an assignment is.

It takes a body only where each value can be judged on its own: known fields of
concepts that are no secret, no URL, name nobody and earn no flag, and nothing
that looks like a credential, a marker or an address. The long way, which gives the
same, is that of `leaves.Reader` and `hiding.resolve`.
"""

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from simulator.disclosure.concepts import CONCEPTS, PROTOCOL, QUERY, UNKNOWN
from simulator.disclosure.observe.flags import TELLING, flagged_as_email_only
from simulator.disclosure.observe.inner import CARRIERS
from simulator.disclosure.observe.leaf import ObservedValue
from simulator.disclosure.observe.plans import ObservationPlan
from simulator.disclosure.observe.records import Alike, Disclosure, record_like, record_of
from simulator.disclosure.observe.values import Fingerprinter, normalise, shape_of
from simulator.disclosure.redact.known import CREDENTIALS
from simulator.disclosure.redact.markers import OPENING
from simulator.protocol.wire import JsonObject, parse_json

_NEEDLES = ("\\", "@", OPENING, *(needle for needle, _, _ in CREDENTIALS))
_LOWER = tuple(sorted({needle.lower().encode() for needle in _NEEDLES}))
"""What makes a body worth a closer look, in any case; a backslash may hide the others."""
_with_dot = re.compile("|".join(TELLING).encode(), re.IGNORECASE).search
"""Finds what does so too: none of it is without a dot."""
_PLAIN = frozenset(
    name
    for name, concept in CONCEPTS.items()
    if name not in (UNKNOWN, PROTOCOL)
    and not concept.sealed
    and not concept.closed
    and flagged_as_email_only(name)
    and name not in CARRIERS
    and name + QUERY not in CONCEPTS
)
"""Concepts whose texts are neither hidden, nor split, nor flagged, nor written down."""
_MOST_FORMS = 1024
"""Sets of fields that are known at a time."""


class _Place(Struct, frozen=True):
    """The records of one field: the same but for the place and the figures of the value."""

    at: str
    many: bool
    like: Disclosure


class _Form(Struct, frozen=True):
    """The fields of one body after the other."""

    places: tuple[_Place, ...]
    records: tuple[Disclosure, ...]
    """One of each."""


class PlainBodies:
    """Observes what it can tell at a glance."""

    def __init__(self, fingerprinter: Fingerprinter) -> None:
        self._fingerprinter = fingerprinter
        self._known: dict[tuple[int, int, str], _Place | None] = {}
        """The field of each plan (by its identity, as it stays), version and key."""
        self._forms: dict[tuple[int, int, tuple[str, ...]], _Form] = {}
        """The same of all the keys of a body."""

    def records(
        self, body: bytes, plan: ObservationPlan, version: int
    ) -> Alike | list[Disclosure] | None:
        """Return the records of a recorded *body*; None if the short way does not do."""
        tree = _plain(body) if plan.body_format == "json" else {}
        form = self._form(plan, version, tuple(tree)) if tree else None
        if form is None:
            return None
        texts: list[Sequence[str]] = []
        numbers: list[Sequence[int]] = []
        some_empty = False
        for place, value in zip(form.places, tree.values(), strict=True):
            items = value if place.many else (value,)
            if not (isinstance(items, list | tuple) and items and _are_texts(items)):
                return None
            texts.append(items)
            some_empty = some_empty or "" in items
            numbers.append(self._fingerprinter.numbers(place.like.concept, items))
        make = partial(self._records, form.places, texts)
        return make() if some_empty else Alike(form.records, numbers, make)

    def _records(
        self, places: Sequence[_Place], texts: Sequence[Sequence[str]]
    ) -> list[Disclosure]:
        return [
            self._record(place.like, f"{place.at}/{index}" if place.many else place.at, item)
            for place, items in zip(places, texts, strict=True)
            for index, item in enumerate(items)
        ]

    def _record(self, like: Disclosure, at: str, value: str) -> Disclosure:
        fp = self._fingerprinter.fingerprint(like.concept, normalise(like.concept, value))
        return record_like(like, at, fp, shape_of(value), len(value))

    def _form(self, plan: ObservationPlan, version: int, keys: tuple[str, ...]) -> _Form | None:
        name = (id(plan), version, keys)
        form = self._forms.get(name)
        if form is None:
            places: list[_Place] = []
            for key in keys:
                place = self._place(plan, version, key)
                if place is None:
                    return None
                places.append(place)
            if len(self._forms) >= _MOST_FORMS:
                self._forms.clear()
            form = _Form(tuple(places), tuple(place.like for place in places))
            self._forms[name] = form
        return form

    def _place(self, plan: ObservationPlan, version: int, key: str) -> _Place | None:
        name = (id(plan), version, key)
        if name in self._known:
            return self._known[name]
        row = plan.body.get(key)
        if row is None:
            return None  # not kept: there is no end of names that are not known
        place = None
        if row.kind in ("scalar", "strings") and row.concept in _PLAIN and not row.decode:
            step = key.replace("~", "~0").replace("/", "~1")
            many = row.kind == "strings"
            generic = f"/{step}/*" if many else f"/{step}"
            documented = row.documented and not row.wrong_type("text")
            leaf = ObservedValue(
                "body", "", generic, row, "", concept=row.concept, documented=documented
            )
            like = record_of(leaf, version, self._fingerprinter)
            place = _Place(f"/{step}", many, like)
        self._known[name] = place
        return place


def _plain(body: bytes) -> dict[str, Any]:
    """Return the object that a body is; an empty one if it is none, or is worth a closer look."""
    if not body.startswith(b"{") or _telling(body):
        return {}
    try:
        tree = parse_json(body)
    except ValueError:
        return {}
    return {} if isinstance(tree, JsonObject) or not isinstance(tree, dict) else tree


def _telling(body: bytes) -> bool:
    """Tell whether a body is worth a closer look: needles one by one take less than a pattern."""
    lower = body.lower()
    if any(map(lower.__contains__, _LOWER)):
        return True
    return b"." in body and _with_dot(body) is not None


def _are_texts(values: Sequence[Any]) -> bool:
    return {*map(type, values)} <= {str}
