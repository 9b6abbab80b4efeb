"""Connections of devices: whom they trust, and why there is none."""

import ssl
import tempfile
from contextlib import suppress

import aiohttp

from simulator.devices.identity import Identity

TIMEOUT_S = 30
"""How long a device waits for a response."""


class TooManyRedirectsError(ValueError):
    """A server sends the device in a circle."""


def why_unanswered(error: Exception, url: str) -> str:
    """Return why no response came from *url*, in the words of a person who sees the device."""
    match error:
        case TooManyRedirectsError():
            return f"{url} redirects without end"
        case aiohttp.ClientConnectorCertificateError():
            return f"the certificate of {url} is not trusted ({error.certificate_error})"
        case aiohttp.ClientConnectorError():
            return f"{url} cannot be reached ({error.os_error})"
        case ssl.SSLError():
            return f"no certificate for {url} can be used: {error.reason}"
        case TimeoutError():
            return f"{url} did not answer within {TIMEOUT_S} s"
        case _:
            return f"{url} cannot be reached ({error})"


def make_context(roots: tuple[bytes, ...], trust: str, identity: Identity | None) -> ssl.SSLContext:
    """Make a context that trusts the system's certificates, *roots* and *trust*."""
    context = ssl.create_default_context()
    # Servers under test are signed by CAs without the extensions that the strict check wants.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    for root in roots:
        with suppress(ssl.SSLError):  # it is there already
            context.load_verify_locations(cadata=root)
    if trust:
        context.load_verify_locations(cadata=trust)
    if identity is not None:
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:  # OpenSSL reads files only
            file.write(identity.pem())
            file.flush()
            context.load_cert_chain(file.name)
    return context
