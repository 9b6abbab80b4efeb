"""What schemathesis has to know of the control API: read by its command line, not by tests."""

from typing import Any

import schemathesis


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Let nobody wait for long: what is a good time stays one, what is none stays none."""
    if not context.operation.path.endswith("/exchanges/wait") or not isinstance(body, dict):
        return body
    given = body.get("timeout_s", 30)
    if isinstance(given, int | float) and not isinstance(given, bool) and 0 <= given <= 3600:
        return {**body, "timeout_s": 0}
    return body


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Let a wait without a body, which is a good one, not last for its 30 seconds."""
    del context, kwargs
    if case.path.endswith("/exchanges/wait") and not isinstance(case.body, dict | list | str):
        case.body = {"timeout_s": 0}
