"""The key that a data directory signs its evidence with: Ed25519 (RFC 8032), as PEM."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)


def make() -> tuple[bytes, bytes]:
    """Return a new key as PKCS#8 PEM, and its public half as PEM for whoever checks."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private, public


def load(pem: bytes) -> Ed25519PrivateKey:
    """Return the key in *pem*; ValueError if it is none."""
    key = load_pem_private_key(pem, None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("the key is not of Ed25519")  # noqa: TRY004 (of a file's content)
    return key


def load_public(pem: bytes) -> Ed25519PublicKey:
    """Return the public key in *pem*; ValueError if it is none."""
    key = load_pem_public_key(pem)
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("the key is not of Ed25519")  # noqa: TRY004 (of a file's content)
    return key
