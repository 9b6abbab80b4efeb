"""Profiles: define and get. They cannot be changed or deleted; each definition is a new one."""

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from cryptography import x509

from simulator.core.state import Body, State
from simulator.pki.push_identity import UNREADABLE
from simulator.protocol.fields import Boolean, Field, String, Strings, in_order
from simulator.protocol.operations import ApiError, Call, operation
from simulator.services.dep import errors, skip_keys
from simulator.services.dep.assignment import PROFILE, PROFILE_UUID, assign_profile, find_profile
from simulator.services.dep.device_rows import DOCS, outcomes
from simulator.services.fleet.devices import Device

_URL_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
"""What RFC 2396 and RFC 2732 let a URI consist of."""
_LONGEST_URL = 2000
_PANE = re.compile("[A-Za-z]{3,40}")
_NAMED_PANES = 5
"""How many unknown panes a finding names."""


def _url(value: str, _: Mapping[str, Any]) -> str:
    if len(quote(value, safe="%/:?#[]@!$&'()*+,;=~")) > _LONGEST_URL:
        return f"must have at most {_LONGEST_URL} characters, URL-encoded"
    if not _URL_CHARACTERS.fullmatch(value):
        return "must be a URL of RFC 2396: percent-encode other characters"
    try:
        parts = urlsplit(value)
        good = bool(parts.hostname) and parts.scheme.lower() in ("http", "https")
        good = good and parts.port != 0
    except ValueError:
        good = False
    return "" if good else "must be an absolute http or https URL with a host"


def _web_url(value: str, message: Mapping[str, Any]) -> str:
    return _url(value, message) or ("" if value.startswith("https:") else "must be https")


def _removable(value: bool, profile: Mapping[str, Any]) -> str:
    if value or profile.get("is_supervised") is True:
        return ""
    return "may be false only if is_supervised is sent as true"


def _language(value: str, _: Mapping[str, Any]) -> str:
    good = re.fullmatch(r"[a-z]{2,3}", value)
    return "" if good else "must be a code of ISO 639, two or three lower-case letters"


def _region(value: str, _: Mapping[str, Any]) -> str:
    good = re.fullmatch(r"[A-Z]{2}", value)
    return "" if good else "must be a code of ISO 3166-1, two capital letters"


def _certificates(value: list[str], _: Mapping[str, Any]) -> str:
    for item in value:
        try:
            x509.load_der_x509_certificate(base64.b64decode(item, validate=True))
        except UNREADABLE:
            return "must hold certificates, DER in base64"
    return ""


def _panes(value: list[str], _: Mapping[str, Any]) -> str:
    unknown = [item for item in value if item not in skip_keys.ALL]
    if not unknown:
        return ""
    # A finding leaves the machine in reports: only what can be a pane's name is in its text.
    shown = [item for item in unknown if _PANE.fullmatch(item)][:_NAMED_PANES]
    rest = len(unknown) - len(shown)
    names = [*shown, *([f"{rest} more"] if rest else [])]
    return f"holds no known pane with {', '.join(names)}: is it misspelt?"


