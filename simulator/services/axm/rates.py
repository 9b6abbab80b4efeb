"""Limits on how often an organisation may ask: off unless they are set (axm.md 7.2)."""

from simulator.core.state import Body
from simulator.protocol.fields import ErrorCode
from simulator.protocol.operations import ApiError, Call
from simulator.services.axm import errors, quirks
from simulator.services.axm.accounts import Account
from simulator.services.axm.errors import Refused

RATE = "axm.rate"
_MINUTE_MS, _HOUR_MS = 60_000, 3_600_000


def count_token(call: Call, account: Account) -> None:
    """Count a token request of *account*; 429 if there were too many this minute."""
    most = call.settings.axm_tokens_per_minute
    _count(call, f"token/{account.client_id}", most, _MINUTE_MS, errors.TOO_MANY_TOKENS)


def count_request(call: Call, account: Account) -> None:
    """Count a request of the account's organisation; 429 if there were too many."""
    if call.request.method == "GET":
        most, span_ms = call.settings.axm_reads_per_minute, _MINUTE_MS
    else:
        most, span_ms = call.settings.axm_writes_per_hour, _HOUR_MS
    kind = "read" if span_ms == _MINUTE_MS else "write"
    _count(call, f"{kind}/{account.organisation}", most, span_ms, errors.RATE_LIMIT)


def _count(call: Call, key: str, most: int, span_ms: int, row: ErrorCode) -> None:
    """Count in the present span of time, and refuse with *row* what is beyond *most*."""
    if not most:
        return
    root, span = call.state.of(""), call.now_ms // span_ms
    found = root.get(RATE, key)
    body: Body = {"span": span, "count": 0}
    if found is not None and found.body["span"] == span:
        body = found.body
    if body["count"] >= most:
        wait_s = -(-((span + 1) * span_ms - call.now_ms) // 1000)
        raise ApiError(_with_wait(call, row, wait_s))
    root.put(RATE, key, body | {"count": body["count"] + 1})


def _with_wait(call: Call, row: ErrorCode, wait_s: int) -> ErrorCode:
    headers = () if call.has(quirks.NO_RETRY_AFTER) else (("Retry-After", str(wait_s)),)
    if isinstance(row, errors.OAuthError):
        return errors.OAuthError(row.code, row.status, row.about, headers=headers)
    return Refused(row.code, row.status, row.about, headers=headers, detail=row.about)
