"""Flags that a value earns by what it is, whatever any manifest says."""

import re
from collections.abc import Sequence

from simulator.disclosure.concepts import CONCEPTS, UNKNOWN
from simulator.disclosure.observe.leaf import ObservedValue
from simulator.disclosure.observe.values import normalise

MISPLACED = "misplaced-credential"
_EMAIL = re.compile(r"[\w.%+'-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\w+.])(?:\+\d|\(\d|0\d+[ -]|\d{3}[ -]\d{3}[ -]\d)[\d ()/-]{4,}\d(?!\w)")
_DIGITS = (7, 15)
_OPAQUE = frozenset(
    (
        "vpp.client_user_id",
        "dep.org_magic",
        "dep.profile_uuid",
        "server.install_guid",
        "server.uuid",
    )
)
"""Identifiers that are meant to say nothing."""
_TEXTS = frozenset(("dep.profile_name", "org.department"))
"""Concepts of other categories into which people write what they like."""
_MAILBOXES = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "msn.com",
        "yahoo.com",
        "icloud.com",
        "me.com",
        "mac.com",
        "aol.com",
        "gmx.com",
        "gmx.net",
        "gmx.de",
        "web.de",
        "t-online.de",
        "proton.me",
        "protonmail.com",
        "mail.com",
        "yandex.ru",
        "mail.ru",
        "qq.com",
        "163.com",
        "telia.com",
        "comhem.se",
        "hotmail.se",
        "live.se",
    ]
)
PERSONAL = frozenset(("person-identifier", "contact"))
"""Categories of values that name or reach somebody."""
_PERSONAL = frozenset(("support.email", "org.email"))
_LONGEST_TEXT = 100_000


def value_flags(leaf: ObservedValue, same: Sequence[str]) -> tuple[str, ...]:
    """Return the flags of one value; *same* are the concepts that `alike` found for it."""
    value = leaf.value
    if not isinstance(value, str) or not value:
        return ()
    flags = []
    concept = CONCEPTS.get(leaf.concept, CONCEPTS[UNKNOWN])
    text = value[:_LONGEST_TEXT]
    if leaf.concept in _OPAQUE and "@" in text and _EMAIL.search(text):
        flags.append("value:email-in-opaque-id")
    if concept.category == "free-text" or leaf.concept in _TEXTS:
        if "@" in text and _EMAIL.search(text):
            flags.append("value:email-in-free-text")
        if _has_phone(text):
            flags.append("value:phone-in-free-text")
    if leaf.concept in _PERSONAL and value.rpartition("@")[2].strip().lower() in _MAILBOXES:
        flags.append("value:personal-mailbox")
    flags += [f"value:same-as:{name}" for name in same]
    return tuple(flags)


def never_flagged(concept: str) -> bool:
    """Tell whether no value of *concept* earns a flag for what it is."""
    return flagged_as_email_only(concept) and concept not in _OPAQUE


def flagged_as_email_only(concept: str) -> bool:
    """Tell whether no value of *concept* without an ``@`` earns a flag for what it is."""
    category = CONCEPTS[concept].category
    return category not in ("free-text", *PERSONAL) and concept not in _TEXTS | _PERSONAL


def _has_phone(text: str) -> bool:
    low, high = _DIGITS
    return any(
        low <= sum(character.isdigit() for character in match[0]) <= high
        for match in _PHONE.finditer(text)
    )


def is_personal(leaf: ObservedValue) -> bool:
    """Tell whether the value names or reaches somebody, going by its concept."""
    category = CONCEPTS.get(leaf.concept, CONCEPTS[UNKNOWN]).category
    return category in PERSONAL


def alike(leaves: Sequence[ObservedValue]) -> dict[int, list[str]]:
    """Find values that serve two purposes.

    Return, by position in *leaves*, the concepts whose value was used again: a
    person's identifier that is also a contact or another identifier, or a
    contact that also stood before as another contact.
    """
    by_value: dict[str, list[tuple[int, str, str]]] = {}
    for position, leaf in enumerate(leaves):
        category = CONCEPTS.get(leaf.concept, CONCEPTS[UNKNOWN]).category
        if is_personal(leaf) and leaf.marker is None and leaf.value and isinstance(leaf.value, str):
            key = normalise(UNKNOWN, leaf.value)
            by_value.setdefault(key, []).append((position, leaf.concept, category))
    found: dict[int, list[str]] = {}
    for group in by_value.values():
        for position, concept, category in group:
            others = {
                other: None
                for place, other, kind in group
                if other != concept
                and (place < position if kind == category else category == "person-identifier")
            }
            if others:
                found[position] = list(others)
    return found
