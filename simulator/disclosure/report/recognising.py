"""Recognising: what a value is, by what else is known beside the request that it stood in.

A value in a field that nobody documents may be one that the simulator itself issued; what
people write may hold the name of a person that the world or another request knows.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from msgspec import structs

from simulator.disclosure.concepts import CONCEPTS, UNKNOWN
from simulator.disclosure.observe.records import MISPLACED, Disclosure, ObservedRecord
from simulator.disclosure.report.groups import Sent, SentExample
from simulator.disclosure.report.ledger import Ledger
from simulator.disclosure.report.names import PERSON_NAME, may_name, words_in
from simulator.disclosure.report.origins import Known
from simulator.protocol.concepts import Concept

_LEAST = 6
"""Characters; shorter values are equal by chance."""
Recognise = Callable[[Iterable[ObservedRecord]], list[ObservedRecord]]
"""Returns records with what is known of their values beside the exchange, in the same order."""


class Recogniser:
    """Knows what was answered, and what the world holds."""

    def __init__(self, ledger: Ledger, known: Known | None) -> None:
        self._ledger, self._known = ledger, known

    def records(self, observed: Iterable[ObservedRecord]) -> list[ObservedRecord]:
        """Return each record with the concept and the flags that it has by what is known."""
        return [self._record(one, text) for one, text in observed]

    def _record(self, one: Disclosure, text: str | None) -> ObservedRecord:
        if text is None:
            return one, text
        if may_name(one) and self.names(words_in(text)):
            one = structs.replace(one, flags=(*one.flags, PERSON_NAME))
        concept = self._issued(one, text)
        if concept is None:
            return one, text
        return _meant(one, concept), None if concept.sealed else text

    def group(self, group: Sent) -> Sent:
        """Return *group* with the concept that its first value was issued as, if it was as one.

        Values that hold the name of a person are flagged, and shown among its examples.
        """
        words = self.names(group.words)
        if words:
            examples = [example for word, example in group.words.items() if word in words]
            group = _naming(group, {one.record.fp: one for one in examples})
        concept = self._issued(group.example, group.text)
        if concept is None:
            return group
        return replace(
            group,
            example=_meant(group.example, concept),
            text=None if concept.sealed else group.text,
            flags=group.flags + Counter({MISPLACED: group.seen.records}),
            samples={clear: _meant(one, concept) for clear, one in group.samples.items()},
            odd={
                (*flags, MISPLACED): SentExample(
                    _meant(one.record, concept), one.text, one.exchange
                )
                for flags, one in group.odd.items()
            },
        )

    def names(self, words: Iterable[int]) -> set[int]:
        """Return those of *words* that are of names of persons."""
        wanted = set(words)
        held = (self._known and self._known(PERSON_NAME)) or frozenset[int]()
        names = self._ledger.origins.names
        return {one for one in wanted if one in held or one in names}

    def _issued(self, one: Disclosure, text: str | None) -> Concept | None:
        """Return the one concept that a value of unknown meaning was issued as, or None."""
        if one.concept != UNKNOWN or text is None or len(text) < _LEAST:
            return None
        found = self._issued_as(text)
        return CONCEPTS[found.pop()] if len(found) == 1 else None

    def _issued_as(self, text: str) -> set[str]:
        """Return the concepts as which *text* was answered, or is held by the world."""
        origins, stamp = self._ledger.origins, self._ledger.observer.stamp
        stamps = {one: stamp(one, text) for one in origins.followed}
        found = {one for one, value in stamps.items() if origins.answers(one, value)}
        if self._known is not None:
            held = {one: self._known(one) or () for one in self._ledger.issued}
            found |= {one for one in held if stamp(one, text) in held[one]}
        return found


def _meant(one: Disclosure, concept: Concept) -> Disclosure:
    return structs.replace(
        one,
        concept=concept.name,
        category=concept.category,
        subject=concept.subject,
        secret=concept.secret,
        flags=(*one.flags, MISPLACED),
    )


def _naming(group: Sent, found: Mapping[str, SentExample]) -> Sent:
    """Return *group* with the flag at the values by fingerprint in *found*, and one as example."""

    def told(one: Disclosure) -> Disclosure:
        named = one.fp in found and PERSON_NAME not in one.flags
        return structs.replace(one, flags=(*one.flags, PERSON_NAME)) if named else one

    others = [one for one in found.values() if one.record.fp != group.example.fp]
    examples = [replace(one, record=told(one.record)) for one in (*group.odd.values(), *others)]
    return replace(
        group,
        example=told(group.example),
        flags=group.flags + Counter({PERSON_NAME: len(found)}),
        odd={one.record.flags: one for one in reversed(examples)},
    )
