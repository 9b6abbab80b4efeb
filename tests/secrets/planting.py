"""Secrets, the encodings that they may be in, and the places where they may stand."""

import base64
import gzip
import json
import plistlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from simulator.core.messages import Headers, Peer, Request, Tls
from tests.certificates import self_signed

AGENT = ("User-Agent", "ExampleMDM/1")
JSON = ("Content-Type", "application/json")


def _every(data: bytes, form: str) -> str:
    return "".join(form.format(byte) for byte in data)


ENCODINGS: dict[str, Callable[[str], str]] = {
    "as-it-is": str,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64-unpadded": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64-offset-1": lambda text: base64.b64encode(b":" + text.encode() + b"?").decode(),
    "base64-offset-2": lambda text: base64.b64encode(b"::" + text.encode() + b"?").decode(),
    "base64-twice": lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "base64-of-utf-16": lambda text: base64.b64encode(text.encode("utf-16-le")).decode(),
    "hex": lambda text: text.encode().hex(),
    "hex-upper": lambda text: text.encode().hex().upper(),
    "hex-of-base64": lambda text: base64.b64encode(text.encode()).hex(),
    "percent": lambda text: quote(text, safe=""),
    "percent-every": lambda text: _every(text.encode(), "%{:02X}"),
    "percent-lower": lambda text: _every(text.encode(), "%{:02x}"),
    "percent-twice": lambda text: _every(text.encode(), "%25{:02x}"),
    "percent-of-base64": lambda text: quote(base64.b64encode(text.encode()), safe=""),
    "json-escapes": lambda text: _every(text.encode(), "\\u{:04x}"),
    "xml-hex": lambda text: _every(text.encode(), "&#x{:x};"),
    "xml-decimal": lambda text: _every(text.encode(), "&#{};"),
}
"""Those whose result is one line of printable ASCII."""
BINARY: dict[str, Callable[[str], bytes]] = {
    "utf-16-le": lambda text: text.encode("utf-16-le"),
    "utf-16-be": lambda text: text.encode("utf-16-be"),
    "utf-16": lambda text: text.encode("utf-16"),
    "base64-lines": lambda text: base64.encodebytes(b"some text before it " * 4 + text.encode()),
    "binary": lambda text: b"\xff\xfe\x00" + text.encode() + b"\x80",
}
"""Those that only a body can hold."""


