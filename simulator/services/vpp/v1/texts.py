"""What v1 says beside an error number, letter for letter.

Apple's service config lists these texts, and they reach users' screens and log rules;
a public capture of it holds 46 of them (PE, the legacy client's test data).
"""

from collections.abc import Mapping

from simulator.protocol.fields import ErrorCode

TEXTS: Mapping[str, str] = {
    "9600": "Missing required argument",
    "9601": "Login required.",
    "9602": "Invalid argument.",
    "9603": "Internal error.",
    "9604": "Result not found",
    "9605": "Account storefront incorrect",
    "9606": "Error constructing token",
    "9607": "License is irrevocable",
    "9608": "Empty response from SharedData service",
    "9609": "Unable to find the registered user.",
    "9610": "License not found",
    "9611": "Admin user not found",
    "9612": "Failed to create claim job",
    "9613": "Failed to create unclaim job",
    "9614": "Invalid date format",
    "9615": "OrgCountry not found",
    "9616": "License already assigned",
    "9617": "The URL has been moved. Please call VPPServiceConfigSrv to find the new URL.",
    "9618": "The user has already been retired.",
    "9619": "License not associated",
    "9620": "The user has already been deleted.",
    "9621": "The token has expired. You need to generate a new token online using your "
    "organization's account at either school.apple.com or business.apple.com.",
    "9622": "Invalid authentication token",
    "9623": "Invalid APN token",
    "9624": "License was refunded and is no longer valid.",
    "9625": "The server has revoked the sToken.",
    "9626": "License already assigned to other user",
    "9627": "License disassociation fail due to frequent reassociation",
    "9628": "License not eligible for device assignment.",
    "9629": "The sToken is inapplicable to batchToken",
    "9630": "Too many recent identical calls were made to assign a license that failed due "
    "to license being already assigned to the user or device",
    "9631": "Too many recent identical calls were made to assign a license that failed due "
    "to no license being being available.",
    "9632": "Too many recent calls to manage licenses with identical requests",
    "9633": "No batch data recovered for token.",
    "9634": "This service is no longer available.",
    "9635": "Apple Account can't be associated with registered user.",
    "9636": "No registered user found.",
    "9637": "Facilitator operation not allowed.",
    "9641": "Apple Account already associated to registered user.",
    "9642": "Apple Account passed cannot be used at this time because it's a VPP manager "
    "and the iTunes Store account not yet created and such creation requires user "
    "to agree to Terms.",
    "9643": "The license is currently locked for a pending transfer. Please try again later.",
    "9644": "Volume Purchase Program is currently in maintenance mode. Please try again later.",
    "9646": "There are too many recent requests. Try again momentarily.",
    "9649": "A page index is required when passing a request ID.",
    "9650": "The provided page index must be greater than 0, and less than the total "
    "number of pages.",
    "9729": "The server has since moved, please refresh DNS entry.",
}
"""By number; the typing errors are Apple's."""


def text_of(row: ErrorCode) -> str:
    """Return the text of *row* in v1; that of v2 for a number that v1 was not seen with."""
    return TEXTS.get(row.code) or row.body or row.about
