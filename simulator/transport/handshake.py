"""The start of TLS: which name was asked for, and what is told where it does not come about."""

import logging
import ssl
from functools import lru_cache
from typing import Any, Self

LOG = logging.getLogger("mdmsim")
_TEXT = b"mdmsim: this port speaks HTTPS: ask with https://, or use the port for plain HTTP\n"
_PLAIN = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(_TEXT), _TEXT)
)
_HOW = "`mdmsim ca install-hint` says how it can"
_UNTRUSTED = ("UNKNOWN_CA", "BAD_CERTIFICATE", "CERTIFICATE_UNKNOWN")
"""How OpenSSL's names end for the alerts of a client that does not trust a certificate."""


class Handshake(ssl.SSLObject):
    """One TLS connection that remembers which server name was asked for."""

    sni: str = ""
    _outgoing: ssl.MemoryBIO

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
        """Go on with the handshake; plain HTTP is answered in plain HTTP, and then waited out."""
        try:
            super().do_handshake()
        except ssl.SSLError as error:
            if error.reason == "HTTP_REQUEST":
                self._outgoing.write(_PLAIN)
                # As if there were more to come: what is written is sent, then the client leaves.
                raise ssl.SSLWantReadError from error
            self._tell(error)
            raise

    def read(self, *args: Any) -> Any:
        """Read; with TLS 1.3 it is here that a client's refusal comes in."""
        try:
            return super().read(*args)
        except ssl.SSLError as error:
            self._tell(error)
            raise

    def _tell(self, error: ssl.SSLError) -> None:
        if error.reason and error.reason.endswith(_UNTRUSTED):
            _warn(self.sni or "no name")


@lru_cache(maxsize=256)
def _warn(name: str) -> None:
    """Log, once for each *name*, that clients do not trust us: they try again and again."""
    LOG.warning(
        "a client that asked for %s does not trust our CA: `mdmsim ca install-hint` says how to",
        name,
    )
