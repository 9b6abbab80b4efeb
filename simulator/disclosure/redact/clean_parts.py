"""Parts of exchanges in which no secret was found: clients repeat most of what they send."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Any

from simulator.core.memo import DEVICES, Memo, RepeatMemo
from simulator.core.messages import Headers

Rest = tuple[str, bytes]
Pair = tuple[str, str]
Parts = tuple[tuple[Any, ...], Rest, bytes]
"""Facts; target and body; the body of the answer."""
_MOST_FACTS, _MOST_ANSWERS, _MOST_FIELDS = 1024, 256, 1024
_SMALL_REST, _SMALL_ANSWER = 512, 16_384
"""Bytes of what is remembered."""


class CleanParts:
    """Remembers parts for as long as no further secret is known."""

    def __init__(self) -> None:
        self._secrets = 0
        """How many secrets were looked for."""
        self._facts: Memo[tuple[Any, ...], None] = Memo(_MOST_FACTS)
        self._rests: RepeatMemo[Rest, None] = RepeatMemo(DEVICES)
        self._answers: Memo[bytes, None] = Memo(_MOST_ANSWERS)
        self._fields: Memo[Pair, None] = Memo(_MOST_FIELDS)

    def holds(self, parts: Parts, secrets: int) -> bool:
        """Tell whether the first and last of *parts* are known to hold none of so many *secrets*.

        Not where the body is large, which may have been looked at before: see `look_through`.
        `new_rests` and `new_fields` tell the same of what differs from one exchange to another.
        """
        facts, rest, answer = parts
        return (
            secrets == self._secrets
            and len(rest[1]) <= _SMALL_REST
            and facts in self._facts
            and answer in self._answers
        )

    def new_rests(self, rests: AbstractSet[Rest]) -> AbstractSet[Rest]:
        """Return those targets with bodies that are not known to hold none."""
        return {one for one in rests if one not in self._rests}

    def new_fields(self, fields: AbstractSet[Pair]) -> AbstractSet[Pair]:
        """Return those header fields that are not known to hold none."""
        return {one for one in fields if one not in self._fields}

    def add_rests(self, rests: Iterable[Rest]) -> None:
        """Remember targets with bodies that hold none."""
        for one in rests:
            if len(one[0]) + len(one[1]) <= _SMALL_REST:
                self._rests.keep(one, None)

    def add(self, parts: Parts, headers: Headers, secrets: int) -> None:
        """Remember *parts* and all *headers*, with none of so many *secrets*."""
        if secrets != self._secrets:
            self._secrets = secrets
            for known in (self._facts, self._rests, self._answers, self._fields):
                known.clear()
        for one in headers:
            self._fields.keep(one, None)
        facts, rest, answer = parts
        if len(answer) <= _SMALL_ANSWER:
            self._facts.keep(facts, None)
            self._answers.keep(answer, None)
            self.add_rests((rest,))
