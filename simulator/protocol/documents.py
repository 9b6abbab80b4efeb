"""Checked reading of TOML tables: one row per key, one sentence per mistake, and a JSON Schema.

A reader takes what TOML made of a value and returns what the program wants, or
raises ValueError with what the value must be, such as ``must be a text``. Its schema
says the same to editors: times, which TOML has and JSON has not, are texts in it.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator.core.settings import ConfigurationError

Schema = dict[str, Any]
"""JSON Schema of one value."""
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_TOKEN = re.compile(r"(?:[0-9a-fA-F]{2}){1,100}")


@dataclass(frozen=True, slots=True)
class Reader:
    """How a value is read, and its schema."""

    read: Callable[[Any], Any]
    schema: Schema

    def __call__(self, value: Any) -> Any:
        """Return what the program wants of *value*; ValueError says what it must be."""
        return self.read(value)


@dataclass(frozen=True, slots=True)
class Key:
    """One key that a table may have."""

    name: str
    read: Reader
    example: str
    """A value as it may stand in the file."""
    about: str = ""
    """What it says, one sentence."""
    required: bool = True
    default: Any = None
    """What the program gets if the key is missing and not required."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file something stands, for the error message."""

    file: str
    table: str

    def inside(self, name: str, number: int) -> "Place":
        """Return the place of the *number*-th (from 1) table of the list *name* in this one."""
        outer = f"{self.table}, " if self.table else ""
        return Place(self.file, f"{outer}[[{name}]] {number}")

    def error(self, problem: str) -> ConfigurationError:
        """Return the error that says what is wrong here and how to mend it."""
        where = f"{self.file}: {self.table}" if self.table else self.file
        return ConfigurationError(f"{where}: {problem}")


def read_table(table: Any, keys: tuple[Key, ...], place: Place) -> dict[str, Any]:
    """Return the values of *table* by name, all of *keys* and nothing else.

    Raise ConfigurationError for an unknown or missing key and for a wrong value.
    """
    if not isinstance(table, Mapping):
        raise place.error(f"is missing or no table: write key = value lines under {place.table}")
    known = [key.name for key in keys]
    unknown = [name for name in table if name not in known]
    if unknown:
        raise place.error(f"{unknown[0]} is not known here: use {', '.join(known)}")
    return {key.name: _value(table, key, place) for key in keys}


def _value(table: Mapping[str, Any], key: Key, place: Place) -> Any:
    if key.name not in table:
        if key.required:
            raise place.error(f"{key.name} is missing: add {key.name} = {key.example}")
        return key.default
    try:
        return key.read(table[key.name])
    except ValueError as error:
        raise place.error(f"{key.name} {error}, such as {key.name} = {key.example}") from None


def read_list(
    tables: Any, name: str, keys: tuple[Key, ...], place: Place
) -> list[tuple[Place, dict[str, Any]]]:
    """Return each table of the list *name* with its place, read as `read_table` does."""
    if not isinstance(tables, list):
        raise place.error(f"{name} must be a list of tables: head each with [[{name}]]")
    places = [place.inside(name, number) for number in range(1, len(tables) + 1)]
    return [(at, read_table(table, keys, at)) for at, table in zip(places, tables, strict=True)]


def refuse_duplicates(name: str, rows: Collection[tuple[Place, str]]) -> None:
    """Raise ConfigurationError if two of *rows* have the same value of key *name*."""
    seen: dict[str, Place] = {}
    for place, value in rows:
        if value in seen:
            raise place.error(
                f"{name} {value!r} is taken by {seen[value].table}: give each its own {name}"
            )
        seen[value] = place


def _matching(pattern: re.Pattern[str], must: str) -> Reader:
    """Return the reader of a text that *pattern* matches as a whole."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueError(f"must be {must}")
        return value

    return Reader(read, {"type": "string", "pattern": f"^{pattern.pattern}$"})


def _prose(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text")  # noqa: TRY004 - readers raise ValueError only
    return value.strip()


def _instant(value: Any) -> int:
    if not isinstance(value, datetime) or value.tzinfo is None or value.timestamp() < 0:
        raise ValueError("must be a date and time with offset, without quotes")
    return int(value.timestamp() * 1000)


text = _matching(re.compile(r"[^\n]*[^\s][^\n]*"), "a text of one line")
"""Read a text that is not empty and has one line."""
prose = Reader(_prose, {"type": "string"})
"""Read a text of any length."""
identifier = _matching(_IDENTIFIER, "up to 64 letters, digits, '.', '_' or '-'")
"""Read a name that fits into a URL path."""
email = _matching(_EMAIL, "an e-mail address")
"""Read an e-mail address."""
_TIME = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"
instant = Reader(_instant, {"type": "string", "format": "date-time", "pattern": _TIME})
"""Read a TOML date and time with offset; return milliseconds since the epoch."""
_token = _matching(_TOKEN, "a device token: 1 to 100 bytes in hexadecimal")
device_token = Reader(lambda value: _token(value).lower(), _token.schema)
"""Read a device token: whole bytes in hexadecimal, at most 100."""


def choice(values: Collection[str]) -> Reader:
    """Return the reader of a text that is one of *values*."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in values:
            raise ValueError(f"must be one of {', '.join(values)}")
        return value

    return Reader(read, {"enum": list(values)})


def integer(least: int, most: int) -> Reader:
    """Return the reader of a whole number from *least* to *most*."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return value

    return Reader(read, {"type": "integer", "minimum": least, "maximum": most})


def several(read: Reader) -> Reader:
    """Return the reader of a list, not empty, each item of which *read* reads."""

    def read_all(value: Any) -> list[Any]:
        if not isinstance(value, list) or not value:
            raise ValueError("must be a list that is not empty")
        try:
            return [read(item) for item in value]
        except ValueError as error:
            raise ValueError(f"must be a list, and each item {error}") from None

    return Reader(read_all, {"type": "array", "minItems": 1, "items": read.schema})


def tables(keys: tuple[Key, ...], **rules: Any) -> Reader:
    """Return the reader of a list of tables, which `read_list` reads in a second step."""
    return Reader(_as_it_is, {"type": "array", "items": schema_of(keys, **rules)})


def table(keys: tuple[Key, ...]) -> Reader:
    """Return the reader of a table, which `read_table` reads in a second step."""
    return Reader(_as_it_is, schema_of(keys))


def _as_it_is(value: Any) -> Any:
    return value


def schema_of(keys: tuple[Key, ...], **rules: Any) -> Schema:
    """Return the JSON Schema of a table with *keys*; *rules* are further ones."""
    schema: Schema = {
        "type": "object",
        "additionalProperties": False,
        "required": [key.name for key in keys if key.required],
        "properties": {key.name: _described(key) for key in keys},
    }
    return schema | rules


def _described(key: Key) -> Schema:
    facts: Schema = {"description": key.about} if key.about else {}
    if not key.required and isinstance(key.default, str | int) and key.default != "":
        facts["default"] = key.default
    return facts | key.read.schema
