"""Account-driven discovery: where a device finds the MDM server of the person that signs in.

This module is the service as a whole; it takes no credentials. Facts come from
more.md section 5, whose source tags the rows carry.
"""

from typing import Any

from simulator.core.messages import Response
from simulator.protocol.fields import ErrorCode, String
from simulator.protocol.operations import Call
from simulator.protocol.responses import JSON, allow, json_response, user_agent
from simulator.protocol.service import Service
from simulator.services.discovery import errors, quirks

DOCS = (
    "https://developer.apple.com/documentation/devicemanagement/"
    "implementing-the-simple-authentication-account-driven-enrollment-flow"
)
HEADERS = (
    user_agent("DC", "device"),
    String(
        "location",
        "Of responses: the registered URL, with the query of the request.",
        place="header",
        concept="discovery.redirect",
        source="AD",
    ),
)


def answer(_: Call, result: Any) -> Response:
    """Make the answer: what the handler made, or JSON."""
    if isinstance(result, Response):
        return result
    return json_response(result)


def refuse(call: Call, row: ErrorCode) -> Response:
    """Make the answer of an error row: an empty object."""
    headers = (*JSON, *allow(call))
    return Response(row.status, headers, (row.body or "").encode())


SERVICE = Service(
    name="discovery",
    about="Account-driven discovery: where a person's devices find the MDM server.",
    hosts=("axm-servicediscovery.apple.com", "axm-adm-enroll.apple.com"),
    docs=DOCS,
    newest=0,
    headers=HEADERS,
    errors=errors.COMMON,
    malformed=errors.IDENTIFIER_INVALID,
    not_found=errors.NOT_FOUND,
    not_allowed=errors.METHOD_NOT_ALLOWED,
    too_large=errors.TOO_LARGE,
    wrong_type=errors.IDENTIFIER_INVALID,
    broken=errors.SERVER_ERROR,
    answer=answer,
    refuse=refuse,
    quirks=quirks.ALL,
)
