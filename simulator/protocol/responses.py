"""What services have in common beside their rows: the User-Agent, and pieces of responses."""

from typing import Any

import msgspec

from simulator.core.messages import Response
from simulator.protocol.fields import String
from simulator.protocol.operations import Call

JSON = (("Content-Type", "application/json"),)
TEXT = (("Content-Type", "text/plain; charset=utf-8"),)


def user_agent(source: str, who: str = "client") -> String:
    """Return the row of the User-Agent, which *source* knows that *who* sends."""
    return String(
        "user-agent",
        f"Product and version of the {who}.",
        place="header",
        concept="net.user_agent",
        source=source,
    )


def json_response(result: Any, status: int = 200) -> Response:
    """Return *result* as JSON."""
    return Response(status, JSON, msgspec.json.encode(result))


def allow(call: Call) -> tuple[tuple[str, str], ...]:
    """Return the header field that a refused method is answered with, if one was."""
    return tuple(pair for pair in call.headers if pair[0] == "Allow")
