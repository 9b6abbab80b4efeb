"""What all layers talk about: requests, responses and exchanges.

Rule: this module knows no service. What a request makes dozens of are structs
of msgspec, which are made and encoded several times faster than dataclasses;
`msgspec.structs.replace` changes them. What an exchange consists of is recorded
without what has its default: another default would change what is on record.
"""

from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct, field

Headers = tuple[tuple[str, str], ...]
"""Header fields in the order in which they were sent, duplicates kept, names as sent."""


@lru_cache(maxsize=1024)
def named(headers: Headers) -> Mapping[str, str]:
    """Return the first value of each name, in lower case. Clients repeat their headers."""
    return {name.lower(): value for name, value in reversed(headers)}


class Tls(Struct, frozen=True, omit_defaults=True):
    """What a client showed of itself while it set up TLS."""

    version: str
    """Such as ``TLSv1.3``."""
    cipher: str
    sni: str = ""
    """Server name that the client asked for; empty if it named none."""
    alpn: str = ""
    """Application protocol that was agreed on; empty if the client offered none."""
    client_certificate: bytes = b""
    """The client's certificate, DER; empty if it showed none."""


class Peer(Struct, frozen=True, omit_defaults=True):
    """The other end of a connection."""

    address: str
    port: int
    connection: int
    """Number of the connection within this process, from 1."""
    tls: Tls | None = None
    first: bool = True
    """Whether this exchange is the connection's first, to which its facts are attached."""
    settings: str = ""
    """HTTP/2 SETTINGS that the client began with, with the first exchange: ``3:100,4:65535``."""
    others: int = 0
    """How many other HTTP/2 connections the same address had open when this one came."""


class Request(Struct, frozen=True, omit_defaults=True):
    """One request as it came in."""

    method: str
    target: str
    """Request target as sent: path and query."""
    headers: Headers
    body: bytes
    scheme: str
    """``http`` or ``https``, of the listener that took it."""
    peer: Peer
    http: str = "1.1"
    """Protocol version: ``1.0``, ``1.1`` or ``2``."""
    problem: str = ""
    """What the transport found wrong: ``truncated``, ``too-large`` or ``malformed``; else empty."""
    problem_about: str = ""
    """The problem in a sentence, for the finding."""

    def header(self, name: str) -> str | None:
        """Return the first value of header *name* (lower case), or None."""
        return named(self.headers).get(name)


class Goaway(Struct, frozen=True, omit_defaults=True):
    """The end of an HTTP/2 connection, with a reason."""

    debug: bytes
    """Such as ``{"reason":"BadCertificate"}``."""
    code: int = 0
    processed: bool = False
    """Whether the last stream id includes the stream that was asked on: with it, Go's client
    tells the reason; without, it takes the request for unprocessed and connects again."""


class Delivery(Struct, frozen=True, omit_defaults=True):
    """How an answer is brought to the client by a fault; all numbers are settled."""

    name: str
    """A row of ``faults.DELIVERIES``."""
    wait_ms: int = 0
    """How long it waits before anything is sent, by the simulator's clock."""
    size: int = 0
    """Bytes of the body that are sent, or of each piece of it."""
    every_ms: int = 0
    """Time between two pieces."""
    code: int = 0
    """HTTP/2 error code."""
    last: int | None = None
    """Last stream that GOAWAY names; None: the stream that was asked on."""
    debug: str = ""
    """Debug data of GOAWAY."""
    streams: int = 0
    """New limit of open streams."""
    silent_ms: int = 0
    """How long the whole connection falls silent, by the real clock."""


class Response(Struct, frozen=True, omit_defaults=True):
    """One answer as it goes out."""

    status: int
    headers: Headers = ()
    body: bytes = b""
    close: bool = False
    """Whether the connection ends after it."""
    goaway: Goaway | None = None
    """How the connection ends instead of an answer; HTTP/1.1 just closes it."""
    streams: int | None = None
    """How many streams an HTTP/2 connection may have open from now on; None: as before."""
    silent: bool = False
    """Whether nothing is sent at all, as if the service had forgotten the request."""
    notify_topic: str = field(default="", name="wakes")
    """Name of what somebody may be waiting for, and which is there once this is committed."""
    delivery: Delivery | None = None
    """How a fault has it delivered; None: at once and whole."""
    announces_streams: bool = True
    """Whether the client is told of `streams`; else what is beyond is reset without a word."""

    def for_record(self) -> "Response":
        """Return it without what is for the gateway only, and may be a secret."""
        return Response(
            self.status,
            self.headers,
            self.body,
            self.close,
            self.goaway,
            self.streams,
            self.silent,
            delivery=self.delivery,
        )


class Finding(Struct, frozen=True):
    """One deviation from the documented protocol."""

    rule: str
    """Such as ``field-unknown``; the rules are listed in ``protocol/rules.py``."""
    part: str
    """Where: ``path``, ``query``, ``header``, ``body`` or ``connection``."""
    at: str
    """Place within the part: header name, query key or JSON pointer."""
    message: str
    """What is wrong and how to mend it. Never holds a value that a client sent, except names of
    Setup Assistant's panes."""
    refused: bool = False
    """Whether the answer was an error because of it."""
    versions: str = ""
    """Protocol versions that the field is documented for."""
    docs: str = ""
    """Apple's page."""


class FaultApplication(Struct, frozen=True):
    """What a fault did to an exchange."""

    fault: str
    """Id of the fault."""
    does: str
    """The outcome, such as ``dep.T_C_NOT_SIGNED``, or the name of the delivery."""


_NO_RESPONSE = Response(500)


class Exchange(Struct, omit_defaults=True):
    """One request and all that became of it. Filled by the engine, frozen by being recorded."""

    at_ms: int
    """When it was received, milliseconds since the epoch, by the simulator's clock."""
    request: Request
    seq: int = 0
    """Gap-free number in the journal, from 1; 0 until recorded."""
    organisation: str = ""
    client: str = ""
    """Which credential was recognised, such as ``dep:<server id>``."""
    service: str = ""
    operation: str = ""
    """Such as ``dep.fetch``; empty if nothing matched."""
    route: str = ""
    """Route template, such as ``GET /profile``. Logs show it instead of the path."""
    version_sent: str | None = None
    version: int = 0
    """Protocol version in effect; 0 where the service has none."""
    findings: list[Finding] = field(default_factory=list)
    error: str = ""
    """Error code that was answered; empty on success."""
    session: str = ""
    """Label that the client's test run gave it by ``X-Mdmsim-Session``; empty if none."""
    faults: list[FaultApplication] = field(default_factory=list)
    """The faults that touched it, in the order in which they did."""
    response: Response = field(default_factory=lambda: _NO_RESPONSE)
    took_us: int = 0
    """Microseconds from when the request had been read until its response was made, whatever the
    simulator's clock says: waiting for a turn, and being answered. Commit and sending, which come
    after, are not in it. 0: not measured."""
