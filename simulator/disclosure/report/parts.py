"""Parts: ledgers of pieces of a journal that were added up apart, and are put together in order.

The result is that of adding up all exchanges one by one.
"""

from simulator.disclosure.report.groups import (
    ODD,
    SAMPLES,
    WRITTEN,
    ReceivedValues,
    Sent,
    SentExample,
)
from simulator.disclosure.report.ledger import Ledger
from simulator.disclosure.report.origins import NOVEL


def join(ledger: Ledger, part: Ledger) -> None:
    """Add to *ledger* what *part* added up, of the exchanges right behind those of *ledger*."""
    for concept, entries in part.origins.dump().items():
        for value, seq, operation in entries:
            ledger.origins.answered(concept, (value,), seq, operation)
    ledger.origins.names |= part.origins.names
    for into, of in ((ledger.sent, part.sent), (ledger.connections, part.connections)):
        _join_groups(ledger, into, of)  # type: ignore[arg-type]  # each with keys of its own
    for key, values in part.received.items():
        known = ledger.received.get(key)
        if known is None:
            known = ledger.received[key] = ReceivedValues(
                values.service, values.operation, values.place, values.row, values.marker,
                values.text,
            )  # fmt: skip
        known.seen.join(values.seen)
    for where, told in part.devices.told.items():
        before = ledger.devices.told.setdefault(where, told)
        if before is not told:
            before.times += told.times
            before.last = told.last
    ledger.add_counts(part)


def _join_groups(ledger: Ledger, groups: dict[object, Sent], part: dict[object, Sent]) -> None:
    for key, group in part.items():
        known = groups.get(key)
        if known is None:
            known = groups[key] = Sent(group.service, group.operation, group.example, group.text)
        _join_group(ledger, known, group)


def _join_group(ledger: Ledger, known: Sent, part: Sent) -> None:
    concept = part.example.concept
    for value, seq in part.firsts.items():
        if value in known.seen.values:
            continue
        if origin := ledger.origins.of(concept, value, seq):
            known.origins[origin] += 1
            if origin == NOVEL and concept in ledger.issued:
                known.fresh.add(value)
    example = SentExample(part.example, part.text, part.seen.evidence[0])
    for one in (example, *part.odd.values()):
        flags = one.record.flags
        if flags != known.example.flags and flags not in known.odd and len(known.odd) < ODD:
            known.odd[flags] = one
    _join_words(known, part)
    for clear, sample in part.samples.items():
        if len(known.samples) < SAMPLES:
            known.samples.setdefault(clear, sample)
    known.seen.join(part.seen)
    known.flags.update(part.flags)
    known.documented = known.documented and part.documented


def _join_words(known: Sent, part: Sent) -> None:
    """Add the words of a part; the value that each stood in is kept while there are few."""
    last = kept = None
    for word, one in part.words.items():
        if one != last:  # of one value, though a copy for each word
            few = len(known.words) < WRITTEN
            last, kept = one, one if few else SentExample(one.record, None, one.exchange)
        assert kept is not None  # noqa: S101 (for mypy)
        known.words.setdefault(word, kept)
