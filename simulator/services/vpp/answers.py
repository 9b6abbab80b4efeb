"""What every answer of a generation carries beside its own fields."""

from simulator.core.state import Body
from simulator.protocol.fields import ErrorCode
from simulator.protocol.operations import Call
from simulator.services.vpp import quirks
from simulator.services.vpp.access import location_of_token, sent_token
from simulator.services.vpp.domain.locations import apple_time

_OTHER = {"id": "5f0e4a52-0000-4000-8000-000000000000", "metadata": "1", "name": "Other MDM"}
WARNING_MS = 15 * 24 * 3600 * 1000
"""How long before its end v1 tells when a token expires."""


def v2_trailer(call: Call) -> Body:
    """Return tokenExpirationDate, uId and, once set, mdmInfo."""
    where, token = location_of_token(call), sent_token(call)
    body: Body = {"tokenExpirationDate": apple_time(token["expires_ms"]), "uId": where.uid}
    if call.has(quirks.OTHER_OWNER):
        return body | {"mdmInfo": dict(_OTHER)}
    return body if where.mdm is None else body | {"mdmInfo": dict(sorted(where.mdm.items()))}


def v1_trailer(call: Call) -> Body:
    """Return uId, location, expirationMillis, the clientContext and, near its end, tokenExpDate."""
    where, token = location_of_token(call), sent_token(call)
    body: Body = {"uId": where.uid, "expirationMillis": token["expires_ms"]}
    if not token["legacy"]:
        body["location"] = {"locationName": where.name, "locationId": where.number}
    if where.shown_context:
        body["clientContext"] = where.shown_context
    if token["expires_ms"] - call.now_ms <= WARNING_MS:
        body["tokenExpDate"] = apple_time(token["expires_ms"])
    return body


def metadata_error(row: ErrorCode) -> tuple[int, Body]:
    """Return status and body of an error of the metadata services, which have a form of their own.

    All values are texts (M-req).
    """
    code = row.code if len(row.code) > 4 else f"{row.status}00"  # noqa: PLR2004 (VPP's have four)
    one = {
        "id": f"MDMSIM{code}",
        "title": row.about,
        "detail": row.body or row.about,
        "status": str(row.status),
        "code": code,
    }
    return row.status, {"errors": [one]}
