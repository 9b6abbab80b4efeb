"""Checked reading of TOML tables: one row per key, one sentence per mistake.

A reader takes what TOML made of a value and returns what the program wants, or
raises ValueError with what the value must be, such as ``must be a text``.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator.settings import ConfigurationError

Reader = Callable[[Any], Any]
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_TOKEN = re.compile(r"(?:[0-9a-fA-F]{2}){1,100}")


@dataclass(frozen=True, slots=True)
class Key:
    """One key that a table may have."""

    name: str
    read: Reader
    example: str
    """A value as it may stand in the file."""
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


def text(value: Any) -> str:
    """Read a text that is not empty and has one line."""
    if not isinstance(value, str) or not value.strip() or "\n" in value:
        raise ValueError("must be a text of one line")
    return value


def prose(value: Any) -> str:
    """Read a text of any length."""
    if not isinstance(value, str):
        raise ValueError("must be a text")  # noqa: TRY004 - readers raise ValueError only
    return value.strip()


def identifier(value: Any) -> str:
    """Read a name that fits into a URL path."""
    if not isinstance(value, str) or not _IDENTIFIER.fullmatch(value):
        raise ValueError("must be up to 64 letters, digits, '.', '_' or '-'")
    return value


def email(value: Any) -> str:
    """Read an e-mail address."""
    if not isinstance(value, str) or not _EMAIL.fullmatch(value):
        raise ValueError("must be an e-mail address")
    return value


def instant(value: Any) -> int:
    """Read a TOML date and time with offset; return milliseconds since the epoch."""
    if not isinstance(value, datetime) or value.tzinfo is None or value.timestamp() < 0:
        raise ValueError("must be a date and time with offset, without quotes")
    return int(value.timestamp() * 1000)


def device_token(value: Any) -> str:
    """Read a device token: whole bytes in hexadecimal, at most 100."""
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise ValueError("must be a device token: 1 to 100 bytes in hexadecimal")
    return value.lower()


def choice(values: Collection[str]) -> Reader:
    """Return the reader of a text that is one of *values*."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in values:
            raise ValueError(f"must be one of {', '.join(values)}")
        return value

    return read


def integer(least: int, most: int) -> Reader:
    """Return the reader of a whole number from *least* to *most*."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return value

    return read


def several(read: Reader) -> Reader:
    """Return the reader of a list, not empty, each item of which *read* reads."""

    def read_all(value: Any) -> list[Any]:
        if not isinstance(value, list) or not value:
            raise ValueError("must be a list that is not empty")
        try:
            return [read(item) for item in value]
        except ValueError as error:
            raise ValueError(f"must be a list, and each item {error}") from None

    return read_all


def anything(value: Any) -> Any:
    """Return *value* as it is, for what is read in a second step."""
    return value
