"""v2: what the service offers, and who uses the location."""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from simulator.core.state import Body
from simulator.protocol.fields import ErrorCode, Integer, Objects, String, Strings, Table, in_order
from simulator.protocol.operations import ApiError, Call, OutboundCall, operation
from simulator.services.vpp import checks, errors, numbers
from simulator.services.vpp.access import location_of_token
from simulator.services.vpp.domain import notifications as notices
from simulator.services.vpp.domain.locations import Location, put
from simulator.services.vpp.limits import (
    LIMITS,
    NOTIFICATIONS,
    TEST_NOTIFICATION,
)
from simulator.services.vpp.origin import origin
from simulator.services.vpp.v2.rows import BASE, COMMON, DOCS, MDM_INFO, TYPES

URLS = {
    "invitationEmail": "/WebObjects/MZFinance.woa/wa/associateVPPUserWithITSAccount"
    "?inviteCode=%25inviteCode%25&mt=8",
    "clientConfig": f"{BASE}/client/config",
    "contentMetadataLookup": "/WebObjects/MZStorePlatform.woa/wa/lookup",
    "getAssets": f"{BASE}/assets",
    "getAssignments": f"{BASE}/assignments",
    "associateAssets": f"{BASE}/assets/associate",
    "disassociateAssets": f"{BASE}/assets/disassociate",
    "revokeAssets": f"{BASE}/assets/revoke",
    "getUsers": f"{BASE}/users",
    "createUsers": f"{BASE}/users/create",
    "updateUsers": f"{BASE}/users/update",
    "retireUsers": f"{BASE}/users/retire",
    "eventStatus": f"{BASE}/status",
}
"""Path by key of ``urls``; Apple's page has none for subscriptions."""


def error_list(
    rows: Iterable[ErrorCode], text: Callable[[ErrorCode], str | None] = attrgetter("body")
) -> list[Body]:
    """Return error rows as the service configs list them; *text* gives the message of each."""
    return [{"errorNumber": int(row.code), "errorMessage": text(row)} for row in rows]


ERROR_CODES = Objects(
    "errorCodes",
    "Numbers and their texts.",
    source="D-svc2",
    fields=(
        Integer("errorNumber", "Number.", concept="protocol", source="D-svc2"),
        String("errorMessage", "Text.", concept="protocol", source="D-svc2"),
    ),
)


@operation(
    f"GET {BASE}/service/config",
    "Say what the service offers: error numbers, limits, notifications, URLs.",
    name="vpp2.service_config",
    response=(
        ERROR_CODES,
        Table(
            "limits",
            "Limits by name.",
            value=Integer("limit", "How many at most.", concept="protocol", source="D-svc2"),
            concept="protocol",
            source="D-svc2",
        ),
        Strings(
            "notificationTypes",
            "Kinds of notifications.",
            values=NOTIFICATIONS,
            concept="server.notify_type",
            source="D-svc2",
        ),
        Table(
            "urls",
            "URLs by purpose.",
            value=String("url", "URL.", concept="protocol", source="D-svc2"),
            concept="protocol",
            source="D-svc2",
            inferred="They lead to the address that was asked, as clients follow them.",
        ),
    ),
    docs=f"{DOCS}service-config",
    source="D-svc2, AB",
    inferred="Needs no token, and looks at none that is sent: one page asks for it everywhere, "
    "another excepts this, and a live check got an answer with a revoked one.",
)
def service_config(call: Call) -> Body:
    """Answer what holds for every location."""
    base = origin(call)
    return {
        "errorCodes": error_list(numbers.SYNCHRONOUS_V2),
        "limits": LIMITS,
        "notificationTypes": list(NOTIFICATIONS),
        "urls": {name: base + path for name, path in URLS.items()},
    }


def shown(location: Location) -> Body:
    """Return a location's configuration as v2 shows it, without the trailer."""
    body: dict[str, Any] = {
        "countryISO2ACode": location.country,
        "defaultPlatform": location.platform,
        "locationName": location.name,
        "websiteURL": location.website,
        "notificationUrl": location.notify_url,
        "notificationAuthToken": location.notify_token,
        "subscribedNotificationTypes": list(location.notify_types),
    }
    return {name: value for name, value in body.items() if value}


_CONFIG = in_order(
    "countryISO2ACode defaultPlatform locationName mdmInfo notificationAuthToken notificationUrl "
    "subscribedNotificationTypes tokenExpirationDate uId websiteURL",
    (
        String("countryISO2ACode", "Country of the store.", concept="org.country", source="D-cc2"),
        String("defaultPlatform", "Platform for the look-up.", concept="protocol", source="D-cc2"),
        String("locationName", "Name.", concept="org.location", source="D-cc2"),
        String("websiteURL", "The portal.", concept="protocol", source="D-cc2"),
        String(
            "notificationUrl",
            "Where notifications go.",
            concept="server.notify_url",
            source="D-cc2",
        ),
        String(
            "notificationAuthToken",
            "Secret that they carry.",
            concept="server.notify_token",
            source="D-cc2",
            inferred="Echoed in clear, as in the reference sample; the set-up article leaves it "
            "out.",
        ),
        Strings(
            "subscribedNotificationTypes",
            "Kinds that go there.",
            values=NOTIFICATIONS,
            concept="server.notify_type",
            source="D-cc2",
            inferred="Never holds TEST_NOTIFICATION.",
        ),
        *COMMON,
    ),
)


