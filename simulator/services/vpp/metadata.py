"""The metadata services: what the store says of apps and books (vpp.md 11).

The older look-up answers anybody, and finds nothing rather than refuse; the
newer ones want a developer token, and the content token in a cookie.
"""

from collections.abc import Iterator
from typing import Any

from simulator.auth import provider_token
from simulator.core.messages import Finding
from simulator.core.state import Body
from simulator.protocol.fields import Boolean, Identifier, Integer, Object, Objects, String, Table
from simulator.protocol.head import Principal, RequestHead
from simulator.protocol.operations import ApiError, Call, operation
from simulator.protocol.validation import refuses
from simulator.services.vpp import errors
from simulator.services.vpp.access import COOKIE, cookie_token, good_token
from simulator.services.vpp.domain import licences, storefront
from simulator.services.vpp.domain.locations import location
from simulator.services.vpp.domain.products import StoreProduct, find_product
from simulator.services.vpp.origin import origin

DOCS = "https://developer.apple.com/documentation/devicemanagement/"
_OLD = "/WebObjects/MZStorePlatform.woa/wa/lookup"
_MOST_IDS = 150
PLATFORMS = ("iphone", "ipad", "mac", "appletv", "realityDevice", "web")
_ITVT = String(
    COOKIE,
    "The content token, for what only its location may see.",
    place="cookie",
    concept="vpp.content_token",
    source="L-meta, M-req",
)
_DEVELOPER = String(
    "authorization",
    "Bearer and the developer token (JWT, ES256).",
    place="header",
    concept="vpp.developer_token",
    source="M-req",
    inferred="Neither signature nor expiry is checked, as no developer is known here; a token that "
    "is no JWT, as a proxy of a vendor has it, is noted, and refused by strict.",
)


def by_cookie(head: RequestHead) -> Principal:
    """Recognise the content token in the cookie, if it is there and good; else nobody."""
    found = good_token(head, cookie_token(head))
    if found is None:
        return Principal("", "", "")
    return Principal(found["organisation"], f"vpp:{found['location']}", found["location"])


def _has_token(head: RequestHead) -> bool:
    return bool(cookie_token(head))


def by_developer(head: RequestHead) -> Principal:
    """Want a developer token, and recognise the content token in the cookie."""
    sent = head.header("authorization") or ""
    scheme, _, credential = sent.strip().partition(" ")
    if scheme.lower() != "bearer" or not credential.strip():
        raise ApiError(errors.NO_DEVELOPER_TOKEN)
    token = provider_token.read(sent)
    if token is None or not (token.key_id and token.team_id):
        refused = refuses("developer-token", head.settings.strictness)
        text = "Apple wants a developer token: a JWT signed with ES256"
        finding = Finding("developer-token", "header", "authorization", text, refused=refused)
        head.note(finding)
        if refused:
            raise ApiError(errors.NO_DEVELOPER_TOKEN)
    principal = by_cookie(head)
    if not principal.id:
        raise ApiError(errors.STOKEN_REFUSED)
    return principal


def _query(name: str, about: str, concept: str = "protocol", source: str = "L-meta") -> String:
    return String(name, about, place="query", concept=concept, source=source)


def _visible(call: Call, adam_id: str) -> StoreProduct | None:
    """Return a product that the caller may see: a custom one only if its location owns it."""
    product = find_product(call.state, adam_id)
    if product is None or not product.custom:
        return product
    if not call.principal.id:
        return None
    where = location(call.state, call.principal.id)
    return product if licences.find_asset(call.state, where, adam_id, "STDQ") else None


@operation(
    f"GET {_OLD}",
    "Look one app or book up.",
    name="vpp.lookup",
    auth="cookie",
    request=(
        _ITVT,
        _query("version", "2."),
        _query("id", "Store id.", "vpp.adam_id"),
        _query("p", "mdm-lockup, spelled so."),
        _query("caller", "MDM."),
        _query("platform", "enterprisestore, volumestore or macappstore."),
        _query("cc", "Country of the store.", "vpp.storefront"),
        _query("l", "Language."),
    ),
    response=(
        Table(
            "results",
            "Item by store id.",
            fields=(
                Identifier(
                    "id",
                    "Store id: a number, or with a token a text.",
                    concept="vpp.adam_id",
                    source="L-meta",
                ),
                String("name", "Name.", concept="protocol", source="L-meta"),
                String("bundleId", "Bundle.", concept="protocol", source="L-meta"),
            ),
            concept="vpp.adam_id",
            source="L-meta",
        ),
        Integer("version", "2.", concept="protocol", source="L-meta"),
        Boolean("isAuthenticated", "Always false.", concept="protocol", source="L-meta"),
        Object("meta", "Storefront and language.", source="L-meta"),
    ),
    docs=f"{DOCS}getting-app-and-book-information-legacy",
    source="L-meta, ZE",
    read_head=_has_token,
    inferred="What is not found, not allowed, or asked with a bad token is an empty result.",
)
def look_up(call: Call) -> Body:
    """Answer the item in the form for who asks, or nothing."""
    query = call.query
    country = query.get("cc", "us").lower()
    form = storefront.item if call.principal.id else storefront.public_item
    refused = call.read and not call.principal.id
    results = {}
    for adam_id in () if refused else query.get("id", "").split(","):
        product = _visible(call, adam_id.strip())
        if product is not None and _sold(product, query.get("platform", "")):
            results[product.adam_id] = form(product, origin(call), country)
    return {
        "results": results,
        "version": 2,
        "isAuthenticated": False,
        "meta": {
            "storefront": {"id": str(storefront.storefront(country)), "cc": country},
            "language": {"tag": query.get("l", "en")},
        },
    }


