"""Predicates of activations, as far as they are documented (AD:activationsimple).

Comparisons of ``@status(item)`` with a literal, with ``AND``, ``OR`` and
``NOT``. What is beyond that is an error and never true.
"""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(
    r"""\s*(?:(?P<open>\()|(?P<close>\))|(?P<word>AND|OR|NOT|&&|\|\||TRUEPREDICATE|FALSEPREDICATE)\b
    |(?P<status>@(?:status|property)\(\s*[A-Za-z0-9.\-]+\s*\))
    |(?P<operator>==|=|!=|<>|<=|>=|<|>|BEGINSWITH|ENDSWITH|CONTAINS|IN)
    |(?P<text>'[^']*'|"[^"]*")|(?P<number>-?\d+(?:\.\d+)?)|(?P<flag>true|false|YES|NO)
    |(?P<set>\{[^{}]*\}))""",
    re.VERBOSE | re.IGNORECASE,
)
_DEEPEST = 20
_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "=": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "IN": lambda left, right: left in right,
    "CONTAINS": lambda left, right: right in left,
    "BEGINSWITH": lambda left, right: str(left).startswith(right),
    "ENDSWITH": lambda left, right: str(left).endswith(right),
}


class PredicateError(Exception):
    """A predicate that is none, or beyond what is understood."""


def holds(predicate: str, status: Mapping[str, Any]) -> bool:
    """Tell whether *predicate* holds for the status items; PredicateError if it cannot be told."""
    parser = _Parser(_tokens(predicate), status)
    value = parser.any_of(0)
    if parser.rest:
        raise PredicateError(f"{parser.rest[0][1]} stands where the predicate should end")
    return value


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    text = text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise PredicateError(f"{text[at : at + 20]!r} is not understood")
        kind = str(match.lastgroup)
        found.append((kind, match.group(kind)))
        at = match.end()
    return found


class _Parser:
    """Evaluates while it reads."""

    def __init__(self, tokens: list[tuple[str, str]], status: Mapping[str, Any]) -> None:
        self.rest = tokens
        self._status = status

    def _next(self) -> tuple[str, str]:
        if not self.rest:
            raise PredicateError("the predicate ends too early")
        return self.rest.pop(0)

    def _is(self, *words: str) -> bool:
        if self.rest and self.rest[0][0] == "word" and self.rest[0][1].upper() in words:
            self.rest.pop(0)
            return True
        return False

    def any_of(self, depth: int) -> bool:
        """Evaluate terms that are joined by OR."""
        value = self._all_of(depth)
        while self._is("OR", "||"):
            value = self._all_of(depth) or value
        return value

    def _all_of(self, depth: int) -> bool:
        value = self._term(depth)
        while self._is("AND", "&&"):
            value = self._term(depth) and value
        return value

    def _term(self, depth: int) -> bool:
        if depth > _DEEPEST:
            raise PredicateError("the predicate is too deep")
        if self._is("NOT"):
            return not self._term(depth + 1)
        if self._is("TRUEPREDICATE"):
            return True
        if self._is("FALSEPREDICATE"):
            return False
        if self.rest and self.rest[0][0] == "open":
            self._next()
            value = self.any_of(depth + 1)
            if self._next()[0] != "close":
                raise PredicateError("a bracket is not closed")
            return value
        left = self._value()
        kind, sign = self._next()
        if kind != "operator":
            raise PredicateError(f"{sign} stands where a comparison has to")
        return _compare(left, sign.upper(), self._value())

    def _value(self) -> Any:
        kind, text = self._next()
        match kind:
            case "status":
                name = text.partition("(")[2].rstrip(") ").strip()
                if text.lower().startswith("@property"):
                    raise PredicateError("@property is not known to this device")
                return self._status.get(name)
            case "text":
                return text[1:-1]
            case "number":
                return float(text)
            case "flag":
                return text.lower() in ("true", "yes")
            case "set":
                return [one.strip().strip("'\"") for one in text[1:-1].split(",")]
            case _:
                raise PredicateError(f"{text} is no value")


def _compare(left: Any, sign: str, right: Any) -> bool:
    if isinstance(right, float) and isinstance(left, int | str):
        try:
            left = float(left)
        except ValueError:
            return sign in ("!=", "<>")
    try:
        return bool(_OPERATORS[sign](left, right))
    except TypeError:
        raise PredicateError(f"{left!r} and {right!r} cannot be compared") from None
