"""Pages: where a client stands in a list, as an opaque cursor that needs no storing.

A cursor names the place of the last item, not a number of items, so that what is added or
removed meanwhile moves nothing. It is bound to its list and its organisation by a keyed code.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from simulator.core.state import Body, Entity
from simulator.protocol.fields import Digits, String
from simulator.protocol.items import Items
from simulator.protocol.operations import Call
from simulator.services.axm import errors
from simulator.services.axm.documents import itself

LIMIT_DEFAULT, LIMIT_MAXIMUM = 100, 1000
LIFE_MS = 24 * 3600 * 1000
"""How long a cursor is good."""
_PARTS = 4
SCANNED = 20_000
"""Most items that one call looks at to fill a page of those that are wanted."""


def _limit(value: Any, _: object) -> str:
    fits = 1 <= int(value) <= LIMIT_MAXIMUM
    return "" if fits else f"must be a number from 1 to {LIMIT_MAXIMUM}"


LIMIT = Digits(
    "limit",
    "Size of a page.",
    place="query",
    concept="protocol",
    check=_limit,
    invalid=errors.PARAMETER_INVALID,
    example="100",
    source="AXM-D",
    inferred="Beyond 1 to 1000 it is PARAMETER_ERROR.INVALID, as in App Store Connect.",
)
CURSOR = String(
    "cursor",
    "Where to go on: meta.paging.nextCursor of the page before.",
    place="query",
    concept="protocol",
    longest=2000,
    invalid=errors.PARAMETER_INVALID,
    source="AXM-D, AXM-TF",
    inferred="A cursor is good for a day; one of another list or time is PARAMETER_ERROR.INVALID.",
)
PAGE = (LIMIT, CURSOR)


def limit(call: Call) -> int:
    """Return the size of page that was asked for."""
    return int(call.query.get("limit") or LIMIT_DEFAULT)


def after(call: Call) -> str:
    """Return the place after which to go on; empty at the start; 400 for a bad cursor."""
    text = call.query.get("cursor")
    if text is None:
        return ""
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise _bad(call, "the cursor is damaged: send nextCursor as it was returned") from None
    parts = plain.split("\n")
    if len(parts) != _PARTS or not hmac.compare_digest(text, _encoded(call, parts[1], parts[2])):
        raise _bad(call, "the cursor is not one of this list")
    if call.now_ms - int(parts[2]) > LIFE_MS:
        raise _bad(call, "the cursor has expired: start again without one")
    return parts[1]


def _bad(call: Call, about: str) -> Exception:
    return errors.wrong_parameter(call, errors.PARAMETER_INVALID, "cursor", about)


def _encoded(call: Call, place: str, issued_ms: int | str) -> str:
    kept = "&".join(
        f"{name}={value}"
        for name, value in sorted(call.query.items())
        if name.startswith("filter[")
    )
    route = call.request.target.partition("?")[0]
    text = f"axm.cursor|{call.principal.organisation}|{route}|{kept}|{place}|{issued_ms}"
    code = hmac.digest(call.secret, text.encode(), hashlib.sha256).hex()[:16]
    plain = f"0\n{place}\n{issued_ms}\n{code}"
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def page(call: Call, data: Sequence[Any] | Items[Any], last: str, *, more: bool) -> Body:
    """Return the document of a page; *last* is the place of its last item."""
    size = limit(call)
    links = {"self": itself(call)}
    paging: Body = {"limit": size}
    if more:
        cursor = _encoded(call, last, call.now_ms)
        paging["nextCursor"] = cursor
        kept = [(name, value) for name, value in call.query.items() if name != "cursor"]
        pairs = [*kept, ("cursor", cursor)]
        query = "&".join(
            f"{quote(name, safe='[]')}={quote(value, safe=',')}" for name, value in pairs
        )
        links["next"] = f"{itself(call)}?{query}"
    return {"data": data, "links": links, "meta": {"paging": paging}}


def collect(
    read: Callable[[str, int], list[Entity]],
    start: str,
    size: int,
    keep: Callable[[Entity], bool],
) -> tuple[list[Entity], str, bool]:
    """Return up to *size* items after *start* that *keep* wants, the last place, if more follow.

    *read* returns that many items after a key. At most `SCANNED` are looked at; then the page
    is shorter, and a cursor leads on.
    """
    found: list[Entity] = []
    place, looked = start, 0
    while looked < SCANNED:
        batch = read(place, size + 1)
        for one in batch:
            if len(found) == size:
                return found, place, True
            place = one.key
            if keep(one):
                found.append(one)
        looked += len(batch)
        if len(batch) <= size:
            return found, place, False
    return found, place, True
