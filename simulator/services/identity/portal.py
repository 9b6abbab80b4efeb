"""``POST /pushcert/caservice/new`` and ``renew``: a certificate for a signed request.

The paths and the answer are those of macOS Server's client; the body is the
request that vendors' tools write. What people do at the web form is done by the
control API, with the same functions.
"""

from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from simulator.core.messages import Finding
from simulator.core.state import Body, State
from simulator.pki import push_requests
from simulator.pki.authorities import Authorities
from simulator.pki.push_requests import RequestRefused, Rules
from simulator.protocol import quirks as switches
from simulator.protocol.fields import Integer, Object, Objects, String
from simulator.protocol.operations import ApiError, Call, Quirk, operation
from simulator.services import organisations
from simulator.services.identity import DOCS, authorities, certificates, errors, quirks, vendors
from simulator.services.identity.certificates import AcceptedRequest, Certificate

_ACCOUNT = String(
    "AccountName",
    "Apple Account that owns the certificate; not needed where there is one organisation.",
    place="query",
    concept="admin.apple_id",
    source="XS",
    inferred="macOS Server's client sent it in the body; the web form knows it by its log-in, "
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
        "Base64 of the DER of the CSR.",
        required=True,
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
        "Base64 of the vendor's signature over the DER of the CSR.",
        required=True,
        concept="protocol",
        source="AD, MM",
    ),
)
_RESPONSE = (
    Object(
        "Response",
        "The answer.",
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
                fields=(String("Certificate", "PEM.", concept="push.certificate"),),
            ),
        ),
    ),
)
_ROWS: Any = {
    "response": _RESPONSE,
    "body_format": "plist",
    "docs": DOCS,
    "source": "XS, MM, AD",
}


@operation(
    "POST /pushcert/caservice/new",
    "Create a push certificate: it gets a topic that no device knows yet.",
    name="identity.create",
    request=(*_REQUEST, _ACCOUNT, _NOTE),
    errors=errors.REQUEST,
    inferred="The body is the request as vendors sign it; macOS Server's own form, which holds "
    "the account's password, is not taken.",
    **_ROWS,
)
def create(call: Call) -> Body:
    """Check the request and issue a certificate for a new topic."""
    organisation, account = _account(call)
    upload = _accepted(call, organisation, account)
    topic = certificates.new_topic(call.state, call.settings.seed)
    made = certificates.create(call.state, authorities(call).push, upload, topic, call.now_ms)
    return _answer(made)


@operation(
    "POST /pushcert/caservice/renew",
    "Renew a push certificate: its topic stays, so that devices go on being reached.",
    name="identity.renew",
    request=(
        *_REQUEST,
        String(
            "CertificateSerialNumber",
            "Serial number of the certificate to renew, hexadecimal.",
            place="query",
            required=True,
            missing=errors.CERTIFICATE_UNKNOWN,
            concept="push.cert_serial",
            source="XS",
            inferred="macOS Server's client sent it in the body.",
        ),
        _ACCOUNT,
        _NOTE,
    ),
    errors=(*errors.REQUEST, errors.CERTIFICATE_UNKNOWN, errors.NOT_RENEWABLE),
    **_ROWS,
)
def renew(call: Call) -> Body:
    """Check the request and issue a certificate for the topic of the one that is named."""
    organisation, account = _account(call)
    old = certificates.find(call.state, call.query.get("CertificateSerialNumber", ""))
    if old is None or old.organisation != organisation:
        raise ApiError(errors.CERTIFICATE_UNKNOWN)
    if not old.is_renewable(call.now_ms):
        raise ApiError(errors.NOT_RENEWABLE)
    upload = _accepted(call, organisation, account)
    made = certificates.renew(call.state, authorities(call).push, upload, old, call.now_ms)
    return _answer(made)


def _answer(made: Certificate) -> Body:
    status = {"ErrorCode": 0, "ErrorMessage": "", "ErrorDescription": ""}
    return {"Response": {"Status": status, "Certificates": [{"Certificate": made.pem}]}}


def _account(call: Call) -> tuple[str, str]:
    """Return organisation and account of who uploads."""
    named = call.query.get("AccountName")
    known = [one.body for one in organisations.all_organisations(call.state)]
    found = [one for one in known if named is None or one["admin_id"] == named]
    if len(found) != 1:
        about = "say which: AccountName=" if named is None else "it is none of: "
        raise ApiError(
            errors.ACCOUNT_UNKNOWN, about + ", ".join(sorted(one["admin_id"] for one in known))
        )
    call.exchange.organisation = found[0]["id"]
    return found[0]["id"], found[0]["admin_id"]


def _accepted(call: Call, organisation: str, account: str) -> AcceptedRequest:
    try:
        return accept(
            call.state,
            authorities(call),
            dict(call.body),
            organisation=organisation,
            account=account,
            note=call.query.get("note", ""),
            now_ms=call.now_ms,
        )
    except RequestRefused as refused:
        text = str(refused)
        call.exchange.findings.append(Finding("push-request", "body", "", text, refused=True))
        raise ApiError(errors.BY_REASON[refused.reason], text) from None


def accept(
    state: State,
    known: Authorities,
    tree: Body,
    *,
    organisation: str,
    account: str,
    note: str,
    now_ms: int,
) -> AcceptedRequest:
    """Return what is accepted of the decoded request *tree*; RequestRefused says why nothing is."""

    def has(quirk: Quirk) -> bool:
        return switches.on(state, quirk.id, organisation)

    request = push_requests.read_request(tree)
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
