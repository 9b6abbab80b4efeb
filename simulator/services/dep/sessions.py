"""Server tokens and sessions: who may talk to DEP, and for how long.

A session token is computed, not stored: it names its session (*family*) and
the moment of its issue, under a keyed code of this data directory. All tokens
of a living session are accepted, since micromdm and others ignore the rotated
one (dep.md 1.4).
"""

import hashlib
import hmac
import re
from functools import lru_cache, partial

from simulator.core.state import Body, State
from simulator.protocol.head import Principal, RequestHead
from simulator.protocol.operations import ApiError, Call
from simulator.services.dep import errors, quirks
from simulator.services.fleet.servers import SESSION, TOKEN, note_contact, server
from simulator.services.organisations import organisation

SESSION_HEADER = "X-ADM-Auth-Session"

_WAITED_MS = 60_000
"""A request may wait for its turn for as long, so that its time is earlier than the last one's."""
_STAMP = 13
"""Digits of the time of issue, in milliseconds, that a session token begins with."""
_SHAPE = re.compile(
    r"(\d{13})O1O([0-9A-F]{32})O([0-9A-F]{64})O(\d+)O11Op1O([0-9A-F]{32})O([0-9A-F]{32})"
)


def session_token(secret: bytes, family: str, issued_ms: int, server_number: int) -> str:
    """Return the token of session *family* issued at *issued_ms*, in the shape seen live (PE)."""
    text = f"dep.session|{family}|{issued_ms}|{server_number}".encode()
    code = hmac.digest(secret, text, hashlib.sha256).hex().upper()
    tail = hashlib.sha256(code.encode()).hexdigest().upper()
    return f"{issued_ms:013d}O1O{family}O{code}O{server_number}O11Op1O{tail[:32]}O{tail[32:]}"


@lru_cache(maxsize=4096)
def family_of(secret: bytes, token: str) -> str:
    """Return the session that *token* belongs to; empty if it was not issued here."""
    match = _SHAPE.fullmatch(token)
    if match is None:
        return ""
    expected = session_token(secret, match[2], int(match[1]), int(match[4]))
    return match[2] if hmac.compare_digest(expected, token) else ""


def open_session(call: Call) -> str:
    """Start a session for the server's token and return its first session token."""
    root = call.state.of("")
    access_token = server(call.state, call.principal.id)["access_token"]
    token = find_token(root, access_token)
    if token is None:
        raise LookupError(f"DEP server {call.principal.id} has no token")
    number = root.reserve(SESSION)
    seed = f"{token['access_token']}|{number}".encode()
    family = hmac.digest(call.secret, seed, hashlib.sha256).hex().upper()[:32]
    body = {
        "organisation": token["organisation"],
        "server": token["server"],
        "number": token["number"],
        "access_token": token["access_token"],
        "started_ms": call.now_ms,
        "used_ms": call.now_ms,
    }
    root.put(SESSION, family, body, {"access_token": token["access_token"]})
    note_contact(call.state, token["server"], call.request.peer.address, call.now_ms)
    return session_token(call.secret, family, call.now_ms, token["number"])


def by_session(head: RequestHead) -> Principal:
    """Recognise the session token in the header; 401 if it is missing, unknown or too old."""
    sent = head.header(SESSION_HEADER.lower()) or ""
    family = family_of(head.secret, sent)
    session = head.state.get(SESSION, family) if family else None
    if session is None:
        unknown = bool(sent) and head.settings.dialect == "depsim"
        raise ApiError(errors.FORBIDDEN if unknown else errors.UNAUTHORIZED)
    body = session.body
    if int(sent[:_STAMP]) < body.get("newest_ms", 0):
        raise ApiError(errors.UNAUTHORIZED, "a newer session token was returned: send that")
    ends_ms = body["used_ms"] + head.settings.session_ttl_s * 1000 + 1
    if head.time(ends_ms) >= ends_ms:
        head.state.delete(SESSION, family)
        raise ApiError(errors.UNAUTHORIZED, "the session has expired: call GET /session again")
    return Principal(body["organisation"], f"dep:{body['server']}", body["server"])


def prolong(head: RequestHead, principal: Principal) -> None:
    """Note that the session is used, and refuse while terms are not accepted.

    The answer carries the token to use from now on, which changes at each
    rotation while the old ones stay valid.
    """
    sent = head.header(SESSION_HEADER.lower()) or ""
    family = family_of(head.secret, sent)
    session = head.state.get(SESSION, family)
    if session is None:
        raise LookupError("the session was recognised, and is gone")
    body = session.body
    check_terms(head.state, principal.organisation)
    current = _current(head, body, family, sent)
    fresh_ms = _fresh(body["used_ms"])
    now_ms = head.time(*fresh_ms)
    if not fresh_ms[0] <= now_ms < fresh_ms[1]:
        head.write_with_record(partial(_note_use, family, principal, head.address, now_ms))
    if current != sent and head.has(quirks.OLD_TOKEN_DIES):
        head.state.put(SESSION, family, {**body, "newest_ms": int(current[:_STAMP])})
    head.headers.append((SESSION_HEADER, current))


def _fresh(used_ms: int) -> tuple[int, int]:
    """Return from when until when a use is not noted beside that at *used_ms*.

    What has waited for its turn may be earlier; if it is far earlier, the clock was set back.
    """
    second_ms = used_ms // 1000 * 1000
    return second_ms - _WAITED_MS, second_ms + 1000


def _note_use(family: str, principal: Principal, address: str, now_ms: int, root: State) -> None:
    """Note a use of the session, unless it is gone or a later one was noted meanwhile."""
    session = root.get(SESSION, family)
    if session is None:
        return
    since_ms, until_ms = _fresh(session.body["used_ms"])
    if not since_ms <= now_ms < until_ms:
        note_contact(root.of(principal.organisation), principal.id, address, now_ms)
        root.put(SESSION, family, {**session.body, "used_ms": now_ms})


def check_terms(state: State, identifier: str) -> None:
    """Refuse while the organisation has not accepted Apple's newest terms."""
    if not organisation(state, identifier)["terms_accepted"]:
        raise ApiError(errors.T_C_NOT_SIGNED)


def _current(head: RequestHead, session: Body, family: str, sent: str) -> str:
    rotation_ms = head.settings.session_rotation_s * 1000
    if not rotation_ms:
        return sent
    started_ms = session["started_ms"]
    issued_ms = started_ms + (head.time() - started_ms) // rotation_ms * rotation_ms
    head.time(issued_ms, issued_ms + rotation_ms)
    if issued_ms <= started_ms:
        return sent
    return session_token(head.secret, family, issued_ms, session["number"])


def find_token(state: State, access_token: str) -> Body | None:
    """Return a server token's entity; *state* is seen from no organisation."""
    found = state.get(TOKEN, access_token)
    return None if found is None else found.body
