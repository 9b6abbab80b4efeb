"""The short way to observe a recorded path whose one parameter was sealed, as that of a push is.

Such records differ in the figures of the value only. The long way, which gives
the same, is that of `leaves.Reader` and `hiding.resolve`.
"""

from functools import partial

from simulator.disclosure.concepts import CONCEPTS
from simulator.disclosure.observe.leaf import ObservedValue
from simulator.disclosure.observe.plans import ObservationPlan, Row
from simulator.disclosure.observe.records import Alike, Disclosure, record_like, record_of
from simulator.disclosure.observe.values import EMPTY, Fingerprinter
from simulator.disclosure.redact.markers import Marker, parse_marker


class SealedPaths:
    """Observes what it can tell at a glance."""

    def __init__(self, fingerprinter: Fingerprinter) -> None:
        self._fingerprinter = fingerprinter
        self._known: dict[tuple[int, int, str], tuple[Disclosure]] = {}
        """A record of each plan (by its identity, as it stays), version and concept."""

    def records(self, target: str, plan: ObservationPlan, version: int) -> Alike | None:
        """Return the only record of the path *target*; None if the short way does not do."""
        if plan.likely_mistyped_paths or len(plan.path) != 1:
            return None
        index, row = plan.path[0]
        segments = target.split("/", index + 1)
        marker = parse_marker(segments[index]) if index < len(segments) else None
        if marker is None or marker.flags or marker.concept not in CONCEPTS:
            return None
        if marker.shape in EMPTY:  # which is not counted as a value
            return None
        key = (id(plan), version, marker.concept)
        form = self._known.get(key)
        if form is None:
            form = self._known[key] = (self._first(row, marker, version),)
        return Alike(form, ((int(marker.fp, 16),),), partial(_records, form, marker))

    def _first(self, row: Row, marker: Marker, version: int) -> Disclosure:
        at = f"{{{row.name}}}"
        leaf = ObservedValue(
            "path", at, at, row, "", concept=marker.concept, documented=row.documented
        )
        leaf.marker, leaf.hidden = marker, True
        return record_of(leaf, version, self._fingerprinter)


def _records(form: tuple[Disclosure], marker: Marker) -> list[Disclosure]:
    return [record_like(form[0], form[0].at, marker.fp, marker.shape, marker.length)]
