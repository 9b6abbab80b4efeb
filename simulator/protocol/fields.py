"""Rows for fields: what may stand on the wire, since when, and what it means.

A field is written once, beside the handler that uses it. Validation, version
projection, disclosure, redaction, the reference and the tests read that row.

Longer than 300 lines: the kinds of rows are one vocabulary, and each is short.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Literal

from msgspec import Struct, field

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


class ErrorCode(Struct, frozen=True):
    """One answer that the real service refuses with."""

    code: str
    """Name in menus, findings and the journal; also the body unless *body* says otherwise."""
    status: int
    about: str
    also: tuple[str, ...] = ()
    """Other spellings that it can be ordered by, such as the documented one."""
    body: str | None = None
    headers: Headers = ()
    takes: "tuple[Field, ...]" = ()
    """What a fault can choose of the answer, beside ``retry_after_s``, such as a time stamp."""
    source: str = ""
    inferred: str = ""

    def __hash__(self) -> int:
        """Hash by what tells it from others: what it takes cannot be."""
        return hash((self.code, self.status, self.about))


class Field(Struct, frozen=True):
    """One value on the wire."""

    name: str
    """As it stands on the wire."""
    about: str
    """One sentence for the reference."""
    required: bool = False
    versions: str = "1+"
    """Protocol versions that know it: ``3+``, ``8-10`` or ``2``."""
    concept: str = ""
    """What the value means: a key of ``disclosure/concepts.toml``."""
    place: Place = "body"
    missing: ErrorCode | None = None
    """Error row answered when it is required and absent; None: the service's malformed."""
    invalid: ErrorCode | None = None
    """Error row answered when its value breaks its rule; None: only reported."""
    check: Check | None = None
    """A rule that the type cannot say."""
    older: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    """Value -> (version that brought it, what earlier versions get instead)."""
    deprecated: str = ""
    """Why it should not be used any more; empty if it may."""
    source: str = ""
    """Where the facts of the row come from, in the tags of ``reference.SOURCES``."""
    inferred: str = ""
    """What of the row is our choice and why; it comes out under "differences"."""
    example: Any = None
    default: Any = None
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


class String(Field, frozen=True):
    """A text."""

    shortest: int = 0
    longest: int = 0
    """Largest length in characters; 0: not limited."""
    values: tuple[str, ...] = ()
    """The documented closed set, where there is one."""
    pattern: str = ""
    """What it has to match as a whole; empty: anything."""
    says: str = ""
    """What *pattern* takes, such as ``an e-mail address``."""
    decode: str = ""
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


class Identifier(String, frozen=True):
    """A text that clients also send as a number."""

    type = "string or integer"

    def wrong_type(self, value: Any) -> str:
        """Say so if *value* is neither."""
        fits = isinstance(value, str | int) and not isinstance(value, bool)
        return "" if fits else "must be a string"

    def breach(self, value: Any, message: Mapping[str, Any]) -> str:
        """Check it as the text that it stands for."""
        return String.breach(self, str(value), message)


class Digits(String, frozen=True):
    """A whole number in a query: digits, from 0 to 2147483647."""

    type = "integer"

    def breach(self, value: Any, message: Mapping[str, Any]) -> str:
        """Check the digits and the size, then the row's own rule."""
        plain = value.isascii() and value.isdigit() and len(value) <= _DIGITS
        if not plain or int(value) > _INT32:
            return "must be a whole number"
        return String.breach(self, value, message)


class Flag(String, frozen=True):
    """A truth value in a query: ``true`` or ``false``."""

    type = "boolean"

    def breach(self, value: Any, message: Mapping[str, Any]) -> str:
        """Check that it is one of the two words, then the row's own rule."""
        if value not in ("true", "false"):
            return "must be true or false"
        return String.breach(self, value, message)


class Integer(Field, frozen=True):
    """A whole number."""

    least: int | None = None
    most: int | None = None

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


class Number(Field, frozen=True):
    """A number, whole or not."""

    least: float | None = None
    most: float | None = None

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


class Boolean(Field, frozen=True):
    """True or false."""

    type = "boolean"

    def wrong_type(self, value: Any) -> str:
        """Say so if *value* is neither true nor false."""
        return "" if isinstance(value, bool) else "must be true or false"


class Strings(String, frozen=True):
    """An array of texts; all but *check* and *fewest* is said of each item."""

    fewest: int = 0
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


class Integers(Field, frozen=True):
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


class Instant(Field, frozen=True):
    """A date and time with offset, as TOML has it; JSON has a text (RFC 3339) in its place."""

    type = "instant"

    def wrong_type(self, value: Any) -> str:
        """Say so if *value* is none, or is before 1970."""
        right = isinstance(value, datetime) and value.tzinfo is not None
        good = right and value.timestamp() >= 0
        return "" if good else "must be a date and time with offset, without quotes"


class Day(Field, frozen=True):
    """A date, as TOML has it; JSON has a text in its place."""

    type = "date"

    def wrong_type(self, value: Any) -> str:
        """Say so if *value* is none."""
        return "" if type(value) is date else "must be a date, such as 2026-01-31 without quotes"


class Object(Field, frozen=True):
    """A JSON object with known keys."""

    fields: tuple[Field, ...] = ()

    type = "object"

    def wrong_type(self, value: Any) -> str:
        """Say so if *value* is no object, or something inside has the wrong type."""
        if not isinstance(value, dict):
            return "must be an object"
        return wrong_inside(self.fields, value)

    def parts(self) -> Mapping[str, Field]:
        """Return the rows of its keys."""
        return {row.name: row for row in self.fields}


class Objects(Object, frozen=True):
    """An array of JSON objects with known keys."""

    type = "array of objects"

    def wrong_type(self, value: Any) -> str:
        """Say so if *value* is no array of such objects."""
        if not isinstance(value, list):
            return "must be an array of objects"
        return next((why for item in value if (why := Object.wrong_type(self, item))), "")


class Table(Field, frozen=True):
    """A JSON object whose keys are data, such as serial numbers; its concept is that of the keys.

    The values are all of *value*'s row, or objects of *fields*.
    """

    value: Field | None = None
    fields: tuple[Field, ...] = ()

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
        if isinstance(row, Table) and row.value is not None:
            yield row.value
        if inner := getattr(row, "fields", ()):
            yield from walk(inner)
