"""Checks of a request against its rows.

Rows are compiled to closures when the engine is made; nothing walks a table
per request.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import replace

from simulator.core.messages import Finding
from simulator.core.settings import Strictness
from simulator.protocol.fields import ErrorCode, Field, String, span
from simulator.protocol.operations import Operation
from simulator.protocol.rules import RULES
from simulator.protocol.wire import JsonObject, QueryPair

Message = dict[str, Any]


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


def body_checker(
    operation: Operation,
    malformed: ErrorCode,
    strictness: Strictness,
    answered: Callable[[], Collection[str]] = tuple,
) -> Checker:
    """Compile the body rows of *operation*; the checker takes the decoded tree and the version.

    *malformed* is the service's row for what no other row is named for; *answered* gives the
    places of fields in the service's answers, such as ``/urls/uri``.
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
        breaches = list(_breaches(tree, known, version, malformed, answered))
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
    tree: Message,
    known: Mapping[str, Field],
    version: int,
    malformed: ErrorCode,
    answered: Callable[[], Collection[str]],
) -> Iterator[Breach]:
    for row in known.values():
        yield from _of_row(row, tree, version, "body", f"/{row.name}", malformed)
    for path, above in _strangers(tree, known, ("", "")):
        rule, text = "field-unknown", "no field of this name is documented: is it misspelt?"
        if above is None:
            rule, text = "field-duplicate", "the key stands more than once: send it once"
        elif above in answered():
            rule, text = "field-answer-only", "it is documented in answers only: leave it out"
        yield Finding(rule, "body", path, text), malformed


def _strangers(
    node: Message, known: Mapping[str, Field], at: tuple[str, str]
) -> Iterator[tuple[str, str | None]]:
    """Yield unknown and repeated keys of *node* and of the objects inside that have rows.

    *at* and the keys are pointers, first as they stand, then without the indices of arrays; the
    second is None for a repeated key.
    """
    path, plain = at
    if isinstance(node, JsonObject):
        counts = Counter(name for name, _ in node.pairs)
        yield from ((f"{path}/{name}", None) for name, count in counts.items() if count > 1)
    for name, value in node.items():
        row = known.get(name)
        if row is None:
            yield f"{path}/{name}", f"{plain}/{name}"
        else:
            for step, child, inner in _objects(row, value):
                yield from _strangers(child, inner, (f"{path}/{name}{step}", f"{plain}/{name}"))


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
