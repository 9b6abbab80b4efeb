"""Reading: the walk over a message that finds its leaves.

Observing and sealing both start from here, so that they cannot disagree on
what a value is.

Longer than 300 lines: the walk meets all kinds of places, which have to agree on what a value is.
"""

from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any
from urllib.parse import unquote

from msgspec.structs import replace

from simulator.core.messages import Headers
from simulator.disclosure.concepts import CONCEPTS, QUERY, UNKNOWN
from simulator.disclosure.observe.decoders import children, cookies, credential_of, pieces_of_url
from simulator.disclosure.observe.flags import PERSONAL
from simulator.disclosure.observe.inner import CARRIERS, Carrier, Inner, look_inside, unpack
from simulator.disclosure.observe.leaf import INSIDE, ObservedValue, ValueLocation
from simulator.disclosure.observe.plans import ObservationPlan, Plans, Row
from simulator.disclosure.redact.known import NO_RECORD, OAUTH, bearer_concept
from simulator.disclosure.redact.markers import parse_marker
from simulator.protocol.body_formats import READERS, form_pairs
from simulator.protocol.oauth import parse_authorization
from simulator.protocol.wire import pairs_of, query_pairs

_MANY = 2
"""Texts of an array that are worth a look at all of them at once."""
_PLAIN = frozenset(
    name
    for name, concept in CONCEPTS.items()
    if name != UNKNOWN
    and not concept.sealed
    and concept.category not in PERSONAL
    and name not in CARRIERS
    and name + QUERY not in CONCEPTS
)
"""Concepts whose texts are sealed only for what they look like."""
_ANY = Row("", UNKNOWN, documented=False, kind="any")


