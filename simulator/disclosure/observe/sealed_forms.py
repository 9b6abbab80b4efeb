"""The short way to observe a path or a body that ends with a sealed value, as those of pushes do.

Texts that are the same but for the fingerprint in their last word have the same records, but for
this fingerprint. The long way, which the first of them takes, is that of `leaves.Reader` and
`hiding.resolve`.
"""

from collections.abc import Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from simulator.disclosure.observe.leaf import ObservedValue
from simulator.disclosure.observe.plans import ObservationPlan
from simulator.disclosure.observe.records import Alike, Disclosure
from simulator.disclosure.observe.values import EMPTY
from simulator.disclosure.redact.markers import OPENING

_DIGITS = 16
"""Of a fingerprint."""
_ESCAPES = "\\%"
"""Where a text has any, a marker may be written in other words."""
_MOST = 1024
"""Forms that are known at a time."""
_Name = tuple[int, int, str, str]


class _SealedForm(Struct, frozen=True):
    """What texts that are alike have in common."""

    records: tuple[Disclosure, ...]
    at: int
    """Which of them has the fingerprint that differs."""
    before: tuple[tuple[int], ...]
    after: tuple[tuple[int], ...]
    """The fingerprints of those before and after it, as numbers."""


class SealedForms:
    """Knows the records of texts of one kind by all but the fingerprint."""

    def __init__(self) -> None:
        self._known: dict[_Name, _SealedForm] = {}

    def records(self, text: str, plan: ObservationPlan, version: int) -> Alike | None:
        """Return the records of *text*; None if none is known that is like it."""
        name, fp = _name(text, plan, version)
        form = self._known.get(name)
        if form is None or fp.strip("0123456789abcdef"):
            return None
        numbers = (*form.before, (int(fp, 16),), *form.after)
        return Alike(form.records, numbers, partial(_records, form, fp))

    def learn(
        self,
        text: str,
        plan: ObservationPlan,
        version: int,
        leaves: Sequence[ObservedValue],
        records: Sequence[Disclosure],
    ) -> None:
        """Know *text* from now on, if its last word begins with the fingerprint of a value.

        *leaves* are all of it, settled, and nothing beside it decides about them.
        """
        if OPENING not in text or any(map(text.__contains__, _ESCAPES)):
            return
        name, fp = _name(text, plan, version)
        sealed = (
            at
            for at, leaf in enumerate(leaves)
            if leaf.marker is not None and leaf.marker.fp == fp and not leaf.inside
        )
        at = next(sealed, None)
        if at is None or text.count(fp) != 1:
            return  # what the last word begins with may be no fingerprint
        if any(one.shape in EMPTY or OPENING in one.at for one in records):
            return
        if len(self._known) >= _MOST:
            self._known.clear()
        numbers = tuple((int(one.fp, 16),) for one in records)
        self._known[name] = _SealedForm(tuple(records), at, numbers[:at], numbers[at + 1 :])


def _name(text: str, plan: ObservationPlan, version: int) -> tuple[_Name, str]:
    """Return what names the form of *text*, and the fingerprint."""
    start, _, end = text.rpartition(" ")
    return (id(plan), version, start, end[_DIGITS:]), end[:_DIGITS]


def _records(form: _SealedForm, fp: str) -> list[Disclosure]:
    records = list(form.records)
    records[form.at] = replace(records[form.at], fp=fp)
    return records
