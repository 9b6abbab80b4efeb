"""What APNs remembers of connections: how clients use them, and which token they began with.

It is kept by the client's address and port, which are one connection's for as
long as that lasts; a later one with the same takes its place.
"""

import hashlib

from msgspec import Struct

from simulator.auth.provider_token import ProviderToken
from simulator.core.messages import Finding
from simulator.core.state import Body
from simulator.protocol.operations import Call

CLIENT = "apns.client"
CONNECTION = "apns.connection"
KEY_USE = "apns.key_use"
ERRORS = "apns.errors"
GOAWAYS = "apns.goaways"
RECENT_MS = 10 * 60 * 1000
"""Connections further apart than that are no habit."""
STORM, STORM_MS = 10, 10_000
"""As many refused connections of one address within that time are a client that does not listen."""
HABIT = 2
"""As many connections with one push each may be chance."""


class Bound(Struct, frozen=True):
    """What a connection with provider tokens began with."""

    team: str
    key_id: str
    renewed_after_s: int | None = None
    """After how long another token came, if that was too early."""
    refuses: bool = False
    """Whether the earlier token was this very connection's."""


def _name(call: Call) -> str:
    peer = call.request.peer
    return f"{peer.address}|{peer.port}"


def note_use(call: Call, client: str) -> None:
    """Note a client that opens a connection for each push, one after the other."""
    peer, state = call.request.peer, call.state.of("")
    if call.request.http != "2":
        text = "APNs itself speaks HTTP/2 only"
        call.note(Finding("push-http1", "connection", "", text))
        return
    found = state.get(CLIENT, client)
    last: Body = {} if found is None else found.body
    if peer.first:
        alone = bool(last.get("single")) and not peer.others
        run = last["run"] + 1 if alone and call.now_ms - last["at_ms"] < RECENT_MS else 0
        new = {"number": peer.connection, "single": True, "run": run, "at_ms": call.now_ms}
        state.put(CLIENT, client, new)
        if run >= HABIT:
            text = "keep the connection: Apple takes many short ones for an attack"
            call.note(Finding("push-connections", "connection", "", text))
    elif last.get("single") and last["number"] == peer.connection:
        state.put(CLIENT, client, last | {"single": False})


def bound(call: Call, token: ProviderToken, header: str) -> Bound:
    """Return what the connection is bound to; the first token binds it.

    The interval between tokens is measured by when they came, not by what they say.
    """
    state, number = call.state.of(""), call.request.peer.connection
    digest = hashlib.sha256(header.encode("utf-8", "replace")).hexdigest()[:32]
    found = state.get(CONNECTION, _name(call))
    own = found.body if found is not None and found.body["number"] == number else None
    if own is not None and (own["team"], own["key_id"]) != (token.team_id, token.key_id):
        return Bound(own["team"], own["key_id"])
    used = state.get(KEY_USE, token.key_id)
    last = own or (used.body if used is not None else None)
    age_ms = 0 if last is None else call.now_ms - last["since_ms"]
    same = last is not None and last["token"] == digest
    early = last is not None and not same and age_ms < call.settings.token_update_s * 1000
    if not (early and own is not None):
        since_ms = last["since_ms"] if last is not None and same else call.now_ms
        body = {"token": digest, "since_ms": since_ms}
        if own is None or own["token"] != digest:
            who = {"number": number, "team": token.team_id, "key_id": token.key_id}
            state.put(CONNECTION, _name(call), body | who)
        if used is None or used.body["token"] != digest:
            state.put(KEY_USE, token.key_id, body)
    renewed = age_ms // 1000 if early else None
    return Bound(token.team_id, token.key_id, renewed, refuses=own is not None)


def spend(call: Call, points: int) -> int:
    """Count *points* for a refused push; return the sum of the connection."""
    state, number = call.state.of(""), call.request.peer.connection
    found = state.get(ERRORS, _name(call))
    before = found.body["sum"] if found is not None and found.body["number"] == number else 0
    state.put(ERRORS, _name(call), {"number": number, "sum": before + points})
    return int(before + points)


def is_storm(call: Call) -> bool:
    """Count a connection that is told to go; tell whether its client comes back too fast.

    Go's client takes a request that was not looked at for one to repeat at
    once: it was seen to connect 690 times in 4 s (apns.md 1.6).
    """
    state, address = call.state.of(""), call.request.peer.address
    found = state.get(GOAWAYS, address)
    last: Body = {"since_ms": call.now_ms, "count": 0} if found is None else found.body
    if call.now_ms - last["since_ms"] > STORM_MS:
        last = {"since_ms": call.now_ms, "count": 0}
    state.put(GOAWAYS, address, last | {"count": last["count"] + 1})
    return bool(last["count"] >= STORM)
