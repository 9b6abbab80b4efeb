"""Every parser that reads what comes from outside, each as a function of bytes.

A target returns, whatever the bytes are: it catches the one exception that its
parser documents, and looks at the text of it. Hypothesis feeds them in `make
test`, atheris in `make fuzz`.
"""

import base64
import gzip
import io
import json
import plistlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import biplist  # type: ignore[import-untyped]  # it is of 2017

from simulator import services
from simulator.auth import access_token, jose, provider_token
from simulator.control.api.worlds import read_snapshot
from simulator.control.parts import ApiProblem
from simulator.core.configuration import load_settings
from simulator.core.messages import Peer, Request, Response, Tls
from simulator.core.settings import ConfigurationError
from simulator.core.state import StoreAdmin
from simulator.disclosure.judge import importing, lock
from simulator.disclosure.judge.claims import Manifest
from simulator.disclosure.judge.manifest import load_manifest
from simulator.disclosure.observe import certificates, decoders
from simulator.disclosure.redact import markers
from simulator.pki import push_requests, server_requests
from simulator.pki.authority import Authority
from simulator.pki.credentials import ServerToken, seal_server_token
from simulator.pki.push import PushAuthority
from simulator.pki.push_identity import read_push_certificate
from simulator.pki.push_requests import sign_request
from simulator.protocol import body_formats
from simulator.protocol.oauth import parse_authorization
from simulator.protocol.wire import decode, parse_json, query_pairs
from simulator.services.apns.check_in_messages import read_message
from simulator.services.dep import cursors
from simulator.transport.http1.malformed_requests import describe, salvage
from simulator.transport.http2 import frames, hpack
from simulator.transport.http2.connection import Http2Connection
from simulator.transport.http2.limits import Limits
from simulator.worlds.world import parse_world
from tests.apple import Apple, authorization
from tests.vendors import authorities, csr, vendor
from tests.vpp import Vpp

SECRET = "FAKE-5ecret-of-nobody"
"""Stands in the seeds where a client would have a secret; in no message of an error."""
FIXTURES = Path(__file__).parents[2] / "fixtures"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
LIMIT = 100_000
"""Bytes of a body, for what undoes a content coding."""


@dataclass(frozen=True, slots=True)
class Target:
    """One parser."""

    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    """Good input, which is bent."""
    wire: bool = True
    """Whether a client can send it; else it is the user's own file, whose words are quoted."""


