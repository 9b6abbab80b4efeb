"""What a capture holds: messages of one request and response each, and what of them is missing.

Rule: what a capture does not hold is left out and said, never made up. A capture
knows nothing of the connection as Apple's server saw it, so no request has TLS facts.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from msgspec import Struct

from simulator.core.messages import Exchange, Headers, Peer, Request, Response
from simulator.disclosure.observe.records import ObservedRecord

NO_CONNECTION = Peer("", 0, 0, first=False)
Advance = Callable[[int], None]
"""Is called with how many bytes further a file was read."""


class Message(Struct, frozen=True):
    """One request with its response."""

    number: int
    """Place in the capture, from 1."""
    at_ms: int
    """When the request was sent, milliseconds since the epoch."""
    host: str
    """Where it went: host name or address of its URL, lower case, without the port."""
    request: Request
    response: Response
    """Status 0 if there was none."""
    coded: bool = False
    """Whether the body's content coding was undone by whoever captured it."""
    bodiless: bool = False
    """Whether the response had a body that was not captured."""


class Invalid(Struct, frozen=True):
    """An entry that cannot be read."""

    number: int
    why: str


class ExportedExchange(Struct, frozen=True):
    """An exchange of which an export of ours holds what it disclosed, but not the request."""

    exchange: Exchange
    """What is known of it: no header, no body."""
    observed: list[ObservedRecord]


Entry = Message | Exchange | ExportedExchange | Invalid
"""A message; an exchange as our own journal holds it, or an export of ours; or what is none."""


@dataclass(frozen=True, slots=True)
class Capture:
    """A file of captured traffic; it can be read more than once."""

    kind: str
    """What it is in a word: ``HAR``, ``mitmproxy flows``."""
    size: int
    """Bytes."""
    entries: Callable[[Advance], Iterator[Entry]] = field(repr=False)
    """Reads it entry by entry; ConfigurationError where it can be read no further."""


class InvalidEntryError(ValueError):
    """Why an entry cannot be read."""


def request_of(
    method: str, url: str, headers: Headers, body: bytes, http: str, *, whole: bool = True
) -> tuple[str, Request]:
    """Return the host that a request went to, and the request; InvalidEntryError if it is none.

    Pseudo header fields of HTTP/2 are left out, but ``:authority`` becomes Host, and so does
    the host of the URL where there is neither. *whole* tells whether all of the body is there.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        raise InvalidEntryError(f"its URL is invalid: {error}") from None
    if parts.scheme not in {"http", "https"} or not host or not method:
        raise InvalidEntryError("it names no method with an http or https URL")
    # Not made of the parts: what was sent is kept byte for byte.
    rest = url.partition("#")[0].partition("://")[2]
    cut = min((at for mark in "/?" if (at := rest.find(mark)) >= 0), default=len(rest))
    target = rest[cut:] if rest[cut : cut + 1] == "/" else f"/{rest[cut:]}"
    authority = next((value for name, value in headers if name.lower() == ":authority"), "")
    kept = tuple(pair for pair in headers if not pair[0].startswith(":"))
    if not any(name.lower() == "host" for name, _ in kept):
        kept = (("Host", authority or rest[:cut].rpartition("@")[2]), *kept)
    problem, about = ("", "") if whole else ("truncated", "the capture holds a part of it only")
    request = Request(method, target, kept, body, parts.scheme, NO_CONNECTION, http, problem, about)
    return host.lower(), request
