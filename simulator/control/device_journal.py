"""The exchanges of simulated devices with their MDM server, in the journal beside the others.

They are those of the service ``device``. Secrets are replaced by fingerprints
before they are written, by the names of their keys; what is neither a property
list nor JSON, and all headers but a few, are left out.
"""

import json
import plistlib
import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from simulator.control.parts import Parts
from simulator.core.messages import Exchange, Finding, Headers, Peer, Request, Response
from simulator.core.state import State
from simulator.disclosure.report.devices import DEVICE
from simulator.pki import cms
from simulator.protocol.body_formats import load_plist
from simulator.services import push_topics

if TYPE_CHECKING:
    from simulator.devices.device import VirtualDevice
    from simulator.devices.flow import FlowResponse, Send

_CONCEPT = "device.secret"
"""What is replaced by its fingerprint."""
_ENDINGS = (
    "password|passwordhash|passphrase|secret|psk|presharedkey|privatekey|privatekeyexport"
    "|unlocktoken|bypasscode"
    "|bootstraptoken|authtoken|tokendata|access_token|challenge|digestresponse"
)
_SECRET_KEY = re.compile(rf"(?:.*(?:{_ENDINGS}))|pin", re.IGNORECASE)
_NESTED = ("Payload", "MDMProfileData", "WiFiProfileData", "Data")
"""Keys whose data is a profile, or JSON of declarative management."""
_OPAQUE = "Configuration"
"""The key whose dictionary is an app's: what is secret in it, only the app knows."""
_PKCS12 = "com.apple.security.pkcs12"
_HIDING = (_PKCS12.encode(), b"&#", b"<![", b"<!-")
"""What a property list has where something is secret that no key tells, or a key is hidden."""
_KEY_ENDS = b"</key"
_KEYS = 4096
"""Keys of which it is known whether they tell something secret."""
_XML = b"<?xml"
_NOT_KEPT = ("scep", "acme")
"""Purposes of messages of which nothing is kept: they are encrypted, or in base64."""
_HEADERS = ("content-type",)
_QUERY = ("operation", "model-family")
"""Parameters that are kept: of SCEP and of discovery."""
_SEQUENCE = b"\x30"
_CHECK_INS = ("Authenticate", "TokenUpdate")


class DeviceJournal:
    """Turns what devices and their server say to each other into exchanges of the journal."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def writing(
        self,
        device: "VirtualDevice",
        step: "Send",
        received: "FlowResponse",
        findings: Sequence[Finding],
    ) -> Callable[[State], None]:
        """Return what writes one exchange with what was found wrong in its response."""
        exchange = self._exchange(device, step, received, findings)
        topic = _topic(step)

        def write(state: State) -> None:
            if topic and push_topics.find(state, topic) is None:
                text = "no push certificate has this Topic: pushes cannot reach the device"
                exchange.findings.append(Finding("device-topic", "body", "/Topic", text))
            state.of(exchange.organisation).record(exchange)

        return write

    def _exchange(
        self,
        device: "VirtualDevice",
        step: "Send",
        received: "FlowResponse",
        findings: Sequence[Finding],
    ) -> Exchange:
        url = urlsplit(step.url)
        seal = _nothing if step.purpose in _NOT_KEPT else self._sealed
        port = url.port or (443 if url.scheme == "https" else 80)
        sent = (("Host", url.netloc), *_plain(step.headers.items()))
        answered = _plain(received.headers.items())
        return Exchange(
            self._parts.clock.now_ms(),
            Request(
                step.method,
                _target(url),
                sent,
                seal(step.body),
                url.scheme,
                Peer(url.hostname or "", port, 0, first=False),
            ),
            organisation=device.organisation,
            client=f"device:{device.serial}",
            service=DEVICE,
            operation=_operation(step.purpose),
            route=f"{step.method} {step.purpose}",
            findings=list(findings),
            response=Response(received.status, answered, seal(received.body)),
        )

    def _sealed(self, body: bytes) -> bytes:
        """Return a body without secrets; nothing of one that cannot be read."""
        if body.startswith(_XML) and not is_suspicious(body):
            return body
        tree, dump = _read(body)
        if tree is None:
            return b""
        try:
            return dump(self._plain(tree, ""))
        except (ValueError, TypeError, RecursionError):  # JSON's null has no place in a plist
            return b""

    def _plain(self, value: Any, key: str, *, secret: bool = False) -> Any:
        """Return *value*, which stands under *key*, without secrets; profiles are unfolded."""
        if isinstance(value, dict):
            hides = value.get("PayloadType") == _PKCS12
            return {
                name: self._plain(
                    one,
                    name,
                    secret=secret or name == _OPAQUE or (hides and name == "PayloadContent"),
                )
                for name, one in value.items()
            }
        if isinstance(value, list):
            return [self._plain(one, key, secret=secret) for one in value]
        if not isinstance(value, str | bytes):
            return value
        if isinstance(value, bytes) and key in _NESTED:
            tree, _ = _read(value)
            kept = value if key == "Data" else ""  # a certificate in a list, or not to be read
            return kept if tree is None else self._plain(tree, "")
        if secret or _SECRET_KEY.fullmatch(key):
            text = value if isinstance(value, str) else value.hex()
            return str(self._parts.observer.mark(_CONCEPT, text))
        return value


def is_suspicious(body: bytes) -> bool:
    """Tell whether a property list, XML, may have a secret in it: most have none."""
    if any(one in body for one in _HIDING) or body.count(b"<?") > 1:
        return True
    before = body.split(_KEY_ENDS)[:-1]
    return any(_is_looked_at(one[one.rfind(b">") + 1 :]) for one in before)


@lru_cache(_KEYS)
def _is_looked_at(key: bytes) -> bool:
    """Tell whether what stands under a key may be secret, or hold what is."""
    name = key.decode(errors="replace")
    return name in (*_NESTED, _OPAQUE) or _SECRET_KEY.fullmatch(name) is not None


def _nothing(_: bytes) -> bytes:
    """Return what is kept of a body that cannot be read."""
    return b""


def _read(body: bytes) -> tuple[Any, Callable[[Any], bytes]]:
    """Return what stands in a body, signed or not, and what writes such a body; None if nothing."""
    content = body
    if body.startswith(_SEQUENCE):
        try:
            content = cms.read_signed(body).content or b""
        except ValueError:
            content = b""
    for load, dump in ((load_plist, plistlib.dumps), (json.loads, _json)):
        try:
            return load(content), dump
        except (ValueError, RecursionError):
            continue
    return None, _json


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _plain(headers: Any) -> Headers:
    return tuple((name, value) for name, value in headers if name.lower() in _HEADERS)


@cache
def _operation(purpose: str) -> str:
    """Return the operation of a purpose: ``device.token_update`` for ``TokenUpdate``."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|-", "_", purpose)
    return f"{DEVICE}.{words.lower()}"


def _target(url: SplitResult) -> str:
    """Return path and query of a URL; of the query, what names no person and holds no message."""
    kept = [one for one in parse_qsl(url.query) if one[0] in _QUERY]
    return (url.path or "/") + (f"?{urlencode(kept)}" if kept else "")


def _topic(step: "Send") -> str:
    """Return the topic that a check-in message names; empty for other requests."""
    if step.purpose not in _CHECK_INS:
        return ""
    return str(plistlib.loads(step.body).get("Topic", ""))
