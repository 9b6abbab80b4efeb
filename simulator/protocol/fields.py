"""Rows for fields: what may stand on the wire, since when, and what it means.

A field is written once, beside the handler that uses it. Validation, version
projection, disclosure, redaction, the reference and the tests read that row.

Longer than 300 lines: the kinds of rows are one vocabulary, and each is short.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Literal

from simulator.core.messages import Headers

Place = Literal["path", "query", "header", "cookie", "body"]
Check = Callable[[Any, Mapping[str, Any]], str]
"""Takes the value and the whole message; returns what is wrong, or an empty string."""

_INT32 = 2**31 - 1
_DIGITS = 19
NEWEST = 99
"""Above every protocol version: the end of an open span such as ``3+``."""


@lru_cache(maxsize=256)
def span(versions: str) -> tuple[int, int]:
    """Return the first and last version of ``3+``, ``8-10`` or ``2``."""
    match = re.fullmatch(r"(\d+)(\+|-(\d+))?", versions)
    if match is None:
        raise ValueError(f"not a span of versions: {versions!r}; write 3+, 8-10 or 2")
    first = int(match[1])
    return first, NEWEST if match[2] == "+" else int(match[3] or first)


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One answer that the real service refuses with."""

    code: str
    """Name in menus, findings and the journal; also the body unless *body* says otherwise."""
    status: int
    about: str
    also: tuple[str, ...] = field(default=(), kw_only=True)
    """Other spellings that it can be ordered by, such as the documented one."""
    body: str | None = field(default=None, kw_only=True)
    headers: Headers = field(default=(), kw_only=True)
    takes: "tuple[Field, ...]" = field(default=(), kw_only=True, hash=False)
    """What a fault can choose of the answer, beside ``retry_after_s``, such as a time stamp."""
    source: str = field(default="", kw_only=True)
    inferred: str = field(default="", kw_only=True)


@dataclass(frozen=True, slots=True)
class Field:
    """One value on the wire."""

    name: str
    """As it stands on the wire."""
    about: str
    """One sentence for the reference."""
    required: bool = field(default=False, kw_only=True)
    versions: str = field(default="1+", kw_only=True)
    """Protocol versions that know it: ``3+``, ``8-10`` or ``2``."""
    concept: str = field(default="", kw_only=True)
    """What the value means: a key of ``disclosure/concepts.toml``."""
    place: Place = field(default="body", kw_only=True)
    missing: ErrorCode | None = field(default=None, kw_only=True)
    """Error row answered when it is required and absent; None: the service's malformed."""
    invalid: ErrorCode | None = field(default=None, kw_only=True)
    """Error row answered when its value breaks its rule; None: only reported."""
    check: Check | None = field(default=None, kw_only=True)
    """A rule that the type cannot say."""
    older: Mapping[str, tuple[int, str]] = field(default_factory=dict, kw_only=True)
    """Value -> (version that brought it, what earlier versions get instead)."""
    deprecated: str = field(default="", kw_only=True)
    """Why it should not be used any more; empty if it may."""
    source: str = field(default="", kw_only=True)
    """Where the facts of the row come from, in the tags of ``reference.SOURCES``."""
    inferred: str = field(default="", kw_only=True)
    """What of the row is our choice and why; it comes out under "differences"."""
    example: Any = field(default=None, kw_only=True)
    default: Any = field(default=None, kw_only=True)
    """What an absent value means."""

    type = "value"

    def wrong_type(self, value: Any) -> str:  # noqa: ARG002 (the types below look at it)
        """Return what is wrong with the JSON type of *value*, or an empty string."""
        return ""

    def breach(self, value: Any, message: Mapping[str, Any]) -> str:
        """Return which rule a *value* of the right type breaks, or an empty string."""
        return self.check(value, message) if self.check else ""

    def parts(self) -> Mapping[str, "Field"] | None:
        """Return the rows of the keys inside, if it is an object or an array of them."""
        return None


