"""Flags that a value earns by what it is, whatever any manifest says."""

import re
from collections.abc import Sequence

from simulator.disclosure.concepts import CONCEPTS, QUERY, UNKNOWN
from simulator.disclosure.observe.leaf import ObservedValue
from simulator.disclosure.observe.values import normalise

MISPLACED = "misplaced-credential"
_EMAIL = re.compile(r"[\w.%+'-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\w+.])(?:\+\d|\(\d|0\d+[ -]|\d{3}[ -]\d{3}[ -]\d)[\d ()/-]{4,}\d(?!\w)")
_DIGITS = (7, 15)
_OCTETS = 256
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
_ADDRESS = re.compile(r"(?<![\w./:-])(?:\d{1,3}\.){3}\d{1,3}(?![\w.-])")
_COORDINATES = re.compile(r"(?<![\w.])[-+]?\d{1,2}\.\d{3,}\s*[,; ]\s*[-+]?\d{1,3}\.\d{3,}(?![\w.])")
_INSIDE_HOST = re.compile(
    r"(?<![\w@.-])(?:[a-z0-9-]+\.)+(?:local|lan|internal|intranet|intra|corp|home|localdomain)\b",
    re.IGNORECASE,
)
TELLING = tuple(one.pattern for one in (_ADDRESS, _COORDINATES, _INSIDE_HOST))
"""Patterns of what earns a flag in values of every concept but those that are meant to hold it."""
_HOSTS = ("server-identity", "network-metadata")
"""Categories of which many concepts are meant to hold host names and addresses."""


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
    written = concept.category == "free-text" or leaf.concept in _TEXTS
    if "@" in text and _EMAIL.search(text) and (written or _is_strange_email(leaf, text)):
        flags.append("value:email-in-free-text" if written else "value:email")
    anything = leaf.part == "header" and concept.category not in PERSONAL
    if (written or anything or leaf.concept == UNKNOWN) and _has_phone(text):
        flags.append("value:phone-in-free-text")
    flags += _whereabouts(leaf.concept, concept.category, text)
    if leaf.concept in _PERSONAL and value.rpartition("@")[2].strip().lower() in _MAILBOXES:
        flags.append("value:personal-mailbox")
    flags += [f"value:same-as:{name}" for name in same]
    return tuple(flags)


def _is_strange_email(leaf: ObservedValue, text: str) -> bool:
    """Tell whether an address stands in what is no URL, certificate or person's value.

    Of an unknown field that holds nothing else, its shape says so already.
    """
    if CONCEPTS[leaf.concept].category in PERSONAL or leaf.concept in _OPAQUE or leaf.via:
        return False
    if leaf.concept == UNKNOWN and leaf.part != "header" and _EMAIL.fullmatch(text):
        return False
    return leaf.concept + QUERY not in CONCEPTS and "://" not in text


def _whereabouts(name: str, category: str, text: str) -> list[str]:
    """Return the flags of what tells a place, be it on earth or in a network."""
    flags = []
    if _COORDINATES.search(text):
        flags.append("value:coordinates")
    if "." in text and (category not in _HOSTS or name == "net.user_agent"):
        if _INSIDE_HOST.search(text) and name + QUERY not in CONCEPTS:
            flags.append("value:host-name")
        if any(_is_address(match[0]) for match in _ADDRESS.finditer(text)):
            flags.append("value:ip-address")
    return flags


def _is_address(text: str) -> bool:
    return all(int(one) < _OCTETS for one in text.split(".")) and not text.startswith("0.")


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
