"""Meanings: what a field is known to mean by its name, where it stands in a place of no row.

The rows of the operation say it first, then those of its service, then all. Where
rows differ on what a name means, it means nothing, as does a plain English word
beyond its own service.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property

from simulator.disclosure.concepts import CONCEPTS, PROTOCOL
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.fields import Field, Object, walk
from simulator.protocol.operations import Operation

_TELLING = re.compile(r"(?:imei|meid|eid)|.*[a-z0-9][A-Z_-].*")
"""Names that mean the same everywhere: those that are no plain words."""


class Meanings:
    """The names of one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._operations = list(catalogue.operations.values())
        self._services = {
            name: _names(one for one in self._operations if one.service == name)
            for name in catalogue.services
        }

    @cached_property
    def everywhere(self) -> Mapping[str, str]:
        """Concept by name, whatever the service."""
        found = _names(self._operations)
        return {name: concept for name, concept in found.items() if _TELLING.fullmatch(name)}

    def of_service(self, service: str) -> Mapping[str, str]:
        """Return the concept by name for a request to no operation of *service*."""
        return {**self.everywhere, **self._services[service]}

    def of_operation(self, operation: Operation) -> Mapping[str, str]:
        """Return the concept by name for a request to *operation*."""
        return {**self.of_service(operation.service), **_sent((operation,))}


def _sent(operations: Iterable[Operation]) -> dict[str, str]:
    return _unambiguous(row for one in operations for row in walk(one.request))


def _names(operations: Iterable[Operation]) -> dict[str, str]:
    """Return what is sent under a name; for names that are only answered, what is answered."""
    operations = list(operations)
    answered = _unambiguous(row for one in operations for row in walk(one.response))
    return {**answered, **_sent(operations)}


def _unambiguous(rows: Iterable[Field]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for row in rows:
        named = row.place not in ("header", "cookie", "path") and not isinstance(row, Object)
        if named and row.concept:
            found.setdefault(row.name, set()).add(row.concept)
    return {
        name: concept
        for name, concepts in found.items()
        for concept in concepts
        if len(concepts) == 1 and concept != PROTOCOL and not CONCEPTS[concept].sealed
    }
