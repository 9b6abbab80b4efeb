"""The rules that a request can break: one row each, with what the answer does about it."""

from typing import Literal

from msgspec import Struct

Refusal = Literal["always", "apple", "strict", "never"]
"""From which strictness on a breach is refused; ``apple`` includes ``strict``."""


class Rule(Struct, frozen=True):
    """One rule."""

    id: str
    about: str
    refused: Refusal


RULES = {
    rule.id: rule
    for rule in (
        Rule("path-unknown", "No operation has this path.", "always"),
        Rule("host-unknown", "The proxy was asked for a host that is none of Apple's.", "always"),
        Rule("host-not-simulated", "A host of Apple's that no service stands in for.", "always"),
        Rule("method-unknown", "The path has no operation with this method.", "always"),
        Rule("http-malformed", "The bytes are not an HTTP request.", "always"),
        Rule("body-truncated", "The connection ended before the body did.", "always"),
        Rule("body-too-large", "The body is larger than the limit.", "always"),
        Rule("body-unread", "The body is too much to read of this sender.", "always"),
        Rule(
            "body-malformed",
            "The body cannot be read as the object that the operation takes.",
            "always",
        ),
        Rule("body-unexpected", "The operation takes no body.", "strict"),
        Rule("content-encoding", "The content coding cannot be undone.", "always"),
        Rule("content-coded", "Apple's pages name no content coding for requests.", "strict"),
        Rule("content-type", "The body is not labelled as what the operation takes.", "apple"),
        Rule("content-type-missing", "The body has no Content-Type.", "strict"),
        Rule("field-missing", "A required field is absent.", "apple"),
        Rule("field-type", "A field has the wrong JSON type.", "apple"),
        Rule("field-invalid", "A value breaks the documented rule of its field.", "apple"),
        Rule("field-null", "A field is null; it counts as absent.", "strict"),
        Rule("field-unknown", "No field of this name is documented here.", "strict"),
        Rule("field-answer-only", "The field is documented in answers only.", "strict"),
        Rule("field-duplicate", "A key stands twice in one object; the last one counts.", "strict"),
        Rule("field-version", "The field is newer than the protocol version sent.", "strict"),
        Rule("field-misplaced", "A field stands in another part than documented.", "strict"),
        Rule("field-deprecated", "The field should not be used any more.", "never"),
        Rule("query-unknown", "No query key of this name is documented here.", "strict"),
        Rule("query-duplicate", "A query key stands twice; the first one counts.", "strict"),
        Rule("header-repeated", "A header that may stand once is repeated.", "strict"),
        Rule("version-missing", "No X-Server-Protocol-Version; it counts as 1.", "never"),
        Rule("version-invalid", "The protocol version is not a number; it counts as 1.", "never"),
        Rule("version-clamped", "The protocol version is above the newest known.", "never"),
        Rule("operation-version", "The operation is newer than the version sent.", "apple"),
        Rule("user-agent-missing", "No User-Agent.", "apple"),
        Rule("user-agent-invalid", "The User-Agent is one that Apple refuses.", "apple"),
        Rule("accept", "Accept rules out what the service answers.", "always"),
        Rule("auth-refused", "The credential was missing or not accepted.", "always"),
        Rule("oauth-parameter", "An OAuth parameter is missing, repeated or not known.", "always"),
        Rule("oauth-timestamp", "oauth_timestamp is decades from the clock.", "never"),
        Rule("session-not-renewed", "A token that got 401 is sent again.", "never"),
        Rule("retry-storm", "Fifty calls were refused in a burst.", "never"),
        Rule("retry-without-body", "A refused call is repeated without its body.", "never"),
        Rule("devices-many", "More serial numbers than Apple advises for one request.", "never"),
        Rule("push-type", "The push type does not fit an MDM topic.", "never"),
        Rule("push-http1", "A push over HTTP/1.1, which Apple does not offer.", "never"),
        Rule("push-connections", "A new connection for each push.", "never"),
        Rule("push-token-churn", "A new provider token within 20 minutes.", "never"),
        Rule("push-token-odd", "A provider token that is not written as documented.", "never"),
        Rule("push-aps", "An MDM payload has an aps key.", "never"),
        Rule("push-magic", "The payload's mdm is not the device's PushMagic.", "never"),
        Rule("push-token-base64", "The device token is base64 instead of hexadecimal.", "never"),
        Rule("push-id-case", "apns-id has capital letters.", "never"),
        Rule("push-two-credentials", "A certificate and a provider token.", "never"),
        Rule("push-request", "A request for a push certificate that the portal refuses.", "always"),
        Rule("access-token", "An access-management token that is not good.", "always"),
        Rule("device-command", "No command of this name is documented.", "never"),
        Rule("device-platform", "Not for the device's platform, version or supervision.", "never"),
        Rule("device-right", "AccessRights of the profile lack what a command needs.", "never"),
        Rule("device-missing", "What a device needs is absent.", "never"),
        Rule("device-type", "What a device is sent has the wrong type.", "never"),
        Rule("device-value", "What a device is sent has a value that is not documented.", "never"),
        Rule("device-key", "What a device is sent has a key that is not documented.", "never"),
        Rule("device-topic", "A Topic that pushes cannot reach the device by.", "never"),
        Rule("developer-token", "The developer token is no JWT.", "strict"),
        Rule("serial-shape", "A serial number that no device of Apple has.", "strict"),
        Rule(
            "vpp-semantics",
            "The request is well formed, and what it asks for not allowed.",
            "always",
        ),
        Rule("internal-error", "The simulator itself failed; please report it.", "always"),
    )
}
