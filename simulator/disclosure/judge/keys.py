"""The keys of a manifest: one row each, which says what may stand there and why.

Reading a manifest and its JSON Schema both go by these rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from simulator.core.settings import ConfigurationError
from simulator.disclosure.concepts import CONCEPTS
from simulator.disclosure.observe.values import shape_of

SERVICES = (
    "apns",
    "dep",
    "roster",
    "vpp",
    "axm",
    "lock",
    "catalog",
    "gdmf",
    "identity",
    "discovery",
)
"""Apple's services that a claim may name, built or not."""
_DIRECTIONS = ("sent", "received", "both")
Check = Callable[[Any], str]
"""Returns what a value must be, or nothing if it is that."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key."""

    about: str
    check: Check
    schema: Mapping[str, Any]
    required: bool = False


def check_keys(name: str, where: str, row: Any, known: Mapping[str, Key]) -> None:
    """Raise ConfigurationError for the first key of *row* that is unknown or wrong."""
    for key, value in row.items():
        found = known.get(key)
        if found is None:
            allowed = ", ".join(sorted(known))
            raise ConfigurationError(f"{name}: {where}: {key}: no such key; there are {allowed}")
        if why := found.check(value):
            raise ConfigurationError(f"{name}: {where}: {key}: {why}")


def _text(about: str, *, required: bool = False) -> Key:
    def check(value: Any) -> str:
        return "" if isinstance(value, str) else "must be a text"

    return Key(about, check, {"type": "string"}, required)


def _is_texts(value: Any) -> str:
    good = isinstance(value, list) and all(isinstance(item, str) and item for item in value)
    return "" if good else "must be an array of texts"


_ARRAY: Mapping[str, Any] = {"type": "array", "items": {"type": "string", "minLength": 1}}


def _texts(about: str) -> Key:
    return Key(about, _is_texts, _ARRAY)


def _number(about: str, **schema: Any) -> Key:
    def check(value: Any) -> str:
        good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        return "" if good else "must be a whole number"

    return Key(about, check, {"type": "integer", "minimum": 0, **schema})


def _flag(about: str) -> Key:
    def check(value: Any) -> str:
        return "" if isinstance(value, bool) else "must be true or false"

    return Key(about, check, {"type": "boolean"})


def _day(about: str, *, required: bool = False) -> Key:
    def check(value: Any) -> str:
        right = type(value) is date
        return "" if right else "must be a date, such as 2026-01-31 without quotes"

    return Key(about, check, {"type": "string", "format": "date"}, required)


def _labels(about: str) -> Key:
    def check(value: Any) -> str:
        good = isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
        return "" if good else "must be a table of texts"

    return Key(about, check, {"type": "object", "additionalProperties": {"type": "string"}})


def _one_of(about: str, allowed: Sequence[str]) -> Key:
    def check(value: Any) -> str:
        return "" if value in allowed else f"must be one of {', '.join(allowed)}"

    return Key(about, check, {"enum": list(allowed)})


def _all_of(about: str, kind: str, allowed: Any, *, required: bool = False) -> Key:
    def check(value: Any) -> str:
        if why := _is_texts(value):
            return why
        unknown = [item for item in value if item not in allowed]
        choice = f"; there are {', '.join(allowed)}" if isinstance(allowed, tuple) else ""
        return f"no {kind} is called {unknown[0]}{choice}: correct it" if unknown else ""

    schema = {"type": "array", "items": {"enum": list(allowed)}}
    return Key(about, check, schema, required)


def _table(value: Any) -> str:
    return "" if isinstance(value, dict) else "must be a table"


def _tables(kind: str) -> Check:
    def check(value: Any) -> str:
        good = isinstance(value, list) and all(isinstance(item, dict) for item in value)
        return "" if good else f"must be written as [[{kind}]]"

    return check


