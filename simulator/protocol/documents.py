"""Documents that people write, such as worlds and manifests, read by rows of `protocol.fields`.

The same rows say what may stand on the wire and in the control API. Here they give one sentence
per mistake, which says what, where and how to mend it, and a JSON Schema for editors.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from simulator.core.settings import ConfigurationError
from simulator.protocol.fields import (
    Day,
    Field,
    Instant,
    Integer,
    Object,
    Objects,
    String,
    Strings,
    Table,
)
from simulator.protocol.openapi import schema

Schema = dict[str, Any]
"""JSON Schema of one value."""
_LINE = r"[^\n]*[^\s][^\n]*"
_IDENTIFIER = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_EMAIL = r"[^@\s]+@[^@\s]+"


class Place(Struct, frozen=True):
    """Where in a file something stands, for the error message."""

    file: str
    table: str

    def inside(self, name: str, number: int) -> "Place":
        """Return the place of the *number*-th (from 1) table of the list *name* in this one."""
        outer = f"{self.table}, " if self.table else ""
        return Place(self.file, f"{outer}[[{name}]] {number}")

    def part(self, name: str) -> "Place":
        """Return the place of the table *name* in this one."""
        outer = f"{self.table}, " if self.table else ""
        return Place(self.file, f"{outer}[{name}]")

    def error(self, problem: str) -> ConfigurationError:
        """Return the error that says what is wrong here and how to mend it."""
        where = f"{self.file}: {self.table}" if self.table else self.file
        return ConfigurationError(f"{where}: {problem}")


def text(name: str, about: str, **rules: Any) -> String:
    """Return the row of a text that is not empty and has one line; *rules* are those of rows."""
    return String(name, about, pattern=_LINE, says="a text of one line", **rules)


def identifier(name: str, about: str, **rules: Any) -> String:
    """Return the row of a name that fits into a URL path."""
    says = "up to 64 letters, digits, '.', '_' or '-'"
    return String(name, about, pattern=_IDENTIFIER, says=says, **rules)


def email(name: str, about: str, **rules: Any) -> String:
    """Return the row of an e-mail address."""
    return String(name, about, pattern=_EMAIL, says="an e-mail address", **rules)


def texts(name: str, about: str, **rules: Any) -> Strings:
    """Return the row of a list of such texts, one at least."""
    return Strings(name, about, pattern=_LINE, says="a text of one line", fewest=1, **rules)


def wrong(row: Field, value: Any) -> str:
    """Return what *value* must be, such as ``must be a text of one line``; empty if it is that."""
    if isinstance(row, Objects):
        good = isinstance(value, list) and all(isinstance(item, dict) for item in value)
        return "" if good else f"must be written as [[{row.name}]]"
    if isinstance(row, Object | Table):
        return _wrong_table(row, value)
    if isinstance(row, Strings):
        return _wrong_list(row, value)
    if isinstance(row, Integer):
        why = row.wrong_type(value) or row.breach(value, {})
        return f"must be a whole number{bounds(row)}" if why else ""
    if isinstance(row, String):
        return _wrong_text(row, value)
    return row.wrong_type(value) or row.breach(value, {})


def bounds(row: Integer) -> str:
    """Return between which numbers a value must be, in words; empty if it may be any."""
    least = "" if row.least is None else f" from {row.least}"
    return least + ("" if row.most is None else f" to {row.most}")


def _wrong_text(row: String, value: Any) -> str:
    if row.values:
        return "" if value in row.values else f"must be one of {', '.join(row.values)}"
    if not isinstance(value, str):
        return f"must be {row.says or 'a text'}"
    return row.breach(value, {})


def _wrong_table(row: Field, value: Any) -> str:
    if not isinstance(value, dict):
        return "must be a table"
    return "must be a table of texts" if isinstance(row, Table) and row.wrong_type(value) else ""


def _wrong_list(row: Strings, value: Any) -> str:
    """Return what is wrong with a list of texts; its *check* takes all of them."""
    if row.fewest:
        if not isinstance(value, list) or len(value) < row.fewest:
            return "must be a list that is not empty"
        item = String(row.name, row.about, values=row.values, pattern=row.pattern, says=row.says)
        why = next((why for one in value if (why := _wrong_text(item, one))), "")
        return f"must be a list, and each item {why}" if why else ""
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        return "must be an array of texts"
    return row.breach(value, {})


def read_table(table: Any, rows: Collection[Field], place: Place) -> dict[str, Any]:
    """Return the values of *table* by name, all of *rows* and nothing else.

    What is absent has its row's default, an instant is in milliseconds since the epoch, and
    tables inside are as they stand: `read_table` and `read_list` take them in a second step.
    Raise ConfigurationError for an unknown or missing key and for a wrong value.
    """
    if not isinstance(table, Mapping):
        raise place.error(f"is missing or no table: write key = value lines under {place.table}")
    known = [row.name for row in rows]
    unknown = [name for name in table if name not in known]
    if unknown:
        raise place.error(f"{unknown[0]} is not known here: use {', '.join(known)}")
    missing = [row for row in rows if row.required and row.name not in table]
    if missing:
        names = f"{', '.join(row.name for row in missing)} {'are' if missing[1:] else 'is'} missing"
        lines = ", ".join(f"{row.name} = {_example(row)}" for row in missing)
        raise place.error(f"{names}: add {lines}")
    return {row.name: _value(table, row, place) for row in rows}


def _value(table: Mapping[str, Any], row: Field, place: Place) -> Any:
    if row.name not in table:
        return row.default
    value = table[row.name]
    if isinstance(row, Object):
        return value
    if why := wrong(row, value):
        raise place.error(f"{row.name} {why}, such as {row.name} = {_example(row)}")
    return int(value.timestamp() * 1000) if isinstance(row, Instant) else value


def _example(row: Field) -> str:
    """Return the row's example as TOML has it."""
    if isinstance(row, Instant | Day):
        return str(row.example)
    return json.dumps(row.example, ensure_ascii=False)


def read_list(
    tables: Any, name: str, rows: Collection[Field], place: Place
) -> list[tuple[Place, dict[str, Any]]]:
    """Return each table of the list *name* with its place, read as `read_table` does.

    None stands for a list that is not there.
    """
    if tables is None:
        return []
    if not isinstance(tables, list):
        raise place.error(f"{name} must be a list of tables: head each with [[{name}]]")
    places = [place.inside(name, number) for number in range(1, len(tables) + 1)]
    return [(at, read_table(table, rows, at)) for at, table in zip(places, tables, strict=True)]


def refuse_duplicates(name: str, rows: Collection[tuple[Place, str]]) -> None:
    """Raise ConfigurationError if two of *rows* have the same value of key *name*."""
    seen: dict[str, Place] = {}
    for place, value in rows:
        if value in seen:
            raise place.error(
                f"{name} {value!r} is taken by {seen[value].table}: give each its own {name}"
            )
        seen[value] = place


def schema_of(rows: Iterable[Field], **rules: Any) -> Schema:
    """Return the JSON Schema of a table with *rows*; *rules* are further ones.

    Times and dates, which TOML has and JSON has not, are texts in it.
    """
    listed = list(rows)
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [row.name for row in listed if row.required],
        "properties": {row.name: _schema(row) for row in listed},
        **rules,
    }


def _schema(row: Field) -> Schema:
    if not isinstance(row, Object):
        return schema(row)
    shown, inside = schema(replace(row, fields=())), schema_of(row.fields)
    if isinstance(row, Objects):
        return shown | {"type": "array", "items": inside}
    return shown | inside
