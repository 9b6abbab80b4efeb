"""Checks of a request against its rows, and answers cut to a protocol version.

Rows are compiled to closures when the engine is made; nothing walks a table
per request.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import replace

from simulator.core.messages import Finding
from simulator.core.settings import Strictness
from simulator.protocol.fields import ErrorCode, Field, String, Table, span, walk
from simulator.protocol.operations import Operation
from simulator.protocol.rules import RULES
from simulator.protocol.wire import JsonObject, QueryPair

Message = dict[str, Any]
Projector = Callable[[Any, int], Any]


class Checked(Struct, frozen=True):
    """The outcome of a check."""

    values: Message
    """What may be used: right type, known name, not null."""
    findings: tuple[Finding, ...] = ()
    error: ErrorCode | None = None
    """Error row of the first finding that is refused."""


Breach = tuple[Finding, ErrorCode | None]
"""What is wrong, and what it is refused with, if that is up to the strictness."""
NOTHING = Checked(cast("Message", MappingProxyType({})))
"""The outcome where there is nothing to check."""
Checker = Callable[[Any, int], Checked]


def refuses(rule: str, strictness: Strictness) -> bool:
    """Tell whether a breach of *rule* is refused at *strictness*."""
    level = RULES[rule].refused
    if level == "always":
        return True
    return level == strictness or (level == "apple" and strictness == "strict")


def body_checker(operation: Operation, malformed: ErrorCode, strictness: Strictness) -> Checker:
    """Compile the body rows of *operation*; the checker takes the decoded tree and the version.

    *malformed* is the service's row for what no other row is named for.
    """
    rows = tuple(row for row in operation.request if row.place == "body")
    known = {row.name: row for row in rows}
    takes_body = bool(rows)
    needs = "a JSON object" if operation.body_format == "json" else "a dictionary"
    needed = frozenset(row.name for row in rows if row.required)
    texts = frozenset(row.name for row in rows if row == _text(row.name, row))

    def check(tree: Any, version: int) -> Checked:
        # Most bodies hold nothing but texts of which any is right.
        if (
            type(tree) is dict
            and texts.issuperset(tree)
            and needed <= tree.keys()
            and all(type(value) is str for value in tree.values())
        ):
            return Checked(dict(tree))
        if tree is None and not takes_body:
            return NOTHING
        if not isinstance(tree, dict):
            finding = Finding(
                "body-malformed", "body", "", f"the body must be {needs}", refused=True
            )
            return Checked({}, (finding,), malformed)
        if not takes_body:
            finding = Finding("body-unexpected", "body", "", "leave the body out")
            return _judge({}, [(finding, malformed)], strictness) if tree else Checked({})
        breaches = list(_breaches(tree, known, version, malformed))
        wrong = {finding.at for finding, _ in breaches if finding.rule == "field-type"}
        values = {
            name: value
            for name, value in tree.items()
            if name in known and value is not None and f"/{name}" not in wrong
        }
        return _judge(values, breaches, strictness)

    return check


def _text(name: str, row: Field) -> Field:
    """Return a row that takes any text, with the words of *row*."""
    return String(
        name,
        row.about,
        required=row.required,
        concept=row.concept,
        missing=row.missing,
        source=row.source,
        inferred=row.inferred,
        example=row.example,
        values=getattr(row, "values", ()),
    )


def query_checker(
    operation: Operation, malformed: ErrorCode, strictness: Strictness
) -> Callable[..., Checked]:
    """Compile the query rows of *operation*; the checker takes the pairs and the version."""
    known = {row.name: row for row in operation.request if row.place == "query"}

    def check(pairs: Sequence[QueryPair], version: int) -> Checked:
        if not pairs and not known:
            return NOTHING
        values: Message = {}
        breaches: list[Breach] = []
        for pair in pairs:
            if pair.name not in known:
                text = "no query key of this name is documented"
                breaches.append((Finding("query-unknown", "query", pair.name, text), malformed))
            elif pair.name in values:
                text = "send the key once; the first one counts"
                breaches.append((Finding("query-duplicate", "query", pair.name, text), malformed))
            else:
                values[pair.name] = pair.value
        for row in known.values():
            breaches += _of_row(row, values, version, "query", row.name, malformed)
        return _judge(values, breaches, strictness)

    return check


def _judge(values: Message, breaches: list[Breach], strictness: Strictness) -> Checked:
    """Decide which breaches are refused; the first by order of kind, then of the table, counts."""
    error = None
    findings = []
    for finding, named in sorted(breaches, key=lambda breach: _ORDER.get(breach[0].rule, 9)):
        refused = named is not None and refuses(finding.rule, strictness)
        if refused and error is None:
            error = named
        findings.append(replace(finding, refused=refused) if refused else finding)
    return Checked(values, tuple(findings), error)


_ORDER = {"field-type": 0, "field-missing": 1, "field-invalid": 2}
"""A body that does not bind is malformed before anything is missing, and REQUIRED comes before
INVALID (dep.md 4.1: the real order is not documented)."""


def _breaches(
    tree: Message, known: Mapping[str, Field], version: int, malformed: ErrorCode
) -> Iterator[Breach]:
    for row in known.values():
        yield from _of_row(row, tree, version, "body", f"/{row.name}", malformed)
    yield from _strangers(tree, known, "", malformed)


def _strangers(
    node: Message, known: Mapping[str, Field], path: str, malformed: ErrorCode
) -> Iterator[Breach]:
    """Yield unknown and repeated keys of *node* and of the objects inside that have rows."""
    if isinstance(node, JsonObject):
        counts = Counter(name for name, _ in node.pairs)
        for name in (name for name, count in counts.items() if count > 1):
            text = "the key stands more than once: send it once"
            yield Finding("field-duplicate", "body", f"{path}/{name}", text), malformed
    for name, value in node.items():
        row = known.get(name)
        if row is None:
            text = "no field of this name is documented: is it misspelt?"
            yield Finding("field-unknown", "body", f"{path}/{name}", text), malformed
        else:
            for step, child, inner in _objects(row, value):
                yield from _strangers(child, inner, f"{path}/{name}{step}", malformed)


def _of_row(
    row: Field, message: Message, version: int, part: str, at: str, malformed: ErrorCode
) -> Iterator[Breach]:
    """Yield what is wrong with the value of *row*, which stands *at* a place of *part*."""

    def finding(rule: str, text: str) -> Finding:
        return Finding(rule, part, at, text, versions=row.versions)

    value = message.get(row.name)
    if value is None:
        if row.name in message:
            yield finding("field-null", "null counts as absent: leave the key out"), malformed
        if row.required:
            yield finding("field-missing", f"{row.name} is required"), row.missing or malformed
    elif why := row.wrong_type(value):
        yield finding("field-type", f"{row.name} {why}"), malformed
    else:
        yield from _of_value(row, value, message, version, finding, malformed)
        for step, child, inner in _objects(row, value):
            for one in inner.values():
                yield from _of_row(one, child, version, part, f"{at}{step}/{one.name}", malformed)


def _of_value(
    row: Field,
    value: Any,
    message: Message,
    version: int,
    finding: Callable[[str, str], Finding],
    malformed: ErrorCode,
) -> Iterator[Breach]:
    """Yield which rules a *value* of the right type breaks."""
    if why := row.breach(value, message):
        yield finding("field-invalid", f"{row.name} {why}"), row.invalid
    low, high = span(row.versions)
    if version and not low <= version <= high:
        text = f"{row.name} is known to protocol versions {row.versions}: send a higher one"
        yield finding("field-version", text), malformed
    if row.deprecated:
        yield finding("field-deprecated", f"{row.name}: {row.deprecated}"), None


def _objects(row: Field, value: Any) -> Iterator[tuple[str, Message, Mapping[str, Field]]]:
    """Yield the objects of *value* whose keys have rows, each with its index as a step."""
    inner = row.parts()
    if inner is None:
        return
    children = enumerate(value) if isinstance(value, list) else [("", value)]
    for index, child in children:
        if isinstance(child, dict):
            yield "" if index == "" else f"/{index}", child, inner


def projector(rows: tuple[Field, ...], newest: int) -> Projector:
    """Compile *rows* into the function that makes of a message what a version gets.

    Fields that came later are left out: the real service cannot have sent
    them; a service without versions gives all. Values that came later are replaced by what
    older versions get. Keys come in the order of the rows.
    """

    @cache  # made when first asked for, as most runs see one version
    def table_of(version: int) -> _Cut:
        return _table(rows, version, is_versioned=bool(newest))

    def project(message: Any, version: int) -> Any:
        return _cut(message, table_of(version or newest)) if rows and message else message

    return project


@dataclass(frozen=True, slots=True)
class _Cut:
    """What one version gets of one kind of object."""

    names: tuple[str, ...]
    """In the order in which they are sent."""
    drops: bool
    """Whether versions differ: a key that is none of *names* is left out, else it comes last."""
    inner: Mapping[str, tuple[Field, "_Cut"]]
    older: Mapping[str, Mapping[str, str]]
    whole: bool
    """Whether nothing has to be replaced or looked into."""


def _table(rows: tuple[Field, ...], version: int, *, is_versioned: bool) -> _Cut:
    names, inner, older = [], {}, {}
    for row in rows:
        low, high = span(row.versions)
        if is_versioned and not low <= version <= high:
            continue
        names.append(row.name)
        fields = getattr(row, "fields", ())
        if isinstance(row, Table) and row.value is not None:
            fields = (row.value,)
        if fields:
            differs = is_versioned and any(
                one.versions != "1+" or one.older for one in walk(fields)
            )
            inner[row.name] = (row, _table(fields, version, is_versioned=differs))
        replaced = {v: old for v, (since, old) in row.older.items() if version < since}
        if is_versioned and replaced:
            older[row.name] = replaced
    return _Cut(tuple(names), is_versioned, inner, older, whole=not inner and not older)


def _cut(message: Any, cut: _Cut) -> Any:
    if type(message) is not dict:
        return message
    kept = {name: message[name] for name in cut.names if name in message}
    if not cut.drops and len(kept) < len(message):
        kept |= message
    if cut.whole:
        return kept
    for name, replaced in cut.older.items():
        if name in kept:
            kept[name] = replaced.get(kept[name], kept[name])
    for name, (row, table) in cut.inner.items():
        if name in kept:
            kept[name] = _cut_inside(kept[name], row, table)
    return kept


def _cut_table(value: Message, row: Table, table: _Cut) -> Message:
    if row.value is None:
        return {key: _cut(item, table) for key, item in value.items()}
    # The one row stands for each value, whatever its key.
    if row.value.name in table.inner:
        below = table.inner[row.value.name]
        return {key: _cut_inside(item, *below) for key, item in value.items()}
    replaced = table.older.get(row.value.name)
    return {k: replaced.get(v, v) for k, v in value.items()} if replaced else value


def _cut_inside(value: Any, row: Field, table: _Cut) -> Any:
    if isinstance(row, Table):
        return _cut_table(value, row, table) if type(value) is dict else value
    if type(value) is tuple and not table.drops:
        return value  # a constant, written in the order of the rows
    if isinstance(value, list | tuple):
        return [_cut(item, table) for item in value]
    return _cut(value, table)
