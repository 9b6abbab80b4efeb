"""``POST /pushcert/caservice/new`` and ``renew``: a certificate for a signed request.

The paths and the answer are those of macOS Server's client. The body is the
request that vendors' tools write, or that client's own, which holds the account
and a hash of its password. What people do at the web form is done by the control
API, with the same functions.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from msgspec import Struct

from simulator.core.messages import Finding
from simulator.core.state import Body, State
from simulator.pki import push_requests
from simulator.pki.authorities import Authorities
from simulator.pki.push_requests import PushRequest, RequestRefused, Rules
from simulator.pki.server_requests import INNER, MOST, read_server_requests
from simulator.protocol import quirks as switches
from simulator.protocol.fields import Boolean, Integer, Object, Objects, String
from simulator.protocol.head import Quirk
from simulator.protocol.operations import ApiError, Call, operation
from simulator.services import organisations
from simulator.services.identity import DOCS, authorities, certificates, errors, quirks, vendors
from simulator.services.identity.certificates import AcceptedRequest, Certificate

_ACCOUNT = String(
    "AccountName",
    "Apple Account that owns the certificate; not needed where there is one organisation.",
    place="query",
    concept="admin.apple_id",
    source="XS",
    inferred="macOS Server's client sends it in the body; the web form knows it by its log-in, "
    "which is not simulated.",
)
_NOTE = String(
    "note",
    "Note of the account's own.",
    place="query",
    concept="push.portal_note",
    source="AD",
)
_REQUEST = (
    String(
        "PushCertRequestCSR",
        "Base64 of the DER of the CSR; required without PushCertRequestPlist.",
        concept="push.csr",
        decode="csr",
        source="AD, MM",
        inferred="Data is taken in place of a text.",
    ),
    String(
        "PushCertCertificateChain",
        "Vendor's certificate, intermediate and root, PEM.",
        required=True,
        concept="push.vendor_chain",
        decode="x509",
        source="AD, MM",
        inferred="Data is taken in place of a text.",
    ),
    String(
        "PushCertSignature",
        "Base64 of the vendor's signature over the DER of the CSR, or over PushCertRequestPlist.",
        required=True,
        concept="protocol",
        source="AD, MM, XS",
    ),
    String(
        "PushCertRequestPlist",
        "Property list of macOS Server's client: account, hash of the password, CSRs.",
        concept="push.portal_request",
        source="XS",
        inferred="The password is not checked; CSRs of other services than Service_Mgmt are "
        "passed over. SHA-1 is taken here, as it is documented, and SHA-256.",
    ),
    Boolean(
        "PushCertSignedRequest",
        "That PushCertRequestPlist is signed.",
        concept="protocol",
        source="XS",
    ),
)
_RESPONSE = (
    Object(
        "Response",
        "The response.",
        source="XS",
        fields=(
            Object(
                "Status",
                "How it went.",
                fields=(
                    Integer("ErrorCode", "0 if it went well.", concept="protocol"),
                    String("ErrorMessage", "Headline.", concept="protocol"),
                    String("ErrorDescription", "Further text.", concept="protocol"),
                ),
            ),
            Objects(
                "Certificates",
                "The certificate.",
                fields=(
                    String("Certificate", "PEM.", concept="push.certificate"),
                    Integer(
                        "CertRequestNo",
                        "Which CSR of PushCertRequestPlist it is for.",
                        concept="protocol",
                        inferred="Its name in the answer is not known.",
                    ),
                ),
            ),
        ),
    ),
)
_ROWS: Any = {
    "response": _RESPONSE,
    "body_format": "plist",
    "docs": DOCS,
    "source": "XS, MM, AD",
    "inferred": f"How many CSRs of MDM a request may have is not known: up to {MOST} here.",
    "is_slow": True,
}


class Upload(Struct, frozen=True):
    """One CSR that was sent, with what its certificate is to be."""

    request: PushRequest
    account: str | None
    renews: str
    note: str
    number: int | None = None


@operation(
    "POST /pushcert/caservice/new",
    "Create a push certificate: it gets a topic that no device knows yet.",
    name="identity.create",
    request=(*_REQUEST, _ACCOUNT, _NOTE),
    errors=errors.REQUEST,
    **_ROWS,
)
def create(call: Call) -> Body:
    """Check the request and issue a certificate for a new topic."""
    return _answered(call, _create)


def _create(call: Call, upload: AcceptedRequest, _: Upload) -> Certificate:
    topic = certificates.new_topic(call.state, call.settings.seed)
    return certificates.create(call.state, authorities(call).push, upload, topic, call.now_ms)


@operation(
    "POST /pushcert/caservice/renew",
    "Renew a push certificate: its topic stays, so that devices go on being reached.",
    name="identity.renew",
    request=(
        *_REQUEST,
        String(
            "CertificateSerialNumber",
            "Serial number of the certificate to renew, hexadecimal; required without "
            "PushCertRequestPlist.",
            place="query",
            concept="push.cert_serial",
            source="XS",
            inferred="macOS Server's client sends it in the body.",
        ),
        _ACCOUNT,
        _NOTE,
    ),
    errors=(*errors.REQUEST, errors.CERTIFICATE_UNKNOWN, errors.NOT_RENEWABLE),
    **_ROWS,
)
def renew(call: Call) -> Body:
    """Check the request and issue a certificate for the topic of the one that is named."""
    return _answered(call, _renew)


def _renew(call: Call, upload: AcceptedRequest, one: Upload) -> Certificate:
    old = _renewable(call, upload.organisation, one.renews)
    return certificates.renew(call.state, authorities(call).push, upload, old, call.now_ms)


def _renewable(call: Call, organisation: str, serial: str) -> Certificate:
    old = certificates.find(call.state, serial)
    if old is None or old.organisation != organisation:
        raise ApiError(errors.CERTIFICATE_UNKNOWN)
    if not old.is_renewable(call.now_ms):
        raise ApiError(errors.NOT_RENEWABLE)
    return old


def _answered(call: Call, issue: Callable[[Call, AcceptedRequest, Upload], Certificate]) -> Body:
    """Issue what is asked for, all or nothing."""
    issued = []
    try:
        for one in _uploads(call):
            organisation, account = _account(call, one.account)
            upload = accept(
                call.state,
                authorities(call),
                one.request,
                organisation=organisation,
                account=account,
                note=one.note,
                now_ms=call.now_ms,
            )
            entry: Body = {"Certificate": issue(call, upload, one).pem}
            issued.append(entry if one.number is None else entry | {"CertRequestNo": one.number})
    except RequestRefused as refused:
        text = str(refused)
        call.note(Finding("push-request", "body", "", text, refused=True))
        raise ApiError(errors.BY_REASON[refused.reason], text) from None
    status = {"ErrorCode": 0, "ErrorMessage": "", "ErrorDescription": ""}
    return {"Response": {"Status": status, "Certificates": issued}}


def _uploads(call: Call) -> list[Upload]:
    tree, query = dict(call.body), call.query
    if INNER in tree:
        return [
            Upload(one.request, one.account, one.renews, one.description, one.number)
            for one in read_server_requests(tree)
        ]
    request = push_requests.read_request(tree)
    serial = query.get("CertificateSerialNumber", "")
    return [Upload(request, query.get("AccountName"), serial, query.get("note", ""))]


def _account(call: Call, named: str | None) -> tuple[str, str]:
    """Return organisation and account of who uploads."""
    known = [one.body for one in organisations.all_organisations(call.state)]
    found = [one for one in known if named is None or one["admin_id"] == named]
    if len(found) != 1:
        about = "say which: AccountName=" if named is None else "it is none of: "
        raise ApiError(
            errors.ACCOUNT_UNKNOWN, about + ", ".join(sorted(one["admin_id"] for one in known))
        )
    call.exchange.organisation = found[0]["id"]
    return found[0]["id"], found[0]["admin_id"]


def accept(
    state: State,
    known: Authorities,
    request: PushRequest,
    *,
    organisation: str,
    account: str,
    note: str,
    now_ms: int,
) -> AcceptedRequest:
    """Return what is accepted of *request*; RequestRefused says why nothing is."""

    def has(quirk: Quirk) -> bool:
        return switches.on(state, quirk.id, organisation)

    push_requests.verify(
        request,
        Rules(
            root=known.developer.root,
            now=datetime.fromtimestamp(now_ms / 1000, UTC),
            sha1=has(quirks.SHA1),
            check_signature=not has(quirks.ANY_SIGNATURE),
            check_key=not has(quirks.ANY_KEY),
            revoked=vendors.revoked(state),
        ),
    )
    public = request.csr.public_key()
    if not isinstance(public, rsa.RSAPublicKey):  # whatever the quirk lets through
        raise RequestRefused("key", "the CSR's key is no RSA key: make one of 2048 bits")
    names = request.vendor.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    vendor = str(names[0].value) if names else "unknown vendor"
    return AcceptedRequest(public, vendor, organisation, account, note)