@dataclass(frozen=True, slots=True)
class String(Field):
    """A text."""

    shortest: int = field(default=0, kw_only=True)
    longest: int = field(default=0, kw_only=True)
    """Largest length in characters; 0: not limited."""
    values: tuple[str, ...] = field(default=(), kw_only=True)
    """The documented closed set, where there is one."""
    pattern: str = field(default="", kw_only=True)
    """What it has to match as a whole; empty: anything."""
    says: str = field(default="", kw_only=True)
    """What *pattern* takes, such as ``an e-mail address``."""
    decode: str = field(default="", kw_only=True)
    """Decoder for it, or for each item of an array: ``x509`` or ``json``."""

    type = "string"

    def wrong_type(self, value: Any) -> str:
        """Say so if *value* is no string."""
        return "" if isinstance(value, str) else "must be a string"

    def breach(self, value: Any, message: Mapping[str, Any]) -> str:
        """Check the length and the pattern, then the row's own rule."""
        return self.wrong_text(value) or Field.breach(self, value, message)

    def wrong_text(self, text: str) -> str:
        """Return what is wrong with length or pattern of one text, or an empty string."""
        if self.pattern and not re.fullmatch(self.pattern, text):
            return f"must be {self.says}"
        return self.wrong_length(text)

    def wrong_length(self, text: str) -> str:
        """Return what is wrong with the length of one text, or an empty string."""
        if len(text) < self.shortest:
            return "must not be empty"
        if self.longest and len(text) > self.longest:
            return f"must have at most {self.longest} characters"
        return ""


@dataclass(frozen=True, slots=True)
class Identifier(String):
    """A text that clients also send as a number."""

    type = "string or integer"

    def wrong_type(self, value: Any) -> str:
        """Say so if *value* is neither."""
        fits = isinstance(value, str | int) and not isinstance(value, bool)
        return "" if fits else "must be a string"

    def breach(self, value: Any, message: Mapping[str, Any]) -> str:
        """Check it as the text that it stands for."""
        return String.breach(self, str(value), message)


@dataclass(frozen=True, slots=True)
class Digits(String):
    """A whole number in a query: digits, from 0 to 2147483647."""

    type = "integer"

    def breach(self, value: Any, message: Mapping[str, Any]) -> str:
        """Check the digits and the size, then the row's own rule."""
        plain = value.isascii() and value.isdigit() and len(value) <= _DIGITS
        if not plain or int(value) > _INT32:
            return "must be a whole number"
        return String.breach(self, value, message)


@dataclass(frozen=True, slots=True)
class Flag(String):
    """A truth value in a query: ``true`` or ``false``."""

    type = "boolean"

    def breach(self, value: Any, message: Mapping[str, Any]) -> str:
        """Check that it is one of the two words, then the row's own rule."""
        if value not in ("true", "false"):
            return "must be true or false"
        return String.breach(self, value, message)


@dataclass(frozen=True, slots=True)
class Integer(Field):
    """A whole number."""

    least: int | None = field(default=None, kw_only=True)
    most: int | None = field(default=None, kw_only=True)

    type = "integer"

    def wrong_type(self, value: Any) -> str:
        """Say so if *value* is no integer; JSON's true and false are none."""
        whole = isinstance(value, int) and not isinstance(value, bool)
        return "" if whole else "must be an integer"

    def breach(self, value: Any, message: Mapping[str, Any]) -> str:
        """Check the bounds, then the row's own rule."""
        if self.least is not None and value < self.least:
            return f"must be at least {self.least}"
        if self.most is not None and value > self.most:
            return f"must be at most {self.most}"
        return Field.breach(self, value, message)


@dataclass(frozen=True, slots=True)
class Number(Field):
    """A number, whole or not."""

    least: float | None = field(default=None, kw_only=True)
    most: float | None = field(default=None, kw_only=True)

    type = "number"

    def wrong_type(self, value: Any) -> str:
        """Say so if *value* is no finite number; JSON's true and false are none."""
        right = isinstance(value, int | float) and not isinstance(value, bool)
        return "" if right and math.isfinite(value) else "must be a number"

    def breach(self, value: Any, message: Mapping[str, Any]) -> str:
        """Check the bounds, then the row's own rule."""
        if self.least is not None and value < self.least:
            return f"must be at least {self.least:g}"
        if self.most is not None and value > self.most:
            return f"must be at most {self.most:g}"
        return Field.breach(self, value, message)


@dataclass(frozen=True, slots=True)
class Boolean(Field):
    """True or false."""

    type = "boolean"

    def wrong_type(self, value: Any) -> str:
        """Say so if *value* is neither true nor false."""
        return "" if isinstance(value, bool) else "must be true or false"


