"""Parts: ledgers of pieces of a journal that were added up apart, and are put together in order.

The result is that of adding up all exchanges one by one.
"""

from array import array
from dataclasses import replace

from simulator.disclosure.report.groups import ODD, SAMPLES, WRITTEN, Sent, SentExample
from simulator.disclosure.report.ledger import Ledger
from simulator.disclosure.report.origins import NOVEL


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
    _join_counts(ledger, part)


def settle(ledger: Ledger) -> None:
    """Find the values that were new in the parts, and where they came from."""
    ledger.origins.settle()
    for values in ledger.received.values():
        values.seen.values.settle()
    for group in (*ledger.sent.values(), *ledger.connections.values()):
        _settle_values(ledger, group)


def _settle_values(ledger: Ledger, group: Sent) -> None:
    """Do for many values at once what `Ledger.note_origin` does for one."""
    concept = group.example.concept
    issued, fresh = concept in ledger.issued, ledger.spool()

    def note(low: int, high: int, new: dict[int, int]) -> None:
        for origin, values in ledger.origins.of_many(concept, low, high, new).items():
            if origin and values:
                group.origins[origin] += len(values)
            if origin == NOVEL and issued:
                fresh.write(array("Q", sorted(values)))

    group.seen.values.settle(note)
    group.fresh.extend_by(fresh.getbuffer().cast("Q"))


def _join_counts(ledger: Ledger, part: Ledger) -> None:
    ledger.first = ledger.first if ledger.exchanges else part.first
    ledger.last = part.last if part.exchanges else ledger.last
    ledger.newest = max(ledger.newest, part.last[0])
    ledger.outcomes.update(part.outcomes)
    ledger.exchanges += part.exchanges
    ledger.refused += part.refused
    ledger.unreadable += part.unreadable
    ledger.truncated += part.truncated


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
