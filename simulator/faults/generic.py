"""The generic outcome ``http.response``: an answer of any service that follows no protocol.

Live services were seen to answer plain text where JSON was due, 204 with nothing,
301 without Location, and a gateway's HTML page with 503.
"""

from collections.abc import Mapping
from typing import Any

from simulator.core.messages import Response
from simulator.protocol.fields import ErrorCode, Integer, String, Table
from simulator.protocol.operations import Call
from simulator.protocol.service import Service

SERVICE = "http"
_BODILESS = frozenset({204, 304})
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection"})


def _no_framing(value: Any, _: Mapping[str, Any]) -> str:
    named = [name for name in value if name.lower() in _FRAMING]
    if named:
        return f"must not hold {', '.join(named)}: deliveries break the framing"
    broken = [name for name, text in value.items() if not _is_field(name, text)]
    return f"holds {broken[0]!r}, which is no header field" if broken else ""


def _is_field(name: str, text: Any) -> bool:
    plain = bool(name) and name.isascii() and all(one.isalnum() or one in "-_" for one in name)
    return plain and isinstance(text, str) and text.isprintable()


def _no_body(value: Any, given: Mapping[str, Any]) -> str:
    status = given.get("status")
    return f"must be empty, as status {status} has no body" if value and status in _BODILESS else ""


STATUS = Integer("status", "Status; 503 if absent.", least=200, most=599, example=503)
HTTP_RESPONSE = ErrorCode(
    "response",
    503,
    "An answer of your own: status, header fields, content type and body.",
    takes=(
        STATUS,
        Table(
            "headers",
            "Header fields by name.",
            value=String("value", "Value."),
            check=_no_framing,
            example={"Retry-After": "5"},
        ),
        String("content_type", "Content type; text/plain if absent.", example="text/html"),
        String("body", "Body as text; none if absent.", check=_no_body, example="<html></html>"),
    ),
    source="design 3.6",
)


def refused(call: Call, service: Service, row: ErrorCode) -> Response:
    """Return the answer of an error row: of the service, or the one that a fault gives whole."""
    return _response(call.given) if row is HTTP_RESPONSE else service.refuse(call, row)


def _response(given: Mapping[str, Any]) -> Response:
    status, headers = given.get("status", HTTP_RESPONSE.status), given.get("headers", {})
    body = given.get("body", "").encode()
    named = {name.lower() for name in headers}
    kind = given.get("content_type", "text/plain; charset=utf-8" if body else "")
    own = (("Content-Type", kind),) if kind and "content-type" not in named else ()
    return Response(status, (*own, *headers.items()), body)
