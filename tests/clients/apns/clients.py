"""The real APNs clients that tests push with: where each program is, and how it is run."""

import sys
from collections.abc import Mapping
from pathlib import Path

from tests.clients.apns.pushing import Client
from tests.clients.harness import binary

_HERE = Path(__file__).parent
_PUSHY = "pushy/Push.class"
_NODE_APN = "node-apn/node_modules/@parse/node-apn/package.json"


def _python(name: str) -> Client:
    program = _HERE / "programs" / f"push_{name}.py"
    return Client(name, lambda: (sys.executable, str(program)))


def _node_path() -> Mapping[str, str]:
    """Return where Node finds what npm installed for these tests."""
    return {"NODE_PATH": str(Path(binary(_NODE_APN)).parents[2])}


def _pushy() -> tuple[str, ...]:
    """Return how Java runs what was compiled beside the packages that Maven fetched."""
    folder = Path(binary(_PUSHY)).parent
    return ("java", "-cp", f"{folder}:{folder}/*", "Push")


AIOAPNS = _python("aioapns")
KALYKE = _python("kalyke")
SIDESHOW = Client("sideshow", lambda: (binary("apns-sideshow"),))
NODE_APN = Client("node-apn", lambda: ("node", str(_HERE / "node" / "push.js")), _node_path)
PUSHY = Client("pushy", _pushy)
"""Pushy, the APNs client of Java."""
