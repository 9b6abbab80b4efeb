"""Opening a capture: which kind of file it is."""

import re
from functools import partial
from pathlib import Path
from stat import S_ISFIFO, S_ISSOCK

from simulator.captures import exports, flows, har
from simulator.captures.messages import Capture
from simulator.core.settings import ConfigurationError

_HEAD = 512
_GZIP = b"\x1f\x8b"
_FLOWS = re.compile(rb"\d{1,12}:")
"""How a typed netstring starts: its length."""


def open_capture(path: Path) -> Capture:
    """Return the capture in the file at *path*; ConfigurationError if it is none."""
    try:
        about = path.stat()
        if S_ISFIFO(about.st_mode) or S_ISSOCK(about.st_mode):
            raise ConfigurationError(
                f"{path}: is a pipe, and captures are read more than once: write it to a file first"
            )
        size = about.st_size
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {path} ({error.strerror}): name a HAR, a file of mitmproxy's flows, a "
            "jsonl that mdmsim exported, or a data directory"
        ) from None
    if _FLOWS.match(head):
        return Capture("mitmproxy flows", size, partial(flows.entries, path))
    if head.startswith(b"{") and exports.is_jsonl(exports.first_line(path)):
        return Capture("disclosures as jsonl", size, partial(exports.lines, path))
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return Capture("HAR", size, partial(har.entries, path))
    if head.startswith(_GZIP):
        raise ConfigurationError(f"{path}: is packed: unpack it first, with gunzip")
    raise ConfigurationError(
        f"{path}: is neither a HAR nor a file of mitmproxy's flows nor a data directory"
    )