def client_certificate(name: str) -> bytes:
    """Return a certificate in the name of *name*, DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = self_signed(key, name[:64], kind=NameOID.ORGANIZATION_NAME)
    return made.public_bytes(serialization.Encoding.DER)


def sent(
    method: str = "POST",
    target: str = "/profile",
    *headers: tuple[str, str],
    body: bytes = b"",
    **more: Any,
) -> Request:
    """Return a request of a first connection; *more* may have ``sni`` and ``certificate``."""
    tls = Tls(
        "TLSv1.3",
        "TLS_AES_128_GCM_SHA256",
        sni=more.pop("sni", "mdmenrollment.apple.com"),
        client_certificate=more.pop("certificate", b""),
    )
    fields: Headers = (("Host", "127.0.0.1"), AGENT, *headers)
    if more.pop("bare", False):
        fields = headers
    peer = Peer("127.0.0.1", 50_000, 1, tls)
    return Request(method, target, fields, body, "https", peer, **more)


def _json(tree: Any) -> bytes:
    return json.dumps(tree).encode()


_BOUND = "multipart/form-data; boundary=b"
_PART = '--b\r\nContent-Disposition: form-data; name="note"\r\n\r\n{}\r\n--b--\r\n'
_FORM = ("Content-Type", "application/x-www-form-urlencoded")
PLACES: dict[str, Callable[[str], Request]] = {
    "method": sent,
    "path": lambda text: sent("GET", f"/{text}"),
    "path-of-an-operation": lambda text: sent("GET", f"/account/{text}/x"),
    "path-of-a-push": lambda text: sent("POST", f"/3/device/x/{text}", http="2"),
    "query-value": lambda text: sent("GET", f"/account?x={text}"),
    "query-name": lambda text: sent("GET", f"/account?{text}=1"),
    "query-alone": lambda text: sent("GET", f"/nowhere?{text}"),
    "header-value": lambda text: sent("GET", "/account", ("X-Odd", text)),
    "header-name": lambda text: sent("GET", "/account", (text, "odd")),
    "user-agent": lambda text: sent("GET", "/account", ("User-Agent", f"A/1 ({text})")),
    "accept": lambda text: sent("GET", "/account", ("Accept", text)),
    "content-type": lambda text: sent("POST", "/profile", ("Content-Type", text), body=b"{}"),
    "cookie-value": lambda text: sent("GET", "/mdm/x", ("Cookie", f"a={text}; b=c")),
    "cookie-name": lambda text: sent("GET", "/mdm/x", ("Cookie", f"{text}=1")),
    "authorization": lambda text: sent("GET", "/account", ("Authorization", f"Odd {text}")),
    "oauth-parameter": lambda text: sent(
        "GET", "/session", ("Authorization", f'OAuth odd="{text}", oauth_version="1.0"')
    ),
    "apns-id": lambda text: sent("POST", "/3/device/" + "ab" * 32, ("apns-id", text), http="2"),
    "apns-topic": lambda text: sent("POST", "/3/device/ab", ("apns-topic", text), http="2"),
    "host": lambda text: sent("GET", "/account", ("Host", f"{text}.example"), bare=True),
    "user-of-the-host": lambda text: sent("GET", "/x", ("Host", f"u:{text}@a.example"), bare=True),
    "server-name": lambda text: sent("GET", "/account", sni=f"{text}.example"),
    "label": lambda text: sent("GET", "/account", ("X-Mdmsim-Session", text)),
    "path-label": lambda text: sent("GET", f"/s/{text}/account"),
    "key": lambda text: sent(body=_json({"profile_name": "x", text: 1})),
    "key-inside": lambda text: sent(body=_json({"profile_name": "x", "odd": {"in": {text: 1}}})),
    "value": lambda text: sent(body=_json({"profile_name": f"for {text}!"})),
    "value-of-no-field": lambda text: sent(body=_json({"odd": [text]})),
    "value-in-a-value": lambda text: sent(body=_json({"department": _json({"a": text}).decode()})),
    "url-path": lambda text: sent(body=_json({"url": f"https://m.example/e/{text}/x"})),
    "url-user": lambda text: sent(body=_json({"support": f"https://u:{text}@m.example/"})),
    "serial": lambda text: sent(target="/devices", body=_json({"devices": [text]})),
    "body-for-nobody": lambda text: sent(target="/nowhere", body=_json({"a": {"b": text}})),
    "body-of-the-shop": lambda text: sent(target="/mdm/getVPPUsersSrv", body=_json({"odd": text})),
    "form": lambda text: sent("POST", "/profile", _FORM, body=f"note={text}&x=1".encode()),
    "form-for-nobody": lambda text: sent("POST", "/no", _FORM, body=f"x={text}".encode()),
    "multipart": lambda text: sent(
        "POST", "/no", ("Content-Type", _BOUND), body=_PART.format(text).encode()
    ),
    "property-list": lambda text: sent("PUT", "/no", body=plistlib.dumps({"Note": text})),
    "property-list-key": lambda text: sent("PUT", "/no", body=plistlib.dumps({text: "x"})),
    "property-list-data": lambda text: sent(
        "PUT", "/no", body=plistlib.dumps({"Note": text.encode()})
    ),
    "binary-property-list": lambda text: sent(
        "PUT", "/no", body=plistlib.dumps({"Note": text}, fmt=plistlib.FMT_BINARY)
    ),
    "text": lambda text: sent("POST", "/no", body=f"a line\nand {text} there".encode()),
    "cut-off": lambda text: sent(
        body=f'{{"profile_name": "{text}'.encode(), problem="truncated", problem_about="cut"
    ),
    "compressed": lambda text: sent(
        "POST",
        "/profile",
        ("Content-Encoding", "gzip"),
        body=gzip.compress(_json({"profile_name": text})),
    ),
}
BODIES: dict[str, Callable[[bytes], Request]] = {
    "bytes": lambda data: sent("POST", "/no", body=data),
    "bytes-for-an-operation": lambda data: sent(body=data),
    "bytes-in-a-part": lambda data: sent(
        "POST", "/no", ("Content-Type", _BOUND), body=b"--b\r\n\r\n" + data + b"\r\n--b--"
    ),
}
_CERTIFICATES = ("as-it-is", "base64", "hex")
"""What is short enough for a name in a certificate, or is cut off."""


@dataclass(frozen=True, slots=True)
class Case:
    """One secret in one encoding in one place."""

    kind: str
    encoding: str
    place: str
    request: Request


def cases(secrets: dict[str, str]) -> Iterator[Case]:
    """Yield each of *secrets*, by kind, in each encoding, in each place."""
    for kind, secret in secrets.items():
        for encoding, encode in ENCODINGS.items():
            for place, put in PLACES.items():
                yield Case(kind, encoding, place, put(encode(secret)))
        for encoding, in_bytes in BINARY.items():
            for place, put_bytes in BODIES.items():
                yield Case(kind, encoding, place, put_bytes(in_bytes(secret)))
        if len(secret) <= 64:
            request = sent("GET", "/account", certificate=client_certificate(secret))
            yield Case(kind, "as-it-is", "certificate", request)


NAMES = (
    "client_secret",
    "password",
    "Passcode",
    "refresh_token",
    "api_key",
    "PersonalRecoveryKey",
    "private-key",
    "UnlockToken",
    "EscrowKeyUnlock",
)
NOTATIONS: dict[str, Callable[[str, str], bytes]] = {
    "form": lambda name, secret: f"a=b&{name}={secret}&c=d".encode(),
    "json": lambda name, secret: _json({"a": 1, name: secret}),
    "json-escaped": lambda name, secret: (
        b'{"' + _every(name.encode(), "\\u{:04x}").encode() + b'": ' + _json(secret) + b"}"
    ),
    "json-inside": lambda name, secret: _json({"a": [{"b": {name: {"c": secret}}}]}),
    "json-in-json": lambda name, secret: _json({"note": _json({name: secret}).decode()}),
    "broken-json": lambda name, secret: f'{{"{name}": "{secret}", oops'.encode(),
    "multipart": lambda name, secret: _PART.replace("note", name).format(secret).encode(),
    "property-list": lambda name, secret: plistlib.dumps({"A": "b", name: secret}),
    "property-list-data": lambda name, secret: plistlib.dumps({name: secret.encode()}),
    "binary-property-list": lambda name, secret: plistlib.dumps(
        {name: secret}, fmt=plistlib.FMT_BINARY
    ),
    "xml": lambda name, secret: f'<a><n:{name} b="c">{secret}</n:{name}></a>'.encode(),
    "attribute": lambda name, secret: f"<a {name}='{secret}'/>".encode(),
    "lines": lambda name, secret: f"a: b\n{name}: {secret}\nc: d".encode(),
    "utf-16": lambda name, secret: f"{name}={secret}".encode("utf-16"),
}
"""How a body calls something a secret."""
WRAPPINGS: dict[str, Callable[[bytes], bytes]] = {
    "as-it-is": bytes,
    "percent": lambda data: _every(data, "%{:02x}").encode(),
    "base64": base64.b64encode,
    "json-value": lambda data: _json({"odd": data.decode("utf-8", "replace")}),
    "base64-in-json": lambda data: _json({"odd": base64.b64encode(data).decode()}),
    "percent-in-json": lambda data: _json({"profile_name": _every(data, "%{:02x}")}),
    "percent-in-a-form": lambda data: b"odd=" + _every(data, "%{:02X}").encode(),
}
FIELDS: dict[str, Callable[[str, str], Request]] = {
    "query": lambda name, secret: sent("GET", f"/account?{name}={secret}"),
    "query-for-nobody": lambda name, secret: sent("GET", f"/no?a=b&{name}={secret}"),
    "query-encoded": lambda name, secret: sent(
        "GET", f"/no?{_every(name.encode(), '%{:02x}')}={secret}"
    ),
    "path": lambda name, secret: sent("GET", f"/no/{name}={secret}/x"),
    "path-encoded": lambda name, secret: sent("GET", f"/no/{quote(f'{name}={secret}', safe='')}"),
    "header": lambda name, secret: sent("GET", "/account", (f"X-{name}", secret)),
    "header-for-nobody": lambda name, secret: sent("GET", "/no", (name, secret)),
    "header-parameter": lambda name, secret: sent("GET", "/no", ("X-A", f"a=b; {name}={secret}")),
    "url-in-a-header": lambda name, secret: sent(
        "GET", "/no", ("Referer", f"https://a.example/?{name}={secret}")
    ),
    "url-in-a-body": lambda name, secret: sent(
        body=_json({"profile_name": "x", "url": f"https://a.example/?{name}={secret}"})
    ),
}
"""Where else than in a body something is called a secret."""


def named_cases(secret: str) -> Iterator[Case]:
    """Yield *secret* as what names call a secret, in each notation, wrapping and place."""
    for name in NAMES:
        for notation, write in NOTATIONS.items():
            for wrapping, wrap in WRAPPINGS.items():
                for target in ("/profile", "/no"):
                    request = sent("POST", target, body=wrap(write(name, secret)))
                    yield Case(name, wrapping, f"{notation} to {target}", request)
        for place, put in FIELDS.items():
            yield Case(name, "as-it-is", place, put(name, secret))
    odd = partial(sent, "GET")
    yield Case("session", "as-it-is", "foreign", odd("/mdm/x", ("X-ADM-Auth-Session", secret)))
    yield Case("user", "as-it-is", "host", odd("/x", ("Host", f"u:{secret}@a.example"), bare=True))
    yield Case("user", "as-it-is", "target", odd(f"http://u:{secret}@a.example/x"))
    path = f"https://m.example/enrol/{secret}/x"
    yield Case("path", "as-it-is", "url", sent(body=_json({"profile_name": "x", "url": path})))
