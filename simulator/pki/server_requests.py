"""Requests for push certificates as macOS Server sent them: many CSRs in one signed plist.

The outer property list has chain, signature and, as data, the inner one that is
signed; that names the account, with a hash of its password, and the CSRs
(more.md 1.5).
"""

import base64
import binascii
import plistlib
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from msgspec import Struct

from simulator.pki.push_identity import UNREADABLE
from simulator.pki.push_requests import PushRequest, RequestRefused, read_chain

INNER = "PushCertRequestPlist"
SERVICE = "Service_Mgmt"
"""The service of a CSR that wants a topic of MDM; others are for calendars, mail and so on."""


MOST = 5
"""CSRs of that service in one request: each is checked and signed for, while others wait."""


class ServerRequest(Struct, frozen=True):
    """One CSR of such a request."""

    account: str
    number: int
    """CertRequestNo: the answer has it too."""
    renews: str
    """Serial number of the certificate to renew; empty: it is to be a new one."""
    description: str
    request: PushRequest


def read_server_requests(tree: Mapping[str, Any]) -> list[ServerRequest]:
    """Return the CSRs for MDM in the decoded outer property list; RequestRefused if none."""
    signed = _data(tree, INNER)
    chain = read_chain(_data(tree, "PushCertCertificateChain"))
    signature = _data(tree, "PushCertSignature")
    about = _dictionary(_plist(signed), "Request")
    account = _text(_dictionary(about, "User"), "AccountName")
    listed = about.get("CertRequestList")
    entries = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    wanted = [one for one in entries if one.get("ServiceType") == SERVICE]
    if not wanted:
        raise RequestRefused(
            "request", f"CertRequestList has no entry whose ServiceType is {SERVICE}"
        )
    if len(wanted) > MOST:
        many = f"CertRequestList has {len(wanted)} entries whose ServiceType is {SERVICE}"
        raise RequestRefused("request", f"{many}: send at most {MOST} at once")
    return [
        ServerRequest(
            account=account,
            number=_number(one),
            renews=str(one.get("CertificateSerialNumber", "")),
            description=str(one.get("Description", "")),
            request=PushRequest(_csr(one), chain, signature, signed=signed, sha1=True),
        )
        for one in wanted
    ]


def _data(tree: Mapping[str, Any], key: str) -> bytes:
    """Return what decoding has made base64 of."""
    text = tree.get(key)
    if not isinstance(text, str) or not text:
        raise RequestRefused("request", f"the property list has no {key}")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error:
        raise RequestRefused("request", f"{key} must be data") from None


def _plist(content: bytes) -> Mapping[str, Any]:
    try:
        tree = plistlib.loads(content)
    except Exception:  # noqa: BLE001 (plistlib raises what its parsers raise, of many kinds)
        tree = None
    if not isinstance(tree, dict):
        raise RequestRefused("request", f"{INNER} is no property list with a dictionary")
    return tree


def _dictionary(tree: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = tree.get(key)
    if not isinstance(value, dict):
        raise RequestRefused("request", f"{INNER} has no dictionary {key}")
    return value


def _text(tree: Mapping[str, Any], key: str) -> str:
    value = tree.get(key)
    if not isinstance(value, str) or not value:
        raise RequestRefused("request", f"{INNER} has no {key}")
    return value


def _number(entry: Mapping[str, Any]) -> int:
    value = entry.get("CertRequestNo", 0)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _csr(entry: Mapping[str, Any]) -> x509.CertificateSigningRequest:
    try:
        csr = x509.load_pem_x509_csr(_text(entry, "CSR").encode())
        valid = csr.is_signature_valid
    except UNREADABLE:
        raise RequestRefused("csr", "CSR is no certificate request in PEM") from None
    if not valid:
        raise RequestRefused("csr", "the CSR is not signed by its own key: make another")
    return csr
