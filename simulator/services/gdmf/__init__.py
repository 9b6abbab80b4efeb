"""GDMF: the software look-up that MDM servers read which releases may be installed from.

This module is the service as a whole. It takes no credentials and knows no
organisation. Facts come from more.md section 2, whose source tags the rows carry.
"""

from collections.abc import Mapping
from typing import Any

from simulator.core.messages import Response
from simulator.protocol.fields import ErrorCode, String
from simulator.protocol.operations import Call
from simulator.protocol.responses import allow, json_response, user_agent
from simulator.protocol.service import Service
from simulator.services.gdmf import errors, quirks

DOCS = (
    "https://developer.apple.com/documentation/devicemanagement/"
    "deploying-software-updates-to-devices-in-your-organization"
)
HEADERS = (
    user_agent("FL"),
    String(
        "if-none-match",
        "What the client holds already; not looked at.",
        place="header",
        concept="protocol",
        source="live",
        inferred="One client sends it. Whether Apple heeds it is unknown, so it gets the document.",
    ),
)


def answer(_: Call, result: Mapping[str, Any]) -> Response:
    """Make the answer: 200 with JSON."""
    return json_response(result)


def refuse(call: Call, row: ErrorCode) -> Response:
    """Make the answer of an error row: a bare status."""
    headers = [*row.headers, *allow(call)]
    return Response(row.status, tuple(headers), (row.body or "").encode())


SERVICE = Service(
    name="gdmf",
    about="Software look-up: which releases there are, for which devices, until when.",
    hosts=("gdmf.apple.com",),
    docs=DOCS,
    newest=0,
    headers=HEADERS,
    errors=errors.COMMON,
    malformed=errors.BAD_REQUEST,
    not_found=errors.NOT_FOUND,
    not_allowed=errors.METHOD_NOT_ALLOWED,
    too_large=errors.TOO_LARGE,
    wrong_type=errors.BAD_REQUEST,
    broken=errors.SERVER_ERROR,
    answer=answer,
    refuse=refuse,
    on_demand=errors.ON_DEMAND,
    quirks=quirks.ALL,
)