_FLAG: dict[str, Any] = {"concept": "dep.flag", "source": "AD:profile"}
PROFILE_FIELDS: tuple[Field, ...] = (
    String(
        "profile_name",
        "Name for people.",
        required=True,
        missing=errors.CONFIG_NAME_REQUIRED,
        invalid=errors.CONFIG_NAME_INVALID,
        shortest=1,
        longest=125,
        concept="dep.profile_name",
        example="Staff",
        source="AD:profile, EV",
    ),
    String(
        "url",
        "Where the device enrols.",
        required=True,
        missing=errors.CONFIG_URL_REQUIRED,
        invalid=errors.CONFIG_URL_INVALID,
        shortest=1,
        check=_url,
        concept="dep.enrol_url",
        example="https://mdm.example.com/enrol",
        source="AD:profile, EV",
    ),
    Boolean(
        "allow_pairing",
        "Whether it pairs with computers.",
        default=True,
        deprecated="iOS 13 and later ignore it",
        **_FLAG,
    ),
    Boolean("is_supervised", "Whether it is supervised.", default=False, **_FLAG),
    Boolean("is_multi_user", "Shared iPad.", default=False, versions="2+", **_FLAG),
    Boolean(
        "is_mandatory", "Whether enrolment cannot be skipped; always so.", default=False, **_FLAG
    ),
    Boolean(
        "await_device_configured",
        "Whether Setup Assistant waits for DeviceConfigured.",
        default=False,
        versions="2+",
        **_FLAG,
    ),
    Boolean(
        "is_mdm_removable",
        "Whether the user can remove the MDM profile.",
        default=True,
        invalid=errors.FLAGS_INVALID,
        check=_removable,
        concept="dep.flag",
        source="AD:profile, GH fleetdm/fleet#21397",
    ),
    Boolean("auto_advance_setup", "Setup without a touch.", default=False, versions="2+", **_FLAG),
    Boolean("is_return_to_service", "Return to service.", default=False, **_FLAG),
    Boolean(
        "do_not_use_profile_from_backup",
        "Whether a restore leaves the old enrolment out.",
        default=False,
        **_FLAG,
    ),
    String(
        "support_phone_number",
        "Whom to call.",
        invalid=errors.SUPPORT_PHONE_INVALID,
        shortest=1,
        longest=50,
        concept="support.phone",
        source="AD:profile, EV",
    ),
    String(
        "support_email_address",
        "Whom to write to; its syntax is not checked.",
        versions="2+",
        invalid=errors.SUPPORT_EMAIL_INVALID,
        shortest=1,
        longest=250,
        concept="support.email",
        source="AD:profile, MM",
    ),
    String(
        "department",
        "Department or place.",
        invalid=errors.DEPARTMENT_INVALID,
        shortest=1,
        longest=125,
        concept="org.department",
        source="AD:profile, EV",
    ),
    String(
        "org_magic",
        "Identifier that the device hands to its MDM.",
        invalid=errors.MAGIC_INVALID,
        longest=256,
        concept="dep.org_magic",
        source="AD:profile, EV",
        inferred="Empty counts as absent, since the Go clients send it empty when it is not set.",
    ),
    Strings(
        "anchor_certs",
        "Certificates that the device trusts for url: DER, base64.",
        check=_certificates,
        decode="x509",
        concept="dep.anchor_cert",
        source="AD:profile",
    ),
    Strings(
        "supervising_host_certs",
        "Certificates of computers that may supervise: DER, base64.",
        check=_certificates,
        decode="x509",
        concept="dep.anchor_cert",
        source="AD:profile",
    ),
    Strings(
        "skip_setup_items",
        "Panes that Setup Assistant skips; any text is stored.",
        values=skip_keys.ALL,
        check=_panes,
        concept="dep.skip_item",
        source="AD:skipkeys, PE",
    ),
    String(
        "language",
        "Language for auto advance, ISO 639.",
        invalid=errors.LOCALE_INVALID,
        check=_language,
        concept="dep.locale",
        source="AD:profile",
        inferred="Only the form is checked: Apple names no list.",
    ),
    String(
        "region",
        "Region for auto advance, ISO 3166-1.",
        invalid=errors.LOCALE_INVALID,
        check=_region,
        concept="dep.locale",
        source="AD:profile",
        inferred="Only the form is checked: Apple names no list.",
    ),
    String(
        "configuration_web_url",
        "Web page that the device opens first.",
        invalid=errors.CONFIG_URL_INVALID,
        check=_web_url,
        concept="dep.web_url",
        source="AD:profile",
        inferred="Apple names no error for a bad one; the one for url is given.",
    ),
)
_CAPTURED = (
    "support_phone_number support_email_address department org_magic url is_supervised "
    "allow_pairing is_mandatory is_mdm_removable await_device_configured is_multi_user "
    "auto_advance_setup skip_setup_items profile_uuid profile_name"
)
"""The order of a profile that was read (MM, 2018)."""
_BOOLEANS = {row.name: row.default for row in PROFILE_FIELDS if isinstance(row, Boolean)}


