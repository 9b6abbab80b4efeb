"""The fields of a profile, and the checks that their types cannot say."""

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from cryptography import x509

from simulator.pki.push_identity import UNREADABLE
from simulator.protocol.fields import Boolean, Field, String, Strings
from simulator.services.dep import errors, skip_keys

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
CAPTURED_ORDER = (
    "support_phone_number support_email_address department org_magic url is_supervised "
    "allow_pairing is_mandatory is_mdm_removable await_device_configured is_multi_user "
    "auto_advance_setup skip_setup_items profile_uuid profile_name"
)
"""The order of a profile that was read (MM, 2018)."""
FLAGS = {row.name: row.default for row in PROFILE_FIELDS if isinstance(row, Boolean)}
