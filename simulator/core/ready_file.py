"""``ready.json``: where a running simulator is reached, and with which credentials."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from simulator.core.files import PRIVATE, write_file

NAME = "ready.json"


def url(scheme: str, host: str, port: int) -> str:
    """Return the base URL of *port*; a host that means "every address" becomes this machine's."""
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 (nothing is bound here: it is replaced)
        host = "127.0.0.1" if host != "::" else "::1"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def write(path: Path, ready: Mapping[str, Any]) -> None:
    """Write *ready* to *path*, which only its owner may read: it holds credentials."""
    write_file(path, msgspec.json.format(msgspec.json.encode(ready), indent=1) + b"\n", PRIVATE)


def remove(path: Path, ready: Mapping[str, Any]) -> None:
    """Remove *path*, unless another process has written its own there since."""
    if (read(path) or {}).get("pid") == ready["pid"]:
        path.unlink(missing_ok=True)


def read(path: Path) -> dict[str, Any] | None:
    """Return the ready.json at *path*, or None if nothing serves there."""
    try:
        ready = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return ready if isinstance(ready, dict) else None


def line(ready: Mapping[str, Any], data: str) -> str:
    """Return the one line that says that all is open."""
    tls: Sequence[str] = ready["tls"]
    parts = {"https": ",".join(tls), "http": ready["http"], "control": ready["control"]}
    words = [f"{name}={value or 'off'}" for name, value in parts.items()]
    return " ".join(["mdmsim ready", *words, f"data={data}"])