def _text(data: bytes) -> str:
    """Return *data* as a transport hands it on: UTF-8, or byte by byte."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _quiet(error: Exception) -> None:
    """Check the text of *error*."""
    assert SECRET not in str(error)


def _named(error: Exception, file: str) -> None:
    """Check that *error* is one line that names the *file*."""
    assert file in str(error)
    assert "\n" not in str(error)


def http2(data: bytes) -> None:
    """Read frames, all at once and byte by byte, and answer what was asked."""
    for size in (len(data) or 1, 7):
        ours = Http2Connection(Limits(body=LIMIT, unfinished=10 * LIMIT))
        asked = []
        for at in range(0, len(data), size):
            asked += ours.receive(data[at : at + size])
        for number, one in enumerate(asked):
            if one[-1]:
                ours.answer(one[0], 200, (("n", str(number)),), b"{}")
        ours.tick()
        ours.eof()
        ours.lost()
        assert len(ours.data_to_send()) <= 100 * len(data) + 10_000


def form(data: bytes) -> None:
    """Read a form; its pairs are where they say."""
    try:
        pairs = body_formats.form_pairs(data)
    except ValueError as error:
        _quiet(error)
        return
    text = data.decode()
    assert all(text[pair.start - 1] == "=" for pair in pairs)


def push_request(data: bytes) -> None:
    """Read a property list, and the request for a push certificate in it."""
    try:
        tree = body_formats.parse_plist(data)
        known = tree if isinstance(tree, dict) else {}
        if server_requests.INNER in known:
            server_requests.read_server_requests(known)
        push_requests.read_request(known)
    except (ValueError, push_requests.RequestRefused) as error:
        _quiet(error)


def maid_token(data: bytes) -> None:
    """Check a token that no key has signed: it is never good."""
    token = jose.read(_text(data))
    assert access_token.check(token, access_token.TokenHolder("acme"), 0) != ""


def hpack_block(data: bytes) -> None:
    """Decode two header blocks with one table."""
    decoder = hpack.Decoder(65_536)
    half = len(data) // 2
    try:
        for block in (data[:half], data[half:]):
            fields = decoder.decode(block)
            assert sum(len(name) + len(value) for name, value, _ in fields) <= 65_536
    except frames.ConnectionFailedError as error:
        _quiet(error)


def oauth(data: bytes) -> None:
    """Read an Authorization header of OAuth 1.0a."""
    text = _text(data)
    for one in parse_authorization(text)[1]:
        assert 0 <= one.start <= one.end <= len(text)


def json_body(data: bytes) -> None:
    """Read a JSON body, and what may stand inside its values."""
    try:
        tree = parse_json(data)
    except ValueError as error:
        _quiet(error)
        return
    json.dumps(tree)


def coded_body(data: bytes) -> None:
    """Undo a content coding: the first byte chooses it."""
    coding = ("gzip", "deflate", "br", "identity")[data[0] % 4] if data else "gzip"
    peer = Peer("127.0.0.1", 1, 1)
    headers = (("Content-Encoding", coding),)
    found = decode(Request("POST", "/", headers, data[1:], "https", peer), LIMIT)
    assert len(found.content) <= max(LIMIT, len(data))
    assert SECRET not in found.about


def plist(data: bytes) -> None:
    """Read a check-in message."""
    try:
        read_message(data)
    except ValueError as error:
        _quiet(error)


@cache
def _keys() -> tuple[str, str]:
    return jose.new_key()


def jwt(data: bytes) -> None:
    """Read and judge a provider token."""
    token = provider_token.read("bearer " + _text(data))
    known = {"ABCDE12345": ("TEAM123456", _keys()[1].encode())}
    assert provider_token.check(token, known, 1_770_000_000_000) in {
        "",
        provider_token.MISSING,
        provider_token.INVALID,
        provider_token.EXPIRED,
    }


def x509(data: bytes) -> None:
    """Read a client's certificate for what it is, and for what it discloses."""
    read_push_certificate(data)
    certificates.client_leaves(data)
    certificates.names_in(_text(data))


def cms(data: bytes) -> None:
    """Encrypt a server token to an uploaded certificate."""
    parts = ("CK_x", "CS_x", "AT_x", "AS_x")
    token = ServerToken(*parts, "2027-01-01T00:00:00Z")
    try:
        seal_server_token(token, data)
    except ValueError as error:
        _quiet(error)


def cursor(data: bytes) -> None:
    """Read a cursor of DEP that nobody was given."""
    text = _text(data)
    found = cursors.decode(text, b"k" * 32, "a", 0)
    assert found is None or cursors.encode(found, b"k" * 32, "a", 0) == text


def world(data: bytes) -> None:
    """Read a world."""
    try:
        parse_world(_text(data), "world.toml")
    except ConfigurationError as error:
        _named(error, "world.toml")


def manifest(data: bytes) -> None:
    """Read a manifest."""
    try:
        Manifest.parse(_text(data), "manifest.toml")
    except ConfigurationError as error:
        _named(error, "manifest.toml")


_shipped = cache(load_manifest)


def page(data: bytes) -> None:
    """Read a page of documentation into a manifest."""
    try:
        importing.import_page(_text(data), "page", _shipped, lambda *_: "org.name")
    except ConfigurationError as error:
        _quiet(error)


def allowed(data: bytes) -> None:
    """Read a lock file."""
    try:
        str(lock.DisclosureLock.parse(_text(data), "mdmsim.lock"))
    except ConfigurationError as error:
        _named(error, "mdmsim.lock")


def marker(data: bytes) -> None:
    """Read what stands in the journal for a secret."""
    markers.parse_marker(_text(data))
    markers.parse_body_marker(data)


def url(data: bytes) -> None:
    """Read the query of a target, and take a URL apart."""
    text = _text(data)
    query_pairs(text)
    for one in decoders.pieces_of_url("unknown", text) or ():
        assert 0 <= one.start <= len(text)
    list(decoders.cookies(text))
    decoders.credential_of(text)
    for kind in ("json", "x509"):
        list(decoders.children(kind, text))


