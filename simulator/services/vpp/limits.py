"""What the service config advertises: sizes and kinds of notifications (vpp.md 4.1)."""

LIMITS = {
    "maxAssets": 25,
    "maxUsers": 100,
    "maxClientUserIds": 1000,
    "maxSerialNumbers": 1000,
    "maxRevokeClientUserIds": 100,
    "maxRevokeSerialNumbers": 100,
    "maxNotificationLength": 512,
    "maxMdmNameLength": 100,
    "maxMdmMetadataLength": 255,
    "maxMdmIdLength": 100,
    "maxSubscriptions": 25,
    "maxSubscriptionClientUserIds": 1000,
    "maxRequestPerSecond": 15,
}
MAX_BATCH = 10
"""v1: most users or serial numbers in one manage call."""
CONTEXT_LENGTH = 255
"""v1: most bytes of a clientContext."""
TEST_NOTIFICATION = "TEST_NOTIFICATION"
NOTIFICATIONS = (
    TEST_NOTIFICATION,
    "ASSET_MANAGEMENT",
    "USER_MANAGEMENT",
    "USER_ASSOCIATED",
    "ASSET_COUNT",
    "SUBSCRIPTION_MANAGEMENT",
    "SUBSCRIPTION_COUNT",
    "UNLIMITED_ASSET",
)
"""What the service config lists, and client config takes."""
UNLIMITED = 2**31 - 1
"""totalCount of an unlimited asset."""
PRICING = ("STDQ", "PLUS")
PRODUCTS = ("App", "Book")
PLATFORMS = ("iOS", "macOS", "tvOS", "watchOS", "visionOS")
STATUSES = ("Registered", "Associated", "Retired", "Deleted")
PIECE = 100
"""Licences, or seats, that one transaction changes, so that others have their turn: some 5 ms."""
FREED = 2
"""How many of those one takes as long as that a user gives back, or passes on: more rows."""
