"""The row of a service: what its operations have in common."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from simulator.core.messages import Response
from simulator.protocol.concepts import Concept
from simulator.protocol.fields import ErrorCode, Field
from simulator.protocol.head import Principal, Quirk, RequestHead
from simulator.protocol.operations import Call


class Issued(Struct, frozen=True):
    """Where the state keeps values of one concept, such as serial numbers."""

    concept: str
    kind: str
    """Kind of entity."""
    name: str = ""
    """Key in its body that holds the value, or keys with ``/`` between them; empty: it is the
    entity's key."""


class Service(Struct, frozen=True, kw_only=True):
    """A family of operations behind Apple's host names, and how it behaves as a whole."""

    name: str
    about: str
    hosts: tuple[str, ...]
    docs: str
    newest: int
    """Newest protocol version; higher ones count as it."""
    headers: tuple[Field, ...]
    """Header fields that every operation knows."""
    errors: tuple[ErrorCode, ...]
    """Error rows that every operation can give, beside its own."""
    on_demand: tuple[ErrorCode, ...] = ()
    """Error rows that only a fault gives, as nothing in here leads to them."""
    malformed: ErrorCode
    not_found: ErrorCode
    not_allowed: ErrorCode
    too_large: ErrorCode
    wrong_type: ErrorCode
    """The row for a body of a content type that is not taken."""
    broken: ErrorCode
    """The row for a failure of our own."""
    version: Callable[[RequestHead], tuple[str | None, int]] = lambda _: (None, 0)
    """Returns the protocol version that was sent, and the one in effect; notes what is odd."""
    gate: Callable[[RequestHead], None] = lambda _: None
    """Checks that come before authentication, such as the User-Agent."""
    recognise: Mapping[str, Callable[[RequestHead], Principal]] = field(default_factory=dict)
    """Ways to authenticate by the head alone. They write nothing; what they find may be kept."""
    authenticate: Mapping[str, Callable[[Call], Principal]] = field(default_factory=dict)
    """Ways to authenticate that look at the whole request, or write; they run every time."""
    admit: Mapping[str, Callable[[Call], None]] = field(default_factory=dict)
    """What follows each time that a way to authenticate has named the principal, and may still
    refuse: limits that count requests, what is due by the clock."""
    admit_by_head: Mapping[str, Callable[[RequestHead, Principal], None]] = field(
        default_factory=dict
    )
    """What follows likewise where the head alone has named the principal, and goes by the head
    alone: sessions that are prolonged. Where it writes nothing, what it does may be kept."""
    waits: bool = False
    """Whether admission may raise NeedsPieces: for what is due, and is not to be seen half done."""
    answer: Callable[[Call, Any], Response]
    """Makes the response of what a handler returned."""
    refuse: Callable[[Call, ErrorCode], Response]
    """Makes the response of an error row."""
    credentials: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Part and place of the credential, by way to authenticate; else it is in Authorization."""
    client_certificates: bool = False
    """Whether a TLS client certificate is one of the ways to authenticate."""
    methods: tuple[str, ...] = ()
    """The only methods there are, whatever the path; empty: that depends on the path."""
    quirks: tuple[Quirk, ...] = ()
    """Its oddities that can be switched on; its handlers ask `Call.has`."""
    concepts: tuple[Concept, ...] = ()
    """What its values mean, beside the concepts that services share."""
    issues: tuple[Issued, ...] = ()
    """What a client cannot know but from the service: another value of it is foreign."""
    persons: tuple[Issued, ...] = ()
    """Where the state keeps names of persons: one of them in a text of a client is noted."""
    judges_bodies: bool = True
    """Whether a body that breaks its rows can be refused for it; else that is only noted."""
