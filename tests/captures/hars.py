"""HARs as a proxy or a browser would write them of what was sent and answered here."""

import base64
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from simulator.core.messages import Request, Response
from tests.apple import START_MS


def text_of(body: bytes) -> dict[str, str]:
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(body).decode(), "encoding": "base64"}


def entry(
    request: Request, response: Response, at_ms: int = START_MS, **changes: Any
) -> dict[str, Any]:
    host = request.header("host") or "unknown.example"
    started = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    sent: dict[str, Any] = {
        "method": request.method,
        "url": f"{request.scheme}://{host}{request.target}",
        "httpVersion": f"HTTP/{request.http}",
        "headers": [{"name": name, "value": value} for name, value in request.headers],
        "bodySize": len(request.body),
    }
    if request.body:
        sent["postData"] = {"mimeType": "application/json", **text_of(request.body)}
    answered = {
        "status": response.status,
        "headers": [{"name": name, "value": value} for name, value in response.headers],
        "content": {"size": len(response.body), **text_of(response.body)},
    }
    return {"startedDateTime": started, "request": sent | changes, "response": answered}


def log(entries: Iterable[Any]) -> dict[str, Any]:
    return {"log": {"version": "1.2", "creator": {"name": "test"}, "entries": list(entries)}}
