"""What costs too much as it grows: twice the input takes about twice the time, whatever it is."""

import contextlib
import gc
import json
import math
import re
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from simulator.protocol.body_formats import parse_plist
from simulator.protocol.fields import Objects, Strings
from simulator.protocol.operations import Operation
from tests.apple import AGENT, Apple, request
from tests.fuzz.targets import TARGETS
from tests.load.bodies import BODIES, fill, numbered

MOST = 2.6
"""How much longer twice the input may take."""
SMALL, LARGE = 16_384, 65_536
"""Bytes of the inputs: from the first, doubled until it takes long enough to be measured."""
ENOUGH_S = 0.006
ROUNDS = 4
THOROUGH = ("dep.define",)
"""Operations that are sent every kind of body and head; all are sent what grows in their own
fields, and one of each service some heads."""
GENERAL = ("one-key", "objects", "quotes", "braces", "percent", "base64", "property-list", "zeros")
"""Bodies that every decoder is given, beside its own seeds many times over."""


HEADS: dict[str, Callable[[int], dict[str, Any]]] = {
    "query-pairs": lambda size: {"target": "?" + numbered(size, "k{}=v", "&")},
    "one-query-name": lambda size: {"target": "?" + fill(size, "limit=1", "&")},
    "path": lambda size: {"target": "/a" * (size // 2)},
    "cookies": lambda size: {"headers": [("Cookie", numbered(size, "k{}=v", ";"))]},
    "one-header": lambda size: {"headers": [("Accept", "a")] * (size // 32)},
    "headers": lambda size: {"headers": [(f"x-{n}", "a") for n in range(size // 32)]},
    "oauth": lambda size: {
        "headers": [("Authorization", "OAuth " + numbered(size, 'k{}="v"', ", "))]
    },
}
"""What else of a request can be long, if the transport lets it through."""


def seconds(work: Callable[[], object]) -> float:
    """Return the processor time of one run of *work*."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def growth(made: Callable[[int], Callable[[], object]], most: int = LARGE) -> tuple[int, float]:
    """Return the size that was measured, and how much longer twice of it takes.

    The smallest size that takes long enough; the fastest of some runs counts.
    """
    size = SMALL
    while seconds(made(size)) < ENOUGH_S and size < most // 2:
        size *= 2
    factor, fast, slow = math.inf, math.inf, math.inf
    for _ in range(ROUNDS):
        fast, slow = min(fast, seconds(made(size))), min(slow, seconds(made(2 * size)))
        factor = slow / max(fast, ENOUGH_S / 4)
        if factor <= MOST:
            break
    return size, factor


def assert_linear(found: dict[str, tuple[int, float]]) -> None:
    grown = {
        name: f"{factor:.1f} times from {size} bytes"
        for name, (size, factor) in found.items()
        if factor > MOST
    }
    assert grown == {}


def _repeated(size: int, seed: bytes) -> bytes:
    return seed * (size // len(seed) + 1)


def _objects_in(name: str, size: int) -> bytes:
    return json.dumps({name: [{}] * (size // 3)}).encode()


def _texts_in(name: str, size: int) -> bytes:
    return json.dumps({name: [f"a{number}" for number in range(size // 9)]}).encode()


def _text_in(name: str, size: int) -> bytes:
    return json.dumps({name: "a1" * (size // 2)}).encode()


def bodies_of(operation: Operation) -> dict[str, Callable[[int], bytes]]:
    """Return what grows in each field of *operation*, and for some of them all bodies above."""
    found = dict(BODIES) if operation.name in THOROUGH else {}
    for row in operation.request:
        if row.place == "body":
            of_kind = _objects_in if isinstance(row, Objects) else _text_in
            made = _texts_in if isinstance(row, Strings) else of_kind
            found[f"/{row.name}"] = partial(made, row.name)
    return found


def sending(apple: Apple, operation: Operation, **facts: Any) -> Callable[[], object]:
    """Return what answers, seals and records one request for *operation*, again and again."""
    path = re.sub(r"\{[^}]*\}", "ab" * 32, operation.path)
    headers = [("Host", "a"), ("User-Agent", AGENT), *facts.pop("headers", [])]
    headers.append(("Content-Type", "application/json"))
    sent = request(operation.methods[0], path + facts.pop("target", ""), headers, **facts)
    return partial(apple.send, sent)


def test_no_operation_takes_more_than_its_share_for_twice_the_body() -> None:
    apple = Apple()

    def made(operation: Operation, body: Callable[[int], bytes], size: int) -> Callable[[], object]:
        return sending(apple, operation, body=body(size))

    assert_linear(
        {
            f"{operation.name} {name}": growth(partial(made, operation, body))
            for operation in apple.catalogue.operations.values()
            for name, body in bodies_of(operation).items()
        }
    )


def test_no_head_takes_more_than_its_share_for_twice_its_length() -> None:
    apple = Apple()
    known = apple.catalogue.operations
    chosen = {one.service: one.name for one in known.values()}
    some: tuple[str, ...] = ("query-pairs", "path")
    asked = dict.fromkeys(chosen.values(), some)
    asked |= dict.fromkeys(THOROUGH, tuple(HEADS))

    def made(
        operation: Operation, head: Callable[[int], dict[str, Any]], size: int
    ) -> Callable[[], object]:
        return sending(apple, operation, **head(size))

    assert_linear(
        {
            f"{name} {kind}": growth(partial(made, known[name], HEADS[kind]))
            for name, kinds in asked.items()
            for kind in kinds
        }
    )


def test_no_decoder_takes_more_than_its_share_for_twice_the_input() -> None:
    def made(run: Callable[[bytes], None], data: Callable[[int], bytes], size: int) -> Any:
        return partial(run, data(size))

    found = {}
    for name, target in TARGETS.items():
        if name == "request" or not target.wire:  # operations are above; files are the user's own
            continue
        kinds: dict[str, Callable[[int], bytes]] = {
            f"seed {number}": partial(_repeated, seed=seed)
            for number, seed in enumerate(target.seeds)
        }
        kinds |= {kind: BODIES[kind] for kind in GENERAL}
        for kind, data in kinds.items():
            found[f"{name} {kind}"] = growth(partial(made, target.run, data))
    assert_linear(found)


@pytest.mark.parametrize("end", [b"", b"</array></plist>"], ids=["broken", "whole"])
def test_a_large_property_list_leaves_nothing_behind(end: bytes) -> None:
    items = b"<dict><key>a</key><string>b</string></dict>" * 50_000
    thresholds = gc.get_threshold()
    gc.collect()
    gc.set_threshold(20_000, 20, 50)  # as in ``mdmsim serve``
    try:
        before = sys.getallocatedblocks()
        with contextlib.suppress(ValueError):
            parse_plist(b"<plist><array>" + items + end)
        after = sys.getallocatedblocks()
    finally:
        gc.set_threshold(*thresholds)

    assert after - before < 5_000
