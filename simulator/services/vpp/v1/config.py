"""v1: where the calls are, and who uses the location."""

import hashlib
from typing import Any

from msgspec.structs import replace

from simulator.core.state import Body
from simulator.protocol.fields import Boolean, Integer, String, in_order
from simulator.protocol.operations import ApiError, Call, operation
from simulator.services.organisations import organisation
from simulator.services.vpp import errors, numbers
from simulator.services.vpp.access import location_of_token, refuse_vppsim, sent_token
from simulator.services.vpp.checks import forbidden
from simulator.services.vpp.domain.locations import put
from simulator.services.vpp.limits import CONTEXT_LENGTH, MAX_BATCH
from simulator.services.vpp.origin import origin
from simulator.services.vpp.v1.rows import BASE, COMMON, OLD_BASE, STATUS, STOKEN, facts
from simulator.services.vpp.v1.texts import text_of
from simulator.services.vpp.v2.config import ERROR_CODES, URLS, error_list
from simulator.services.vpp.v2.rows import DOCS

_CALLS = {
    "clientConfigSrvUrl": "VPPClientConfigSrv",
    "registerUserSrvUrl": "registerVPPUserSrv",
    "editUserSrvUrl": "editVPPUserSrv",
    "retireUserSrvUrl": "retireVPPUserSrv",
    "getUserSrvUrl": "getVPPUserSrv",
    "getUsersSrvUrl": "getVPPUsersSrv",
    "getLicensesSrvUrl": "getVPPLicensesSrv",
    "getVPPAssetsSrvUrl": "getVPPAssetsSrv",
    "getAssignmentsSrvUrl": "getAssignments",
    "manageVPPLicensesByAdamIdSrvUrl": "manageVPPLicensesByAdamIdSrv",
    "associateLicenseSrvUrl": "associateVPPLicenseSrv",
    "disassociateLicenseSrvUrl": "disassociateVPPLicenseSrv",
}
INVITATION = URLS["invitationEmail"].replace("?", "?cc=us&")


def _url(name: str) -> String:
    return String(name, "URL of a call.", concept="protocol", source="L-svc, PE")


def _most(name: str) -> Integer:
    return Integer(name, "Most targets of one manage call.", concept="protocol", source="L-svc")


@operation(
    f"POST {BASE}/VPPServiceConfigSrv",
    "Say where the calls are, and what the error numbers mean.",
    name="vpp1.service_config",
    also=("GET",),
    aliases=(f"{OLD_BASE}/VPPServiceConfigSrv", "/VPPServiceConfigSrv"),
    response=in_order(
        "getLicensesSrvUrl contentMetadataLookupUrl clientConfigSrvUrl registerUserSrvUrl "
        "getAssignmentsSrvUrl disassociateLicenseSrvUrl vppWebsiteUrl retireUserSrvUrl "
        "invitationEmailUrl editUserSrvUrl status maxBatchDisassociateLicenseCount "
        "associateLicenseSrvUrl maxBatchAssociateLicenseCount getUserSrvUrl getVPPAssetsSrvUrl "
        "manageVPPLicensesByAdamIdSrvUrl errorCodes getUsersSrvUrl",
        (
            STATUS,
            *(_url(name) for name in _CALLS),
            _url("contentMetadataLookupUrl"),
            _url("invitationEmailUrl"),
            _url("vppWebsiteUrl"),
            _most("maxBatchAssociateLicenseCount"),
            _most("maxBatchDisassociateLicenseCount"),
            ERROR_CODES,
        ),
    ),
    docs=f"{DOCS}service-configuration",
    source="L-svc, PE, MM",
    inferred="GET is taken too, as clients do it; getAssignmentsSrvUrl is in the real answer "
    "though not on Apple's page.",
)
def service_config(call: Call) -> Body:
    """Answer URLs at the address and below the base that were asked."""
    refuse_vppsim(call)
    here = call.request.target.partition("?")[0].rpartition("/")[0]
    base = origin(call)
    return {
        **{name: f"{base}{here}/{path}" for name, path in _CALLS.items()},
        "contentMetadataLookupUrl": base + URLS["contentMetadataLookup"],
        "invitationEmailUrl": base + INVITATION,
        "vppWebsiteUrl": f"{base}/",
        "maxBatchAssociateLicenseCount": MAX_BATCH,
        "maxBatchDisassociateLicenseCount": MAX_BATCH,
        "errorCodes": error_list(numbers.V1, text_of),
    }


