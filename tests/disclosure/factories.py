"""A made-up service, so that these tests do not hang on what DEP looks like."""

import json
from typing import Any

from simulator.core.messages import Exchange, Peer, Request, Response
from simulator.disclosure.judge.manifest import Manifest
from simulator.disclosure.observe.observation import Observer
from simulator.disclosure.observe.values import Fingerprinter
from simulator.disclosure.report.ledger import Ledger
from simulator.disclosure.report.report import Report
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.fields import (
    Boolean,
    ErrorCode,
    Field,
    Integer,
    Object,
    Objects,
    String,
    Strings,
    Table,
)
from simulator.protocol.operations import Operation
from simulator.protocol.service import Service

KEY = b"disclosure-test-vectors-v1"
AGENT = "ExampleMDM/9.4.1"
TOKEN = "FAKE-session-000000000000000000000000000000001"
_ERROR = ErrorCode("WRONG", 400, "Something is wrong.")


def _no(*_: Any) -> Any:
    raise AssertionError("the made-up service answers nothing")


HEADERS: tuple[Field, ...] = (
    String("x-session", "Session.", place="header", concept="dep.session_token"),
    String("x-server-protocol-version", "Version.", place="header", concept="protocol"),
    String("user-agent", "Client.", place="header", concept="net.user_agent"),
)
CERTIFICATES = Strings("anchor_certs", "Roots.", concept="dep.anchor_cert", decode="x509")
BODY: tuple[Field, ...] = (
    String("url", "Where to.", concept="dep.enrol_url"),
    String("escrow_key", "Key.", concept="lock.escrow_key"),
    String("message", "Text.", concept="lock.message"),
    String("email", "Mail.", concept="support.email", versions="2-3"),
    String("contact", "Other mail.", concept="user.email"),
    String("person", "Who.", concept="vpp.client_user_id"),
    String("language", "Language.", concept="dep.locale"),
    String("kind", "Kind.", concept="device.os", values=("iOS", "tvOS")),
    Integer("limit", "Size.", concept="protocol"),
    Boolean("flag", "Flag.", concept="dep.flag"),
    Strings("devices", "Serials.", concept="device.serial"),
    CERTIFICATES,
    Object("inner", "Nested.", fields=(String("secret", "S.", concept="lock.escrow_key"),)),
    Objects("rows", "Rows.", fields=(String("serial", "S.", concept="device.serial"),)),
    Table(
        "outcomes",
        "By serial.",
        concept="device.serial",
        value=String("status", "Status.", concept="protocol"),
    ),
    Table(
        "details",
        "By serial.",
        concept="device.serial",
        fields=(String("key", "Key.", concept="lock.escrow_key"),),
    ),
)
DEFINE = Operation(
    "made.define",
    ("POST",),
    "/things",
    "Define.",
    _no,
    request=BODY,
    response=(
        String("auth_session_token", "Session.", concept="dep.session_token"),
        String("url", "Where to.", concept="dep.enrol_url"),
        String("org_name", "Name.", concept="org.name"),
        String("org_id", "Id.", concept="org.id", versions="3+"),
        Objects("tokens", "Tokens.", fields=(String("token", "One.", concept="dep.beta_token"),)),
        Table(
            "outcomes",
            "By serial.",
            concept="device.serial",
            value=String("status", "Status.", concept="protocol"),
        ),
        Strings("imei", "IMEI.", concept="device.imei", versions="10+"),
    ),
)
GET = Operation(
    "made.get",
    ("GET",),
    "/things",
    "Get.",
    _no,
    request=(
        String("device", "Serial.", place="query", concept="device.serial"),
        String("back", "URL.", place="query", concept="dep.web_url"),
    ),
    response=(String("org_name", "Name.", concept="org.name"),),
)
LOG_IN = Operation(
    "made.login",
    ("GET",),
    "/session",
    "Log in.",
    _no,
    request=(String("authorization", "OAuth.", place="header", concept="dep.oauth_signature"),),
)
PUSH = Operation(
    "made.push",
    ("POST",),
    "/push/{token}",
    "Push.",
    _no,
    request=(String("token", "Token.", place="path", concept="push.token"),),
)
FORM = Operation("made.form", ("POST",), "/form", "Fill in.", _no, request=BODY, body_format="form")
LIST = Operation("made.list", ("POST",), "/list", "Upload.", _no, request=BODY, body_format="plist")
MADE = Service(
    name="made",
    about="Made up.",
    hosts=("made.example",),
    docs="",
    newest=10,
    headers=HEADERS,
    errors=(_ERROR,),
    malformed=_ERROR,
    not_found=_ERROR,
    not_allowed=_ERROR,
    too_large=_ERROR,
    wrong_type=_ERROR,
    broken=_ERROR,
    answer=_no,
    refuse=_no,
)
CATALOGUE = Catalogue([(MADE, [DEFINE, GET, LOG_IN, PUSH, FORM, LIST])])
FINGERPRINTER = Fingerprinter(KEY)
OBSERVER = Observer(CATALOGUE, FINGERPRINTER)


def request(
    method: str = "POST",
    target: str = "/things",
    body: bytes = b"",
    headers: tuple[tuple[str, str], ...] = (),
    **more: Any,
) -> Request:
    """Return a request with *headers* beside Host."""
    peer = Peer("127.0.0.1", 50000, 1)
    return Request(
        method, target, (("Host", "made.example"), *headers), body, "https", peer, **more
    )


def post(tree: Any, *headers: tuple[str, str], **more: Any) -> Request:
    """Return a request with *tree* as its JSON body."""
    return request(body=json.dumps(tree).encode(), headers=headers, **more)


def observed(sent: Request, operation: Operation | None = DEFINE, **more: Any) -> Any:
    """Return the records of a request from the wire."""
    return OBSERVER.observe(sent, operation, MADE, sealed=False, **more)


def sealed(sent: Request, operation: Operation | None = DEFINE) -> Request:
    """Return the request as it is stored."""
    return OBSERVER.seal_request(sent, operation, MADE)


def recorded(sent: Request, operation: Operation | None = DEFINE) -> Any:
    """Return the records of the request as it is stored."""
    return OBSERVER.observe(sealed(sent, operation), operation, MADE)


def exchange(sent: Request, operation: Operation | None = DEFINE, **more: Any) -> Exchange:
    """Return a recorded exchange of *sent*."""
    made = Exchange(
        1_767_225_600_000,
        sealed(sent, operation),
        service="made",
        operation=operation.name if operation else "",
        version=3,
        response=Response(200),
    )
    for name, value in more.items():
        setattr(made, name, value)
    return made


MANIFEST = Manifest.parse(
    """
[manifest]
schema = 1
discloser = "Example"
[[claim]]
id = "C1"
label = "Serial numbers"
services = ["dep"]
concepts = ["device.serial"]
""",
    "own",
)


def ledger_of(*exchanges: Exchange) -> Ledger:
    ledger = Ledger(OBSERVER, CATALOGUE)
    for number, one in enumerate(exchanges, 1):
        one.seq = one.seq or number
        ledger.add(one)
    return ledger


def report_of(*exchanges: Exchange, **more: Any) -> Report:
    return Report.build(ledger_of(*exchanges), MANIFEST, CATALOGUE, tool="mdmsim 1", **more)


def answer(tree: Any, status: int = 200) -> Response:
    sent = Response(status, (), json.dumps(tree).encode())
    return OBSERVER.seal_response(sent, DEFINE, MADE)
