"""What schemathesis has to know of the control API: read by its command line, not by tests."""

from typing import Any

import schemathesis

LONGEST_S = 3600


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Let nobody wait for long: what is a good time stays one, what is none stays none."""
    del context, kwargs
    if not case.path.endswith("/exchanges/wait") or isinstance(case.body, list | str):
        return
    body = case.body if isinstance(case.body, dict) else {}
    given = body.get("timeout_s", 30)
    if isinstance(given, int | float) and not isinstance(given, bool) and 0 <= given <= LONGEST_S:
        case.body = {**body, "timeout_s": 0}
