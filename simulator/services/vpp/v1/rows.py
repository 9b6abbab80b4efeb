"""Rows that several operations of v1 share, and how they are put together."""

from typing import Any

from simulator.protocol.fields import Boolean, Identifier, Integer, Object, String
from simulator.services.vpp import errors
from simulator.services.vpp.limits import PRICING, STATUSES
from simulator.services.vpp.v2.rows import DOCS

BASE = "/mdm"
OLD_BASE = "/WebObjects/MZFinance.woa/wa"
"""The base of the first years, built into old clients (MM, CM)."""
LEGACY = f"{DOCS}managing-apps-and-books-through-web-services-legacy"
TYPE_NAMES = {7: "Software", 8: "Application", 10: "Publication"}
"""productTypeName by productTypeId."""


def facts(name: str, *, writes: bool = False) -> dict[str, Any]:
    """Return what all v1 operations have in common: GET too, the old path, and vppsim's."""
    return {
        "also": ("GET",),
        "aliases": (f"{OLD_BASE}/{name}", f"/{name}"),
        "auth": "body_manage" if writes else "body",
    }


def digits(value: Any, _: Any) -> str:
    """Check a number that may be written as a text."""
    text = str(value)
    return "" if text.isascii() and text.isdigit() and len(text) < _LONG else "must be a number"


_LONG = 19
STOKEN = String(
    "sToken",
    "The content token; it must be there.",
    concept="vpp.content_token",
    source="L-main",
    inferred="Without it: 9600. In the query, where public code has it, it is taken too, with a "
    "finding.",
)
ADAM_ID = Identifier(
    "adamIdStr",
    "Store id; some clients send a number.",
    concept="vpp.adam_id",
    source="L-obj, CM",
    example="1000000001",
)
PRICING_ROW = String(
    "pricingParam", "STDQ or PLUS.", values=PRICING, concept="vpp.pricing", source="L-obj"
)
CLIENT_ID = String(
    "clientUserIdStr",
    "The MDM server's id of the user.",
    concept="vpp.client_user_id",
    source="L-obj",
    example="u-1",
)
USER_ID = Identifier(
    "userId",
    "Apple's id of the record; wins over clientUserIdStr.",
    check=digits,
    invalid=errors.INVALID_ARGUMENT,
    concept="vpp.user_id",
    source="L-obj",
)
ID_HASH = String("itsIdHash", "The Apple Account.", concept="vpp.id_hash", source="L-obj")
EMAIL = String("email", "E-mail address.", concept="user.email", source="L-obj")
ACCOUNT = String(
    "managedAppleIDStr",
    "Managed Apple Account: the user is Associated at once.",
    concept="user.managed_apple_id",
    source="L-obj",
)
SERIAL = String("serialNumber", "Serial number.", concept="device.serial", source="L-obj")
STATUS = Integer(
    "status", "0 done, -1 failed, -3 partly done.", concept="protocol", source="L-main"
)
COMMON = (
    STATUS,
    String(
        "clientContext",
        "Who uses the location, once set.",
        concept="vpp.client_context",
        decode="json",
        source="L-cc, D-up",
        inferred="Once v2 has claimed the location it is the fixed text of D-up, which is no JSON.",
    ),
    Object(
        "location",
        "The location; not with a legacy token.",
        source="L-obj",
        fields=(
            String("locationName", "Name.", concept="org.location", source="L-obj"),
            Integer("locationId", "Number.", concept="vpp.location_id", source="L-obj"),
        ),
    ),
    String("uId", "Identifier of the location.", concept="vpp.location_id", source="L-obj"),
    Integer(
        "expirationMillis",
        "When the token expires, ms since the epoch.",
        concept="vpp.content_token.expiry",
        source="L-obj",
    ),
    String(
        "tokenExpDate",
        "The same as a date, in the last 15 days only.",
        concept="vpp.content_token.expiry",
        source="L-main",
    ),
)
"""What every answer has that was asked with a token."""
BATCH = (
    String("batchToken", "Where to go on.", concept="protocol", source="L-batch"),
    String(
        "sinceModifiedToken",
        "Only what changed since the response that it came with.",
        concept="protocol",
        source="L-batch",
    ),
    Integer(
        "overrideIndex",
        "Number of the batch, with the first batchToken.",
        least=1,
        invalid=errors.INVALID_ARGUMENT,
        concept="protocol",
        source="L-batch",
    ),
)
BATCHED = (
    String("batchToken", "For the next batch.", concept="protocol", source="L-batch"),
    String("sinceModifiedToken", "With the last batch.", concept="protocol", source="L-batch"),
    Integer("batchCount", "Records in this batch.", concept="protocol", source="L-batch"),
    String(
        "totalBatchCount",
        "Batches in all.",
        concept="protocol",
        source="L-batch",
        inferred="A text, as in every sample; one page says int32.",
    ),
    Integer(
        "totalCount",
        "Records in all.",
        concept="protocol",
        source="L-batch",
        inferred="Exact; the pages call it an estimate.",
    ),
)
LICENCE = (
    Integer("licenseId", "Licence.", concept="vpp.licence_id", source="L-obj"),
    String("licenseIdStr", "Licence.", concept="vpp.licence_id", source="L-obj"),
    Integer("adamId", "Store id.", concept="vpp.adam_id", source="L-obj"),
    ADAM_ID,
    PRICING_ROW,
    Integer("productTypeId", "Kind.", concept="protocol", source="L-obj"),
    String("productTypeName", "Kind.", concept="protocol", source="L-obj"),
    Boolean("isIrrevocable", "Whether it stays.", concept="protocol", source="L-obj"),
    String("status", "State.", concept="protocol", source="L-obj"),
    CLIENT_ID,
    USER_ID,
    String("userIdStr", "Record.", concept="vpp.user_id", source="L-obj"),
    ID_HASH,
    SERIAL,
)
USER = (
    USER_ID,
    CLIENT_ID,
    EMAIL,
    String("status", "State.", values=STATUSES, concept="protocol", source="L-obj"),
    ID_HASH,
    String("inviteCode", "Code.", concept="vpp.invite_code", source="L-obj"),
    String("inviteUrl", "Invitation.", concept="vpp.invite_url", source="L-obj"),
)
