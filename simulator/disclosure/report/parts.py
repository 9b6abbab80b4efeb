"""Parts: ledgers of pieces of a journal that were added up apart, and are put together in order.

The result is that of adding up all exchanges one by one.
"""

from dataclasses import replace
from functools import partial

from simulator.disclosure.report.groups import ODD, SAMPLES, WRITTEN, Sent, SentExample
from simulator.disclosure.report.ledger import Ledger


def join(ledger: Ledger, part: Ledger) -> None:
    """Add to *ledger* what *part* added up, of the exchanges right behind those of *ledger*.

    What values are new, and where they came from, is found by `settle`, for all parts at once.
    """
    ledger.origins.join(part.origins)
    for into, of in ((ledger.sent, part.sent), (ledger.connections, part.connections)):
        _join_groups(ledger, into, of)  # type: ignore[arg-type]  # each with keys of its own
    for key, values in part.received.items():
        known = ledger.received.get(key)
        if known is None:
            known = ledger.received[key] = replace(values, seen=ledger.seen())
        known.seen.join(values.seen)
    for where, told in part.devices.told.items():
        before = ledger.devices.told.setdefault(where, told)
        if before is not told:
            before.times += told.times
            before.last = told.last
    ledger.add_counts(part)


def settle(ledger: Ledger) -> None:
    """Find the values that were new in the parts, and where they came from."""
    ledger.origins.settle()
    for values in ledger.received.values():
        values.seen.values.settle()
    for group in (*ledger.sent.values(), *ledger.connections.values()):
        group.seen.values.settle(partial(_note_new, ledger, group))


def _note_new(ledger: Ledger, group: Sent, low: int, high: int, new: dict[int, int]) -> None:
    origins = ledger.origins.of_many(group.example.concept, low, high, new)
    ledger.note_origins(group, origins)


def _join_groups(ledger: Ledger, groups: dict[object, Sent], part: dict[object, Sent]) -> None:
    for key, group in part.items():
        known = groups.get(key)
        if known is None:
            known = groups[key] = ledger.sent_group(
                group.service, group.operation, group.example, group.text
            )
        _join_group(known, group)


def _join_group(known: Sent, part: Sent) -> None:
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
