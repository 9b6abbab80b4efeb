"""The short way to observe a path or a body of which only sealed values differ, as of pushes.

Texts that are the same but for the fingerprints of what was sealed have the same records, but for
these fingerprints. The long way, which the first of them takes, is that of `leaves.Reader` and
`hiding.resolve`.
"""

import re
from collections.abc import Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from simulator.disclosure.observe.leaf import ObservedValue
from simulator.disclosure.observe.plans import ObservationPlan
from simulator.disclosure.observe.records import Alike, Disclosure
from simulator.disclosure.observe.values import EMPTY
from simulator.disclosure.redact.markers import OPENING

_apart = re.compile(r"(<sealed [a-z0-9_.]+ [a-z]+ \d+ )([0-9a-f]{16})").split
"""Takes a text; returns what is before a marker, its beginning, its fingerprint, and so on."""
_MOST = 1024
"""Forms that are known at a time."""
_Name = tuple[int | str, ...]


class _SealedForm(Struct, frozen=True):
    """What texts that are alike have in common."""

    records: tuple[Disclosure, ...]
    numbers: tuple[tuple[int], ...]
    """The fingerprint of each as a number."""
    sealed: tuple[int, ...]
    """Which of them have the fingerprints that differ, as these stand in the text."""


class SealedForms:
    """Knows the records of texts of one kind by all but their fingerprints."""

    def __init__(self) -> None:
        self._known: dict[_Name, _SealedForm] = {}

    def records(self, text: str, plan: ObservationPlan, version: int) -> Alike | None:
        """Return the records of *text*; None if none is known that is like it."""
        if OPENING not in text:
            return None
        name, fps = _name(text, plan, version)
        form = self._known.get(name)
        return None if form is None else _alike(form, fps)

    def learned(
        self,
        text: str,
        plan: ObservationPlan,
        version: int,
        leaves: Sequence[ObservedValue],
        records: Sequence[Disclosure],
    ) -> Alike | None:
        """Know *text* from now on, and return its records as `records` will.

        *leaves* are all of it, settled, and nothing beside it decides about them. None if not
        each fingerprint is that of one of them, and stands nowhere else.
        """
        name, fps = _name(text, plan, version)
        found = {
            leaf.marker.fp: at
            for at, leaf in enumerate(leaves)
            if leaf.marker is not None and not leaf.inside
        }
        if not fps or list(found) != fps:
            return None
        if any(one.shape in EMPTY or OPENING in one.at for one in records):
            return None
        if len(self._known) >= _MOST:
            self._known.clear()
        numbers = tuple((int(one.fp, 16),) for one in records)
        form = self._known[name] = _SealedForm(tuple(records), numbers, tuple(found.values()))
        return _alike(form, fps)


def _name(text: str, plan: ObservationPlan, version: int) -> tuple[_Name, list[str]]:
    """Return what names the form of *text*, and its fingerprints."""
    pieces = _apart(text)
    fps = pieces[2::3]
    del pieces[2::3]
    return (id(plan), version, *pieces), fps


def _alike(form: _SealedForm, fps: list[str]) -> Alike:
    numbers = list(form.numbers)
    for at, fp in zip(form.sealed, fps, strict=True):
        numbers[at] = (int(fp, 16),)
    return Alike(form.records, numbers, partial(_records, form, fps))


def _records(form: _SealedForm, fps: list[str]) -> list[Disclosure]:
    records = list(form.records)
    for at, fp in zip(form.sealed, fps, strict=True):
        records[at] = replace(records[at], fp=fp)
    return records
