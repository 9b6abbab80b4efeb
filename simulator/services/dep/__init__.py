"""DEP: the Device Enrollment Program, or Automated Device Enrollment, web service.

This module is the service as a whole: its hosts, headers, versions and the
shape of its answers. The operations stand in the modules beside it.
Facts come from dep.md, whose source tags the rows carry.
"""

from typing import Any

import msgspec

from simulator.core.messages import Finding, Response
from simulator.protocol.fields import ErrorCode, String
from simulator.protocol.head import Principal, RequestHead
from simulator.protocol.operations import ApiError, Call
from simulator.protocol.service import Issued, Service
from simulator.services.dep import errors, quirks
from simulator.services.dep.login import by_signature
from simulator.services.dep.sessions import SESSION_HEADER, by_session, prolong
from simulator.services.fleet import arrivals, changes, orders

JSON_TYPE = "application/json;charset=UTF8"
"""Apple's own spelling, which is no registered charset name (PR)."""
TEXT_TYPE = "text/plain;Charset=UTF8"
NEWEST = 10
_VERSION = "x-server-protocol-version"
_REFUSED_AGENTS = ("python-requests", "nanodep-godep")

HEADERS = (
    String(
        "x-adm-auth-session",
        "Session token of GET /session or of the newest response.",
        place="header",
        concept="dep.session_token",
        source="PR",
    ),
    String(
        _VERSION,
        "Protocol version that the client speaks; 1 if absent.",
        place="header",
        concept="protocol",
        example="10",
        source="PR",
        inferred="Values above the newest version count as the newest, as seen live.",
    ),
    String(
        "user-agent",
        "Product and version of the client; Apple refuses some.",
        place="header",
        required=True,
        concept="net.user_agent",
        source="AD",
    ),
)


def read_version(head: RequestHead) -> tuple[str | None, int]:
    """Return the version that was sent and the one in effect: 1 if absent or no number."""
    sent = head.header(_VERSION)
    if sent is None:
        _note(head, "version-missing", "send the version that the client was written for")
        return sent, 1
    if not (sent.strip().isascii() and sent.strip().isdigit()):
        _note(head, "version-invalid", "send a number, such as 10")
        return sent, 1
    number = int(sent) if len(sent) < 9 else NEWEST + 1  # noqa: PLR2004 (no huge integers)
    if number > NEWEST:
        _note(head, "version-clamped", f"the newest known version is {NEWEST}")
    return sent, min(max(number, 1), NEWEST)


def _note(head: RequestHead, rule: str, text: str) -> None:
    head.note(Finding(rule, "header", _VERSION, text))


def check_user_agent(head: RequestHead) -> None:
    """Refuse a missing or blocked User-Agent.

    Clients met refusals when they went beyond protocol version 3, hence the
    condition (inferred; see the rows of the errors). ``strict`` checks always.
    """
    agent = (head.header("user-agent") or "").strip()
    blocked = agent.startswith(_REFUSED_AGENTS)
    if agent and not blocked:
        return
    rule = "user-agent-invalid" if agent else "user-agent-missing"
    text = "send the product's own name and version" + (
        ": Apple refuses this library's default" if agent else ""
    )
    level = head.settings.strictness
    refused = level == "strict" or (level == "apple" and head.version > 3)  # noqa: PLR2004 (a version)
    head.note(Finding(rule, "header", "user-agent", text, refused=refused))
    if refused:
        raise ApiError(errors.USER_AGENT_INVALID if agent else errors.USER_AGENT_MISSING, text)


def admit(head: RequestHead, principal: Principal) -> None:
    """Go on with the session, and do first what is due by now to the devices."""
    own = head.state.of(principal.organisation)
    arrivals_ms, changes_ms = orders.next_ms(own), changes.next_ms(own)
    now_ms = head.time(arrivals_ms, changes_ms)
    arrivals.require(own, principal.organisation, now_ms)
    if changes_ms <= now_ms:
        changes.complete_due(own, now_ms)
    prolong(head, principal)


def answer(call: Call, result: Any) -> Response:
    """Make the answer: 200 with JSON, the session token and the version in effect."""
    headers = [("Content-Type", JSON_TYPE), *call.headers]
    if call.exchange.version_sent is not None:
        headers.append(("X-Server-Protocol-Version", str(call.version)))
    return Response(200, tuple(headers), msgspec.json.encode(result))


def refuse(call: Call, row: ErrorCode) -> Response:
    """Make the answer of an error row: the bare code as text, then the connection ends (PR)."""
    body = row.code if row.body is None else row.body
    if call.settings.dialect == "depsim":
        body = _depsim_body(row, body)
    headers = [("Content-Type", TEXT_TYPE), *row.headers]
    headers += [pair for pair in call.headers if pair[0] in (SESSION_HEADER, "Allow")]
    return Response(row.status, tuple(headers), body.encode(), close=True)


def _depsim_body(row: ErrorCode, body: str) -> str:
    """Return the body as depsim writes it: in quotes, and its own words for OAuth failures."""
    if row is errors.OAUTH_BAD_REQUEST:
        return ""
    if row is errors.OAUTH_UNAUTHORIZED:
        body = "UNAUTHORIZED"
    return f'"{body}"' if body else ""


SERVICE = Service(
    name="dep",
    about="Device assignment: Automated Device Enrollment in School and Business Manager.",
    hosts=("mdmenrollment.apple.com",),
    docs="https://developer.apple.com/documentation/devicemanagement/device-assignment",
    newest=NEWEST,
    headers=HEADERS,
    errors=errors.COMMON,
    malformed=errors.MALFORMED_REQUEST_BODY,
    not_found=errors.NOT_FOUND,
    not_allowed=errors.METHOD_NOT_ALLOWED,
    too_large=errors.REQUEST_TOO_LARGE,
    wrong_type=errors.UNSUPPORTED_MEDIA_TYPE,
    broken=errors.SERVER_ERROR,
    version=read_version,
    gate=check_user_agent,
    recognise={"session": by_session},
    authenticate={"oauth": by_signature},
    admit_by_head={"session": admit},
    waits=True,
    credentials={"session": ("header", SESSION_HEADER.lower())},
    on_demand=errors.ON_DEMAND,
    quirks=quirks.ALL,
    answer=answer,
    refuse=refuse,
    issues=(
        Issued("device.serial", "dep.device"),
        Issued("dep.profile_uuid", "dep.profile"),
        Issued("dep.access_token", "dep.token"),
        Issued("dep.consumer_key", "dep.token", "consumer_key"),
        Issued("dep.consumer_secret", "dep.token", "consumer_secret"),
        Issued("dep.access_secret", "dep.token", "access_secret"),
    ),
    persons=tuple(
        Issued("roster.pupil_name", "roster.person", f"record/{name}")
        for name in ("name", "middle_name")
    ),
)
