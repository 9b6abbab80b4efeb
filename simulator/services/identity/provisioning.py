"""What people do at the push certificate portal, and its mails: by the control API."""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from simulator.core.state import Body, State
from simulator.core.timestamps import rfc3339
from simulator.pki.push_requests import RequestRefused, read_request
from simulator.protocol.body_formats import parse_plist
from simulator.protocol.fields import Boolean, ErrorCode, Field, Integer, Objects, String
from simulator.services import organisations
from simulator.services.identity import SERVICE, certificates, errors, portal, signers, vendors
from simulator.services.identity.certificates import Certificate
from simulator.services.provisioning import ControlCall, Provisioning, Resource


def _shown(one: Certificate, now_ms: int) -> Body:
    return {
        "serial": one.serial,
        "topic": one.topic,
        "organisation": one.organisation,
        "account": one.account,
        "vendor": one.vendor,
        "note": one.note,
        "issued": rfc3339(one.issued_ms),
        "expires": rfc3339(one.expires_ms),
        "days_left": one.days_left(now_ms),
        "state": one.state_at(now_ms),
        "renewed_by": one.renewed_by,
        "certificate": one.pem,
    }


def _list(call: ControlCall) -> Body:
    rows = [_shown(one, call.now_ms) for one in certificates.all_of(call.state)]
    return {"push_certificates": rows}


def _known(call: ControlCall, serial: str) -> Certificate:
    found = certificates.find(call.state, serial)
    if found is None:
        raise LookupError(f"the portal has no certificate with the serial number {serial}")
    return found


def _upload(call: ControlCall) -> Body:
    """Create a certificate, or renew the one that is named, for a signed request."""
    renews = call.body.get("renews")
    old = None if renews is None else _known(call, renews)
    if old is not None and not old.is_renewable(call.now_ms):
        raise ValueError(errors.NOT_RENEWABLE.about)
    organisation = old.organisation if old else _organisation(call)
    admin = organisations.organisation(call.state, organisation)["admin_id"]
    tree = _tree(call.body["request"])
    try:
        upload = portal.accept(
            call.state,
            vendors.authorities(call),
            read_request(tree),
            organisation=organisation,
            account=admin,
            note=call.body.get("note", ""),
            now_ms=call.now_ms,
        )
    except RequestRefused as refused:
        raise ValueError(_said(errors.BY_REASON[refused.reason], str(refused))) from None
    push = vendors.authorities(call).push
    if old is not None:
        made = certificates.renew(call.state, push, upload, old, call.now_ms)
    else:
        topic = certificates.new_topic(call.state, call.settings.seed)
        made = certificates.create(call.state, push, upload, topic, call.now_ms)
    others = [one for one in certificates.all_of(call.state) if one.topic != made.topic]
    orphans = any(
        one.organisation == organisation and one.state_at(call.now_ms) == "active" for one in others
    )
    return _shown(made, call.now_ms) | {"is_other_topic": old is None and orphans}


def _tree(text: str) -> Body:
    try:
        tree = parse_plist(text.encode())
    except ValueError as error:
        raise ValueError(_said(errors.INVALID_REQUEST, str(error))) from None
    return tree if isinstance(tree, dict) else {}


def _organisation(call: ControlCall) -> str:
    known = organisations.identifiers(call.state)
    named = call.body.get("organisation")
    if named is None and len(known) == 1:
        return known[0]
    if named not in known:
        raise ValueError(f"organisation must be one of {', '.join(known)}")
    return str(named)


def _said(row: ErrorCode, about: str) -> str:
    triple = errors.triple(row)
    texts = f"{triple['ErrorMessage']} {triple['ErrorDescription']}".strip()
    return f"{texts} ({triple['ErrorCode']}): {about}"


def _revoke(call: ControlCall) -> Body:
    gone = certificates.revoke(call.state, _known(call, call.path["serial"]))
    return _shown(gone, call.now_ms)


