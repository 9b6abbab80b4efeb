"""Account-driven enrolment: a person types an account, and the device finds its MDM (more.md 5).

The device asks the account's domain, then Apple, where the MDM is; signs in
there by a web page; and gets the profile of a user or a device enrolment.
"""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from simulator.devices.device import VirtualDevice
from simulator.devices.enrolment import machine_info
from simulator.devices.enrolment.profile import mdm_payload, read_profile
from simulator.devices.errors import enrolment_failed
from simulator.devices.flow import OK, Flow, FlowResponse, Send, perform
from simulator.devices.world import DeviceEnvironment

_WELL_KNOWN = "/.well-known/com.apple.remotemanagement"
_APPLE = "https://axm-servicediscovery.apple.com/mdmBaseURL"
_MODES = {"mdm-byod": "BYOD", "mdm-adde": "ADDE"}
_PARAMETER = re.compile(r'([A-Za-z-]+)="([^"]*)"')
_FAMILIES = {"Vision": "RealityDevice"}
_STATE_DIGITS = 32


def account_driven_profile(
    device: VirtualDevice, world: DeviceEnvironment, account: str
) -> Flow[tuple[bytes, str]]:
    """Return the enrolment profile for an account such as ``anna@example.com``, and the token.

    The bearer token goes with every later request to the MDM.
    """
    base, version = yield from _discovered(device, account)
    identity = yield from machine_info.factory_identity(device, world)
    info = machine_info.machine_info(device)
    for name in ("UDID", "SERIAL", "IMEI", "MEID"):
        info.pop(name, None)
    body = machine_info.sign(info, identity, world)
    asked = yield from perform(_request(device, base, body, ""))
    if asked.status != HTTPStatus.UNAUTHORIZED:
        raise enrolment_failed(f"The MDM did not ask for a sign-in: {_what(asked)}.")
    token = yield from _signed_in(asked, device, world, account)
    received = yield from perform(_request(device, base, body, token))
    if received.status != OK:
        raise enrolment_failed(f"The enrolment profile could not be fetched: {_what(received)}.")
    _check(received.body, _MODES[version])
    return received.body, token


def _discovered(device: VirtualDevice, account: str) -> Flow[tuple[str, str]]:
    """Return BaseURL and Version of the MDM: from the account's domain, or else from Apple."""
    domain = account.partition("@")[2]
    if account.count("@") != 1 or not domain:
        raise enrolment_failed(f"“{account}” is no account: it has no domain.")
    family = _FAMILIES.get(device.family, device.family)
    query = urlencode({"user-identifier": account, "model-family": family})
    problems = []
    for place in (f"https://{domain}{_WELL_KNOWN}", _APPLE):
        received = yield from perform(
            Send(
                method="GET",
                url=f"{place}?{query}",
                purpose="discovery",
                roots=device.roots,
                redirects=True,
            )
        )
        try:
            return _server(received)
        except ValueError as error:
            problems.append(f"{urlsplit(place).hostname}: {error}")
    raise enrolment_failed(f"No MDM was found for the account ({'; '.join(problems)}).")


def _server(received: FlowResponse) -> tuple[str, str]:
    """Return BaseURL and Version of a discovery answer; ValueError if it is none."""
    if received.status != OK:
        raise ValueError(_what(received))
    if received.content_type != "application/json":
        raise ValueError(f"its type is {received.content_type or 'missing'}, not application/json")
    try:
        first = json.loads(received.body)["Servers"][0]
        base, version = first["BaseURL"], first["Version"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        raise ValueError("it names no server") from None
    if version not in _MODES or not isinstance(base, str):
        raise ValueError(f"its Version is not one of {', '.join(_MODES)}")
    return base, version


def _request(device: VirtualDevice, base: str, body: bytes, token: str) -> Send:
    headers = {"Content-Type": machine_info.CONTENT_TYPE}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return Send(
        method="POST", url=base, headers=headers, body=body, purpose="enrol", roots=device.roots
    )


def _signed_in(
    asked: FlowResponse, device: VirtualDevice, world: DeviceEnvironment, account: str
) -> Flow[str]:
    """Sign in as the MDM asks for, and return the access token."""
    challenge = asked.headers.get("www-authenticate", "")
    given = dict(_PARAMETER.findall(challenge))
    if not challenge.startswith("Bearer "):
        raise enrolment_failed("The MDM asks for no sign-in by Bearer.")
    match given.get("method"):
        case "apple-as-web":
            query = yield from _page(device, given.get("url", ""), {"user-identifier": account})
            return _needed(query, "access-token")
        case "apple-oauth2":
            return (yield from _oauth2(given, device, world, account))
        case other:
            raise enrolment_failed(f"The sign-in method “{other}” is not known.")


def _page(
    device: VirtualDevice, url: str, query: Mapping[str, str]
) -> Flow[Mapping[str, list[str]]]:
    """Open a sign-in page, and return what stands in the URL that it ends at."""
    mark = "&" if urlsplit(url).query else "?"
    received = yield from perform(
        Send(
            method="GET",
            url=f"{url}{mark}{urlencode(query)}",
            purpose="sign-in",
            roots=device.roots,
            redirects=True,
        )
    )
    where = received.headers.get("location", "")
    if not where.startswith("apple-remotemanagement-user-login:"):
        raise enrolment_failed(f"The sign-in page waits for a person: {_what(received)}.")
    return parse_qs(urlsplit(where).query)


def _needed(query: Mapping[str, list[str]], name: str) -> str:
    if name not in query:
        raise enrolment_failed(f"The sign-in ended without {name}.")
    return query[name][0]


def _oauth2(
    given: Mapping[str, str], device: VirtualDevice, world: DeviceEnvironment, account: str
) -> Flow[str]:
    state = world.random_hex(_STATE_DIGITS)
    about = {
        "response_type": "code",
        "client_id": given.get("client-id", ""),
        "redirect_uri": given.get("redirect-url", ""),
        "scope": given.get("scope", ""),
        "state": state,
        "login_hint": account,
    }
    query = yield from _page(device, given.get("authorization-url", ""), about)
    if _needed(query, "state") != state:
        raise enrolment_failed("The sign-in ended with another state.")
    form = {
        "grant_type": "authorization_code",
        "code": _needed(query, "code"),
        "client_id": about["client_id"],
        "redirect_uri": about["redirect_uri"],
    }
    received = yield from perform(
        Send(
            method="POST",
            url=given.get("token-url", ""),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(form).encode(),
            purpose="sign-in",
            roots=device.roots,
        )
    )
    try:
        token = json.loads(received.body)["access_token"]
    except (ValueError, KeyError, TypeError, RecursionError):
        token = None
    if received.status != OK or not isinstance(token, str):
        raise enrolment_failed(f"The code was exchanged for no token: {_what(received)}.")
    return token


def _check(content: bytes, mode: str) -> None:
    """Raise DeviceError if the profile is not for the enrolment that discovery announced."""
    payload = mdm_payload(read_profile(content))
    values: Mapping[str, Any] = payload.values
    problem = ""
    if values.get("EnrollmentMode") != mode:
        problem = f"EnrollmentMode is not {mode}"
    elif not values.get("AssignedManagedAppleID"):
        problem = "AssignedManagedAppleID is missing"
    elif mode == "BYOD" and "AccessRights" in values:
        problem = "AccessRights has no place in a user enrolment"
    if problem:
        raise enrolment_failed(f"The enrolment was cancelled: {problem}.")


def _what(received: FlowResponse) -> str:
    return f"status {received.status}" if received.status else received.problem
