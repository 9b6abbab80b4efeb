"""Words: what reports say to people, in each of their languages. The table is ``texts.toml``.

A row of the table is ``key = { en = "…", sv = "…" }``; a language that lacks a row says it
in English.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from simulator.core.settings import ConfigurationError
from simulator.disclosure.concepts import CONCEPTS, UNKNOWN

ENGLISH = "en"
LANGUAGES: Mapping[str, str] = {"en": "English", "sv": "svenska"}
"""Code -> the language's own name."""
_COUNTED = frozenset(("person-identifier", "contact", "device-identifier"))
"""Categories of which each value is of somebody, or something, else."""
_SEVERAL = frozenset(
    (
        "device.imei",
        "device.mac_address",
        "roster.pupil_grade",
        "user.employee",
        "user.group",
        "user.time",
    )
)
"""Concepts of these that are not: one owner has several, or several share one."""
_WILD = ("version<", "version>", "value:same-as:")
"""Flags that end in something of their own."""


@cache
def _table() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    text = resources.files(__package__).joinpath("texts.toml").read_text("utf-8")
    return tomllib.loads(text)


class Words:
    """All texts in one language."""

    def __init__(self, language: str = ENGLISH) -> None:
        """Take a language's code; ConfigurationError if there is none like it."""
        if language not in LANGUAGES:
            raise ConfigurationError(
                f"--language: there is no {language!r}: name one of {', '.join(LANGUAGES)}"
            )
        self.language = language

    def text(self, key: str, group: str = "text", **values: object) -> str:
        """Return one text with its *values* filled in."""
        return self._row(group, key).format(**values)

    def keys(self, group: str) -> list[str]:
        """Return the keys of a group of the table, in its order."""
        return list(_table()[group])

    def concept(self, name: str, count: int = 1) -> str:
        """Return what a value is called, without whose it is: ``serial number``."""
        known = CONCEPTS.get(name, CONCEPTS[UNKNOWN])
        one, many = (known.words or self._row("concept", known.name)).split("|")
        return one if count == 1 else many

    def subject(self, name: str, count: int | None = 1) -> str:
        """Return whose a value is: ``a device``, ``25 devices``; None: ``devices``."""
        forms = self._row("subject", name)
        if not forms:
            return ""
        one, some, many = forms.split("|")
        return many if count is None else one if count == 1 else some.format(n=count)

    def whole(self, concept: str) -> str:
        """Return the concept with whose it is, as a heading: ``Serial number of a device``."""
        text = self._of(self.concept(concept), self.subject(CONCEPTS[concept].subject))
        return text[:1].upper() + text[1:]

    def about(self, what: str, concept: str, count: int) -> tuple[str, str]:
        """Return *what* was sent about how many, and how many values if that does not say it.

        ``serial numbers of 25 devices`` and nothing, ``settings of devices`` and
        ``2 values``. *what* stands for the concept's own name if it is not empty.
        """
        known = CONCEPTS[concept]
        name = what or self.concept(concept, count)
        if known.category in _COUNTED and concept not in _SEVERAL:
            return self._of(name, self.subject(known.subject, count or None)), ""
        text = self._of(name, self.subject(known.subject, 1 if count == 1 else None))
        return text, self.count("value", count) if count > 1 else ""

    def _row(self, group: str, key: str) -> str:
        row = _table()[group][key]
        return row.get(self.language, row[ENGLISH])

    def _of(self, what: str, whom: str) -> str:
        return self.text("of-subject", what=what, whom=whom) if whom else what

    def flag(self, flag: str) -> str:
        """Return what a flag means; the flag itself if it is of a manifest's own making."""
        key = next((one for one in _WILD if flag.startswith(one)), flag)
        return self.text(key, "flag") if key in _table()["flag"] else flag

    def count(self, word: str, number: int) -> str:
        """Return ``1 request``, ``3 requests``; *word* is the singular's key."""
        return self.text(word if number == 1 else f"{word}s", n=number)