def _mails(call: ControlCall) -> Body:
    """Answer what the portal and the signers have mailed by now, the newest first."""
    rows = [
        {
            "at": rfc3339(mail.at_ms),
            "to": mail.to,
            "subject": mail.subject,
            "text": mail.text,
            "file": None,
            "content": None,
        }
        for mail in certificates.mails(call.state, call.now_ms)
    ]
    for one in call.state.scan(signers.MAIL, limit=10_000):
        body = one.body
        rows.append(
            {
                "at": rfc3339(body["at_ms"]),
                "to": body["to"],
                "subject": body["subject"],
                "text": "The signed request is attached.",
                "file": body["name"],
                "content": body["content"],
            }
        )
    return {"mails": sorted(rows, key=lambda row: str(row["at"]), reverse=True)}


def register(
    state: State, organisation: str, topic: str, certificate_pem: bytes, now_ms: int
) -> None:
    """Note a certificate that the world came with, so that it can be renewed in the portal."""
    made = x509.load_pem_x509_certificate(certificate_pem)
    if certificates.find(state, f"{made.serial_number:x}") is not None:
        return
    public = made.public_key()
    found = state.of("").get(organisations.ORGANISATION, organisation)
    if found is None or not isinstance(public, rsa.RSAPublicKey):
        return
    account = found.body["admin_id"]
    upload = certificates.AcceptedRequest(
        public, "mdmsim", organisation, account, "made with the world"
    )
    certificates.write(state, certificates.of_x509(made, topic=topic, upload=upload, now_ms=now_ms))


_ROW: tuple[Field, ...] = (
    String("serial", "Serial number, hexadecimal.", required=True),
    String("topic", "Push topic.", required=True),
    String("organisation", "Whose it is.", required=True),
    String("account", "Apple Account that owns it.", required=True),
    String("vendor", "Who signed the request.", required=True),
    String("note", "Note of the account's own.", required=True),
    String("issued", "When it was issued.", required=True),
    String("expires", "When it expires.", required=True),
    Integer("days_left", "Whole days until then; below 0 after it.", required=True),
    String("state", "By now.", required=True, values=("active", "expired", "revoked")),
    String("renewed_by", "Serial number of what took its place; empty if none.", required=True),
    String("certificate", "PEM.", required=True),
)
_MAIL: tuple[Field, ...] = (
    String("at", "When it was sent.", required=True),
    String("to", "To whom.", required=True),
    String("subject", "Its subject.", required=True),
    String("text", "Its text.", required=True),
    Field("file", "Name of the file that is attached; null if there is none.", required=True),
    Field("content", "Its content; null if there is none.", required=True),
)
PROVISIONING = Provisioning(
    service=SERVICE,
    title="Push certificate portal",
    rank=50,
    resources=(
        Resource(
            "GET",
            "/push-certificates",
            "List the push certificates of the portal.",
            _list,
            answer=(Objects("push_certificates", "All of them.", required=True, fields=_ROW),),
        ),
        Resource(
            "POST",
            "/push-certificates",
            "Upload a signed request: create a certificate, or renew the one of renews.",
            _upload,
            body=(
                String("request", "The file: base64 of the property list.", required=True),
                String("renews", "Serial number of the certificate to renew."),
                String("organisation", "Whose it is to be, if it is created."),
                String("note", "Note of the account's own.", longest=1000),
            ),
            answer=(
                *_ROW,
                Boolean(
                    "is_other_topic",
                    "Whether the organisation has a good certificate of another topic: devices "
                    "that enrolled with that are not reached by this.",
                    required=True,
                ),
            ),
            status=201,
        ),
        Resource(
            "DELETE",
            "/push-certificates/{serial}",
            "Revoke a certificate: APNs refuses it from now on.",
            _revoke,
            answer=_ROW,
        ),
        Resource(
            "GET",
            "/mails",
            "List what the portal and the signers of requests have mailed.",
            _mails,
            answer=(Objects("mails", "The newest first.", required=True, fields=_MAIL),),
        ),
        *vendors.RESOURCES,
    ),
)
