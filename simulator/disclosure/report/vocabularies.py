"""Public vocabularies: what a concept is called in Fideslang and in the Data Privacy Vocabulary."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from simulator.disclosure.concepts import CONCEPTS, UNKNOWN


@dataclass(frozen=True, slots=True)
class Term:
    """The names of one concept; empty where a vocabulary has none."""

    fides: str
    """Key of a data category of Fideslang."""
    dpv: str
    """IRI."""


@cache
def _table() -> Mapping[str, Any]:
    text = (
        resources.files("simulator.disclosure.report")
        .joinpath("vocabularies.toml")
        .read_text("utf-8")
    )
    return tomllib.loads(text)


@cache
def term_of(concept: str) -> Term:
    """Return the public names of *concept*: its own, or those of its category."""
    table = _table()
    category = CONCEPTS.get(concept, CONCEPTS[UNKNOWN]).category
    row = table["concept"].get(concept) or table["category"][category]
    prefix, colon, name = row["dpv"].partition(":")
    return Term(row["fides"], table["prefixes"][prefix] + name if colon else "")
