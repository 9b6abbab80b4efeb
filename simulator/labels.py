"""Labels of test runs: parallel suites tell their exchanges apart by a header of ours."""

import re

from msgspec.structs import replace

from simulator.messages import Request

SESSION = "x-mdmsim-session"
"""The header; it is for the simulator, so no service sees it and it discloses nothing."""
LONGEST = 64
_ODD = re.compile(r"[^A-Za-z0-9._-]")


def labelled(request: Request) -> tuple[Request, str]:
    """Return *request* without its label, and the label (empty if it has none).

    A label has up to 64 letters, digits, dots, dashes and underscores; what
    else it holds becomes a dash.
    """
    for name, value in request.headers:
        if len(name) == len(SESSION) and name.lower() == SESSION:
            kept = tuple(pair for pair in request.headers if pair[0].lower() != SESSION)
            return replace(request, headers=kept), _ODD.sub("-", value)[:LONGEST]
    return request, ""