_SHAPES = tuple(
    dict.fromkeys(
        shape_of(value)
        for value in (
            "a@b.c",
            "1",
            "+46 8 000 00",
            "https://a",
            "00000000-0000-0000-0000-000000000000",
            "a" * 32,
            "text",
        )
    )
)
MANIFEST: Mapping[str, Key] = {
    "schema": _number("Version of this format: 1.", const=1),
    "discloser": _text("Who sends."),
    "recipient": _text("Who gets it."),
    "source": _text("Where the declaration stands."),
    "revision": _text("Which revision of it, such as a commit."),
    "dated": _day("The date that it gives itself."),
    "handoff": _day("When it was translated."),
    "table_sha256": _text("Digest of its table, since the date cannot be trusted."),
    "about": _text("Anything else."),
}
DEFAULTS: Mapping[str, Key] = {
    "direction": _one_of("Which way the data goes, from the client.", _DIRECTIONS),
    "purpose": _text("What for."),
    "legal_basis": _text("On which legal basis."),
    "retention": _text("How long the recipient keeps it."),
    "transfer": _text("To which country it goes."),
    "owner": _text("Who answers for this claim."),
}
_REACH: Mapping[str, Key] = {
    "id": _text("Short name, one of a kind.", required=True),
    "services": _all_of("Services that it goes to.", "service", SERVICES, required=True),
    "op": _texts("Operations that it is narrowed to, such as dep.define; none: all."),
    "place": _texts("Parts (body) or places (/devices/*) that it is narrowed to; none: all."),
}
CLAIM: Mapping[str, Key] = {
    **DEFAULTS,
    **_REACH,
    "label": _text("The printed word that it stands under."),
    "label_en": _text("The same before it was translated."),
    "concepts": _all_of("What may be sent.", "concept", CONCEPTS),
    "never": _all_of("What must not travel at all.", "concept", CONCEPTS),
    "values": _texts("Values that it is narrowed to; none: all."),
    "format": _one_of("Shape that is promised.", _SHAPES),
    "reason": _text("Why it is sent."),
    "expires": _day("Last day on which it counts."),
    "min_protocol": _number("Lowest protocol version that has it."),
    "optional": _flag("Whether the client may leave it out."),
    "may_be_empty": _flag("Whether it may be empty."),
    "ambiguous": _text("Why it can be read in two ways."),
    "printed_values": _texts("Values as they are printed."),
    "value_labels": _labels("Printed value to value on the wire."),
}
ALLOW: Mapping[str, Key] = {
    **_REACH,
    "concepts": _all_of("What is let pass.", "concept", CONCEPTS, required=True),
    "flags": _texts("Flags that are let pass beside undeclared, such as undocumented."),
    "reason": _text("Why it is let pass.", required=True),
    "expires": _day("Last day on which it is.", required=True),
    "owner": _text("Who answers for it."),
}
FILE: Mapping[str, Key] = {
    "manifest": Key("What is declared, by whom.", _table, {}),
    "defaults": Key("What holds for each claim that does not say otherwise.", _table, {}),
    "claim": Key("What may be sent.", _tables("claim"), {}),
    "allow": Key("What is let pass for now though no claim covers it.", _tables("allow"), {}),
}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a manifest, for editors; dates are those of TOML."""

    def table(keys: Mapping[str, Key], **more: Any) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {
                name: {**key.schema, "description": key.about} for name, key in keys.items()
            },
            "required": [name for name, key in keys.items() if key.required],
            "additionalProperties": False,
            **more,
        }

    some = {"anyOf": [{"required": ["concepts"]}, {"required": ["never"]}]}
    tables: dict[str, dict[str, Any]] = {
        "manifest": table(MANIFEST, required=["schema"]),
        "defaults": table(DEFAULTS),
        "claim": {"type": "array", "items": table(CLAIM, **some)},
        "allow": {"type": "array", "items": table(ALLOW)},
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Manifest of mdmsim: what may be disclosed",
        "type": "object",
        "properties": {
            name: {**shape, "description": FILE[name].about} for name, shape in tables.items()
        },
        "required": ["manifest"],
        "additionalProperties": False,
    }
