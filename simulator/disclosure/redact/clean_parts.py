"""Parts of exchanges in which no secret was found: clients repeat most of what they send."""

from collections.abc import Set as AbstractSet
from typing import Any

from simulator.core.messages import Headers

Parts = tuple[tuple[Any, ...], tuple[str, bytes], bytes]
"""Facts with the header fields; target and body; the body of the answer."""
_MOST_FACTS, _MOST_RESTS, _MOST_ANSWERS, _MOST_FIELDS = 1024, 16_384, 256, 1024
_SMALL_REST, _SMALL_ANSWER = 512, 16_384
"""Bytes of what is remembered."""


class CleanParts:
    """Remembers parts for as long as no further secret is known."""

    def __init__(self) -> None:
        self._secrets = 0
        """How many secrets were looked for."""
        self._facts: set[tuple[Any, ...]] = set()
        self._rests: set[tuple[str, bytes]] = set()
        self._answers: set[bytes] = set()
        self._fields: set[tuple[str, str]] = set()

    def holds(self, parts: Parts, secrets: int) -> bool:
        """Tell whether all *parts* are known to hold none of so many *secrets*."""
        facts, rest, answer = parts
        return (
            secrets == self._secrets
            and rest in self._rests
            and facts in self._facts
            and answer in self._answers
        )

    def new(self, fields: AbstractSet[tuple[str, str]]) -> AbstractSet[tuple[str, str]]:
        """Return those header fields of answers that are not known to hold none.

        What `holds` told must still be true.
        """
        return fields - self._fields

    def add(self, parts: Parts, headers: Headers, secrets: int) -> None:
        """Remember *parts* and the answer's *headers*, with none of so many *secrets*."""
        if secrets != self._secrets:
            self._secrets = secrets
            for known in (self._facts, self._rests, self._answers, self._fields):
                known.clear()
        for one in headers:
            _add(self._fields, one, _MOST_FIELDS)
        facts, rest, answer = parts
        if len(rest[0]) + len(rest[1]) <= _SMALL_REST and len(answer) <= _SMALL_ANSWER:
            _add(self._facts, facts, _MOST_FACTS)
            _add(self._rests, rest, _MOST_RESTS)
            _add(self._answers, answer, _MOST_ANSWERS)


def _add(known: set[Any], part: Any, most: int) -> None:
    if len(known) >= most:
        known.clear()
    known.add(part)
