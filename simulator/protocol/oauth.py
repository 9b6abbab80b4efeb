"""The grammar of an ``Authorization: OAuth`` header, as clients really write it (dep.md 1.3)."""

import re
from urllib.parse import unquote

from msgspec import Struct

_SCHEME = re.compile(r"\s*([^\s=,\"]+)(?:\s+|$)")
_PARAMETER = re.compile(
    r"""([^\s=,"]+)\s*=\s*(?:"(?P<quoted>[^"]*)"|(?P<bare>[^\s,"]*))\s*(?=,|$)""", re.VERBOSE
)
_GAP = re.compile(r"[\s,]*")


class OAuthParameter(Struct, frozen=True):
    """One parameter of the header."""

    name: str
    value: str
    """Percent-decoded; a plus sign stays what it is."""
    start: int
    """Offset of the raw value in the header, without its quotes."""
    end: int
    quoted: bool = True


def parse_authorization(value: str) -> tuple[str, list[OAuthParameter]]:
    """Split an Authorization header into its scheme and its parameters.

    Order, white space, line folds, missing quotes, needless commas and values
    that are not percent-encoded are all accepted; repeated names are kept. What
    is no list of parameters (such as a bearer token) gives an empty list, and
    so does a list with a part that is none: nothing is skipped silently.
    """
    scheme = _SCHEME.match(value)
    if scheme is None:
        return "", []
    found = []
    at = _end_of_gap(value, scheme.end())
    while at < len(value):
        match = _PARAMETER.match(value, at)
        if match is None:
            return scheme[1], []
        kind = "bare" if match["quoted"] is None else "quoted"
        start, end = match.span(kind)
        found.append(
            OAuthParameter(unquote(match[1]), unquote(match[kind]), start, end, kind == "quoted")
        )
        at = _end_of_gap(value, match.end())
    return scheme[1], found


def _end_of_gap(value: str, at: int) -> int:
    match = _GAP.match(value, at)
    return match.end() if match else at
