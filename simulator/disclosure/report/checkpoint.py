"""Checkpoints: a ledger as bytes, so that the next report goes on where the last one stopped.

A checkpoint is only good for the journal, catalogue, key and version that it
was made with. Whoever goes on from one has to check the hashes of what it
holds first; the result is the same as from the beginning, byte for byte.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from simulator.disclosure.observe.observation import Observer
from simulator.disclosure.observe.plans import Row
from simulator.disclosure.observe.records import Disclosure
from simulator.disclosure.redact.markers import Marker
from simulator.disclosure.report.devices import Told
from simulator.disclosure.report.groups import ReceivedValues, Seen, Sent, SentExample
from simulator.disclosure.report.ledger import Ledger
from simulator.protocol.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class _Sent:
    service: str
    operation: str
    example: Disclosure
    text: str | None
    seen: Seen
    flags: dict[str, int]
    documented: bool
    origins: dict[str, int]
    fresh: set[int]
    firsts: dict[int, int]
    samples: list[Disclosure]
    odd: list[SentExample]
    words: dict[int, SentExample]


@dataclass(frozen=True, slots=True)
class _Received:
    service: str
    operation: str
    place: str
    marker: Marker
    text: str | None
    seen: Seen


@dataclass(frozen=True, slots=True)
class _Ledger:
    made_with: str
    seq: int
    link: bytes
    sent: list[_Sent]
    connections: list[_Sent]
    received: list[_Received]
    outcomes: list[tuple[str, str, int, int]]
    counts: tuple[int, int, int, int]
    first: tuple[int, int]
    last: tuple[int, int]
    origins: dict[str, list[tuple[int, int, str]]]
    names: set[int]
    devices: list[tuple[str, str, Told]]


_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(_Ledger).decode


@dataclass(frozen=True, slots=True)
class Restored:
    """A ledger that was read, and the place in the journal that it had come to."""

    ledger: Ledger
    seq: int
    link: bytes


def dump(ledger: Ledger, made_with: str, seq: int, link: bytes) -> bytes:
    """Return *ledger*, which has come to exchange *seq* with *link*, as bytes."""
    return _ENCODE(
        _Ledger(
            made_with,
            seq,
            link,
            [_of(group) for group in ledger.sent.values()],
            [_of(group) for group in ledger.connections.values()],
            [
                _Received(one.service, one.operation, one.place, one.marker, one.text, one.seen)
                for one in ledger.received.values()
            ],
            [(*key, count) for key, count in ledger.outcomes.items()],
            (ledger.exchanges, ledger.refused, ledger.unreadable, ledger.truncated),
            ledger.first,
            ledger.last,
            ledger.origins.dump(),
            ledger.origins.names,
            [(*where, told) for where, told in ledger.devices.told.items()],
        )
    )


def _of(group: Sent) -> _Sent:
    return _Sent(
        group.service,
        group.operation,
        group.example,
        group.text,
        group.seen,
        dict(group.flags),
        group.documented,
        dict(group.origins),
        group.fresh,
        group.firsts,
        list(group.samples.values()),
        list(group.odd.values()),
        group.words,
    )


def load(data: bytes, made_with: str, observer: Observer, catalogue: Catalogue) -> Restored | None:
    """Read what `dump` gave; None if it was made with something else or cannot be read."""
    try:
        kept = _DECODE(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if kept.made_with != made_with:
        return None
    ledger = Ledger(observer, catalogue)
    for one in kept.sent:
        first = one.example
        where = (one.service, one.operation, first.part, first.generic, first.via, first.concept)
        ledger.sent[where] = _group(one)
    for one in kept.connections:
        ledger.connections[one.service, one.example.at] = _group(one)
    for answered in kept.received:
        row = dict(_places(observer.answer_rows(answered.operation), "")).get(answered.place)
        if row is None:
            return None
        ledger.received[answered.service, answered.operation, answered.place] = ReceivedValues(
            answered.service,
            answered.operation,
            answered.place,
            row,
            answered.marker,
            answered.text,
            answered.seen,
        )
    ledger.outcomes.update({(a, b, c): count for a, b, c, count in kept.outcomes})
    ledger.exchanges, ledger.refused, ledger.unreadable, ledger.truncated = kept.counts
    ledger.first, ledger.last = kept.first, kept.last
    ledger.origins.load(kept.origins)
    ledger.origins.names |= kept.names
    ledger.devices.told.update({(message, key): told for message, key, told in kept.devices})
    return Restored(ledger, kept.seq, kept.link)


def _group(one: _Sent) -> Sent:
    return Sent(
        one.service,
        one.operation,
        one.example,
        one.text,
        one.seen,
        Counter(one.flags),
        one.documented,
        Counter(one.origins),
        one.fresh,
        one.firsts,
        {sample.clear: sample for sample in one.samples},
        {each.record.flags: each for each in one.odd},
        one.words,
    )


def _places(rows: Mapping[str, Row], place: str) -> Iterator[tuple[str, Row]]:
    """Yield the places that `receiving.collect` finds values in, each with its row."""
    for name, row in rows.items():
        yield from _into(row, f"{place}/{name}")


def _into(row: Row, place: str) -> Iterable[tuple[str, Row]]:
    yield place, row
    yield f"{place}/*", row
    if row.kind == "table" and (plain := row.inner.get("")) is not None:
        yield f"{place}/*/{plain.name}", plain
    elif row.inner:
        yield from _places(row.inner, place)
        yield from _places(row.inner, f"{place}/*")
