"""The push certificate portal, the files and the signers that a request for it needs.

This module is the service as a whole: Apple's ``identity.apple.com``, two files
of ``www.apple.com``, and two third parties that sign requests. Facts come from
more.md section 1, whose source tags the rows carry.
"""

import plistlib
from typing import Any

from simulator.core.messages import Response
from simulator.pki.authorities import Authorities
from simulator.protocol.fields import ErrorCode
from simulator.protocol.operations import Call
from simulator.protocol.responses import TEXT, allow, json_response, user_agent
from simulator.protocol.service import Service
from simulator.services.identity import errors, quirks

DOCS = (
    "https://developer.apple.com/documentation/devicemanagement/"
    "setting-up-push-notifications-for-your-device-magagement-customers"
)
PLIST_PATHS = "/pushcert/caservice/"
"""How the paths begin whose answers are property lists."""
_PLAIN_PATHS = ("/api/v1/deliver-apple-csr",)
HEADERS = (user_agent("MM"),)


def authorities(call: Call) -> Authorities:
    """Return what issues certificates; LookupError where there is none."""
    if isinstance(call.authorities, Authorities):
        return call.authorities
    raise LookupError("no authorities were given to the engine")


def answer(call: Call, result: Any) -> Response:
    """Make the answer: bytes are a file, the rest JSON, or a property list by the path."""
    if isinstance(result, bytes):
        return Response(200, (("Content-Type", "application/pkix-cert"),), result)
    return _written(call, 200, result)


def refuse(call: Call, row: ErrorCode) -> Response:
    """Make the answer of an error row: the triple, as the path has its answers."""
    headers = allow(call)
    if row.body is not None or call.request.target.startswith(_PLAIN_PATHS):
        text = row.about if row.body is None else row.body
        return Response(row.status, (*TEXT, *headers), text.encode())
    triple = errors.triple(row)
    result: Any = triple
    if call.request.target.startswith(PLIST_PATHS):
        result = {"Response": {"Status": triple, "Certificates": []}}
    made = _written(call, row.status, result)
    return Response(made.status, (*made.headers, *headers), made.body)


def _written(call: Call, status: int, result: Any) -> Response:
    if call.request.target.startswith(PLIST_PATHS):
        return Response(status, (("Content-Type", "text/x-xml-plist"),), plistlib.dumps(result))
    return json_response(result, status)


SERVICE = Service(
    name="identity",
    about="Push certificates: the portal that issues them, and who signs requests for it.",
    hosts=("identity.apple.com", "www.apple.com", "mdmcert.download"),
    docs=DOCS,
    newest=0,
    headers=HEADERS,
    errors=errors.COMMON,
    malformed=errors.INVALID_REQUEST,
    not_found=errors.NOT_FOUND,
    not_allowed=errors.METHOD_NOT_ALLOWED,
    too_large=errors.TOO_LARGE,
    wrong_type=errors.INVALID_REQUEST,
    broken=errors.BROKEN,
    answer=answer,
    refuse=refuse,
    on_demand=errors.ON_DEMAND,
    quirks=quirks.ALL,
)
