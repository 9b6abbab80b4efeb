"""AxM: the API of School Manager and Apple Business, over the devices and servers of DEP.

This module is the service as a whole: its hosts, who may call, and the shape of its answers.
The operations stand in the modules beside it. Facts come from axm.md, whose source tags the
rows carry with ``AXM-`` before them. Versions are written without the point: ``23+`` is API 2.3.
"""

from typing import Any

import msgspec

from simulator.core.messages import Finding, Headers, Response
from simulator.protocol.fields import ErrorCode, String
from simulator.protocol.head import RequestHead
from simulator.protocol.operations import ApiError, Call
from simulator.protocol.responses import user_agent
from simulator.protocol.service import Issued, Service
from simulator.services.axm import access, errors, quirks, versions
from simulator.services.axm.accounts import ACCOUNT as ACCOUNT_KIND
from simulator.services.axm.documents import (
    ACCOUNT,
    BLOBS,
    BUSINESS,
    DOCS,
    JSON_TYPE,
    SCHOOL,
    error_document,
)

OAUTH_TYPE = "application/json;charset=UTF-8"
_OAUTH = "/auth/oauth2/"
_ACCEPTED = ("application/json", "application/*", "*/*")

HEADERS = (
    String(
        "authorization",
        "Bearer and the access token.",
        place="header",
        concept="axm.access_token",
        source="AXM-D",
    ),
    user_agent("AXM-NA"),
)


def read_version(head: RequestHead) -> tuple[str | None, int]:
    """Return the version of the settings: no request names one."""
    return None, versions.of(head.settings, is_school=False)


def check_accept(head: RequestHead) -> None:
    """Refuse an Accept that rules JSON out."""
    accept = head.header("accept")
    if accept:
        named = [one.partition(";")[0].strip().lower() for one in accept.split(",")]
        if not any(one in _ACCEPTED for one in named):
            text = "Accept must allow application/json"
            head.note(Finding("accept", "header", "accept", text, refused=True))
            raise ApiError(errors.NOT_ACCEPTABLE, text)


def answer(call: Call, result: Any) -> Response:
    """Make the answer: JSON with 200, or 201 for what was created; 204 without a body."""
    headers = (*call.headers,)
    if result is None:
        return _response(call, 204, headers)
    if isinstance(result, bytes):
        kind = ("Content-Type", "application/octet-stream")
        return _response(call, 200, (kind, *headers), result)
    body = msgspec.json.encode(result)
    if call.request.target.startswith(_OAUTH):
        fresh = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
        return _response(call, 200, (("Content-Type", OAUTH_TYPE), *fresh, *headers), body)
    status = 201 if call.request.method == "POST" else 200
    return _response(call, status, (("Content-Type", JSON_TYPE), *headers), body)


def _response(call: Call, status: int, headers: Headers, body: bytes = b"") -> Response:
    if call.has(quirks.FEW_STREAMS):
        streams = quirks.STREAMS
        return Response(status, headers, body, streams=streams, announces_streams=False)
    return Response(status, headers, body)


def refuse(call: Call, row: ErrorCode) -> Response:
    """Make the answer of an error row: the error document, or OAuth's at the token endpoint."""
    kind = JSON_TYPE
    fresh: tuple[tuple[str, str], ...] = ()
    if call.request.target.startswith(_OAUTH):
        kind, fresh = OAUTH_TYPE, (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
        if row in (errors.ENTITY_INVALID, errors.UNSUPPORTED_MEDIA_TYPE):
            row = errors.INVALID_REQUEST
    further = row.headers
    if call.has(quirks.NO_RETRY_AFTER):
        further = tuple(pair for pair in further if pair[0] != "Retry-After")
    headers = (("Content-Type", kind), *fresh, *further, *call.headers)
    return _response(call, row.status, headers, msgspec.json.encode(error_document(call, row)))


SERVICE = Service(
    name="axm",
    about="School Manager and Apple Business: the API for devices, servers, people and "
    "content. Its versions are written without the point: 23+ is API 2.3 and later, and School "
    "has those of the same day.",
    hosts=(BUSINESS, SCHOOL, ACCOUNT, BLOBS),
    docs=DOCS.rstrip("/"),
    newest=versions.NEWEST,
    headers=HEADERS,
    errors=errors.COMMON,
    on_demand=errors.ON_DEMAND,
    quirks=quirks.ALL,
    malformed=errors.ENTITY_INVALID,
    not_found=errors.PATH_UNKNOWN,
    not_allowed=errors.FORBIDDEN_ERROR,
    too_large=errors.TOO_LARGE,
    wrong_type=errors.UNSUPPORTED_MEDIA_TYPE,
    broken=errors.UNEXPECTED,
    version=read_version,
    gate=check_accept,
    recognise={"token": access.by_token, "business": access.by_token},
    admit={"token": access.admit, "business": access.admit_business},
    waits=True,
    answer=answer,
    refuse=refuse,
    issues=(
        Issued("device.serial", "dep.device"),
        Issued("server.uuid", "dep.server", "uuid"),
        Issued("axm.client_id", ACCOUNT_KIND),
    ),
    persons=tuple(
        Issued("user.name", "axm.user", f"attributes/{name}")
        for name in ("firstName", "middleName", "lastName")
    ),
)