@operation(
    f"GET {BASE}/client/config",
    "Read the configuration of the location.",
    name="vpp2.read_config",
    auth="bearer",
    response=_CONFIG,
    docs=f"{DOCS}client-config-4szk1",
    source="D-cc2, FL, ZE",
    inferred="Country, platform, name and portal are always there, as on the object page and as "
    "clients need them; the set-up article leaves them out.",
)
def read_config(call: Call) -> Body:
    """Answer the configuration."""
    return shown(location_of_token(call))


@operation(
    f"POST {BASE}/client/config",
    "Claim the location, and say where notifications go.",
    name="vpp2.config",
    auth="manage",
    asks=True,
    json_only=True,
    request=(
        MDM_INFO,
        String(
            "notificationUrl",
            "Where notifications go: https, host and path only.",
            concept="server.notify_url",
            source="D-cc2",
            example="https://mdm.example.com/hooks/vpp",
        ),
        String(
            "notificationAuthToken",
            "Secret that they are to carry.",
            concept="server.notify_token",
            source="D-cc2",
            example="invented",
        ),
        TYPES,
    ),
    response=_CONFIG,
    docs=f"{DOCS}client-config-71glv",
    source="D-cc2, D-obj, D-start",
    inferred="What is left out stays as it was; an empty notificationUrl with an empty token ends "
    "the notifications. Whether Apple replaces or merges is not documented.",
)
def configure(call: Call) -> Body:
    """Set what was sent; the last writer wins."""
    where, body = location_of_token(call), call.body
    changed = where
    if (info := body.get("mdmInfo")) is not None:
        changed = replace(changed, mdm=_mdm_info(call, info))
    if "notificationUrl" in body or "notificationAuthToken" in body:
        url, token = body.get("notificationUrl"), body.get("notificationAuthToken")
        if url == "" and not token:
            url, token = "", ""
        elif not url or not token:
            checks.forbidden(call, errors.URL_AND_TOKEN, "/notificationUrl")
        else:
            _check_url(call, url, token)
        changed = replace(changed, notify_url=url or "", notify_token=token or "")
    if "notificationTypes" in body:
        changed = replace(changed, notify_types=_types(call, body["notificationTypes"]))
    if body.get("notificationUrl"):
        _try(call, changed)
    return shown(put(call.state, changed) if changed != where else where)


def _try(call: Call, where: Location) -> None:
    """Send TEST_NOTIFICATION before anything is set; what is no 2xx refuses all of it (D-notif)."""
    message = msgspec.json.encode(notices.probe(call.state, where))
    about = call.ask(OutboundCall(where.notify_url, where.notify_token, message))
    if about:
        text = f"the receiver of TEST_NOTIFICATION {about}"
        checks.broken(call, errors.URL_UNREACHABLE, "/notificationUrl", text, rule="vpp-semantics")


def _mdm_info(call: Call, info: Body) -> Body:
    sizes = (
        ("id", "maxMdmIdLength", errors.MDM_ID_TOO_LONG),
        ("name", "maxMdmNameLength", errors.MDM_NAME_TOO_LONG),
        ("metadata", "maxMdmMetadataLength", errors.METADATA_TOO_LONG),
    )
    if not all(info.get(name) for name, _, _ in sizes):
        checks.forbidden(call, errors.MDM_INFO_INCOMPLETE, "/mdmInfo")
    for name, limit, row in sizes:
        if len(info[name]) > LIMITS[limit]:
            checks.broken(call, row, f"/mdmInfo/{name}")
    return {name: info[name] for name, _, _ in sizes}


def _check_url(call: Call, url: str, token: str) -> None:
    for name, value in (("notificationUrl", url), ("notificationAuthToken", token)):
        if len(value) > LIMITS["maxNotificationLength"]:
            checks.broken(call, errors.NOTIFICATION_TOO_LONG, f"/{name}")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ApiError(errors.URL_INVALID) from None
    # The parser passes over line breaks and tabs; what calls the URL later does not.
    broken = any(character <= " " or character == "\x7f" for character in url)
    if broken or host is None or parts.scheme not in ("https", "http"):
        raise ApiError(errors.URL_INVALID)
    plain = not (parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme != "https" or not plain:
        text = "notificationUrl must be https, with host and path only"
        checks.broken(call, errors.URL_INVALID, "/notificationUrl", text)


def _types(call: Call, wanted: list[str]) -> tuple[str, ...]:
    for index, name in enumerate(wanted):
        if name not in NOTIFICATIONS:
            checks.broken(call, errors.INVALID_ARGUMENT, f"/notificationTypes/{index}")
    chosen = dict.fromkeys(wanted)
    return tuple(name for name in NOTIFICATIONS if name in chosen and name != TEST_NOTIFICATION)