def _sold(product: StoreProduct, platform: str) -> bool:
    return platform != "macappstore" or "macOS" in product.platforms


_COUNTRY = String(
    "cc", "Country of the store.", place="path", concept="vpp.storefront", source="M-apps"
)
_COMMON = (
    _ITVT,
    _DEVELOPER,
    _COUNTRY,
    _query("platform", f"One of {', '.join(PLATFORMS)}.", source="M-apps"),
    _query("additionalPlatforms", "More of them, with commas.", source="M-apps"),
    _query("extend[apps]", "Further attributes.", source="M-apps"),
    _query("include", "Relationships.", source="M-apps"),
    _query("l", "Language.", source="M-apps"),
)
_IDS = _query("ids", "Store ids with commas, 150 at most.", "vpp.adam_id", "M-apps")
_DATA = (
    Objects(
        "data",
        "What was found.",
        source="M-apps",
        fields=(
            String("id", "Store id.", concept="vpp.adam_id", source="M-apps"),
            String("type", "apps or books.", concept="protocol", source="M-apps"),
            String("href", "Path.", concept="protocol", source="M-apps"),
            Object("attributes", "What is known of it.", source="M-apps, FL"),
        ),
    ),
)


def _found(call: Call, *names: str, kinds: tuple[str, ...]) -> Body:
    wanted = list(dict.fromkeys(_ids(call, names)))
    if not wanted or len(wanted) > _MOST_IDS:
        raise ApiError(errors.STOKEN_REFUSED if not wanted else errors.TOO_MANY_IDS)
    platforms = [call.query.get("platform", ""), *_split(call, "additionalPlatforms")]
    chosen = [name for name in platforms if name in PLATFORMS]
    products = (_visible(call, adam_id) for adam_id in wanted)
    country = call.path.get("cc", "us")
    rows = (
        storefront.resource(one, origin(call), country, chosen)
        for one in products
        if one is not None
    )
    return {"data": [row for row in rows if row["type"] in kinds]}


def _split(call: Call, name: str) -> list[str]:
    parts = (part.strip() for part in call.query.get(name, "").split(","))
    return [part for part in parts if part]


def _ids(call: Call, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        yield from _split(call, name)


def _facts(request: tuple[Any, ...]) -> dict[str, Any]:
    return {
        "auth": "developer",
        "request": (*_COMMON, *request),
        "response": _DATA,
        "errors": errors.METADATA,
        "docs": f"{DOCS}get-your-apps-metadata",
        "source": "M-req, M-apps, FL",
    }


@operation(
    "GET /v1/catalog/{cc}/stoken-authenticated-apps",
    "Get apps by their store ids.",
    name="vpp.apps",
    inferred="platformAttributes comes for the platforms asked for, as Fleet reads it; Apple's "
    "object page does not have it.",
    **_facts((_IDS,)),
)
def apps(call: Call) -> Body:
    """Answer the apps that there are."""
    return _found(call, "ids", kinds=("apps",))


@operation(
    "GET /v1/catalog/{cc}/stoken-authenticated-books",
    "Get books by their store ids.",
    name="vpp.books",
    **_facts((_IDS,)),
)
def books(call: Call) -> Body:
    """Answer the books that there are."""
    return _found(call, "ids", kinds=("books",))


@operation(
    "GET /v1/catalog/{cc}/stoken-authenticated-purchases",
    "Get apps and books by their store ids.",
    name="vpp.purchases",
    **_facts(
        tuple(
            _query(f"ids[{kind}]", f"Store ids of {kind}.", "vpp.adam_id", "M-apps")
            for kind in ("apps", "books", "in-apps")
        )
    ),
)
def purchases(call: Call) -> Body:
    """Answer what there is; in-app purchases are none."""
    return _found(call, "ids[apps]", "ids[books]", "ids[in-apps]", kinds=("apps", "books"))
