"""What fuzzing found once, and what is known to hurt parsers elsewhere."""

import base64
import gzip
import io
import json
import plistlib
import struct
from collections.abc import Callable

import pytest
from cryptography import x509

from simulator.control.api import worlds
from simulator.control.parts import ApiProblem
from simulator.pki.authority import Authority
from simulator.protocol.wire import MAX_DEPTH, parse_json
from tests.fuzz.targets import NOW, TARGETS, seeds_of

DEEP = 100_000


def odd_version() -> bytes:
    """Return a certificate (DER) of a version that there is not."""
    der = x509.load_pem_x509_certificate(Authority.create(NOW).certificate_pem)
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 (here only)

    return der.public_bytes(Encoding.DER).replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x6a")


def pem(der: bytes) -> bytes:
    """Return *der* as PEM."""
    lines = base64.encodebytes(der).decode()
    return f"-----BEGIN CERTIFICATE-----\n{lines}-----END CERTIFICATE-----\n".encode()


def entities(depth: int) -> bytes:
    """Return a property list whose entities stand for ten of the one before each."""
    rows = [f'<!ENTITY e0 "{"x" * 100}">']
    rows += [f'<!ENTITY e{one} "{f"&e{one - 1};" * 10}">' for one in range(1, depth)]
    return (
        f'<?xml version="1.0"?><!DOCTYPE plist [{"".join(rows)}]>'
        f"<plist><dict><key>Topic</key><string>&e{depth - 1};</string></dict></plist>"
    ).encode()


def shared(depth: int) -> bytes:
    """Return a binary property list of lists that hold the next one ten times."""
    objects = [bytes([0xAA]) + bytes([one + 1] * 10) for one in range(depth)] + [b"\x51x"]
    body, offsets = b"bplist00", []
    for one in objects:
        offsets.append(len(body))
        body += one
    table = b"".join(offset.to_bytes(2, "big") for offset in offsets)
    return body + table + struct.pack(">6xBBQQQ", 2, 1, len(objects), 0, len(body))


def huge(size: int) -> bytes:
    """Return a binary property list that announces *size* bytes and has none."""
    body = b"bplist00\x4f\x13" + size.to_bytes(8, "big")
    return body + b"\x08" + struct.pack(">6xBBQQQ", 1, 1, 1, 0, len(body))


FOUND = {
    "certificate of version 107": ("cms", lambda: pem(odd_version())),
    "the same from a client": ("x509", odd_version),
    "the same to trust": (
        "request",
        lambda: (
            next(one for one in seeds_of("request") if b"anchor_certs" in one)[:2]
            + json.dumps(
                {
                    "profile_name": "x",
                    "url": "https://mdm.example/",
                    "anchor_certs": [base64.b64encode(odd_version()).decode()],
                }
            ).encode()
        ),
    ),
    "a row of a table that is two lines": (
        "page",
        lambda: b"| a | b |\n|---|---|\n| name | serial |\0\n",
    ),
    "a broken stream in gzip": ("snapshot", lambda: b"x" + gzip.compress(b"{}")[:10] + b"\xff" * 9),
    "entities of entities": ("plist", lambda: entities(12)),
    "an external entity": (
        "plist",
        lambda: b'<!DOCTYPE p [<!ENTITY e SYSTEM "file:///etc/passwd">]><plist>&e;</plist>',
    ),
    "nested property lists": ("plist", lambda: b"<plist>" + b"<array>" * DEEP),
    "lists that share lists": ("plist", lambda: shared(60)),
    "a huge length": ("plist", lambda: huge(1 << 62)),
    "deep lists": ("json", lambda: b"[" * DEEP),
    "deep objects": ("json", lambda: b'{"a":' * DEEP),
    "a long number": ("json", lambda: b"9" * DEEP),
    "a long float": ("json", lambda: b"9" * DEEP + b"e" + b"9" * 100),
    "many keys": ("json", lambda: b"{" + b'"a":1,' * DEEP + b'"a":1}'),
    "deep tables": ("world", lambda: b"a=" + b"[" * DEEP),
    "deep names": ("manifest", lambda: b"a" + b".a" * 5000 + b"=1"),
    "deep settings": ("settings", lambda: b"a=" + b"{a=" * 5000),
    "a bomb in gzip": ("coded", lambda: b"\0" + gzip.compress(bytes(50_000_000))),
    "many parameters": ("oauth", lambda: b"OAuth " + b'a="b",' * DEEP),
    "an unfinished quote": ("oauth", lambda: b'OAuth a="' + b"\\" * DEEP),
    "spaces": ("oauth", lambda: b"OAuth " + b" " * DEEP + b"x"),
    "a long bearer": ("jwt", lambda: b"." * DEEP),
    "a long cursor": ("cursor", lambda: base64.b64encode(b"1" * DEEP + b":1:1:1:true:1")),
    "many markers": ("marker", lambda: b"<sealed " * DEEP),
    "many cookies": ("url", lambda: b";=" * DEEP),
    "a long head": ("http1", lambda: b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * DEEP),
}


@pytest.mark.parametrize("name", FOUND)
def test_it_is_read_or_refused(name: str) -> None:
    target, make = FOUND[name]
    make_bytes: Callable[[], bytes] = make

    TARGETS[target].run(make_bytes())


def test_lists_that_share_lists_are_not_written_out() -> None:
    # Ten to the power of sixty, were each to be copied.
    tree = plistlib.loads(shared(60))

    assert tree[0] is tree[9]


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_depth_has_a_limit(opening: bytes) -> None:
    with pytest.raises(ValueError, match=f"deeper than {MAX_DEPTH} levels"):
        parse_json(opening * DEEP)


def test_a_snapshot_says_no_endless_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worlds, "LONGEST", 1000)
    packed = gzip.compress(b'{"mdmsim_snapshot":1}\n' + b"[" * 5000)

    _, pieces = worlds.read_snapshot(io.BytesIO(packed))
    with pytest.raises(ApiProblem, match="longer than 1000 bytes"):
        list(pieces)
