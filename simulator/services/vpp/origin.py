"""The address that the client used, which all URLs in answers lead back to."""

import re

from simulator.protocol.operations import Call

_HOST = re.compile(r"[0-9A-Za-z._\-:\[\]]+")


def origin(call: Call) -> str:
    """Return scheme, host and port as the client addressed the simulator."""
    host = call.request.header("host") or ""
    if not _HOST.fullmatch(host):
        host = "vpp.itunes.apple.com"
    return f"{call.request.scheme}://{host}{call.prefix}"
