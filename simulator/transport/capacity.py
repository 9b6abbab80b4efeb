"""How many connections this process can hold: each takes one of the files it may have open."""

import contextlib
import resource

RESERVE = 128
"""Files that are kept for the journal, the control port and the keys."""
LEAST = 16


def raise_limit() -> None:
    """Let this process open as many files as its user may have it open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(OSError, ValueError):  # some systems name more than they give
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def most_connections(asked: int) -> int:
    """Return how many connections to take at once: *asked*, or for 0 as many as files allow."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = soft - RESERVE if soft != resource.RLIM_INFINITY else 1 << 30
    return asked or max(allowed, LEAST)
