"""What only several requests show of a client: how it goes on after it was refused.

Little is kept of a refusal, in the state so that it outlives the process; who is never refused
costs nothing. Clients are told apart by their address and User-Agent, since a refused one has
often shown nothing else.
"""

import hashlib

from simulator.core.messages import Finding, Response
from simulator.core.state import Body
from simulator.protocol.operations import Call

KIND = "habit.refused"
STORM, STORM_MS = 50, 10_000
"""As many refusals within that time are a client that does not wait before it tries again."""
RETRY_MS = 60_000
"""Within that time the same call is a retry."""
_UNAUTHORIZED = 401
_SENT_WITH = ("x-adm-auth-session", "authorization")
"""Headers that carry a session or an access token."""


def note_habits(call: Call, response: Response) -> None:
    """Note what *call* shows together with the refusals before it; keep it if it is refused."""
    if not call.exchange.error and (call.request.body or not _takes_body(call)):
        return
    root, key = call.state.of(""), _client(call)
    found = root.get(KIND, key)
    last: Body = {} if found is None else found.body
    recent = call.now_ms - last.get("at_ms", 0) <= RETRY_MS
    if recent and not call.request.body and last.get("body") == call.operation.name:
        text = "the call was refused with a body, and comes again without: send the body again"
        call.note(Finding("retry-without-body", "body", "", text))
    if not call.exchange.error:
        return
    burst = bool(last) and call.now_ms - last["since_ms"] <= STORM_MS
    count, since_ms = (last["count"] + 1, last["since_ms"]) if burst else (1, call.now_ms)
    # Once for each fifty, in the same words, so that a long storm is one line of a report.
    if count % STORM == 0:
        text = f"{STORM} calls were refused within {STORM_MS // 1000} s: wait before trying again"
        call.note(Finding("retry-storm", "connection", "", text))
    token = _token(call) if response.status == _UNAUTHORIZED else ""
    if token and token == last.get("token"):
        text = "the same token was refused with 401 before: get a new one, as by GET /session"
        call.note(Finding("session-not-renewed", "header", _header(call), text))
    sent = call.operation.name if call.request.body else ""
    kept = {"count": count, "since_ms": since_ms, "token": token, "body": sent}
    root.put(KIND, key, kept | {"at_ms": call.now_ms})


def _takes_body(call: Call) -> bool:
    return any(row.place == "body" for row in call.operation.request)


def _client(call: Call) -> str:
    text = f"{call.request.peer.address}|{call.names.get('user-agent', '')}"
    return f"{call.exchange.service}|{_digest(text)}"


def _header(call: Call) -> str:
    """Return the name of the header that carries the token; empty if there is none."""
    return next((name for name in _SENT_WITH if call.names.get(name)), "")


def _token(call: Call) -> str:
    """Return what a token is known again by; that of a log-in, which differs each time, is none."""
    name = _header(call)
    if not name or call.operation.auth == "oauth":
        return ""
    return _digest(call.names[name])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]
