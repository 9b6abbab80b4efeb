"""Managed Apple Accounts: a simulated device signs in, and shows the token of its MDM server.

This module is the service as a whole. What the token is, and what is checked of
it, comes from more.md section 7; how devices talk to Apple about it is not
known, so the call is ours, and only simulated devices make it.
"""

from typing import Any

import msgspec

from simulator.core.messages import Response
from simulator.protocol.fields import ErrorCode
from simulator.protocol.operations import Call
from simulator.protocol.responses import JSON, allow, json_response, user_agent
from simulator.protocol.service import Service
from simulator.services.accounts import errors, quirks

DOCS = "https://developer.apple.com/documentation/devicemanagement/get-token"
HEADERS = (user_agent("AD", "device"),)


def answer(_: Call, result: Any) -> Response:
    """Make the answer: JSON."""
    return json_response(result)


def refuse(call: Call, row: ErrorCode) -> Response:
    """Make the answer of an error row: its code, and how to mend it."""
    headers = (*JSON, *allow(call))
    body = msgspec.json.encode({"code": row.code, "message": row.about})
    return Response(row.status, headers, body)


SERVICE = Service(
    name="accounts",
    about="Managed Apple Accounts: takes the access-management tokens that devices pass on.",
    hosts=("gsa.apple.com",),
    docs=DOCS,
    newest=0,
    headers=HEADERS,
    errors=errors.COMMON,
    malformed=errors.INVALID_REQUEST,
    not_found=errors.NOT_FOUND,
    not_allowed=errors.METHOD_NOT_ALLOWED,
    too_large=errors.TOO_LARGE,
    wrong_type=errors.INVALID_REQUEST,
    broken=errors.SERVER_ERROR,
    answer=answer,
    refuse=refuse,
    quirks=quirks.ALL,
)
