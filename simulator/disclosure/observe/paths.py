"""The short way to observe a recorded path whose one parameter was sealed, as that of a push is.

Such records differ in the figures of the value only. The long way, which gives
the same, is that of `leaves.Reader` and `hiding.resolve`.
"""

from simulator.disclosure.concepts import CONCEPTS
from simulator.disclosure.observe.leaf import ObservedValue
from simulator.disclosure.observe.plans import ObservationPlan, Row
from simulator.disclosure.observe.records import Disclosure, record_of
from simulator.disclosure.observe.values import Fingerprinter
from simulator.disclosure.redact.markers import Marker, parse_marker


class SealedPaths:
    """Observes what it can tell at a glance."""

    def __init__(self, fingerprinter: Fingerprinter) -> None:
        self._fingerprinter = fingerprinter
        self._known: dict[tuple[int, int, str], Disclosure] = {}
        """A record of each plan (by its identity, as it stays), version and concept."""

    def record(self, target: str, plan: ObservationPlan, version: int) -> Disclosure | None:
        """Return the only record of the path *target*; None if the short way does not do."""
        if plan.likely_mistyped_paths or len(plan.path) != 1:
            return None
        index, row = plan.path[0]
        segments = target.split("/", index + 1)
        marker = parse_marker(segments[index]) if index < len(segments) else None
        if marker is None or marker.flags or marker.concept not in CONCEPTS:
            return None
        key = (id(plan), version, marker.concept)
        first = self._known.get(key)
        if first is None:
            first = self._known[key] = self._first(row, marker, version)
        return Disclosure(
            first.part,
            first.at,
            first.generic,
            first.via,
            first.concept,
            first.category,
            first.subject,
            first.secret,
            first.documented,
            first.flags,
            marker.fp,
            marker.shape,
            marker.length,
            None,
            first.field,
            first.versions,
        )

    def _first(self, row: Row, marker: Marker, version: int) -> Disclosure:
        at = f"{{{row.name}}}"
        leaf = ObservedValue(
            "path", at, at, row, "", concept=marker.concept, documented=row.documented
        )
        leaf.marker, leaf.hidden = marker, True
        return record_of(leaf, version, self._fingerprinter)
