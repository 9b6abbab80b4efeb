"""Rows that several operations of v2 share, and the pages of its manual."""

from simulator.protocol.fields import Digits, Flag, Integer, Object, Objects, String, Strings
from simulator.services.vpp import errors
from simulator.services.vpp.limits import NOTIFICATIONS, PLATFORMS, PRICING, PRODUCTS, STATUSES

DOCS = "https://developer.apple.com/documentation/devicemanagement/"
BASE = "/mdm/v2"


def flag(name: str, about: str, source: str) -> Flag:
    """Return the row of a truth value in the query."""
    return Flag(
        name,
        about,
        place="query",
        concept="protocol",
        invalid=errors.INVALID_ARGUMENT,
        source=source,
    )


MDM_INFO = Object(
    "mdmInfo",
    "Who uses the location; absent until set.",
    fields=(
        String(
            "id",
            "Identifier of the installation.",
            concept="server.install_guid",
            source="D-obj",
            example="522d5c43-44ca-4f7e-ba7a-53570cf60765",
        ),
        String("metadata", "Free text.", concept="server.metadata", source="D-obj", example="1.0"),
        String("name", "Product name.", concept="server.product", source="D-obj", example="MDM"),
    ),
    concept="server.install_guid",
    source="D-obj, D-start",
    example={"id": "mdm-1", "name": "MDM", "metadata": "1.0"},
)
COMMON = (
    String(
        "tokenExpirationDate",
        "When the token expires.",
        concept="vpp.content_token.expiry",
        source="D-start, ZE",
        inferred="Always sent: the text says the last 15 days only, every sample shows it, and "
        "Zentral needs it.",
    ),
    String(
        "uId", "Identifier of the location.", concept="vpp.location_id", source="D-start, L-obj"
    ),
    MDM_INFO,
)
"""The trailer of every answer that was asked with a token."""
PAGE = (
    Digits(
        "pageIndex",
        "Page, from 0.",
        place="query",
        concept="protocol",
        invalid=errors.INVALID_ARGUMENT,
        source="D-page",
        example="0",
    ),
)
SINCE = String(
    "sinceVersionId",
    "Return what changed since this version only.",
    place="query",
    concept="protocol",
    source="D-page",
    inferred="A removed assignment is in no such answer: Apple's pages do not say how it would be.",
)
VERSION = String("versionId", "State of the whole list.", concept="protocol", source="D-page")
PAGED = (
    Integer("currentPageIndex", "This page.", concept="protocol", source="D-page"),
    Integer("nextPageIndex", "Next page, if there is one.", concept="protocol", source="D-page"),
    Integer("size", "Records on this page.", concept="protocol", source="D-page"),
    Integer(
        "totalPages",
        "How many pages there are.",
        concept="protocol",
        source="D-page",
        inferred="1 where there is no record: index 0 is the first page and valid.",
    ),
    VERSION,
    *COMMON,
)
EVENT = (
    String("eventId", "What to ask the status of.", concept="protocol", source="D-obj"),
    *COMMON,
)
ADAM_ID = String("adamId", "Store id of the app or book.", concept="vpp.adam_id", source="D-obj")
PRICING_ROW = String(
    "pricingParam",
    "STDQ, or PLUS for high quality; STDQ if absent.",
    values=PRICING,
    concept="vpp.pricing",
    source="D-obj",
    inferred="The default is that of v1; Apple's own v2 examples leave it out.",
)
CLIENT_ID = String(
    "clientUserId", "The MDM server's id of the user.", concept="vpp.client_user_id", source="D-obj"
)
SERIAL = String("serialNumber", "Serial number.", concept="device.serial", source="D-obj")
ASSETS = Objects(
    "assets",
    "Apps and books.",
    fields=(ADAM_ID, PRICING_ROW),
    required=True,
    missing=errors.NO_ASSETS,
    concept="vpp.adam_id",
    source="D-obj",
    example=[{"adamId": "1000000001"}],
)
CLIENT_IDS = Strings(
    "clientUserIds", "Users.", concept="vpp.client_user_id", source="D-obj", example=["u-1"]
)
SERIALS = Strings(
    "serialNumbers",
    "Serial numbers of devices.",
    concept="device.serial",
    source="D-obj, GH fleetdm/fleet#20449",
    example=["C8TJ500QF1MN"],
    inferred="Apple does not check them: nonsense is accepted, and the event completes. strict "
    "refuses what is not 8 to 14 capital letters and digits.",
)
TYPES = Strings(
    "notificationTypes",
    "Kinds of notifications that are wanted; replaces the former.",
    values=NOTIFICATIONS,
    concept="server.notify_type",
    source="D-cc2",
    example=["ASSET_MANAGEMENT"],
)
STATUS = String(
    "status", "State of the record.", values=STATUSES, concept="protocol", source="D-users"
)
USER = (
    CLIENT_ID,
    String("email", "E-mail address.", concept="user.email", source="D-users"),
    STATUS,
    String("inviteCode", "Code of the invitation.", concept="vpp.invite_code", source="D-users"),
    String("idHash", "Hash of the Apple Account.", concept="vpp.id_hash", source="D-users"),
)
ASSET = (
    ADAM_ID,
    PRICING_ROW,
    String("productType", "App or book.", values=PRODUCTS, concept="protocol", source="D-assets"),
    Strings(
        "supportedPlatforms",
        "Where it runs.",
        values=PLATFORMS,
        concept="protocol",
        source="D-assets",
    ),
)
ERROR_INFO = Object(
    "errorInfo",
    "What is to blame.",
    source="D-obj",
    fields=(
        Objects("assets", "Apps and books.", fields=(ADAM_ID, PRICING_ROW), source="D-obj"),
        Strings("clientUserIds", "Users.", concept="vpp.client_user_id", source="D-obj"),
        Strings("serialNumbers", "Devices.", concept="device.serial", source="D-obj"),
    ),
)
