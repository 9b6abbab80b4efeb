"""Recognising: a value in a field that nobody documents, by what the simulator itself issued."""

from collections import Counter
from dataclasses import replace

from msgspec import structs

from simulator.disclosure.concepts import CONCEPTS, UNKNOWN
from simulator.disclosure.observe.records import MISPLACED, Disclosure
from simulator.disclosure.report.groups import Sent, SentExample
from simulator.disclosure.report.ledger import Ledger
from simulator.disclosure.report.origins import Known

_LEAST = 6
"""Characters; shorter values are equal by chance."""


def recognised(group: Sent, ledger: Ledger, known: Known | None) -> Sent:
    """Return *group* with the concept that its first value was issued as, flagged as misplaced.

    The group itself comes back if it has a concept, or its value was issued as none, or as
    several. *known* tells what the world holds.
    """
    text = group.text
    if group.example.concept != UNKNOWN or text is None or len(text) < _LEAST:
        return group
    found = ledger.issued_as(text, known)
    if len(found) != 1:
        return group
    concept = CONCEPTS[found.pop()]

    def told(one: Disclosure) -> Disclosure:
        return structs.replace(
            one,
            concept=concept.name,
            category=concept.category,
            subject=concept.subject,
            secret=concept.secret,
            flags=(*one.flags, MISPLACED),
        )

    return replace(
        group,
        example=told(group.example),
        text=None if concept.sealed else text,
        flags=group.flags + Counter({MISPLACED: group.seen.records}),
        samples={clear: told(one) for clear, one in group.samples.items()},
        odd={
            (*flags, MISPLACED): SentExample(told(one.record), one.text, one.exchange)
            for flags, one in group.odd.items()
        },
    )
