"""Importing Microsoft's page "Data Intune sends to Apple", in any language that it is known in.

The page prints labels, not meanings, and its translations changed the labels.
So each row is looked up, by the aliases of its label, in the manifest that
ships; what is not known stops the import, as a claim that nobody understands
is worse than none.
"""

import json
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Any

from simulator.core.settings import ConfigurationError
from simulator.disclosure.judge.claims import Claim, Manifest
from simulator.disclosure.judge.tables import table_rows, table_sha256

TEMPLATE = "intune-to-apple-2023"
"""The manifest that says what the rows mean: it has all that there ever were."""
_BOLD = re.compile(r"\*\*([^*]+)\*\*")
_FRONT = re.compile(r"([\w.-]+):\s*(.*)")
_COLUMNS = 3
_LEFT_OUT = frozenset(("allowed", "flags", "direction", "retention"))


@dataclass(frozen=True, slots=True)
class _Aliases:
    """What labels, values and services are known as: folded name -> our name."""

    labels: Mapping[str, str]
    values: Mapping[str, str]
    services: Mapping[str, tuple[str, ...]]


def _folded(text: str) -> str:
    """Return *text* in the form that labels are compared in."""
    plain = unicodedata.normalize("NFC", text).replace("\u2019", "'").replace("\xa0", " ")
    return " ".join(plain.split()).casefold()


@cache
def _aliases() -> _Aliases:
    text = resources.files("simulator.disclosure.judge").joinpath("aliases.toml").read_text("utf-8")
    table = tomllib.loads(text)

    def known(name: str) -> dict[str, str]:
        return {
            _folded(alias): ours
            for ours, aliases in table[name].items()
            for alias in (ours, *aliases)
        }

    return _Aliases(
        known("label"),
        known("value"),
        {_folded(name): tuple(services) for name, services in table["service"].items()},
    )


def import_page(page: str, name: str, template: Manifest) -> str:
    """Return the manifest of a page as TOML; ConfigurationError names the row that is not known."""
    table, front = [row for row in table_rows(page) if len(row) == _COLUMNS], _front(page)
    if not table:
        raise ConfigurationError(f"{name}: there is no table with three columns: name the page")
    ours = {_folded(claim.label): claim for claim in template.claims}
    claims = [_claim(row, name, ours) for row in table[1:]]
    printed = list(_described(page))
    if len(printed) != len(claims):
        raise ConfigurationError(f"{name}: a row of its table is broken: write each row as a line")
    claims = [
        replace(claim, **_printed(claim, page_row, name))
        for claim, page_row in zip(claims, printed, strict=True)
    ]
    about = {
        "schema": 1,
        "discloser": template.about["discloser"],
        "recipient": template.about["recipient"],
        "source": f"{front.get('title', name)} (MicrosoftDocs, {_locale(front)})",
        "revision": front.get("ms.sourcegitcommit", ""),
        "dated": _day(front.get("ms.date", "")),
        "handoff": _day(front.get("ms.lasthandoff", "")),
        "table_sha256": table_sha256(page),
    }
    defaults = {"direction": "sent", "retention": "unknown"}
    about = {key: value for key, value in about.items() if value}
    return written(about, defaults, [_row(claim) for claim in claims])


def _claim(row: list[str], name: str, ours: Mapping[str, Claim]) -> Claim:
    service, label, _ = row
    aliases = _aliases()
    services = aliases.services.get(_folded(service))
    if services is None:
        known = ", ".join(aliases.services)
        raise ConfigurationError(f"{name}: no service is known as {service!r}; there are {known}")
    english = aliases.labels.get(_folded(label), label)
    claim = ours.get(_folded(english))
    if claim is None:
        raise ConfigurationError(
            f"{name}: no row is known as {label!r}: add it to the aliases, or write its claim"
        )
    if not set(claim.services) & set(services):
        raise ConfigurationError(
            f"{name}: {label!r} stands under {service!r}, where it is not known"
        )
    translated = "" if _folded(claim.label) == _folded(label) else claim.label
    return replace(claim, label=label, label_en=translated)


def _described(page: str) -> Iterable[str]:
    """Return the last cell of each row as it is printed, emphasis kept."""
    lines = [line for line in page.splitlines() if line.strip().startswith("|")]
    cells = [line.strip().strip("|").split("|") for line in lines]
    return [row[-1] for row in cells[2:] if len(row) == _COLUMNS]


def _printed(claim: Claim, description: str, name: str) -> dict[str, Any]:
    """Return what the printed values of a claim stand for, where they were translated."""
    if claim.label != "profile_status" or not (printed := _BOLD.findall(description)):
        return {}
    values = _aliases().values
    for word in printed:
        if _folded(word) not in values:
            raise ConfigurationError(
                f"{name}: {claim.label}: no value is known as {word!r}: add it to the aliases"
            )
    labels = {word: values[_folded(word)] for word in printed if values[_folded(word)] != word}
    return {"value_labels": labels}


def _front(page: str) -> dict[str, str]:
    """Return the lines between the first two rules of dashes, as names and texts."""
    lines = page.lstrip("\ufeff").splitlines()
    if not lines or lines[0].strip() != "---":
        return {}
    found = {}
    for line in lines[1:]:
        if line.strip() == "---":
            break
        if match := _FRONT.fullmatch(line.strip()):
            found[match[1]] = match[2].strip("'\"")
    return found


def _locale(front: Mapping[str, str]) -> str:
    return front.get("ms.contentlocale", "en-US")


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%m/%d/%Y").date()  # noqa: DTZ007 (a day has no zone)
    except ValueError:
        return None


def _row(claim: Claim) -> dict[str, Any]:
    """Return the keys of a claim that say something."""
    found = {}
    for one in fields(claim):
        value = getattr(claim, one.name)
        if value and one.name not in _LEFT_OUT:
            found[one.name] = value
    return found


def written(
    facts: Mapping[str, Any], defaults: Mapping[str, Any], claims: Iterable[Mapping[str, Any]]
) -> str:
    """Return a manifest as TOML."""
    parts = [_table("[manifest]", facts), _table("[defaults]", defaults)]
    parts += [_table("[[claim]]", claim) for claim in claims]
    return "\n".join(parts)


def _table(head: str, row: Mapping[str, Any]) -> str:
    lines = [f"{key} = {_value(value)}" for key, value in row.items()]
    return "\n".join((head, *lines)) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_value(key)} = {_value(one)}" for key, one in value.items())
        return f"{{ {pairs} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    # A string of JSON is one of TOML, save that TOML writes the character DEL out as well.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