def http1(data: bytes) -> None:
    """Save what can be of bytes that are no request."""
    found = salvage(data)
    assert SECRET not in describe(ValueError(SECRET), found)


def settings(data: bytes) -> None:
    """Read a configuration file."""
    file = Path(_folder()) / "mdmsim.toml"
    file.write_bytes(data)
    try:
        load_settings({}, {}, str(file))
    except ConfigurationError as error:
        _named(error, "mdmsim.toml")


@cache
def _folder() -> str:
    return tempfile.mkdtemp(prefix="mdmsim-fuzz-")


@cache
def _apple() -> Apple:
    return Apple.lasting()


def snapshot(data: bytes) -> None:
    """Load a snapshot over a world; the first byte says whether it is to be packed first."""
    packed = gzip.compress(data[1:], 1) if data[:1] == b"p" else data[1:]

    def work(state: StoreAdmin) -> None:
        _, pieces = read_snapshot(io.BytesIO(packed))
        number = state.begin_staging()
        with state.staged(number) as made:
            for piece in pieces:
                piece(made)
        state.take_staged(number)

    try:
        _apple().run(work)
    except ApiProblem as error:
        _quiet(error)


@cache
def _services() -> tuple[Apple, Vpp]:
    apple = Apple.lasting(push_auth="none", unknown_tokens="accept", authorities=authorities())
    return apple, Vpp.lasting()


