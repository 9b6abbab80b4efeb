"""The keys of a manifest: one row each, which says what may stand there and why.

Reading a manifest and its JSON Schema both go by these rows.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from simulator.core.settings import ConfigurationError
from simulator.disclosure.concepts import CONCEPTS
from simulator.disclosure.observe.values import shape_of
from simulator.protocol.documents import Schema, schema_of, wrong
from simulator.protocol.fields import (
    Boolean,
    Check,
    Day,
    Field,
    Integer,
    Object,
    Objects,
    String,
    Strings,
    Table,
)

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
    "accounts",
)
"""Apple's services that a claim may name, built or not."""
_DIRECTIONS = ("sent", "received", "both")
Rows = tuple[Field, ...]


def check_keys(name: str, location: str, table: Any, rows: Collection[Field]) -> None:
    """Raise ConfigurationError for the first key of *table* that is unknown or wrong."""
    known = {row.name: row for row in rows}
    for key, value in table.items():
        row = known.get(key)
        if row is None:
            allowed = ", ".join(sorted(known))
            raise ConfigurationError(f"{name}: {location}: {key}: no such key; there are {allowed}")
        if why := wrong(row, value):
            raise ConfigurationError(f"{name}: {location}: {key}: {why}")


def _named(kind: str, allowed: Sequence[str] | Mapping[str, Any]) -> Check:
    """Return the check that all texts of a list are *allowed*; few are listed in its answer."""

    def check(values: Any, _: Mapping[str, Any]) -> str:
        unknown = [item for item in values if item not in allowed]
        choice = f"; there are {', '.join(allowed)}" if isinstance(allowed, tuple) else ""
        return f"no {kind} is called {unknown[0]}{choice}: correct it" if unknown else ""

    return check


def _concepts(name: str, about: str, *, required: bool = False) -> Strings:
    check = _named("concept", CONCEPTS)
    return Strings(name, about, required=required, values=tuple(CONCEPTS), check=check)


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
MANIFEST: Rows = (
    Integer("schema", "Version of this format: 1.", required=True, least=0),
    String("discloser", "Who sends."),
    String("recipient", "Who gets it."),
    String("source", "Where the declaration stands."),
    String("revision", "Which revision of it, such as a commit."),
    Day("dated", "The date that it gives itself."),
    Day("handoff", "When it was translated."),
    String("table_sha256", "Digest of its table, since the date cannot be trusted."),
    String("about", "Anything else."),
)
DEFAULTS: Rows = (
    String("direction", "Which way the data goes, from the client.", values=_DIRECTIONS),
    String("purpose", "What it is sent for."),
    String("legal_basis", "On which legal basis, such as GDPR Art. 6(1)(b)."),
    String("retention", "How long the recipient keeps it."),
    String("recipient_country", "Country that it goes to, such as US."),
    String("safeguard", "What protects it there, such as standard contractual clauses."),
    String("owner", "Who answers for this claim."),
)
_REACH: Rows = (
    String("id", "Short name, one of a kind.", required=True),
    Strings(
        "services",
        "Services that it goes to.",
        required=True,
        values=SERVICES,
        check=_named("service", SERVICES),
    ),
    Strings("op", "Operations that it is narrowed to, such as dep.define; none: all."),
    Strings("place", "Parts (body) or places (/devices/*) that it is narrowed to; none: all."),
)
CLAIM: Rows = (
    *DEFAULTS,
    *_REACH,
    String("label", "The printed word that it stands under."),
    String("label_en", "The same before it was translated."),
    _concepts("concepts", "What may be sent."),
    _concepts("never", "What must not travel at all."),
    Strings("values", "Values that it is narrowed to; none: all."),
    String("format", "Shape that is promised.", values=_SHAPES),
    String("reason", "Why it is sent."),
    Day("expires", "Last day on which it counts."),
    Integer("min_protocol", "Lowest protocol version that has it.", least=0),
    Boolean("optional", "Whether the client may leave it out."),
    Boolean("may_be_empty", "Whether it may be empty."),
    String("ambiguous", "Why it can be read in two ways."),
    Strings("printed_values", "Values as they are printed."),
    Table(
        "value_labels",
        "Printed value to value on the wire.",
        value=String("value", "Value on the wire."),
    ),
)
ALLOW: Rows = (
    *_REACH,
    _concepts("concepts", "What is let pass.", required=True),
    Strings("flags", "Flags that are let pass beside undeclared, such as undocumented."),
    String("reason", "Why it is let pass.", required=True),
    Day("expires", "Last day on which it is.", required=True),
    String("owner", "Who answers for it."),
)
FILE: Rows = (
    Object("manifest", "What is declared, by whom.", fields=MANIFEST, required=True),
    Object("defaults", "What holds for each claim that does not say otherwise.", fields=DEFAULTS),
    Objects("claim", "What may be sent.", fields=CLAIM),
    Objects("allow", "What is let pass for now though no claim covers it.", fields=ALLOW),
)


def json_schema() -> Schema:
    """Return the JSON Schema of a manifest, for editors; dates are those of TOML."""
    shown = schema_of(FILE)
    manifest, claim = shown["properties"]["manifest"], shown["properties"]["claim"]
    manifest["properties"]["schema"]["const"] = 1
    claim["items"]["anyOf"] = [{"required": ["concepts"]}, {"required": ["never"]}]
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Manifest of mdmsim: what may be disclosed",
        **shown,
    }
