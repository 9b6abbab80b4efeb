"""Rows as JSON Schema, and the simulated services as OpenAPI 3.1."""

from collections.abc import Iterable, Iterator

from simulator.core.state import Body
from simulator.protocol.body_formats import CONTENT_TYPES
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.fields import (
    ErrorCode,
    Field,
    Integer,
    Number,
    Object,
    Objects,
    String,
    Strings,
    Table,
)
from simulator.protocol.operations import Operation
from simulator.protocol.service import Service

VERSION = "3.1.0"
_TYPES = {"string": "string", "integer": "integer", "number": "number", "boolean": "boolean"}
_TIME = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"
_FORMATS: dict[str, Body] = {
    "instant": {"type": "string", "format": "date-time", "pattern": _TIME},
    "date": {"type": "string", "format": "date"},
}


def schema(row: Field, *, closed: bool = False) -> Body:
    """Return the JSON Schema of one value; *closed*: objects have no other keys."""
    shown: Body = {"description": row.about}
    if row.deprecated:
        shown["deprecated"] = True
    if row.concept:
        shown["x-concept"] = row.concept
    if row.versions != "1+":
        shown["x-versions"] = row.versions
    if row.example is not None:
        shown["examples"] = [row.example]
    if row.default is not None:
        shown["default"] = row.default
    return shown | _shape(row, closed=closed)


def _shape(row: Field, *, closed: bool) -> Body:
    if isinstance(row, Object | Table):
        return _object(row, closed=closed)
    if isinstance(row, Strings):
        items = {"type": "string", **_text(row)}
        fewest = {"minItems": row.fewest} if row.fewest else {}
        return {"type": "array", "items": items, **fewest}
    if isinstance(row, String):
        return {"type": "string", **_text(row)}
    if row.type in _FORMATS:
        return dict(_FORMATS[row.type])
    shown: Body = {"type": _TYPES[row.type]} if row.type in _TYPES else {}
    if isinstance(row, Integer | Number):
        bounds = {"minimum": row.least, "maximum": row.most}
        shown |= {name: value for name, value in bounds.items() if value is not None}
    return shown


def _object(row: Object | Table, *, closed: bool) -> Body:
    if isinstance(row, Objects):
        return {"type": "array", "items": object_schema(row.fields)}
    if isinstance(row, Object):
        return object_schema(row.fields, closed=closed)
    inner = schema(row.value) if row.value is not None else object_schema(row.fields)
    return {"type": "object", "additionalProperties": inner}


def _text(row: String) -> Body:
    limits: Body = {"minLength": row.shortest, "maxLength": row.longest}
    shown = {name: value for name, value in limits.items() if value}
    if row.pattern:
        shown["pattern"] = f"^{row.pattern}$"
    return shown | ({"enum": list(row.values)} if row.values else {})


def object_schema(rows: Iterable[Field], *, closed: bool = False) -> Body:
    """Return the schema of an object with the keys of *rows*."""
    listed = list(rows)
    shown: Body = {
        "type": "object",
        "properties": {row.name: schema(row, closed=closed) for row in listed},
    }
    if required := [row.name for row in listed if row.required]:
        shown["required"] = required
    if closed:
        shown["additionalProperties"] = False
    return shown


def parameter(row: Field, location: str) -> Body:
    """Return a path, query or header parameter."""
    return {
        "name": row.name,
        "in": location,
        "required": location == "path" or row.required,
        "schema": schema(row),
    }


def document(catalogue: Catalogue, version: str) -> Body:
    """Return the simulated services as one OpenAPI document."""
    paths: dict[str, Body] = {}
    for one in catalogue.operations.values():
        service = catalogue.services[one.service]
        for method in one.methods:
            paths.setdefault(one.path, {})[method.lower()] = _operation(service, one, method)
    return {
        "openapi": VERSION,
        "info": {
            "title": "Apple's MDM-facing services, as mdmsim simulates them",
            "version": version,
            "description": "Made from the rows that the simulator runs on. Not Apple's.",
        },
        "tags": [
            {
                "name": service.name,
                "description": service.about,
                "externalDocs": {"url": service.docs},
            }
            for service in catalogue.services.values()
        ],
        "servers": [
            {"url": f"https://{host}", "description": service.about}
            for service in catalogue.services.values()
            for host in service.hosts[:1]
        ],
        "paths": paths,
    }


def _operation(service: Service, one: Operation, method: str) -> Body:
    rows = (*service.headers, *one.request)
    identifier = one.name if method == one.methods[0] else f"{one.name}.{method.lower()}"
    shown: Body = {
        "operationId": identifier,
        "summary": one.about,
        "tags": [service.name],
        "externalDocs": {"url": one.docs},
        "x-versions": one.versions,
        "parameters": [parameter(row, row.place) for row in rows if row.place != "body"],
        "responses": dict(_responses(service, one)),
    }
    body = [row for row in one.request if row.place == "body"]
    if body:
        content = {CONTENT_TYPES[one.body_format][0]: {"schema": object_schema(body)}}
        required = any(row.required for row in body)
        shown["requestBody"] = {"required": required, "content": content}
    return shown


def _responses(service: Service, one: Operation) -> Iterator[tuple[str, Body]]:
    good: Body = {"description": "It was done."}
    if one.response:
        good["content"] = {"application/json": {"schema": object_schema(one.response)}}
    yield "200", good
    by_status: dict[int, list[ErrorCode]] = {}
    for row in (*one.errors, *service.errors, *service.on_demand):
        by_status.setdefault(row.status, []).append(row)
    for status, rows in sorted(by_status.items()):
        if status == 200:  # noqa: PLR2004 (an error in an answer that says it went well)
            continue
        codes = list(dict.fromkeys(row.code for row in rows))
        yield str(status), {"description": ", ".join(codes), "x-error-codes": codes}
