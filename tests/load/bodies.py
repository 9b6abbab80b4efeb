"""Bodies of requests that may cost too much as they grow, each of another kind."""

import base64
import json
import plistlib
from collections.abc import Callable


def fill(size: int, piece: str, joint: str = ",") -> str:
    return joint.join([piece] * (size // (len(piece) + len(joint))))


def numbered(size: int, form: str, joint: str = ",") -> str:
    return joint.join(form.format(number) for number in range(size // (len(form) + 4)))


def _object(pairs: str) -> bytes:
    return f"{{{pairs}}}".encode()


BODIES: dict[str, Callable[[int], bytes]] = {
    "one-key": lambda size: _object(fill(size, '"a":1')),
    "many-keys": lambda size: _object(numbered(size, '"k{}":1')),
    "objects": lambda size: b"[" + fill(size, "{}").encode() + b"]",
    "one-key-deep": lambda size: b'{"a":{"b":[' + _object(fill(size, '"a":1')) + b"]}}",
    "texts": lambda size: json.dumps({"a": [str(one) for one in range(size // 9)]}).encode(),
    "long-text": lambda size: json.dumps({"a": "x" * size}).encode(),
    "escapes": lambda size: b'{"a":"%b"}' % (rb"A" * (size // 6)),
    "backslashes": lambda size: b'{"a":"%b"}' % (rb"\\" * (size // 2)),
    "quotes": lambda size: b'"' * size,
    "braces": lambda size: b"{" * size,
    "telling-names": lambda size: json.dumps({"a": "token" * (size // 5)}).encode(),
    "telling-pairs": lambda size: fill(size, "password=x", "&").encode(),
    "markers": lambda size: b"<sealed " * (size // 8),
    "percent": lambda size: b"%25" * (size // 3),
    "base64": lambda size: base64.b64encode(b"a" * (size * 3 // 4)),
    "base64-of-json": lambda size: json.dumps(
        {"a": base64.b64encode(fill(size // 2, '"a": "b"').encode()).decode()}
    ).encode(),
    "hex": lambda size: b"6a" * (size // 2),
    "zeros": bytes,
    "emails": lambda size: json.dumps({"message": "a@" * (size // 2)}).encode(),
    "phones": lambda size: json.dumps({"message": "+1 " * (size // 3)}).encode(),
    "urls": lambda size: json.dumps({"url": "https://a/?" + "a=b&" * (size // 4)}).encode(),
    "url-path": lambda size: json.dumps({"url": "https://a" + "/a1" * (size // 3)}).encode(),
    "property-list": lambda size: plistlib.dumps({f"k{one}": "" for one in range(size // 40)}),
    "elements": lambda size: b"<key>" * (size // 5),
    "multipart": lambda size: b'--b\r\nname="token"\r\n\r\nx\r\n' * (size // 25),
}
"""Bodies of about so many bytes, each of another kind."""
