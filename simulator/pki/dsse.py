"""Signed envelopes: DSSE 1.0 (secure-systems-lab/dsse, protocol.md and envelope.md), Ed25519."""

import base64
import binascii
import hashlib
import json

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def key_id(key: Ed25519PublicKey) -> str:
    """Return the name of a key: the SHA-256 of its SubjectPublicKeyInfo, in hex."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def enclose(content: bytes, content_type: str, key: Ed25519PrivateKey) -> str:
    """Return *content* in a signed envelope, as JSON."""
    signature = key.sign(_encoded(content_type, content))
    envelope = {
        "payload": base64.b64encode(content).decode(),
        "payloadType": content_type,
        "signatures": [
            {"keyid": key_id(key.public_key()), "sig": base64.b64encode(signature).decode()}
        ],
    }
    return json.dumps(envelope, indent=1)


def content_of(envelope: str, content_type: str, key: Ed25519PublicKey) -> bytes:
    """Return what *envelope* holds if *key* has signed it; ValueError says why it does not hold."""
    try:
        tree = json.loads(envelope)
        found, content = tree["payloadType"], base64.b64decode(tree["payload"], validate=True)
        signatures = [base64.b64decode(one["sig"], validate=True) for one in tree["signatures"]]
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise ValueError("is not a DSSE envelope") from None
    if found != content_type:
        raise ValueError(f"holds {found}, not {content_type}")
    for signature in signatures:
        try:
            key.verify(signature, _encoded(content_type, content))
        except InvalidSignature:
            continue
        return content
    raise ValueError(f"is not signed by the key {key_id(key)}")


def _encoded(content_type: str, content: bytes) -> bytes:
    """Return what is signed: the pre-authentication encoding, PAE."""
    kind = content_type.encode()
    return b" ".join((b"DSSEv1", b"%d" % len(kind), kind, b"%d" % len(content), content))
