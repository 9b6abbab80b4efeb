"""The lock: what a run disclosed, without values, as sorted lines that go into version control.

A line says which field went where and which claim covers it, another which
field came back, another which protocol versions were spoken. Two runs that
disclose the same fields give the same lines, whatever the values.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from msgspec import Struct, field

from simulator.core.settings import ConfigurationError
from simulator.disclosure.judge.manifest import NONE

HEADER = (
    "# What was sent to Apple and what Apple answered, without values: compare with mdmsim diff.\n"
    "# Made by mdmsim report --write-lock; format 1.\n"
)
_SAFE = "/*#?{}@~:._-+<>,$"
_WORDS = {"sent": 6, "received": 5, "version": 2}
"""Kind of line -> words before those with an equals sign."""
_OF_VALUES = "value:"
"""Flags that hang on values are no part of a lock."""


@dataclass(frozen=True, slots=True, order=True)
class LockEntry:
    """One line."""

    kind: str
    """``sent``, ``received`` or ``version``."""
    words: tuple[str, ...]
    """What it is about: service, operation, part, place and concept; or operation and number."""
    facts: tuple[tuple[str, str], ...] = ()
    """What may change about it: claim, required, flags, since."""

    def fact(self, name: str) -> str:
        """Return one fact; empty if there is none."""
        return dict(self.facts).get(name, "")

    def __str__(self) -> str:
        words = [self.kind, *(quote(word, safe=_SAFE) or "-" for word in self.words)]
        facts = [f"{name}={quote(value, safe=_SAFE)}" for name, value in self.facts]
        return " ".join((*words, *facts))


class DisclosureLock(Struct, frozen=True):
    """All entries, by what they are about."""

    entries: Mapping[tuple[str, tuple[str, ...]], LockEntry] = field(default_factory=dict)

    @classmethod
    def of(cls, report: Mapping[str, Any]) -> "DisclosureLock":
        """Make the lock of a report, given as plain values."""
        found = [_sent(line) for line in report["sent"]]
        found += [_received(line) for line in report["received"]]
        versions = {
            (line["operation"], str(number))
            for line in (*report["sent"], *report["received"])
            for number in line["asked_versions"]
            if number
        }
        found += [LockEntry("version", words) for words in versions]
        return cls._from(found)

    @classmethod
    def _from(cls, found: Iterable[LockEntry]) -> "DisclosureLock":
        return cls({(one.kind, one.words): one for one in sorted(found)})

    @classmethod
    def parse(cls, text: str, name: str) -> "DisclosureLock":
        """Read what `__str__` wrote; ConfigurationError names the line that is none."""
        found = []
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            kind, *rest = line.split(" ")
            count = _WORDS.get(kind, len(rest) + 1)
            pairs = [word.partition("=") for word in rest[count:]]
            if len(rest) < count or not all(equals for _, equals, _ in pairs):
                raise ConfigurationError(
                    f"{name}: line {number} is no line of a lock: make it again"
                )
            words = tuple("" if word == "-" else unquote(word) for word in rest[:count])
            found.append(LockEntry(kind, words, tuple((key, unquote(v)) for key, _, v in pairs)))
        return cls._from(found)

    def __str__(self) -> str:
        return HEADER + "".join(f"{one}\n" for one in sorted(self.entries.values()))

    def versions(self) -> dict[str, tuple[int, ...]]:
        """Return the protocol versions that each operation was asked in, lowest first."""
        found: dict[str, tuple[int, ...]] = {}
        for kind, words in sorted(self.entries):
            if kind == "version" and words[1].isdecimal():
                found[words[0]] = tuple(sorted((*found.get(words[0], ()), int(words[1]))))
        return found


def _sent(line: Mapping[str, Any]) -> LockEntry:
    flags = [flag for flag in line["flags"] if not flag.startswith(_OF_VALUES)]
    words = ("service", "operation", "part", "place", "via", "concept")
    return LockEntry(
        "sent",
        tuple(line[name] for name in words),
        (
            ("claim", "none" if line["declared"] == NONE else line["declared"]),
            ("required", "yes" if line["required"] else "no"),
            ("flags", ",".join(sorted(flags))),
        ),
    )


def _received(line: Mapping[str, Any]) -> LockEntry:
    words = ("service", "operation", "part", "place", "concept")
    return LockEntry(
        "received", tuple(line[name] for name in words), (("since", line["versions"]),)
    )
