"""The start of TLS: which name was asked for, and what is told where it does not come about."""

import logging
import ssl
from functools import lru_cache
from typing import Any, Self

from simulator.core.messages import Tls

LOG = logging.getLogger("mdmsim")
_TEXT = b"mdmsim: this port speaks HTTPS: ask with https://, or use the port for plain HTTP\n"
_PLAIN = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(_TEXT), _TEXT)
)
_UNTRUSTED = ("UNKNOWN_CA", "BAD_CERTIFICATE", "CERTIFICATE_UNKNOWN")
"""How OpenSSL's names end for the alerts of a client that does not trust a certificate."""


ALERTS = {"bad_certificate": 42, "decrypt_error": 51, "internal_error": 80}
"""Numbers of alerts by name (RFC 5246)."""


class Handshake(ssl.SSLObject):
    """One TLS connection that remembers which server name was asked for."""

    sni: str = ""
    foreign: bool = False
    """Whether the name that was asked for is none that we have a certificate for."""
    alert: int | None = None
    """Number of the alert for a certificate that is not good; None: the one that OpenSSL names."""
    _outgoing: ssl.MemoryBIO
    _refusal: ssl.SSLError | None = None
    _patience = 16
    """How often a client that was refused may go on before it is cut off."""

    @classmethod
    def _create(
        cls, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *args: Any, **more: Any
    ) -> Self:
        made: Self = super()._create(  # type: ignore[misc]  # typeshed leaves it out
            incoming, outgoing, *args, **more
        )
        made._outgoing = outgoing
        return made

    def do_handshake(self) -> None:
        """Go on with the handshake; a client that is refused hears why, and is then waited out.

        The event loops close a failed handshake without the alert that OpenSSL
        has written. As if there were more to come, they send it first.
        """
        if self._refusal is not None:
            self._patience -= 1
            raise ssl.SSLWantReadError if self._patience else self._refusal
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            if error.reason == "HTTP_REQUEST":
                self._outgoing.write(_PLAIN)
            self._tell(error)
            if not self._outgoing.pending:
                raise
            if self.alert is not None and error.reason == "CERTIFICATE_VERIFY_FAILED":
                # In TLS 1.2 the record is not encrypted yet: its last byte is the alert's number.
                self._outgoing.write(self._outgoing.read()[:-1] + bytes([self.alert]))
            self._refusal = error
            raise ssl.SSLWantReadError from error

    def read(self, *args: Any) -> Any:
        """Read; with TLS 1.3 it is here that a client's refusal comes in."""
        try:
            return super().read(*args)
        except ssl.SSLWantReadError:
            raise
        except ssl.SSLError as error:
            self._tell(error)
            raise

    def _tell(self, error: ssl.SSLError) -> None:
        if error.reason and error.reason.endswith(_UNTRUSTED):
            _warn(self.sni or "no name", foreign=self.foreign)


@lru_cache(maxsize=256)
def _warn(name: str, *, foreign: bool) -> None:
    """Log, once for each *name*, that clients do not trust us: they try again and again."""
    shown = name if name.isprintable() else repr(name)
    if foreign:
        LOG.warning(
            "a client that asked for %s took no certificate of another name: use a name of Apple's,"
            " localhost, or one that the CA was made for with --san",
            shown,
        )
        return
    LOG.warning(
        "a client that asked for %s does not trust our CA: `mdmsim ca install-hint` says how to",
        shown,
    )


def shown(handshake: ssl.SSLObject) -> Tls:
    """Return what the client showed while it set up TLS."""
    cipher = handshake.cipher()
    return Tls(
        version=handshake.version() or "",
        cipher=cipher[0] if cipher else "",
        sni=getattr(handshake, "sni", ""),
        alpn=handshake.selected_alpn_protocol() or "",
        client_certificate=handshake.getpeercert(binary_form=True) or b"",
    )
