"""Importing published pages that say what is sent to Apple, or by Apple.

- Microsoft's "Data Intune sends to Apple", in both editions and all languages that it is
  known in, and its sister "Data Apple sends to Intune", whose claims are *received*.
- Cortado's "Data security and sharing", which prints the names of the fields.

Microsoft's pages print labels, and their translations changed the labels. So each row is
looked up by the aliases of its label in the manifest that ships, else by its place, if the
language is known and all other rows stand at theirs. What is not known stops the import, as
a claim that nobody understands is worse than none.
"""

import json
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Any

from msgspec import Struct
from msgspec.structs import fields, replace

from simulator.core.settings import ConfigurationError
from simulator.disclosure.judge.claims import Claim, Manifest
from simulator.disclosure.judge.pages import as_markdown, front_matter, tables
from simulator.disclosure.judge.tables import table_sha256

TEMPLATES = {3: "intune-to-apple-2023", 4: "apple-to-intune"}
"""By columns of the table: the manifest that says what the rows mean, all there ever were."""
_BOLD = re.compile(r"\*\*([^*]+)\*\*")
_STATUS = ("empty", "assigned", "pushed", "removed")
"""The values of profile_status, in the order in which the page prints them."""
_LATER = ("S28",)
"""Rows that only the later edition has."""
_LEFT_OUT = frozenset(("allowed", "flags", "direction", "retention"))
_CORTADO = (("apns", "apns.push"), ("dep", "dep.assign"), ("dep", "dep.define"), ("vpp", ""))
"""Service and operation of each table of Cortado's page, in its order; then come Google's."""
_ALIASES_OF_FIELDS = {"pushmagic": "push.magic", "token": "push.token"}
Concept = Callable[[str, str], str]
"""Takes a service and the name of a field; returns its concept, empty if it has none."""


class _Aliases(Struct, frozen=True):
    """What labels, values and services are known as: folded name -> our name."""

    languages: tuple[str, ...]
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
        tuple(table["page"]["languages"]),
        known("label"),
        known("value"),
        {_folded(name): tuple(services) for name, services in table["service"].items()},
    )


def import_page(page: str, name: str, load: Callable[[str], Manifest], concept: Concept) -> str:
    """Return the manifest of a page (Markdown or HTML) as TOML.

    *load* reads a shipped manifest. ConfigurationError names the row that is not known, or
    says that the page has no table that is.
    """
    page = as_markdown(page)
    found = list(tables(page))
    for columns, template in TEMPLATES.items():
        rows = [row for table in found for row in table if len(row) == columns]
        if rows:
            return _Page(page, name, load(template)).manifest(rows)
    of_two = [table for table in found if all(len(row) == 2 for row in table)]  # noqa: PLR2004 (two columns)
    if len(of_two) >= len(_CORTADO):
        return _cortado(page, name, of_two, concept)
    raise ConfigurationError(
        f"{name}: has none of the tables that are known (three columns: data sent to Apple; four: "
        "data sent by Apple; four tables with two: Cortado's): name the page, as Markdown or HTML"
    )


