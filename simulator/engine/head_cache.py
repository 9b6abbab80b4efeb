"""What the heads of requests have told, kept for the requests with the same head.

The checks of the head (version, gate, authentication, admission) run once for each set of
header fields and TLS facts; see `simulator.protocol.head`. What they found is done again to each
request with such a head, as long as it holds. Requests with other values in fields that no check
has asked for, such as an id of their own, have the same head.
"""

from collections.abc import Callable, Iterable
from typing import Any, cast

from msgspec import Struct

from simulator.core.memo import Memo
from simulator.core.messages import Finding, Headers, Tls
from simulator.core.state import Entity, State
from simulator.engine.preflight import receive
from simulator.protocol.catalogue import Match
from simulator.protocol.head import HeadNotes, Principal, RequestHead
from simulator.protocol.operations import Call
from simulator.protocol.service import Service

MOST = 1024
"""Heads of one operation that are kept."""


class HeadFacts(Struct, frozen=True):
    """What the checks found of one head, and how long that holds."""

    version_sent: str | None
    version: int
    received: tuple[Finding, ...]
    """Findings that came before authentication."""
    recognised: tuple[Finding, ...]
    """Findings of authentication."""
    principal: Principal | None
    """None: the way to authenticate does not go by the head alone."""
    answer_headers: tuple[tuple[str, str], ...]
    """Header fields of the answer that authentication added."""
    read: Any
    """What `Operation.read_head` returned."""
    entities: tuple[tuple[str, str, str, Entity | None], ...]
    """What it rests on: organisation, kind, key, and what was there."""
    since_ms: int
    until_ms: int

    def holds(self, root: State, now_ms: int) -> bool:
        """Tell whether the checks would find the same now; *root* is seen from no organisation."""
        if not self.since_ms <= now_ms < self.until_ms:
            return False
        for organisation, kind, key, entity in self.entities:
            state = root.of(organisation) if organisation else root
            found = state.get(kind, key)
            # Revisions are taken back with their transaction, so the number alone is no proof.
            if found is not entity and found != entity:
                return False
        return True

    def receive(self, call: Call, match: Match, service: Service) -> None:
        """Do what `preflight.receive` did."""
        del match, service
        exchange = call.exchange
        exchange.version_sent, exchange.version = self.version_sent, self.version
        call.version = self.version
        if self.received:
            exchange.findings += self.received

    def recognise(self, call: Call) -> Principal | None:
        """Return the principal, or None if it has to be authenticated."""
        if self.recognised:
            call.exchange.findings += self.recognised
        if self.answer_headers:
            call.headers += self.answer_headers
        call.read = self.read
        return self.principal


class HeadCheck:
    """Runs the checks of one head, and keeps what they find."""

    __slots__ = ("_cache", "_notes", "_received")

    def __init__(self, cache: "HeadCache | None") -> None:
        """Keep it in *cache*, if there is one."""
        self._cache = cache
        self._notes = HeadNotes()
        self._received: tuple[Finding, ...] = ()

    def receive(self, call: Call, match: Match, service: Service) -> None:
        """Take the request as a whole; see `preflight.receive`."""
        root = self._begin(call)
        try:
            receive(call, match, service)
        finally:
            self._end(call, root)
        self._received = tuple(call.exchange.findings)
        if self._cache is not None and self._cache.way is None:
            self._keep(call, self._cache, (), (), None)

    def recognise(self, call: Call) -> Principal | None:
        """Return the principal, or None if it has to be authenticated."""
        if self._cache is None or self._cache.way is None:
            return None
        noted, added, root = len(call.exchange.findings), len(call.headers), self._begin(call)
        try:
            principal = call.principal = self._cache.way(call)
            if call.operation.read_head is not None:
                call.read = call.operation.read_head(call)
        finally:
            self._end(call, root)
        recognised, headers = call.exchange.findings[noted:], call.headers[added:]
        self._keep(call, self._cache, recognised, headers, principal)
        return principal

    def _begin(self, call: Call) -> State:
        root, call.notes = call.state, self._notes
        call.state = cast("State", _NotedState(root, "", self._notes))
        return root

    def _end(self, call: Call, root: State) -> None:
        call.state, call.notes = root, None

    def _keep(
        self,
        call: Call,
        cache: "HeadCache",
        recognised: Iterable[Finding],
        headers: Iterable[tuple[str, str]],
        principal: Principal | None,
    ) -> None:
        notes = self._notes
        if not notes.repeatable:
            return
        facts = HeadFacts(
            call.exchange.version_sent,
            call.version,
            self._received,
            tuple(recognised),
            principal,
            tuple(headers),
            call.read,
            tuple((*name, entity) for name, entity in notes.entities.items()),
            notes.since_ms,
            notes.until_ms,
        )
        cache.keep(call, notes.headers, facts)


class HeadCache:
    """The heads of one operation."""

    def __init__(self, way: Callable[[RequestHead], Principal] | None) -> None:
        """*way* is how the operation authenticates and admits by the head alone, or None."""
        self.way = way
        self._whole: Memo[tuple[Headers, Tls | None], HeadFacts] = Memo(MOST)
        """By the header fields as they were sent."""
        self._parts: Memo[tuple[Headers, Tls | None], HeadFacts] = Memo(MOST)
        """By the header fields without the values that no check has asked for."""
        self._asked: frozenset[str] = frozenset()
        """Names of the header fields whose values any check has asked for."""

    def find(self, call: Call) -> HeadFacts | HeadCheck:
        """Return what is known of the head of *call*, or what finds it out."""
        request = call.request
        if request.problem:
            return HeadCheck(None)
        headers, tls = request.headers, request.peer.tls
        facts = self._whole.get((headers, tls))
        if facts is not None and facts.holds(call.state, call.now_ms):
            return facts
        facts = self._parts.get((self._reduced(headers), tls))
        if facts is not None and facts.holds(call.state, call.now_ms):
            return self._whole.keep((headers, tls), facts)
        return HeadCheck(self)

    def keep(self, call: Call, asked: set[str], facts: HeadFacts) -> None:
        """Keep *facts* of the head of *call*; *asked* names the fields whose values they rest on.

        That further names are asked for does no harm to what is kept already: it rests on fewer.
        """
        headers, tls = call.request.headers, call.request.peer.tls
        if not asked <= self._asked:
            self._asked |= asked
        self._whole.keep((headers, tls), facts)
        self._parts.keep((self._reduced(headers), tls), facts)

    def _reduced(self, headers: Headers) -> Headers:
        asked = self._asked
        return tuple(
            [
                (name, value if name in asked or name.lower() in asked else "")
                for name, value in headers
            ]
        )


class _NotedState:
    """A state that notes what is read of it; whatever is more than reading one entity ends that."""

    __slots__ = ("_notes", "_organisation", "_state")

    def __init__(self, state: State, organisation: str, notes: HeadNotes) -> None:
        self._state = state
        self._organisation = organisation
        self._notes = notes

    def of(self, organisation: str) -> "_NotedState":
        return _NotedState(self._state.of(organisation), organisation, self._notes)

    def get(self, kind: str, key: str) -> Entity | None:
        found = self._state.get(kind, key)
        self._notes.entities[self._organisation, kind, key] = found
        return found

    def has(self, kind: str, key: str) -> bool:
        return self.get(kind, key) is not None

    def __getattr__(self, name: str) -> Any:
        self._notes.repeatable = False
        return getattr(self._state, name)