@operation(
    "POST /profile",
    "Define a profile, and assign it to devices at once if any are named.",
    name="dep.define",
    auth="session",
    request=(
        *PROFILE_FIELDS,
        Strings(
            "devices",
            "Serial numbers to assign it to; may be empty.",
            concept="device.serial",
            source="AD:profile",
        ),
    ),
    response=(
        PROFILE_UUID,
        outcomes("Outcome by serial number.", "SUCCESS", "NOT_ACCESSIBLE", "FAILED"),
    ),
    errors=(
        errors.CONFIG_NAME_REQUIRED,
        errors.CONFIG_URL_REQUIRED,
        errors.CONFIG_NAME_INVALID,
        errors.CONFIG_URL_INVALID,
        errors.FLAGS_INVALID,
        errors.SUPPORT_PHONE_INVALID,
        errors.SUPPORT_EMAIL_INVALID,
        errors.DEPARTMENT_INVALID,
        errors.MAGIC_INVALID,
        errors.LOCALE_INVALID,
    ),
    docs=f"{DOCS}define-profile",
    source="AD:profile, EV, PR",
    inferred="REQUIRED comes before INVALID, then the order of the table; a throttled device "
    "counts as FAILED.",
)
def define(call: Call) -> Body:
    """Store the profile under a new identifier."""
    server = call.principal.id
    number = call.state.reserve(PROFILE)
    seed = f"{PROFILE}|{call.settings.seed}|{call.principal.organisation}|{number}".encode()
    uuid = hashlib.sha256(seed).hexdigest().upper()[:32]
    profile = {name: value for name, value in call.body.items() if name != "devices"}
    body = {"uuid": uuid, "server": server, "defined_ms": call.now_ms, "profile": profile}
    call.state.put(PROFILE, uuid, body)
    serials = call.body.get("devices") or ()
    answers, _ = assign_profile(call.state, server, serials, uuid, call.now_ms, call.item_outcome)
    outcome = {key: "FAILED" if it == "THROTTLED" else it for key, it in answers.items()}
    return {"profile_uuid": uuid, "devices": outcome}


@operation(
    "GET /profile",
    "Get a profile.",
    name="dep.profile",
    auth="session",
    request=(
        String(
            "profile_uuid",
            "Identifier of the profile; case and dashes do not count.",
            place="query",
            required=True,
            missing=errors.PROFILE_UUID_REQUIRED,
            shortest=1,
            invalid=errors.PROFILE_UUID_REQUIRED,
            concept="dep.profile_uuid",
            example="0A1B2C3D4E5F60718293A4B5C6D7E8F9",
            source="PR",
        ),
    ),
    response=in_order(_CAPTURED, (PROFILE_UUID, *PROFILE_FIELDS)),
    errors=(errors.PROFILE_UUID_REQUIRED, errors.NOT_FOUND),
    docs=f"{DOCS}get-profile",
    source="PR, MM, PE",
)
def get_profile(call: Call) -> Body:
    """Return the profile: all flags with their defaults, the rest where it was set."""
    uuid = call.query.get("profile_uuid")
    if not uuid:
        raise ApiError(errors.PROFILE_UUID_REQUIRED)
    found = find_profile(call.state, call.principal.id, uuid)
    if found is None:
        raise ApiError(errors.NOT_FOUND, "the server has defined no such profile")
    return complete(found)


def complete(profile: Body) -> Body:
    """Return a stored profile as servers and devices see it: with the flags that were not sent."""
    stored = {name: value for name, value in profile["profile"].items() if value not in ("", [])}
    return {"profile_uuid": profile["uuid"]} | _BOOLEANS | stored


def assigned_profile(state: State, device: Device) -> Body | None:
    """Return the profile that a device fetches when it is set up, or None."""
    if device.record["profile_status"] not in ("assigned", "pushed"):
        return None
    found = find_profile(state, device.server, device.record["profile_uuid"])
    return None if found is None else complete(found)