class _Page:
    """One of Microsoft's pages, and the manifest that says what its rows mean."""

    def __init__(self, page: str, name: str, template: Manifest) -> None:
        self._page, self._name, self._template = page, name, template
        self._front = front_matter(page)
        self._language = self._front.get("ms.contentlocale", "en-US")

    def manifest(self, rows: Sequence[list[str]]) -> str:
        """Return the manifest of the table *rows*, heading included."""
        rows = rows[1:]
        claims = self._claims(rows)
        described = self._described(len(rows[0]) if rows else 0)
        if len(described) != len(claims):
            raise ConfigurationError(
                f"{self._name}: a row of its table is broken: write each row as a line"
            )
        claims = [
            replace(claim, **self._values(claim, text))
            for claim, text in zip(claims, described, strict=True)
        ]
        about = {
            "schema": 1,
            "discloser": self._template.about["discloser"],
            "recipient": self._template.about["recipient"],
            "source": f"{self._front.get('title', self._name)} (MicrosoftDocs, {self._language})",
            "revision": self._front.get("ms.sourcegitcommit", ""),
            "dated": _day(self._front.get("ms.date", "")),
            "handoff": _day(self._front.get("ms.lasthandoff", "")),
            "table_sha256": table_sha256(self._page),
        }
        first = self._template.claims[0]
        defaults = {"direction": first.direction, "retention": first.retention}
        kept, others = ({key: it for key, it in one.items() if it} for one in (about, defaults))
        return written(kept, others, [_row(claim) for claim in claims])

    def _claims(self, rows: Sequence[list[str]]) -> list[Claim]:
        """Return the claim of each row."""
        edition = self._edition(len(rows))
        found = [
            self._by_label(row, edition[number] if edition else None)
            for number, row in enumerate(rows)
        ]
        in_place = [one for one in zip(found, edition, strict=False) if one[0] is not None]
        ordered = bool(edition) and all(one is ours for one, ours in in_place)
        by_place = ordered and self._language.lower() in _aliases().languages
        return [
            self._labelled(row, claim or (edition[number] if by_place else self._unknown(row)))
            for number, (row, claim) in enumerate(zip(rows, found, strict=True))
        ]

    def _edition(self, count: int) -> list[Claim]:
        """Return the claims of the edition with so many rows, in its order; none if unknown."""
        whole = list(self._template.claims)
        older = [claim for claim in whole if claim.id not in _LATER]
        return next((one for one in (whole, older) if len(one) == count), [])

    def _by_label(self, row: Sequence[str], placed: Claim | None) -> Claim | None:
        """Return the claim that the label of a row names: the one at its place, else the first."""
        label = _aliases().labels.get(_folded(row[-2]), row[-2])
        named = [one for one in self._template.claims if _folded(one.label) == _folded(label)]
        services = self._services(row[0])
        fitting = [one for one in named if set(one.services) & set(services)]
        if named and not fitting:
            raise ConfigurationError(
                f"{self._name}: {row[-2]!r} is under {row[0]!r}, where it is not known"
            )
        return placed if placed in fitting else next(iter(fitting), None)

    def _services(self, printed: str) -> tuple[str, ...]:
        known = _aliases().services
        if _folded(printed) not in known:
            raise ConfigurationError(
                f"{self._name}: no service is known as {printed!r}; there are {', '.join(known)}"
            )
        return known[_folded(printed)]

    def _unknown(self, row: Sequence[str]) -> Claim:
        language, known = self._language, _aliases().languages
        if language.lower() not in known and not language.lower().startswith("en"):
            raise ConfigurationError(
                f"{self._name}: its language {language} is not known, nor its row {row[-2]!r}: "
                f"import the page in English or one of {', '.join(known)}, or write its claims"
            )
        raise ConfigurationError(
            f"{self._name}: no row is known as {row[-2]!r}: add it to the aliases, or write its "
            "claim"
        )

    @staticmethod
    def _labelled(row: Sequence[str], claim: Claim) -> Claim:
        """Return the claim with its printed label."""
        translated = "" if _folded(claim.label) == _folded(row[-2]) else claim.label
        return replace(claim, label=row[-2], label_en=translated)

    def _described(self, columns: int) -> list[str]:
        """Return the last cell of each row as it is printed, emphasis kept."""
        lines = [one for one in self._page.splitlines() if one.strip().startswith("|")]
        cells = [one.strip().strip("|").split("|") for one in lines]
        return [row[-1] for row in cells[1:] if len(row) == columns and not _is_rule(row)]

    def _values(self, claim: Claim, description: str) -> dict[str, Any]:
        """Return what the printed values of a claim stand for, where they were translated."""
        if claim.id != "S15" or not (printed := _BOLD.findall(description)):
            return {}
        known, labels = _aliases().values, {}
        in_order = len(printed) == len(_STATUS) and self._language.lower() in _aliases().languages
        for number, word in enumerate(printed):
            ours = known.get(_folded(word)) or (_STATUS[number] if in_order else "")
            if not ours:
                raise ConfigurationError(
                    f"{self._name}: {claim.label}: no value is known as {word!r}: add it to the "
                    "aliases"
                )
            if ours != word:
                labels[word] = ours
        return {"value_labels": labels}


def _is_rule(cells: Sequence[str]) -> bool:
    return all(not cell.strip(" :-") for cell in cells)


def _cortado(page: str, name: str, found: Sequence[list[list[str]]], concept: Concept) -> str:
    """Return the manifest of Cortado's page: a claim a field, narrowed to its operation."""
    claims: list[dict[str, Any]] = []
    for (service, operation), rows in zip(_CORTADO, found, strict=False):
        for label, *_ in rows[1:]:
            of_push = _ALIASES_OF_FIELDS.get(label.lower()) if service == "apns" else None
            known = of_push or concept(service, label)
            if not known:
                raise ConfigurationError(
                    f"{name}: no field of {service} is known as {label!r}: write its claim"
                )
            claims.append(
                {
                    "id": f"C{len(claims) + 1:02}",
                    "label": label,
                    "services": [service],
                    "concepts": [known],
                    **({"op": [operation]} if operation else {}),
                }
            )
    front = front_matter(page)
    about = {
        "schema": 1,
        "discloser": "Cortado",
        "recipient": "Apple Inc.",
        "source": front.get("title") or name,
        "table_sha256": table_sha256(page),
    }
    return written(about, {"direction": "sent"}, claims)


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