def _short(value: Any, _: Any) -> str:
    fits = len(value.encode("utf-8", "replace")) <= CONTEXT_LENGTH
    return "" if fits else "must be shorter than 256 bytes"


_APN_TOKEN = String("apnToken", "Push token of the client.", concept="vpp.apn_token", source="L-cc")
_NOTIFICATION_TOKEN = String(
    "notificationToken", "Secret for call-backs.", concept="server.notify_token", source="L-cc"
)


@operation(
    f"POST {BASE}/VPPClientConfigSrv",
    "Read, or set, who uses the location.",
    name="vpp1.config",
    request=(
        STOKEN,
        String(
            "clientContext",
            "JSON as a text, by custom with hostname and guid; an empty one clears it.",
            concept="vpp.client_context",
            decode="json",
            check=_short,
            invalid=errors.INVALID_ARGUMENT,
            source="L-cc",
            example='{"hostname":"mdm.example.com","guid":"11111111-2222-4333-8444-555555555555"}',
        ),
        _NOTIFICATION_TOKEN,
        String(
            "notificationUrl",
            "Where call-backs would go.",
            concept="server.notify_url",
            source="L-cc",
            example="https://mdm.example.com/",
            inferred="Kept nowhere: only v2 sends notifications.",
        ),
        _APN_TOKEN,
        Boolean("verbose", "Asks old servers for appleId.", concept="protocol", source="MM"),
    ),
    response=in_order(
        "countryCode clientContext organizationId location email notificationToken uId status "
        "defaultPlatform expirationMillis organizationIdHash appleId apnToken",
        (
            *COMMON,
            String("appleId", "The content manager.", concept="admin.apple_id", source="L-cc"),
            String("email", "The same.", concept="admin.apple_id", source="L-cc"),
            String("countryCode", "Country of the store.", concept="org.country", source="L-cc"),
            String("defaultPlatform", "For the look-up.", concept="protocol", source="L-cc"),
            Integer(
                "organizationId",
                "Organization.",
                concept="org.id",
                source="L-cc, MM",
                inferred="A number, as on the wire; the page says string.",
            ),
            String("organizationIdHash", "Hash of it.", concept="org.id_hash", source="L-cc"),
            _APN_TOKEN,
            _NOTIFICATION_TOKEN,
        ),
    ),
    docs=f"{DOCS}client-configuration",
    source="L-cc, L-obj",
    **facts("VPPClientConfigSrv"),
)
def client_config(call: Call) -> Body:
    """Set what was sent, and answer what there is."""
    where, changes = location_of_token(call), {}
    for name, fact in (
        ("clientContext", "context"),
        ("notificationToken", "notification_token"),
        ("apnToken", "push_token"),
    ):
        if name in call.body:
            changes[fact] = call.body[name]
    if changes and sent_token(call)["rights"] == "read":
        raise ApiError(errors.NO_RIGHTS)
    if changes.get("push_token") and not changes["push_token"].isalnum():
        forbidden(call, errors.PUSH_TOKEN_INVALID, "/apnToken")
    if changes:
        where = put(call.state, replace(where, **changes))
    number = organisation(call.state, where.organisation)["org_id"]
    return {
        "appleId": where.manager,
        "email": where.manager,
        "countryCode": where.country,
        "defaultPlatform": where.platform,
        "organizationId": int(number) if number.isdigit() else where.number,
        "organizationIdHash": hashlib.sha256(number.encode()).hexdigest(),
        "notificationToken": where.notification_token,
        "apnToken": where.push_token,
    }
