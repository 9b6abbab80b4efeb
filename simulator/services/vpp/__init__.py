"""VPP: Apps and Books (Volume Purchase Program), in both generations over one state.

This module is the service as a whole: its hosts, who may call, and the shape of
its answers. The operations stand in the modules beside it: ``v2_*`` and ``v1_*``
for the generations, ``metadata`` for the catalogue. Facts come from vpp.md, whose
source tags the rows carry.
"""

from typing import Any

import msgspec

from simulator.core.messages import Response
from simulator.core.state import Body
from simulator.protocol.fields import ErrorCode, String
from simulator.protocol.operations import Call
from simulator.protocol.responses import user_agent
from simulator.protocol.service import Issued, Service
from simulator.services.vpp import access, errors, numbers, quirks
from simulator.services.vpp.answers import metadata_error, v1_trailer, v2_trailer
from simulator.services.vpp.domain.locations import TOKEN
from simulator.services.vpp.domain.notifications import OUTBOX
from simulator.services.vpp.domain.products import PRODUCT
from simulator.services.vpp.metadata import by_cookie, by_developer
from simulator.services.vpp.v1.texts import text_of

JSON_TYPE = "application/json;charset=UTF-8"
_METADATA = ("/v1/", "/WebObjects/MZStorePlatform.woa/")

HEADERS = (
    String(
        "authorization",
        "Bearer and the content token; v1 and the metadata services have it elsewhere.",
        place="header",
        concept="vpp.content_token",
        source="D-start",
    ),
    user_agent("MM, ZE"),
)


def answer(call: Call, result: Any) -> Response:
    """Make the answer: 200 with JSON, and what every answer of the generation carries."""
    body: Body = dict(result)
    if access.is_v1(call):
        body = {"status": 0} | body | (v1_trailer(call) if call.principal.id else {})
    elif call.operation.name.startswith("vpp2.") and call.principal.id:
        body |= {name: value for name, value in v2_trailer(call).items() if body.get(name) is None}
    names = (row.name for row in call.operation.response)
    body = {name: body[name] for name in names if name in body} | body
    headers = (("Content-Type", JSON_TYPE), *call.headers)
    return Response(200, headers, msgspec.json.encode(body), notify_topic=OUTBOX)


def refuse(call: Call, row: ErrorCode) -> Response:
    """Make the answer of an error row: its number and text, in the generation's own form.

    v1 answers 200 whatever the number, but for the 503 that clients are to
    wait for; v2 answers the row's status.
    """
    if call.request.target.startswith(_METADATA):
        status, content = metadata_error(row)
        headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
        return Response(status, (*headers, *row.headers), msgspec.json.encode(content))
    text = text_of(row) if access.is_v1(call) else row.body
    body: Body = {"errorNumber": int(row.code), "errorMessage": text}
    status, further = row.status, row.headers
    if access.is_v1(call):
        body = {"status": -1} | body
        status = 503 if row is errors.UNAVAILABLE else 200
        further = further if row is errors.UNAVAILABLE else ()
    elif row is errors.TOKEN_INVALID:
        status = call.settings.vpp_status_9622
    headers = (("Content-Type", JSON_TYPE), *further, *call.headers)
    return Response(status, headers, msgspec.json.encode(body), notify_topic=OUTBOX)


SERVICE = Service(
    name="vpp",
    about="Apps and Books: licences of an organization, in its two generations.",
    hosts=(
        "vpp.itunes.apple.com",
        "uclient-api.itunes.apple.com",
        "api.ent.apple.com",
        "api.edu.apple.com",
    ),
    docs="https://developer.apple.com/documentation/devicemanagement/"
    "app-book-and-subscription-management",
    newest=0,
    headers=HEADERS,
    errors=numbers.COMMON,
    on_demand=numbers.ON_DEMAND,
    quirks=quirks.ALL,
    malformed=errors.INVALID_ARGUMENT,
    not_found=errors.NOT_FOUND,
    not_allowed=errors.METHOD_NOT_SUPPORTED,
    too_large=errors.TOO_LARGE,
    wrong_type=errors.TYPE_NOT_SUPPORTED,
    broken=errors.INTERNAL,
    recognise={
        "bearer": access.by_bearer,
        "manage": access.by_managing_bearer,
        "cookie": by_cookie,
        "developer": by_developer,
    },
    authenticate={"body": access.by_body, "body_manage": access.by_managing_body},
    admit=dict.fromkeys(("bearer", "manage", "body", "body_manage"), access.admit),
    waits=True,
    credentials={"body": ("body", "/sToken"), "body_manage": ("body", "/sToken")},
    answer=answer,
    refuse=refuse,
    issues=(
        Issued("vpp.content_token", TOKEN),
        Issued("vpp.adam_id", PRODUCT),
    ),
)
