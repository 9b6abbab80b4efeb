"""Answers in the order of their rows, cut to what a protocol version gets."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from msgspec import Struct, field

from simulator.core.memo import Memo
from simulator.protocol.fields import Field, Table, span, walk
from simulator.protocol.items import Items

Message = dict[str, Any]
Projector = Callable[[Any, int], Any]
_MOST_KNOWN = 1000


def projector(rows: tuple[Field, ...], newest: int) -> Projector:
    """Compile *rows* into the function that makes of a message what a version gets.

    What has nothing to be cut is in it as it was given, not copied.

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


class _Plan(Struct, frozen=True):
    """What becomes of an object that has certain keys."""

    names: tuple[str, ...] | None
    """The keys that it keeps, in order; None: it is sent with those that it has."""
    older: tuple[tuple[str, Mapping[str, str]], ...]
    inner: tuple[tuple[str, "_Cut"], ...]
    tables: tuple[tuple[str, Table, "_Cut"], ...]
    is_whole: bool
    """Whether it is sent as it is."""


class _Cut(Struct, frozen=True):
    """What one version gets of one kind of object."""

    names: tuple[str, ...]
    """In the order in which they are sent."""
    drops: bool
    """Whether versions differ: a key that is none of *names* is left out, else it comes last."""
    inner: Mapping[str, tuple[Field, "_Cut"]]
    older: Mapping[str, Mapping[str, str]]
    known: Memo[tuple[str, ...], _Plan] = field(default_factory=partial(Memo, _MOST_KNOWN))
    """By the keys of an object: most on a page have the same ones."""

    def plan(self, keys: tuple[str, ...]) -> _Plan:
        """Return what becomes of an object with *keys*."""
        found = self.known.get(keys)
        if found is None:
            kept = tuple(name for name in self.names if name in keys)
            if not self.drops:
                kept += tuple(name for name in keys if name not in kept)
            older = tuple((name, self.older[name]) for name in kept if name in self.older)
            rows = [(name, *self.inner[name]) for name in kept if name in self.inner]
            inner = tuple((name, cut) for name, row, cut in rows if not isinstance(row, Table))
            tables = tuple((name, row, cut) for name, row, cut in rows if isinstance(row, Table))
            is_whole = kept == keys and not (older or rows)
            plan = _Plan(None if kept == keys else kept, older, inner, tables, is_whole)
            found = self.known.keep(keys, plan)
        return found


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
    return _Cut(tuple(names), is_versioned, inner, older)


def _cut(message: Any, cut: _Cut) -> Any:
    if type(message) is not dict:
        return message
    plan = cut.plan(tuple(message))
    if plan.is_whole:
        return message
    changed = {}
    for name, replaced in plan.older:
        value = message[name]
        if (old := replaced.get(value, value)) is not value:
            changed[name] = old
    for name, below in plan.inner:
        value = message[name]
        made = _cut(value, below) if type(value) is dict else _cut_each(value, below)
        if made is not value:
            changed[name] = made
    for name, row, below in plan.tables:
        value = message[name]
        if type(value) is dict and (made := _cut_table(value, row, below)) is not value:
            changed[name] = made
    kept = message if plan.names is None else {name: message[name] for name in plan.names}
    return kept | changed if changed else kept


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
    return _cut(value, table) if type(value) is dict else _cut_each(value, table)


def _cut_each(value: Any, cut: _Cut) -> Any:
    """Cut the items of a list; what is none is sent as it is."""
    if type(value) is Items:
        return value.then(partial(_cut, cut=cut))
    if type(value) is tuple and not cut.drops:
        return value  # a constant, written in the order of the rows
    if isinstance(value, list | tuple):
        return [_cut(item, cut) for item in value]
    return value
