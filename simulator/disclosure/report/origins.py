"""Origins: whether a value that a client sends is news to Apple, or came from Apple before.

``echo:<operation>`` is a value that an earlier answer held, ``derived`` one that
is computed anew for each request, ``novel`` all else. Of what the simulator
issues itself, what it never issued is ``foreign``: in a world of invented data
that is probably somebody's real data.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache

from simulator.core.memory_spool import MemorySpool
from simulator.core.messages import Exchange
from simulator.disclosure.concepts import CONCEPTS, PROTOCOL
from simulator.disclosure.redact.markers import OPENING, parse_marker
from simulator.disclosure.report.firsts import Firsts, Spool
from simulator.disclosure.report.names import PERSON_NAME, words_of
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.fields import Field, walk
from simulator.protocol.service import Issued

NOVEL, FOREIGN, DERIVED, ECHO = "novel", "foreign", "derived", "echo:"
_DERIVED = frozenset(("dep.oauth_signature",))
_BITS = 10
"""Of an entry, those that number the operation."""
_NEVER = 1 << 64
"""Above all entries."""

Known = Callable[[str], AbstractSet[int] | None]
"""Takes a concept; returns the values that the world holds of it, None if that cannot be told.

Of `PERSON_NAME` these are the words of all names of persons.
"""
Scan = Callable[[str, str], Iterable[str]]
"""Takes a kind of entity and a key of its body (empty: none); returns the keys, or the values."""


def known_to(
    catalogue: Catalogue, scan: Scan, stamps: Callable[[str, Sequence[str]], Iterable[int]]
) -> Known:
    """Return what tells the values that a world holds; each concept is looked up once.

    *stamps* makes the fingerprints of values as numbers. A world that holds
    nothing of a kind says nothing about it.
    """
    services = catalogue.services.values()
    # Two services may issue the same.
    places: dict[str, set[Issued]] = {}
    for one in (each for service in services for each in service.issues):
        places.setdefault(one.concept, set()).add(one)
    persons = {one for service in services for one in service.persons}

    @cache
    def known(concept: str) -> AbstractSet[int] | None:
        if concept == PERSON_NAME:
            texts = {text for one in persons for text in scan(one.kind, one.name)}
            return {word for text in texts for word in words_of(text)}
        values = {
            value
            for one in places.get(concept, ())
            for value in stamps(concept, [*scan(one.kind, one.name)])
        }
        return values or None

    return known


class Origins:
    """The values that were answered, each with the exchange that did so first."""

    def __init__(self, catalogue: Catalogue, spool: Callable[[], Spool] = MemorySpool) -> None:
        self._operations = list(catalogue.operations)
        self._numbers = {name: number for number, name in enumerate(self._operations)}
        self.first = {name: Firsts(spool) for name in sorted(_followed(catalogue))}
        """The values of each concept, with the exchange and, in the lower bits, its operation."""
        self.names = Firsts(spool)
        """Words of the names of persons that were answered, or sent as such."""

    def follows(self, concept: str) -> bool:
        """Tell whether values of *concept* are both answered and sent, so that they can echo."""
        return concept in self.first

    @property
    def followed(self) -> Iterable[str]:
        """The concepts that `follows` tells."""
        return self.first

    def answers(self, concept: str, value: int) -> bool:
        """Tell whether a fingerprint of a followed concept was ever answered."""
        return value in self.first[concept]

    def answered(self, concept: str, values: Iterable[int], seq: int, operation: str) -> None:
        """Note the fingerprints *values* that exchange *seq* answered; *concept* is followed."""
        self.first[concept].note(values, seq << _BITS | self._numbers[operation])

    def answered_in_head(self, exchange: Exchange) -> None:
        """Note the secrets in the head of an answer, such as a session's next token."""
        for _, value in exchange.response.headers:
            if not value.startswith(OPENING):  # as most do not
                continue
            sealed = parse_marker(value)
            if sealed and exchange.operation and self.follows(sealed.concept):
                stamp = int(sealed.fp, 16)
                self.answered(sealed.concept, (stamp,), exchange.seq, exchange.operation)

    def of(self, concept: str, value: int, seq: int) -> str:
        """Return the origin of a fingerprint that exchange *seq* sent; empty for plumbing."""
        first = self.first.get(concept)
        return self._origin(concept, None if first is None else first.get(value), seq)

    def of_many(
        self, concept: str, low: int, high: int, values: Mapping[int, int]
    ) -> dict[str, Collection[int]]:
        """Return *values*, each with the exchange that sent it, by the origin that `of` tells.

        They are from *low* to the one before *high*.
        """
        first = self.first.get(concept)
        known = {} if first is None else first.between(low, high)
        answer = known.get
        echoes = [one for one, seq in values.items() if answer(one, _NEVER) >> _BITS < seq]
        found: dict[str, Collection[int]] = {
            self._origin(concept, None, 0): values.keys() - echoes if echoes else values.keys(),
        }
        for one in echoes:
            echo = found.setdefault(self._origin(concept, known[one], values[one]), set())
            echo.add(one)  # type: ignore[attr-defined]  # what is no echo is in the one above
        return found

    def _origin(self, concept: str, entry: int | None, seq: int) -> str:
        if entry is not None and entry >> _BITS < seq:
            return ECHO + self._operations[entry & (1 << _BITS) - 1]
        if CONCEPTS[concept].category == PROTOCOL:
            return ""
        return DERIVED if concept in _DERIVED else NOVEL

    def add_names(self, words: Iterable[int]) -> None:
        """Note words of names of persons."""
        self.names.note(words, 0)

    def join(self, later: "Origins") -> None:
        """Take what was answered in the exchanges right behind."""
        for concept, first in later.first.items():
            self.first[concept].extend(first)
        self.names.extend(later.names)

    def settle(self) -> None:
        """Find what came twice in what was joined."""
        for one in (*self.first.values(), self.names):
            one.settle()


@cache
def _followed(catalogue: Catalogue) -> frozenset[str]:
    sent = _concepts(row for one in catalogue.operations.values() for row in one.request)
    sent |= _concepts(row for one in catalogue.services.values() for row in one.headers)
    answered = _concepts(row for one in catalogue.operations.values() for row in one.response)
    return frozenset(sent & answered)


def _concepts(rows: Iterable[Field]) -> set[str]:
    found = {row.concept for row in walk(tuple(rows)) if row.concept}
    return {name for name in found if CONCEPTS[name].category != PROTOCOL}
