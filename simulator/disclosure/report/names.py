"""Names of persons in what people write: a device's name, a note, the description of a profile.

Nothing is guessed. Words are compared with those of names that are known: that the world
holds, that were answered, or that the client itself sent as names. Words are kept as numbers.
"""

import re
from collections.abc import Iterator

from simulator.disclosure.concepts import UNKNOWN
from simulator.disclosure.observe.records import Disclosure
from simulator.disclosure.report.hashing import stable

NAMES = frozenset(("roster.pupil_name", "user.name"))
"""Concepts whose values are names of persons."""
PERSON_NAME = "value:person-name"
WRITTEN = frozenset(
    (
        "dep.profile_name",
        "org.department",
        "server.name",
        "server.product",
        "content.name",
        "content.description",
    )
)
"""Concepts beside free text into which people write what they like."""
_WORD = re.compile(r"[^\W\d_]+")
_LEAST = 3
"""Letters; shorter words are equal by chance."""


def words_of(name: str) -> Iterator[int]:
    """Yield the words of a person's name."""
    for word in _WORD.findall(name):
        if len(word) >= _LEAST:
            yield stable(word.casefold())


def words_in(text: str) -> Iterator[int]:
    """Yield the words of any text, each also without the s of a genitive: ``Annas iPad``."""
    for word in _WORD.findall(text):
        plain = word.casefold()
        for one in (plain, plain.removesuffix("s")):
            if len(one) >= _LEAST:
                yield stable(one)


def may_name(one: Disclosure) -> bool:
    """Tell whether people write the value, so that it may hold anybody's name."""
    written = one.category == "free-text" or one.concept in WRITTEN
    return (written or one.concept == UNKNOWN) and one.shape not in ("opaque", "hex", "uuid")
