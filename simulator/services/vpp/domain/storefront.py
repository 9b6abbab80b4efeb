"""What the store says of its invented products, in the forms of both metadata services."""

from typing import Any

from simulator.core.state import Body
from simulator.services.vpp.domain.products import StoreProduct

STOREFRONTS = {"us": 143441, "de": 143443, "gb": 143444, "fr": 143442, "se": 143456}
"""Id by country; any other country has that of the United States."""
_FAMILIES = {
    "iOS": ("iphone", "ipad", "ipod"),
    "macOS": ("mac",),
    "tvOS": ("tvos",),
    "visionOS": ("realityDevice",),
    "watchOS": ("watch",),
}
_KEYS = {"iphone": "ios", "ipad": "ios", "mac": "osx", "appletv": "appletvos"}
"""Key in platformAttributes by platform of the request (FL)."""
_PLATFORMS = {"ios": "iOS", "osx": "macOS", "appletvos": "tvOS", "xros": "visionOS"}
_ARTWORK = (100, 512, 1024)
_RELEASED = "2025-09-01"


def families(product: StoreProduct) -> list[str]:
    """Return the device families that a product runs on."""
    return [name for platform in product.platforms for name in _FAMILIES[platform]]


def storefront(country: str) -> int:
    """Return the number of a country's store."""
    return STOREFRONTS.get(country.lower(), STOREFRONTS["us"])


def price_text(product: StoreProduct) -> str:
    """Return the price as people read it."""
    return f"${product.price:.2f}" if product.price else "Free"


def external_version(product: StoreProduct) -> int:
    """Return the number that devices ask for a version by."""
    return 800_000_000 + int(product.adam_id) % 100_000_000 if product.adam_id.isdigit() else 1


def _offer(product: StoreProduct) -> Body:
    return {
        "type": "buy" if product.price else "get",
        "price": product.price,
        "priceFormatted": price_text(product),
        "buyParams": f"productType=C&price={round(product.price * 1000)}"
        f"&salableAdamId={product.adam_id}&pricingParameters=STDQ",
        "version": {"display": product.version, "externalId": external_version(product)},
    }


def _artwork(origin: str, product: StoreProduct) -> Body:
    """Return artwork in the form with a template."""
    return {
        "url": f"{origin}/image/{product.adam_id}/{{w}}x{{h}}bb.{{f}}",
        "width": 1024,
        "height": 1024,
        "bgColor": "336699",
        "textColor1": "ffffff",
    }


def item(product: StoreProduct, origin: str, country: str) -> Body:
    """Return a product as the older look-up shows it to who sends a content token."""
    kinds = {"App": "iosSoftware", "Mac": "desktopApp", "Book": "ebook"}
    page = f"{origin}/{country.lower()}/app/id{product.adam_id}"
    body: Body = {
        "id": product.adam_id,
        "name": product.name,
        "nameRaw": product.name,
        "nameSortValue": product.name,
        "artistName": product.seller,
        "kind": kinds[product.kind],
        "deviceFamilies": families(product),
        "genreNames": [product.genre],
        "url": page,
        "shortUrl": page,
        "releaseDate": _RELEASED,
        "latestVersionReleaseDate": "Sep 1, 2025",
        "copyright": f"© {product.seller}",
        "description": {"standard": f"{product.name} does not exist."},
        "isB2BCustomApp": product.custom,
        "contentRatingsBySystem": {"appsApple": {"name": "4+", "value": 100, "rank": 1}},
        "userRating": {"value": 0, "ratingCount": 0},
        "offers": [_offer(product)],
        "artwork": _artwork(origin, product),
    }
    if not product.book:
        body |= {
            "bundleId": product.bundle_id,
            "minimumOSVersion": "16.0",
            "isVppDeviceBasedLicensingEnabled": product.device_assignable,
            "hasInAppPurchases": False,
            "softwareInfo": {"seller": product.seller, "languagesDisplayString": "English"},
        }
    return body


def public_item(product: StoreProduct, origin: str, country: str) -> Body:
    """Return a product as the older look-up shows it to anybody (vpp.md 11.1)."""
    body = item(product, origin, country)
    if product.adam_id.isdigit():
        body["id"] = int(product.adam_id)
    images = f"{origin}/image/{product.adam_id}"
    return body | {
        "artwork": [
            {"width": size, "height": size, "url": f"{images}/{size}x{size}bb.png"}
            for size in _ARTWORK
        ]
    }


def resource(product: StoreProduct, origin: str, country: str, platforms: list[str]) -> Body:
    """Return a product as the newer services show it; *platforms* are the platforms asked for."""
    kind = "books" if product.book else "apps"
    attributes: dict[str, Any] = {
        "name": product.name,
        "artistName": product.seller,
        "artwork": _artwork(origin, product),
        "offers": [_offer(product)],
        "url": f"{origin}/{country.lower()}/app/id{product.adam_id}",
        "userRating": {"value": 0, "ratingCount": 0},
    }
    if product.book:
        attributes["genreNames"] = [product.genre]
    else:
        attributes |= _app(product)
        if found := _by_platform(product, origin, platforms):
            attributes["platformAttributes"] = found
    return {
        "id": product.adam_id,
        "type": kind,
        "href": f"/v1/catalog/{country.lower()}/{kind}/{product.adam_id}",
        "attributes": attributes,
    }


def _app(product: StoreProduct) -> Body:
    return {
        "bundleId": product.bundle_id,
        "contentRatingsBySystem": {"appsApple": {"name": "4+", "value": 100, "rank": 1}},
        "deviceFamilies": families(product),
        "externalVersionId": external_version(product),
        "hasEula": False,
        "isB2BCustomApp": product.custom,
        "isFirstPartyHideableApp": False,
        "isIOSBinaryMacOSCompatible": False,
        "isVppDeviceBasedLicensingEnabled": product.device_assignable,
        "minimumOSVersion": "16.0",
        "genreDisplayName": product.genre,
        "seller": product.seller,
    }


def _by_platform(product: StoreProduct, origin: str, wanted: list[str]) -> Body:
    keys = dict.fromkeys(_KEYS.get(name, "xros") for name in wanted)
    return {
        key: {
            "bundleId": product.bundle_id,
            "externalVersionId": external_version(product),
            "artwork": _artwork(origin, product),
            "latestVersionInfo": {"versionDisplay": product.version},
        }
        for key in keys
        if _PLATFORMS[key] in product.platforms
    }