@dataclass(frozen=True, slots=True)
class Strings(String):
    """An array of texts; all but *check* and *fewest* is said of each item."""

    fewest: int = field(default=0, kw_only=True)
    """How many items there are at least."""

    type = "array of strings"

    @staticmethod
    def wrong_item(value: Any) -> str:
        """Say so if one item is no string."""
        return "" if isinstance(value, str) else "must be a string"

    def wrong_type(self, value: Any) -> str:
        """Say so if *value* is no array of strings."""
        right = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return "" if right else "must be an array of strings"

    def breach(self, value: Any, message: Mapping[str, Any]) -> str:
        """Check the length of each item, then the row's own rule, which takes them all."""
        if len(value) < self.fewest:
            return f"must have {self.fewest} or more items"
        texts = (why for item in value if (why := self.wrong_text(item)))
        return next(texts, "") or Field.breach(self, value, message)


@dataclass(frozen=True, slots=True)
class Integers(Field):
    """An array of whole numbers; the concept is that of each."""

    type = "array of integers"

    def wrong_type(self, value: Any) -> str:
        """Say so if *value* is no array of integers."""
        right = isinstance(value, list) and not any(self.wrong_item(item) for item in value)
        return "" if right else "must be an array of integers"

    @staticmethod
    def wrong_item(value: Any) -> str:
        """Say so if one item is no integer."""
        whole = isinstance(value, int) and not isinstance(value, bool)
        return "" if whole else "must be an integer"


@dataclass(frozen=True, slots=True)
class Instant(Field):
    """A date and time with offset, as TOML has it; JSON has a text (RFC 3339) in its place."""

    type = "instant"

    def wrong_type(self, value: Any) -> str:
        """Say so if *value* is none, or is before 1970."""
        right = isinstance(value, datetime) and value.tzinfo is not None
        good = right and value.timestamp() >= 0
        return "" if good else "must be a date and time with offset, without quotes"


@dataclass(frozen=True, slots=True)
class Day(Field):
    """A date, as TOML has it; JSON has a text in its place."""

    type = "date"

    def wrong_type(self, value: Any) -> str:
        """Say so if *value* is none."""
        return "" if type(value) is date else "must be a date, such as 2026-01-31 without quotes"


@dataclass(frozen=True, slots=True)
class Object(Field):
    """A JSON object with known keys."""

    fields: tuple[Field, ...] = field(default=(), kw_only=True)

    type = "object"

    def wrong_type(self, value: Any) -> str:
        """Say so if *value* is no object, or something inside has the wrong type."""
        if not isinstance(value, dict):
            return "must be an object"
        return wrong_inside(self.fields, value)

    def parts(self) -> Mapping[str, Field]:
        """Return the rows of its keys."""
        return {row.name: row for row in self.fields}


@dataclass(frozen=True, slots=True)
class Objects(Object):
    """An array of JSON objects with known keys."""

    type = "array of objects"

    def wrong_type(self, value: Any) -> str:
        """Say so if *value* is no array of such objects."""
        if not isinstance(value, list):
            return "must be an array of objects"
        return next((why for item in value if (why := Object.wrong_type(self, item))), "")


@dataclass(frozen=True, slots=True)
class Table(Field):
    """A JSON object whose keys are data, such as serial numbers; its concept is that of the keys.

    The values are all of *value*'s row, or objects of *fields*.
    """

    value: Field | None = field(default=None, kw_only=True)
    fields: tuple[Field, ...] = field(default=(), kw_only=True)

    type = "object by key"

    def wrong_type(self, value: Any) -> str:
        """Say so if *value* is no object or one of its values has the wrong type."""
        if not isinstance(value, dict):
            return "must be an object"
        if self.value is not None:
            row = self.value
            return next((why for item in value.values() if (why := row.wrong_type(item))), "")
        return next(
            (why for item in value.values() if (why := wrong_inside(self.fields, item))), ""
        )


def in_order(names: str, rows: tuple[Field, ...]) -> tuple[Field, ...]:
    """Return *rows* in the order of *names*, which spaces part; those that it lacks come last."""
    left = {row.name: row for row in rows}
    return (*(left.pop(name) for name in names.split()), *left.values())


def wrong_inside(rows: tuple[Field, ...], message: Any) -> str:
    """Return the first wrong type inside *message*, with the name of its field."""
    if not isinstance(message, dict):
        return "must be an object"
    for row in rows:
        if (value := message.get(row.name)) is not None and (why := row.wrong_type(value)):
            return f"{row.name} {why}"
    return ""


def walk(rows: tuple[Field, ...]) -> Iterator[Field]:
    """Yield *rows* and all rows inside them."""
    for row in rows:
        yield row
        inner = getattr(row, "fields", ())
        if isinstance(row, Table) and row.value is not None:
            yield row.value
        yield from walk(inner)
