"""Looking for a text in exchanges: in what the client sent, as sent or decoded, and in the outcome.

Upper and lower case are the same. Secrets cannot be found: they are not on record.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from simulator.core.messages import Exchange
from simulator.protocol.wire import Decoded, decode, query_pairs

LIMIT = 8_388_608
"""Bytes of a coded body that are looked at."""
_RUN = re.compile(r": |[^\x02-\x7f]+")
"""What may stand otherwise in a database: PostgreSQL has no NUL in its text."""


def needle(text: str) -> str:
    """Return a part of *text*, in lower case, that stands in a stored exchange as it is.

    That is so for each exchange that `holds` it, unless something there is encoded. It may be
    empty: case is known of ASCII letters only, and a header's name stands apart from its value.
    """
    return max(_RUN.split(text), key=len).lower()


def holds(exchange: Exchange, text: str) -> bool:
    """Tell whether *exchange* has *text*.

    It is looked for in the request line, the headers and the body, as sent and decoded, and in
    route, service, operation, organisation, client, label, error code and status.
    """
    needle_text = text.lower()
    return any(needle_text in one.lower() for one in texts(exchange))


def texts(exchange: Exchange) -> Iterator[str]:
    """Yield what is searched in, cheapest first."""
    request = exchange.request
    yield f"{exchange.route} {request.method} {request.target}"
    yield from (exchange.organisation, exchange.client, exchange.service, exchange.operation)
    yield from (exchange.session, exchange.error, str(exchange.response.status))
    if "%" in request.target or "+" in request.target:
        yield unquote(request.target)
        for pair in query_pairs(request.target):
            yield f"{pair.name}={pair.value}"
    for name, value in request.headers:
        yield f"{name}: {value}"
    if request.body:
        decoded = decode(request, LIMIT)
        yield from _body(request.body, decoded)


def _body(body: bytes, decoded: Decoded) -> Iterator[str]:
    text = decoded.content.decode(errors="replace")
    yield text
    if decoded.coded or b"\\" in body:
        yield from _values(decoded.tree)


def _values(node: Any) -> Iterator[str]:
    """Yield the names and texts of a tree."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield from one
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str):
            yield one
