"""Checkpoints: a ledger as bytes, so that the next report goes on where the last one stopped.

A checkpoint is only good for the journal, catalogue, key and version that it
was made with. Whoever goes on from one has to check the hashes of what it
holds first; the result is the same as from the beginning, byte for byte.

It is the length of a head, the head in MessagePack, and the arrays of `Firsts`, which the head
names by where they begin. These are read where they stand, as they may be long.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from simulator.core.memory_spool import MemorySpool
from simulator.disclosure.observe.observation import Observer
from simulator.disclosure.observe.plans import Row
from simulator.disclosure.observe.records import Disclosure
from simulator.disclosure.redact.markers import Marker
from simulator.disclosure.report.devices import Told
from simulator.disclosure.report.firsts import Firsts, Spool
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
    fresh: Firsts
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
    origins: dict[str, Firsts]
    names: Firsts
    devices: list[tuple[str, str, Told]]


_LENGTH = 8
"""Bytes of the head's length, and of each number in an array."""
Piece = bytes | memoryview


@dataclass(frozen=True, slots=True)
class Restored:
    """A ledger that was read, and the place in the journal that it had come to."""

    ledger: Ledger
    seq: int
    link: bytes


def dump(ledger: Ledger, made_with: str, seq: int, link: bytes) -> bytes:
    """Return *ledger*, which has come to exchange *seq* with *link*, as bytes."""
    return b"".join(pieces(ledger, made_with, seq, link))


def pieces(ledger: Ledger, made_with: str, seq: int, link: bytes) -> list[Piece]:
    """Return what `dump` does, in pieces."""
    kept = _Ledger(
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
        ledger.origins.first,
        ledger.origins.names,
        [(*where, told) for where, told in ledger.devices.told.items()],
    )
    arrays: list[Piece] = []
    end = 0

    def placed(firsts: Any) -> tuple[int, int]:
        nonlocal end
        start, found = end, firsts.arrays()
        if found is None:
            return start, 0
        arrays.extend(found)
        end += sum(one.nbytes for one in found)
        return start, len(found[0])

    head = msgspec.msgpack.encode(kept, enc_hook=placed)
    return [len(head).to_bytes(_LENGTH), head, *arrays]


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
        list(group.samples.values()),
        list(group.odd.values()),
        group.words,
    )


def load(
    data: Piece,
    made_with: str,
    observer: Observer,
    catalogue: Catalogue,
    spool: Callable[[], Spool] = MemorySpool,
) -> Restored | None:
    """Read what `dump` gave; None if it was made with something else or cannot be read.

    *data* stays in use. *spool* is as for `Ledger`.
    """
    view = memoryview(data)
    end = _LENGTH + int.from_bytes(view[:_LENGTH])

    def found(_: type, place: tuple[int, int]) -> Firsts:
        start, count = end + place[0], place[1] * _LENGTH
        firsts = Firsts(spool)
        if count:
            values, numbers = view[start : start + count], view[start + count : start + 2 * count]
            firsts.take(values.cast("Q"), numbers.cast("Q"))
        return firsts

    try:
        kept = msgspec.msgpack.decode(view[_LENGTH:end], type=_Ledger, dec_hook=found)
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError):
        return None
    if kept.made_with != made_with:
        return None
    ledger = Ledger(observer, catalogue, spool=spool)
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
    ledger.origins.first.update(kept.origins)
    ledger.origins.names = kept.names
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
