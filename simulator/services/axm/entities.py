"""The document of a write: read part by part, and refused with a pointer to what is wrong."""

from collections.abc import Collection
from typing import Any

from simulator.core.state import Body
from simulator.protocol.fields import ErrorCode, Field, Object, Objects, String
from simulator.protocol.operations import Call
from simulator.services.axm import errors
from simulator.services.axm.errors import wrong_entity


def entity_rows(
    kind: str,
    attributes: tuple[Field, ...] = (),
    relationships: tuple[Field, ...] = (),
    *,
    with_id: str = "",
) -> tuple[Field, ...]:
    """Return the rows of a write's body; *with_id* is the concept of its ``id``."""
    rows: list[Field] = [
        String("type", f"Always {kind}.", concept="protocol", values=(kind,), source="AXM-D")
    ]
    if with_id:
        rows.append(String("id", "Its identifier.", concept=with_id, source="AXM-D"))
    if attributes:
        rows.append(Object("attributes", "Its attributes.", fields=attributes, source="AXM-D"))
    if relationships:
        rows.append(
            Object("relationships", "Its relationships.", fields=relationships, source="AXM-D")
        )
    return (
        Object(
            "data",
            "The resource.",
            required=True,
            missing=errors.ENTITY_INVALID,
            concept="protocol",
            fields=tuple(rows),
            source="AXM-D",
        ),
    )


def to_one(name: str, about: str, kind: str, concept: str, since: str = "10+") -> Object:
    """Return the row of a relationship to one resource."""
    inside = (
        String("type", f"Always {kind}.", concept="protocol", values=(kind,), source="AXM-D"),
        String("id", "Its identifier.", concept=concept, source="AXM-D"),
    )
    data = Object("data", "The resource.", fields=inside, source="AXM-D")
    return Object(name, about, fields=(data,), versions=since, source="AXM-D")


def to_many(name: str, about: str, kind: str, concept: str, since: str = "10+") -> Object:
    """Return the row of a relationship to many resources."""
    inside = (
        String("type", f"Always {kind}.", concept="protocol", values=(kind,), source="AXM-D"),
        String("id", "Its identifier.", concept=concept, source="AXM-D"),
    )
    data = Objects("data", "The resources.", fields=inside, source="AXM-D")
    return Object(name, about, fields=(data,), versions=since, source="AXM-D")


class WriteEntity:
    """The ``data`` of a write."""

    def __init__(self, call: Call, kind: str, *, with_id: str = "") -> None:
        """Check the frame: one ``data`` of the right type, and id where one is in the path."""
        self._call = call
        self._data: Body = call.body["data"]
        self._refuse_doubles()
        if self._data.get("type") != kind:
            about = f"the type must be '{kind}'"
            raise wrong_entity(call, errors.ENTITY_INVALID, "/data/type", about)
        if with_id and self._data.get("id") != with_id:
            about = "the id must be the one of the path"
            raise wrong_entity(call, errors.ENTITY_INVALID, "/data/id", about)
        self.attributes: Body = self._data.get("attributes") or {}
        self.relationships: Body = self._data.get("relationships") or {}
        self._refuse_strangers()

    def _refuse_doubles(self) -> None:
        double = next(
            (one for one in self._call.exchange.findings if one.rule == "field-duplicate"), None
        )
        if double is not None:
            raise wrong_entity(
                self._call,
                errors.ENTITY_INVALID,
                double.at,
                "the key stands more than once: send it once",
                rule="field-duplicate",
            )

    def _refuse_strangers(self) -> None:
        """Refuse attributes and relationships that there are not, by what the rows found."""
        for finding in self._call.exchange.findings:
            if finding.rule not in ("field-unknown", "field-answer-only", "field-version"):
                continue
            for part, row in (
                ("attributes", errors.ATTRIBUTE_UNKNOWN),
                ("relationships", errors.RELATIONSHIP_UNKNOWN),
            ):
                if finding.at.startswith(f"/data/{part}/"):
                    name = finding.at.rpartition("/")[2]
                    about = f"there is no {part.removesuffix('s')} of this name"
                    pointer = f"/data/{part}/{name}"
                    raise wrong_entity(self._call, row, pointer, about, rule="field-unknown")

    def text(self, name: str, *, required: bool = True) -> str | None:
        """Return a text among the attributes; refused if it is missing or empty."""
        value = self.attributes.get(name)
        if value is None and not required:
            return None
        if value is None:
            raise self.missing(name)
        if not value.strip():
            raise self.wrong(name, f"{name} must not be empty")
        return str(value)

    def missing(self, name: str) -> Exception:
        """Return the refusal of a write without the attribute *name*."""
        about, pointer = f"{name} is required", f"/data/attributes/{name}"
        return wrong_entity(
            self._call, errors.ATTRIBUTE_REQUIRED, pointer, about, rule="field-missing"
        )

    def wrong(self, name: str, about: str, row: ErrorCode = errors.ATTRIBUTE_INVALID) -> Exception:
        """Return the refusal of a write whose attribute *name* has a wrong value."""
        return wrong_entity(self._call, row, f"/data/attributes/{name}", about)

    def one(self, name: str, kind: str) -> str | None:
        """Return the id that a relationship to one names; None if it is absent."""
        data = (self.relationships.get(name) or {}).get("data")
        if data is None:
            return None
        return self._linked(data, kind, f"/data/relationships/{name}/data")

    def many(self, name: str, kind: str) -> list[str] | None:
        """Return the ids that a relationship to many names, once each; None if it is absent."""
        data: list[Any] | None = (self.relationships.get(name) or {}).get("data")
        if data is None:
            return None
        return self.linked(data, kind, f"/data/relationships/{name}/data")

    def linked(self, data: Collection[Any], kind: str, pointer: str) -> list[str]:
        """Return the ids of resource identifiers, once each."""
        found = [one["id"] for one in data if one.get("type") == kind and one.get("id")]
        if len(found) < len(data):
            found = [self._linked(one, kind, pointer, at) for at, one in enumerate(data)]
        return list(dict.fromkeys(found))

    def _linked(self, data: Body, kind: str, *place: object) -> str:
        """Return the id; *place* holds the pieces of the pointer to *data*."""
        identifier = data.get("id")
        if data.get("type") == kind and identifier:
            return str(identifier)
        pointer = "/".join(map(str, place))
        if data.get("type") != kind:
            about = f"the type must be '{kind}'"
            raise wrong_entity(self._call, errors.RELATIONSHIP_INVALID, f"{pointer}/type", about)
        about = "the id is missing"
        raise wrong_entity(self._call, errors.RELATIONSHIP_INVALID, f"{pointer}/id", about)
