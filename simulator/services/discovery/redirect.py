"""``GET /mdmBaseURL``: a redirect to the URL that the MDM server has registered by DEP."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from simulator.core.messages import Response
from simulator.core.state import Body
from simulator.protocol.fields import Objects, String
from simulator.protocol.operations import ApiError, Call, operation
from simulator.services.discovery import DOCS, errors, quirks
from simulator.services.fleet import enrolment_urls
from simulator.services.organisations import all_organisations

_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_MANAGED = "appleid."
"""What the domain of Managed Apple Accounts begins with where no domain was verified."""


def _is_identifier(value: str, _: Mapping[str, Any]) -> str:
    name, at, domain = value.rpartition("@")
    if not (name and at) or "@" in name:
        return "must be name@domain, with one @"
    # What only looks like another letter, or is not seen, is no domain that anybody has verified.
    if not _DOMAIN.fullmatch(domain.lower()):
        return "must end in a domain in ASCII"
    if any(unicodedata.category(character)[0] in "CZ" for character in name):
        return "must have no space, control or invisible character"
    return ""


_QUERY = (
    String(
        "user-identifier",
        "Account that signs in: name@domain.",
        place="query",
        required=True,
        missing=errors.IDENTIFIER_INVALID,
        invalid=errors.IDENTIFIER_INVALID,
        check=_is_identifier,
        concept="user.managed_apple_id",
        example="anna@acme.example",
        source="AD, DC",
        inferred="The domain must be ASCII; how Apple reads others is not known.",
    ),
    String(
        "model-family",
        "Family of the device.",
        place="query",
        concept="device.family",
        values=("AppleTV", "iPad", "iPhone", "Mac", "RealityDevice", "Watch"),
        example="Mac",
        source="AD",
    ),
)
_SERVERS = (
    Objects(
        "Servers",
        "The servers; by a quirk only, as else the registered URL returns it.",
        source="AD",
        fields=(
            String("Version", "mdm-byod or mdm-adde.", concept="protocol"),
            String("BaseURL", "Where to enrol.", concept="dep.discovery_url"),
        ),
    ),
)


@operation(
    "GET /mdmBaseURL",
    "Find the MDM server: a redirect to the URL that it has registered.",
    name="discovery.find",
    request=_QUERY,
    response=_SERVERS,
    docs=DOCS,
    source="DC, AD",
    inferred="A 302 that keeps the query. An organisation has the domain of its e-mail address, "
    "and that with appleid. before it; whether the account exists is not looked at.",
)
def find(call: Call) -> Response | Body:
    """Redirect to the URL that the organisation of the domain has registered."""
    identifier = call.query.get("user-identifier", "")
    url = _url(call, identifier.rpartition("@")[2].lower())
    if call.has(quirks.INLINE):
        return {"Servers": [{"Version": "mdm-byod", "BaseURL": url}]}
    query = call.request.target.partition("?")[2]
    if query and not call.has(quirks.NO_QUERY):
        url += ("&" if "?" in url else "?") + query
    status = 307 if call.has(quirks.STATUS_307) else 302
    status = 308 if call.has(quirks.STATUS_308) else status
    return Response(status, (("Location", url),))


@operation(
    "GET /.well-known/com.apple.remotemanagement",
    "Ask Apple's own MDM, after all else has failed; it has no users.",
    name="discovery.fallback",
    request=_QUERY,
    docs=DOCS,
    source="DC",
    inferred="Apple's built-in MDM is not simulated: the answer is 404.",
)
def fallback(_: Call) -> Body:
    """Refuse."""
    raise ApiError(errors.NOT_FOUND, "Apple's own MDM is not simulated")


def _url(call: Call, domain: str) -> str:
    for home in _homes(call, domain):
        found = enrolment_urls.find(call.state.of(home))
        if found is not None:
            call.exchange.organisation = home
            return str(found["url"])
    raise ApiError(errors.NOT_FOUND, "no organisation with this domain has registered a URL")


def _homes(call: Call, domain: str) -> Iterator[str]:
    """Yield the organisations that have *domain*."""
    for one in all_organisations(call.state):
        own = one.body["org_email"].rpartition("@")[2].lower()
        if domain in (own, _MANAGED + own):
            yield one.key
