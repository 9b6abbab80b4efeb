"""What requests say by method, target and body, kept for the requests that say the same.

All of it follows from the bytes and the rows alone: it holds for whoever sends them, whenever.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from simulator.core.memo import DEVICES, RepeatMemo
from simulator.core.messages import Request
from simulator.engine.compiled import RequestChecks
from simulator.protocol.catalogue import Catalogue, Match
from simulator.protocol.operations import Call
from simulator.protocol.wire import Decoded, QueryPair, decode, query_pairs

_SMALL = 512
"""Bytes of target and body together that are kept."""
_NOTHING = Decoded(b"")
Key = tuple[str, str, str | None, bytes, str | None, str | None]
"""Method, target, Host, body, Content-Type and Content-Encoding: all that a reading rests on."""


class Reading(Struct):
    """What one request says. Nobody changes it, or what it holds: others are given the same."""

    match: Match
    decoded: Decoded
    """Its body."""
    pairs: Sequence[QueryPair]
    """Its query."""
    _checks: dict[int, RequestChecks] = field(default_factory=dict)
    """What its rows say of it, by protocol version."""

    def checks(self, call: Call, check: Callable[[Call, Decoded], RequestChecks]) -> RequestChecks:
        """Return what *check* finds of *call*, which has this reading; give it query and body."""
        found = self._checks.get(call.version)
        if found is None:
            found = self._checks[call.version] = check(call, self.decoded)
        call.query, call.body = found.query, found.body
        return found


class Readings:
    """The readings of one catalogue."""

    def __init__(self, catalogue: Catalogue, body_limit: int, most: int = DEVICES) -> None:
        """Undo content codings up to *body_limit* bytes; keep *most* readings."""
        self._catalogue = catalogue
        self._body_limit = body_limit
        self._known: RepeatMemo[Key, Reading] = RepeatMemo(most)

    def find(
        self, request: Request, names: Mapping[str, str], decoded: Decoded | None = None
    ) -> Reading:
        """Return the reading of *request*, whose header fields are *names*.

        *decoded* is its body if that was decoded before; such a reading is not kept.
        """
        named: Callable[[str], Any] = names.get
        if decoded is not None:
            match = self._catalogue.find(request.method, request.target, named("host") or "")
            return Reading(match, decoded, query_pairs(request.target))
        key = (
            request.method,
            request.target,
            named("host"),
            request.body,
            named("content-type"),
            named("content-encoding"),
        )
        found = self._known.get(key)
        if found is None:
            found = self._read(request, key[2])
            if len(request.target) + len(request.body) <= _SMALL:
                self._known.keep(key, found)
        return found

    def _read(self, request: Request, host: str | None) -> Reading:
        match = self._catalogue.find(request.method, request.target, host or "")
        read = None if match.operation is None else match.operation.read_body
        decoded = decode(request, self._body_limit, read) if request.body else _NOTHING
        return Reading(match, decoded, query_pairs(request.target))
