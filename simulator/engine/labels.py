"""Labels of test runs: parallel suites tell their exchanges apart.

A client that can send a header sends one of ours; any other gets a base URL with a path
in front, such as ``https://127.0.0.1:8443/s/suite-1``. Neither is seen by a service.
"""

import re

from msgspec.structs import replace

from simulator.core.messages import Request

SESSION = "x-mdmsim-session"
"""The header; it is for the simulator, so no service sees it and it discloses nothing."""
LONGEST = 64
_ODD = re.compile(r"[^A-Za-z0-9._-]")
START = "/s/"
_PATH = re.compile(rf"({START}([A-Za-z0-9._-]{{1,{LONGEST}}}))(/.*)")


def labelled(request: Request) -> tuple[Request, str, str]:
    """Return *request* without its label, the label (empty if it has none), and the path of it.

    A label has up to 64 letters, digits, dots, dashes and underscores; what else it holds
    in the header becomes a dash. The header counts before the path.
    """
    label = prefix = ""
    if request.target.startswith(START) and (found := _PATH.fullmatch(request.target)):
        prefix, label, target = found.groups()
        request = replace(request, target=target)
    value = request.header(SESSION)
    if value is None:
        return request, label, prefix
    kept = tuple(pair for pair in request.headers if pair[0].lower() != SESSION)
    return replace(request, headers=kept), _ODD.sub("-", value)[:LONGEST], prefix
