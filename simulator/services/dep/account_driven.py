"""Account-driven enrolment: where devices of the organisation's accounts find the MDM."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from simulator.core.state import Body
from simulator.core.timestamps import rfc3339
from simulator.protocol.fields import String
from simulator.protocol.operations import ApiError, Call, operation
from simulator.services.dep import errors
from simulator.services.dep.device_rows import DOCS
from simulator.services.fleet import enrolment_urls
from simulator.services.organisations import organisation

_PATH = "/account-driven-enrollment/profile"


def _https(value: str, _: Mapping[str, Any]) -> str:
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        return "must be an https URL"
    good = parts.scheme == "https" and host and " " not in value
    return "" if good else "must be an https URL"


_URL = String(
    "mdm_service_discovery_url",
    "Where devices ask for the MDM's servers; https.",
    required=True,
    missing=errors.DISCOVERY_URL_REQUIRED,
    invalid=errors.DISCOVERY_URL_NOT_VALID,
    shortest=1,
    check=_https,
    concept="dep.discovery_url",
    example="https://mdm.example.com/.well-known/com.apple.remotemanagement",
    source="AD",
)


def _supported(call: Call) -> None:
    if organisation(call.state, call.principal.organisation)["org_version"] != "v2":
        raise ApiError(errors.ORG_NOT_SUPPORTED)


@operation(
    f"POST {_PATH}",
    "Set the discovery URL of the organisation.",
    name="dep.discovery_set",
    auth="session",
    request=(_URL,),
    errors=(
        errors.DISCOVERY_URL_REQUIRED,
        errors.DISCOVERY_URL_NOT_VALID,
        errors.ORG_NOT_SUPPORTED,
    ),
    docs=f"{DOCS}assign-account-driven-enrollment-service-discovery",
    source="AD, EV",
    inferred="The answer is {}: its body is not documented, and Fleet wants JSON.",
)
def set_discovery(call: Call) -> Body:
    """Store the URL."""
    _supported(call)
    url = call.body.get("mdm_service_discovery_url")
    if not url:
        raise ApiError(errors.DISCOVERY_URL_REQUIRED)
    enrolment_urls.put(call.state, url, call.now_ms)
    return {}


@operation(
    f"GET {_PATH}",
    "Get the discovery URL of the organisation.",
    name="dep.discovery",
    auth="session",
    response=(
        _URL,
        String("last_updated_timestamp", "When it was set.", concept="protocol", source="AD, FL"),
    ),
    errors=(errors.ORG_NOT_SUPPORTED, errors.NOT_FOUND),
    docs=f"{DOCS}get-account-driven-enrollment-service-discovery",
    source="AD, EV, FL",
)
def get_discovery(call: Call) -> Body:
    """Return the URL, or NOT_FOUND before one is set."""
    _supported(call)
    found = enrolment_urls.find(call.state)
    if found is None:
        raise ApiError(errors.NOT_FOUND, "no discovery URL is set")
    return {
        "mdm_service_discovery_url": found["url"],
        "last_updated_timestamp": rfc3339(found["updated_ms"]),
    }


@operation(
    f"DELETE {_PATH}",
    "Remove the discovery URL of the organisation.",
    name="dep.discovery_delete",
    auth="session",
    errors=(errors.ORG_NOT_SUPPORTED, errors.NOT_FOUND),
    docs=f"{DOCS}remove-account-driven-enrollment-service-discovery",
    source="AD, EV",
    inferred="Its answer and errors are not documented; they are those of GET, with {}.",
)
def delete_discovery(call: Call) -> Body:
    """Forget the URL."""
    _supported(call)
    if not enrolment_urls.delete(call.state):
        raise ApiError(errors.NOT_FOUND, "no discovery URL is set")
    return {}
