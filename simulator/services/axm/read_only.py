"""Resources that no call changes: the list of all, and each by its id, from one description."""

from msgspec import Struct

from simulator.core.state import Body
from simulator.protocol.fields import Field
from simulator.protocol.operations import Call, Operation, operation
from simulator.services.axm import paging
from simulator.services.axm.documents import (
    DOCS,
    document,
    fields_row,
    identifier_row,
    listing,
    names,
    resource_rows,
)
from simulator.services.axm.stored import Relate, get_stored, list_stored


class ReadOnly(Struct, frozen=True, kw_only=True):
    """One type of resource, which is kept as its attributes."""

    entity: str
    """Kind of the entities that are stored."""
    kind: str
    """Its type, which is its name in the path too."""
    rows: tuple[Field, ...]
    """Rows of the attributes."""
    concept: str = "protocol"
    """What its ids mean."""
    versions: str = "20+"
    relationships: tuple[Field, ...] = ()
    relate: Relate | None = None

    def list_all(self, name: str, about: str, page: str, *, inferred: str = "") -> Operation:
        """Return the operation that lists all; *page* is its name in Apple's documentation."""

        @operation(
            f"GET /v1/{self.kind}",
            about,
            name=name,
            auth="business",
            versions=self.versions,
            request=(self._fields(), *paging.PAGE),
            response=listing(self._resource()),
            docs=DOCS + page,
            source="AXM-D",
            inferred=inferred,
        )
        def list_all(call: Call) -> Body:
            """Return a page of them."""
            return list_stored(call, self.entity, self.kind, self.relate)

        return list_all

    def get_one(self, name: str, about: str, identifier: str, page: str) -> Operation:
        """Return the operation that gets one; *identifier* says what the path's id is."""

        @operation(
            f"GET /v1/{self.kind}/{{id}}",
            about,
            name=name,
            auth="business",
            versions=self.versions,
            request=(identifier_row(identifier, self.concept), self._fields()),
            response=document(self._resource()),
            docs=DOCS + page,
            source="AXM-D",
        )
        def get_one(call: Call) -> Body:
            """Return one of them."""
            return get_stored(call, self.entity, self.kind, self.relate)

        return get_one

    def _fields(self) -> Field:
        every = [*names(self.rows), *names(self.relationships)]
        return fields_row(self.kind, every, self.versions)

    def _resource(self) -> tuple[Field, ...]:
        return resource_rows(self.kind, self.rows, self.relationships, self.concept)
