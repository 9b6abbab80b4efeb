"""Why the proxy gives a client no tunnel, and what it says then."""

from http import HTTPStatus

from msgspec import Struct

HEAD_LIMIT = 16_384
"""Longest head in bytes."""


class ProxyRefusal(Struct, frozen=True):
    """Why a client gets no tunnel."""

    status: int
    what: str
    """What is wrong. It goes into the finding if *malformed*: then nothing that a client sent."""
    how: str
    """How to fix it."""
    malformed: bool = False


_SEND = "send CONNECT HOST:443 HTTP/1.1"
TLS = ProxyRefusal(400, "the client speaks TLS to the proxy", "give its address as http://", True)
GARBAGE = ProxyRefusal(400, "the bytes are no HTTP/1.1 request", _SEND, True)
NO_AUTHORITY = ProxyRefusal(400, "the target of CONNECT is no HOST:PORT", _SEND, True)
CUT_OFF = ProxyRefusal(
    400, "the connection ended within the head of a request", "send all of it", True
)
TOO_SLOW = ProxyRefusal(408, "the head of a request came too slowly", "send it at once", True)
TOO_LARGE = ProxyRefusal(
    431, f"the head of a request is larger than {HEAD_LIMIT} bytes", "send fewer fields", True
)
NO_LISTENER = ProxyRefusal(403, "mdmsim has no HTTPS port", "start it with --tls-port 8443")
NO_ANSWER = ProxyRefusal(502, "mdmsim's own HTTPS port takes no connection", "see if it still runs")


def encode(refusal: ProxyRefusal, method: str) -> bytes:
    """Return the answer to a request of *method* as bytes."""
    body = f"{refusal.what}; {refusal.how}\n".encode()
    lines = [
        f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}",
        *(["Allow: CONNECT"] if refusal.status == HTTPStatus.METHOD_NOT_ALLOWED else []),
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    head = "\r\n".join(lines).encode() + b"\r\n\r\n"
    return head if method == "HEAD" else head + body
