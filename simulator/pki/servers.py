"""Certificates of MDM servers, whose keys server tokens are encrypted to."""

import base64
import binascii

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa


def read_certificate(data: str) -> x509.Certificate:
    """Return the certificate in *data*: base64 of DER or of PEM, or PEM; ValueError if it is none.

    Only an RSA key will do: the token is encrypted to it.
    """
    try:
        raw = data.encode() if "-----BEGIN" in data else base64.b64decode("".join(data.split()))
        pem = raw.lstrip().startswith(b"-----BEGIN")
        found = x509.load_pem_x509_certificate(raw) if pem else x509.load_der_x509_certificate(raw)
        key = found.public_key()
    except (binascii.Error, ValueError, TypeError):
        raise ValueError("it is no X.509 certificate in base64") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("its key must be RSA")  # noqa: TRY004 (it is about what was sent)
    return found


def certificate_problem(data: str) -> str:
    """Return what is wrong with the certificate in *data*, or an empty string."""
    try:
        read_certificate(data)
    except ValueError as error:
        return str(error)
    return ""
