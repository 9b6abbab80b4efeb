"""The ways an answer can go wrong on the wire: one row each, with the names people know.

WireMock's and Toxiproxy's names are understood as well.
"""

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

from msgspec import Struct

from simulator.core.messages import Delivery
from simulator.protocol.fields import Field, Integer, Number, String

_DAY_MS = 24 * 3600 * 1000
WAIT = (
    Integer("ms", "Wait so long before anything is sent.", least=0, most=_DAY_MS, example=500),
    Integer("jitter_ms", "Wait up to so much less or more, evenly spread.", least=0, most=_DAY_MS),
    Integer("median_ms", "Median of a wait that is spread log-normally.", least=0, most=_DAY_MS),
    Number("sigma", "Spread of the log-normal wait; 0.4 if absent.", least=0, most=5, example=0.4),
)
"""What every delivery takes: how long it waits first."""
_CODE = Integer("code", "HTTP/2 error code, such as 7 for REFUSED_STREAM.", least=0, most=2**32 - 1)


class DeliveryFault(Struct, frozen=True):
    """One way to deliver an answer."""

    name: str
    about: str
    parameters: tuple[Field, ...]
    also: tuple[str, ...] = ()
    """Names of the same in other tools."""


def _row(name: str, about: str, *parameters: Field, also: tuple[str, ...] = ()) -> DeliveryFault:
    return DeliveryFault(name, about, (*WAIT, *parameters), also)


DELIVERIES = {
    row.name: row
    for row in (
        _row("delay", "The answer comes late.", also=("latency", "fixed", "lognormal")),
        _row(
            "hang",
            "Nothing comes, and the connection stays open; with ms it ends after that time.",
            also=("timeout",),
        ),
        _row(
            "dead",
            "The whole connection falls silent, HTTP/2's PING included, then goes on.",
            Number(
                "for_s",
                "Seconds of the real clock; 30 if absent.",
                least=0,
                most=86_400,
                example=30,
            ),
            also=("silent",),
        ),
        _row(
            "drip",
            "The body comes in pieces.",
            Integer("size", "Bytes in a piece; 1 if absent.", least=1, most=10**6, example=16),
            Integer("every_ms", "Time between two; 100 if absent.", least=0, most=_DAY_MS),
            also=("slicer", "chunked_dribble", "slow"),
        ),
        _row("empty", "The connection ends without an answer.", also=("EMPTY_RESPONSE",)),
        _row(
            "malformed",
            "Status and headers come, then what is no HTTP, then the end.",
            also=("MALFORMED_RESPONSE_CHUNK",),
        ),
        _row(
            "garbage",
            "What is no HTTP comes instead of an answer, then the end.",
            also=("RANDOM_DATA_THEN_CLOSE",),
        ),
        _row(
            "truncated",
            "The connection ends within the body.",
            Integer("size", "Bytes of the body that come; half if absent.", least=0, most=10**9),
            also=("limit_data",),
        ),
        _row(
            "reset",
            "TCP resets the connection.",
            also=("CONNECTION_RESET_BY_PEER", "reset_peer"),
        ),
        _row(
            "reset_stream",
            "HTTP/2 resets the stream only; HTTP/1.1 the connection.",
            _CODE,
            also=("RST_STREAM",),
        ),
        _row("close", "The answer comes, then the connection ends.", also=("slow_close",)),
        _row(
            "goaway",
            "HTTP/2 ends with GOAWAY instead of an answer; HTTP/1.1 just ends.",
            _CODE,
            Integer(
                "last_stream",
                "Last stream that it names; the one asked on if absent.",
                least=0,
                most=2**31 - 1,
            ),
            String("debug", "Debug data.", longest=16_000, example='{"reason":"Shutdown"}'),
        ),
        _row(
            "goaway_twice",
            "HTTP/2: GOAWAY for the highest stream, the answer, then GOAWAY for the last one.",
        ),
        _row(
            "settings",
            "HTTP/2: the limit of open streams changes, then the answer comes; else as delay.",
            Integer("streams", "The new limit; 1 if absent.", least=0, most=2**31 - 1, example=1),
        ),
    )
}
NAMES = {name: row.name for row in DELIVERIES.values() for name in (row.name, *row.also)}
"""Every name that is understood, with the row's own."""
_DEFAULTS: Mapping[str, Mapping[str, float]] = {
    "drip": {"size": 1, "every_ms": 100},
    "truncated": {"size": -1},
    "reset_stream": {"code": 2},
    "dead": {"for_s": 30},
    "settings": {"streams": 1},
}


def delivery_of(name: str, parameters: Mapping[str, Any], even: float, normal: float) -> Delivery:
    """Return the delivery *name* with its numbers settled by two draws from 0 to below 1."""
    values = {**_DEFAULTS.get(name, {}), **parameters}
    wait = values.get("ms", 0) + values.get("jitter_ms", 0) * (2 * even - 1)
    if "median_ms" in values:
        deviation = NormalDist().inv_cdf(min(max(normal, 1e-9), 1 - 1e-9))
        wait += values["median_ms"] * math.exp(values.get("sigma", 0.4) * deviation)
    return Delivery(
        name,
        wait_ms=min(max(round(wait), 0), _DAY_MS),
        size=values.get("size", 0),
        every_ms=values.get("every_ms", 0),
        code=values.get("code", 0),
        last=values.get("last_stream"),
        debug=values.get("debug", ""),
        streams=values.get("streams", 0),
        silent_ms=round(values.get("for_s", 0) * 1000),
    )