def request(data: bytes) -> None:
    """Have any request answered and looked at: operation, where the bytes go, the bytes."""
    if len(data) < 2:
        return
    apple, vpp = _services()
    operations = list(services.load().operations.values())
    one, place, rest = operations[data[0] % len(operations)], data[1] % 4, data[2:]
    side: Apple | Vpp = vpp if one.service.startswith("vpp") else apple
    token = f"Bearer {vpp.stoken}" if side is vpp else apple.oauth()
    headers = [("Host", "x"), ("User-Agent", "x/1"), ("Authorization", token)]
    target, body = one.path, b"{}"
    if place == 0:
        body = rest
    elif place == 1:
        target += "?" + _text(rest).replace("\n", "")
    elif place == 2:
        names = ("X-ADM-Auth-Session", "Authorization", "apns-topic", "Cookie", "apns-expiration")
        headers.append((names[data[1] // 4 % len(names)], _text(rest)))
    else:
        target = _text(rest)
    peer = Peer("127.0.0.1", 1, 1, Tls("TLSv1.3", "x", "x", "h2", rest if place == 0 else b""))
    asked = Request(one.methods[0], target, tuple(headers), body, "https", peer, "2")
    answer = side.send(asked)
    assert isinstance(answer.response, Response)
    assert answer.status not in {500, 503}, answer.exchange.findings
    side.observer.observe(answer.exchange.request, None, None)
    side.recorded.clear()


def _toml(folder: str) -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for path in sorted((FIXTURES / folder).glob("*.toml")))


def _http2_seeds() -> tuple[bytes, ...]:
    block = b"\x83\x86\x84\x41\x01x"
    begin = frames.PREFACE + frames.settings({})
    head = frames.frame(frames.HEADERS, 4, 1, block)
    return (
        begin + frames.frame(frames.HEADERS, 5, 1, block),
        begin + head + frames.frame(frames.DATA, 1, 1, b"{}") + frames.rst_stream(1, 8),
        begin + frames.frame(frames.HEADERS, 0, 1, block) + frames.frame(9, 4, 1, block),
        begin + frames.frame(frames.PING, 0, 0, bytes(8)) + frames.window_update(0, 9),
        begin + head + frames.frame(frames.GOAWAY, 0, 0, bytes(8)),
    )


@cache
def seeds_of(name: str) -> tuple[bytes, ...]:
    """Return good input for the target *name*, with an invented secret where there is one."""
    made = TARGETS[name].seeds
    return tuple(one.replace(b"%SECRET%", SECRET.encode()) for one in made) or (b"",)


def _certificate_seeds() -> tuple[bytes, ...]:
    authority = Authority.create(NOW)
    push = PushAuthority.create(NOW)
    pem = authority.certificate_pem
    return (pem, push.certificate_pem)


def _der(pem: bytes) -> bytes:
    return base64.b64decode(b"".join(pem.split(b"-----")[2].split()))


def _jwt_seed() -> bytes:
    def part(value: object) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    head = part({"alg": "ES256", "kid": "ABCDE12345"})
    return head + b"." + part({"iss": "TEAM123456", "iat": 1_770_000_000}) + b"." + b"A" * 86


_MESSAGE = {"MessageType": "TokenUpdate", "Topic": "t", "Token": b"\1" * 32, "PushMagic": "m"}
_PLISTS = (
    plistlib.dumps(_MESSAGE),
    plistlib.dumps(_MESSAGE, fmt=plistlib.FMT_BINARY),
    biplist.writePlistToString({"a": [1, 2.5, True, datetime(2026, 1, 1), {"b": b"x"}]}),  # noqa: DTZ001 (plists have none)
)
_SNAPSHOT = (
    b'{"mdmsim_snapshot":1}\n["","organisation","acme",{"id":"acme"},{}]\n["acme","n",7]\n'
    b'{"lines":3}\n'
)
_OPERATIONS = list(services.load().operations)
_REQUESTS = tuple(
    bytes([number, place]) + content
    for number in range(len(services.load().operations))
    for place, content in ((0, b'{"devices":["A"],"cursor":"x"}'), (1, b"a=1&cursor=x"))
)
_PEMS = _certificate_seeds()
_PROFILE = {
    "profile_name": "x",
    "url": "https://mdm.example/",
    "anchor_certs": [base64.b64encode(_der(_PEMS[0])).decode()],
}
_DEFINE = bytes([_OPERATIONS.index("dep.define"), 0]) + json.dumps(_PROFILE).encode()
_MARKERS = tuple(
    str(made).encode() if isinstance(made, markers.Marker) else bytes(made)
    for made in (
        markers.Marker("secret", "hex", 32, "0123456789abcdef", ("a",), "x"),
        markers.BodyMarker(9, "0123456789abcdef"),
    )
)
TARGETS: dict[str, Target] = {
    "http2": Target(http2, _http2_seeds()),
    "hpack": Target(hpack_block, (b"\x82\x84\x41\x01x", b"\x40\x01a\x81\x8c\x3f\xe1\x1f")),
    "oauth": Target(
        oauth, (authorization({"oauth_token": SECRET, "oauth_nonce": "1"}).encode(), b"OAuth a=b")
    ),
    "json": Target(json_body, (b'{"a":1,"a":[1.5e9,"%SECRET%",null,{"\\ud83d\\ude00":true}]}',)),
    "coded": Target(coded_body, (b"\0" + gzip.compress(b"{}"), b"\1x\x9c\xab\xae\x05\0\0")),
    "plist": Target(plist, _PLISTS),
    "jwt": Target(jwt, (_jwt_seed(),)),
    "x509": Target(x509, tuple(_der(pem) for pem in _PEMS)),
    "cms": Target(cms, _PEMS),
    "cursor": Target(cursor, (b"MTA6NDQ6MTc3MDowOnRydWU6MA", b"x:y")),
    "world": Target(world, _toml("worlds"), wire=False),
    "manifest": Target(manifest, _toml("manifests"), wire=False),
    "page": Target(page, (b"---\ntitle: x\n---\n| a | b |\n|---|---|\n| name | serial |\n",)),
    "lock": Target(allowed, (b"# lock\nsent dep a b c d e claim=x\nversion dep 3\n",), wire=False),
    "marker": Target(marker, _MARKERS),
    "url": Target(url, (b"https://u:%SECRET%@h/p?a=b&c=%41;d#f", b"a=b; c=%SECRET%")),
    "http1": Target(http1, (b"GET /a?b=%SECRET% HTTP/1.1\r\nHost: a\r\n\r\n{}",)),
    "settings": Target(settings, (b'host = "127.0.0.1"\ntls_port = [0, "off"]\n',), wire=False),
    "snapshot": Target(snapshot, (b"p" + _SNAPSHOT, b"x" + gzip.compress(_SNAPSHOT))),
    "form": Target(form, (b"a=1&b=%41+c&a=", b"escrowKey=%SECRET%")),
    "push_request": Target(push_request, (sign_request(csr(), vendor()), *_PLISTS)),
    "maid_token": Target(maid_token, (_jwt_seed(),)),
    "request": Target(request, (*_REQUESTS, _DEFINE)),
}
"""By name."""