class Reader:
    """Walks over messages; *sealed* tells whether they were sealed before."""

    def __init__(
        self,
        plans: Plans,
        plan: ObservationPlan,
        *,
        sealed: bool,
        is_notable: Callable[[str], bool] | None = None,
    ) -> None:
        """With *is_notable*, long arrays of texts are passed over in which it finds nothing."""
        self._plans = plans
        self._plan = plan
        self._sealed = sealed
        self._is_notable = is_notable
        self._count = 0
        self.passed: list[str] = []
        """The texts that were passed over."""

    def target(self, target: str) -> Iterator[ObservedValue]:
        """Yield the path parameters and the query pairs."""
        for row, start, end in _parameters(target.partition("?")[0], self._plan):
            at = f"{{{row.name}}}"
            spot = ValueLocation("target", start=start, end=end)
            yield self._leaf("path", at, at, row, unquote(target[start:end]), spot)
        if "?" not in target:
            return
        for pair in query_pairs(target):
            row = self._plan.query.get(pair.name) or self._plans.unknown(self._plan, pair.name)
            spot = ValueLocation("target", start=pair.start, end=pair.end)
            yield from self._decoded("query", pair.name, pair.name, row, pair.value, spot)

    def headers(self, headers: Headers) -> Iterator[ObservedValue]:
        """Yield what the header fields hold, in order."""
        for index, (sent, value) in enumerate(headers):
            name = sent.lower()
            if name in NO_RECORD:
                continue
            row = self._plans.header(self._plan, name)
            if name == "authorization":
                yield from self._authorization(row, index, value)
            elif name == "cookie":
                for key, text, start, end in cookies(value):
                    spot = ValueLocation("header", index, start, end)
                    known = self._plan.cookies.get(key, row)
                    leaf = self._leaf("cookie", key, key, known, text, spot)
                    yield leaf
                    yield from self._inner(leaf)
            else:
                yield from self._decoded(
                    "header", name, name, row, value, ValueLocation("header", index)
                )

    def _authorization(self, row: Row, index: int, value: str) -> Iterator[ObservedValue]:
        wanted = row.documented and row.concept in OAUTH.values()
        scheme, parameters = parse_authorization(value)
        if scheme.lower() == "oauth" and parameters:
            for one in parameters:
                concept = OAUTH.get(one.name, UNKNOWN)
                known = Row(
                    one.name,
                    concept,
                    documented=wanted and one.name in OAUTH,
                    inherent=row.inherent,
                )
                spot = ValueLocation("header", index, one.start, one.end, bare=not one.quoted)
                leaf = self._leaf("oauth1", one.name, one.name, known, one.value, spot)
                leaf.via = "header:authorization"
                yield leaf
            return
        text, start = credential_of(value)
        leaf = self._leaf(
            "header",
            row.name,
            row.name,
            row,
            text,
            ValueLocation("header", index, start, len(value)),
        )
        leaf.documented = row.documented and not wanted
        if not self._plan.matched and leaf.marker is None:
            leaf.concept = bearer_concept(text)
        leaf.documented = leaf.documented and leaf.concept == row.concept
        yield leaf
        yield from self._inner(leaf)

    def body(self, tree: Any, content: bytes = b"") -> Iterator[ObservedValue]:
        """Yield the leaves of a decoded body; an empty object holds none.

        *content* is what the tree was read from: values of a form are sealed where they stand.
        """
        self._count = 0
        if self._plan.body_format == "form":
            for pair in form_pairs(content):
                row = self._plan.body.get(pair.name) or self._plans.unknown(self._plan, pair.name)
                spot = ValueLocation("form", start=pair.start, end=pair.end)
                at = f"/{pair.name}"
                yield from self._decoded("body", at, at, row, pair.value, spot)
        elif isinstance(tree, dict):
            yield from self._pairs(tree, self._plan.body, "", "", documented=True)
        else:
            yield from self._node(tree, _ANY, "", "", documented=False)

    def undecoded_body(self, content: bytes) -> Iterator[ObservedValue]:
        """Yield the leaves of a body; ValueError if it cannot be read."""
        return self.body(READERS[self._plan.body_format](content), content)

    def _pairs(
        self, node: dict[str, Any], rows: Any, at: str, generic: str, *, documented: bool
    ) -> Iterator[ObservedValue]:
        for key, value in pairs_of(node):
            step = key.replace("~", "~0").replace("/", "~1")
            row = rows.get(key)
            known = documented
            if row is None:
                row, known = self._plans.unknown(self._plan, key), False
            yield from self._node(value, row, f"{at}/{step}", f"{generic}/{step}", documented=known)

    def _node(
        self, value: Any, row: Row, at: str, generic: str, *, documented: bool
    ) -> Iterator[ObservedValue]:
        """Yield the leaves under one value. A wrong type keeps the row, but is not documented."""
        kind = row.kind
        if isinstance(value, dict) and value:
            fits = documented and kind in ("object", "table")
            if kind == "table":
                yield from self._table(value, row, at, generic, documented=documented)
            elif row.inner:
                yield from self._pairs(value, row.inner, at, generic, documented=fits)
            else:
                yield from self._strange(value, row, at, generic)
        elif isinstance(value, list) and value:
            fits = documented and kind in ("objects", "strings")
            if self._may_pass(value, row):
                return
            item = _item(row) if fits else row
            for index, child in enumerate(value):
                yield from self._node(child, item, f"{at}/{index}", f"{generic}/*", documented=fits)
        else:
            yield from self._scalar(value, row, at, generic, documented=documented)

    def _may_pass(self, values: list[Any], row: Row) -> bool:
        """Pass over texts of no concept that would be a secret, a URL or a person's."""
        if self._is_notable is None or row.concept not in _PLAIN or row.decode:
            return False
        if len(values) < _MANY or not all(isinstance(one, str) for one in values):
            return False
        text = "\n".join(values)
        if self._is_notable(text):
            return False
        self.passed.append(text)
        self._count += len(values)
        return True

    def _strange(
        self, value: dict[str, Any], row: Row, at: str, generic: str
    ) -> Iterator[ObservedValue]:
        """Yield what stands in an object where none should be; secrets stay secrets."""
        sealed = CONCEPTS[row.concept].sealed
        for key, child in pairs_of(value):
            step = key.replace("~", "~0").replace("/", "~1")
            inside = self._plans.unknown(self._plan, key)
            if sealed or (row.concept != UNKNOWN and inside.concept == UNKNOWN):
                inside = Row(key, row.concept, kind="any")
            yield from self._node(
                child, inside, f"{at}/{step}", f"{generic}/{step}", documented=False
            )

    def _table(
        self, value: dict[str, Any], row: Row, at: str, generic: str, *, documented: bool
    ) -> Iterator[ObservedValue]:
        for key, child in pairs_of(value):
            step = key.replace("~", "~0").replace("/", "~1")
            place, shape = f"{at}/{step}", f"{generic}/*"
            name = self._leaf("body", place, shape, row, key, None)
            name.via, name.documented = "key", documented
            yield name
            if (plain := row.inner.get("")) is not None:
                yield from self._node(child, plain, place, shape, documented=documented)
            else:
                holder = Row(row.name, UNKNOWN, kind="object", inner=row.inner)
                yield from self._node(child, holder, place, shape, documented=documented)

    def _scalar(
        self, value: Any, row: Row, at: str, generic: str, *, documented: bool
    ) -> Iterator[ObservedValue]:
        spot = ValueLocation("body", self._count)
        self._count += 1
        for leaf in self._decoded("body", at, generic, row, value, spot):
            if leaf.parent is None:
                leaf.documented = leaf.documented and documented and self._fits(leaf)
            yield leaf

    @staticmethod
    def _fits(leaf: ObservedValue) -> bool:
        """Tell whether a scalar has the type of its row; null counts as absent."""
        row, value = leaf.row, leaf.value
        if leaf.marker is not None:
            value = {"number": 0, "bool": True}.get(leaf.marker.shape, "")
        if value is None:
            return True
        if row.kind == "scalar":
            return not row.wrong_type(value)
        if row.kind in ("strings", "objects"):
            return value == [] and isinstance(value, list)
        return row.kind in ("object", "table") and isinstance(value, dict)

    def _decoded(
        self, part: str, at: str, generic: str, row: Row, value: Any, spot: ValueLocation
    ) -> Iterator[ObservedValue]:
        """Yield the leaf and what can be decoded out of it."""
        leaf = self._leaf(part, at, generic, row, value, spot)
        if leaf.marker is not None or not isinstance(value, str):
            yield leaf
            yield from self._inner(leaf)
            return
        pieces = pieces_of_url(row.concept, value)
        if pieces is None:
            yield leaf
            yield from self._inner(leaf)
            for child in children(row.decode, value):
                yield self._child(
                    leaf, child.at, child.value, child.via, child.concept or row.concept
                )
            return
        own = pieces[0]
        leaf.value, leaf.whole = own.value, value
        leaf.marker = parse_marker(own.value) if self._sealed else None
        yield leaf
        for piece in pieces[1:]:
            below = self._child(leaf, piece.at, piece.value, piece.via, piece.concept)
            if self._sealed:
                below.marker = parse_marker(piece.value)
            below.spot = replace(spot, piece=(piece.start, piece.end))
            yield below

    def _inner(self, leaf: ObservedValue) -> list[ObservedValue]:
        """Return what can be read inside a secret, be it sealed or not."""
        carrier = CARRIERS.get(leaf.concept)
        if carrier is None:
            return []
        if leaf.marker is not None:
            found = unpack(leaf.marker.inside)
        elif isinstance(leaf.value, str):
            found, leaf.secrets = look_inside(leaf.concept, leaf.value)
        else:
            found = ()
        leaf.inner = [self._inside(leaf, one, carrier) for one in found]
        return leaf.inner

    def _inside(self, leaf: ObservedValue, one: Inner, carrier: Carrier) -> ObservedValue:
        known = not one.nested and one.key in carrier.concepts
        other = self._plans.unknown(self._plan, one.key)
        concept = carrier.concepts[one.key] if known else other.concept
        row = replace(
            leaf.row,
            name=one.at[1:],
            concept=concept,
            closed=frozenset(),
            misplaced=not known and other.misplaced,
        )
        below = self._child(leaf, f"#{one.at}", one.value, carrier.via, concept)
        below.row, below.spot, below.generic = (
            row,
            ValueLocation(INSIDE),
            f"{leaf.generic}#{one.generic}",
        )
        below.documented = leaf.documented and known
        if self._sealed and isinstance(one.value, str) and (marker := parse_marker(one.value)):
            below.marker, below.concept = marker, marker.concept
        return below

    @staticmethod
    def _child(leaf: ObservedValue, at: str, value: str, via: str, concept: str) -> ObservedValue:
        return ObservedValue(
            leaf.part,
            leaf.at + at,
            leaf.generic + at,
            leaf.row,
            value,
            via=via,
            concept=concept,
            documented=leaf.documented,
            parent=leaf,
            name=at.lstrip("#/?@") or leaf.row.name,
        )

    def _leaf(
        self, part: str, at: str, generic: str, row: Row, value: Any, spot: ValueLocation | None
    ) -> ObservedValue:
        leaf = ObservedValue(
            part, at, generic, row, value, spot, concept=row.concept, documented=row.documented
        )
        if self._sealed and isinstance(value, str) and (marker := parse_marker(value)):
            leaf.marker = marker
            leaf.concept = marker.concept
        return leaf


def _parameters(path: str, plan: ObservationPlan) -> Iterator[tuple[Row, int, int]]:
    """Yield the parameters of a path, each with its start and end.

    Where a path is that of no operation but starts like one, the rest of it
    is the parameter: it may hold slashes, as base64 does.
    """
    segments = path.split("/")
    offsets = [0, *accumulate(len(segment) + 1 for segment in segments)]
    for index, row in plan.path:
        if index < len(segments):
            yield row, offsets[index], offsets[index + 1] - 1
    for stray in plan.likely_mistyped_paths:
        start, end = (
            offsets[len(stray.before)] if stray.fits(segments) else 0,
            len(path.rstrip("/")),
        )
        if 0 < start < end:
            yield stray.row, start, end
            return


def _item(row: Row) -> Row:
    """Return the row of one item of an array."""
    kind = "object" if row.kind == "objects" else "scalar"
    return Row(
        row.name,
        row.concept,
        kind=kind,  # type: ignore[arg-type]  # one of two kinds
        wrong_type=row.wrong_type,
        versions=row.versions,
        span=row.span,
        closed=row.closed,
        inner=row.inner,
        decode=row.decode,
    )
