"""The gate: from what on findings make a build fail."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from simulator.core.settings import ConfigurationError
from simulator.disclosure.judge.manifest import SEVERITIES

CLEAN, FINDINGS, INCOMPLETE = 0, 1, 3
"""Exit codes; 2 is for what the user must mend."""
NEVER = "never"
THRESHOLDS: Mapping[str, str] = {
    "fail": "anything that fails by its category or flags",
    "warn": "anything that fails or warns",
    "undeclared": "no claim of the manifest covers it",
    "undocumented": "Apple documents no such field",
    "forbidden": "a value that the manifest says must never travel",
    "misplaced": "a value that is known, but belongs to another place",
    "misplaced-credential": "a credential where none belongs",
    "secret-in-url": "a secret in a query",
    "version": "a field of another protocol version",
    "value": "a value that is odd for its field (value:foreign, value:email-in-free-text ...)",
    "direction": "a claim says sent, but it was only ever received",
    "stale-claim": "a claim of which nothing was seen",
    "expired": "a claim whose date has passed",
    NEVER: "nothing; incomplete evidence still ends with 3",
}
"""What ``--fail-on`` takes, alone or several with commas between; and a single flag."""
OF_CLAIMS = {"direction": "only_received", "stale-claim": "not_seen", "expired": "expired"}
"""Thresholds that are about claims -> section of the report."""


def thresholds(fail_on: str) -> Sequence[str]:
    """Split *fail_on*; ConfigurationError if a word is no threshold and no flag there can be."""
    words = [word.strip() for word in fail_on.split(",") if word.strip()]
    for word in words or [""]:
        if word not in THRESHOLDS and not word.startswith(("version<", "version>", "value:")):
            raise ConfigurationError(
                f"--fail-on: there is no threshold {word!r}: name one of {', '.join(THRESHOLDS)}"
            )
    return words


def reaches(severity: str, flags: Iterable[str], words: Iterable[str]) -> bool:
    """Tell whether a line reaches one of the thresholds *words*."""
    flags = tuple(flags)
    for word in words:
        if word in SEVERITIES and SEVERITIES.index(severity) >= SEVERITIES.index(word):
            return True
        if any(flag == word or flag.startswith(f"{word}:") for flag in flags):
            return True
        if word == "version" and any(flag.startswith(("version<", "version>")) for flag in flags):
            return True
    return False


def exit_code(report: Mapping[str, Any], fail_on: str) -> int:
    """Return 3 if evidence is incomplete, 1 if something reaches *fail_on*, else 0.

    *report* is a report as plain values.
    """
    words = thresholds(fail_on)
    if report["verdict"] == "incomplete":
        return INCOMPLETE
    if any(report[OF_CLAIMS[word]] for word in words if word in OF_CLAIMS):
        return FINDINGS
    lines = report["sent"]
    found = any(reaches(line["severity"], line["flags"], words) for line in lines)
    return FINDINGS if found else CLEAN
