"""What calls of the control API cost as they grow: four times the input costs about four times."""

import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from simulator import services
from simulator.control.parts import ApiProblem, Route, checked_body, query_values
from simulator.control.web import routes
from simulator.protocol.fields import Field, Object, Objects, Strings
from tests.control.conftest import Control
from tests.growing import assert_linear, growth

MOST = 9.0
"""How many times as much four times the input may cost."""
ENOUGH_S = 0.004
ROUNDS = 4
SMALL, LARGE = 500, 16_000
"""Items of the inputs: from the first, doubled until they cost enough to be measured."""
ROUTES = routes(services.provisionings())


def grown(row: Field, count: int) -> Any:
    """Return a value of *row* that is as long as *count* says."""
    if isinstance(row, Objects):
        return [{"no": 1}] * count
    if isinstance(row, Strings):
        return [f"a{number}" for number in range(count)]
    if isinstance(row, Object):
        return {f"a{number}": 1 for number in range(count)}
    return "a1" * count


def check(route: Route, place: str, row: Field, count: int) -> Callable[[], object]:
    """Return what checks a call of *route* with a long value of *row*, or many unknown ones."""
    value = grown(row, count)
    body = {one.name: None for one in route.body or () if one.required} | {row.name: value}
    query = {"a" * count: "b" * count, **{f"k{number}": "v" for number in range(count)}}

    def work() -> None:
        try:
            if place == "body":
                checked_body(body, route.body or ())
            else:
                query_values(query, route.query or ())
        except ApiProblem:
            pass

    return work


def test_no_check_of_a_call_costs_more_than_its_share() -> None:
    found = {}
    kinds: set[Any] = set()
    for route in ROUTES:
        name = f"{route.method} {route.path}"
        for row in route.body or ():
            kind = type(row), *(getattr(row, name, None) for name in ("check", "pattern", "values"))
            if kind not in kinds:
                kinds.add(kind)
                found[f"{name} {row.name}"] = growth(
                    partial(check, route, "body", row), SMALL, LARGE
                )
        if route.query and len(route.query) not in kinds:
            kinds.add(len(route.query))
            work = partial(check, route, "query", route.query[0])
            found[f"{name}?"] = growth(work, SMALL, LARGE)

    assert_linear(found)
    assert len(found) > 20


DEVICE = {
    "model": "iPad",
    "description": "IPAD",
    "os": "iOS",
    "device_family": "iPad",
}


def _manifest(count: int) -> bytes:
    claim = '[[claim]]\nid = "c{}"\nlabel = "x"\nservices = ["dep"]\nconcepts = ["device.serial"]\n'
    return b"[manifest]\nschema = 1\n" + "".join(map(claim.format, range(count))).encode()


NUMBERS: Iterator[int] = iter(range(10**8))
CALLS: dict[str, tuple[str, str, Callable[[int], Any]]] = {
    "sequence": ("POST", "/exchanges/verify", lambda count: {"sequence": [{}] * count}),
    "match": (
        "POST",
        "/exchanges/verify",
        lambda count: {"match": {"body": {f"k{number}": "v" for number in range(count)}}},
    ),
    "text": ("POST", "/exchanges/verify", lambda count: {"match": {"q": "a " * count}}),
    "fault": (
        "POST",
        "/faults",
        lambda count: {
            "match": {"organisation": "x", "header": {f"k{one}": "v" for one in range(count)}},
            "outcome": "dep.T_C_NOT_SIGNED",
        },
    ),
    "devices": (
        "POST",
        "/devices",
        lambda count: {
            "devices": [
                {"serial_number": f"0Z{next(NUMBERS):08}", **DEVICE} for _ in range(count // 4)
            ]
        },
    ),
    "imported-faults": (
        "POST",
        "/imports",
        lambda count: {
            "document": {"get_account_responses": [{"response": "forbidden"}] * (count // 16)},
        },
    ),
    "insertions": (
        "POST",
        "/imports",
        lambda count: {"document": {"device_insertions": [{}] * (count // 20)}},
    ),
    "jwt": ("POST", "/maid/verify", lambda count: {"jwt": "e30." * count}),
    "manifest": ("POST", "/report?format=json", lambda count: _manifest(count // 10)),
    "check-in": (
        "POST",
        "/push-tokens/checkin",
        lambda count: b"<plist><dict>" + b"<key>a</key><string>b</string>" * count,
    ),
}


async def test_no_call_costs_more_than_its_share(control: Control) -> None:
    url = f"{control.base}/api/v1"

    async def send(name: str, count: int) -> float:
        method, path, make = CALLS[name]
        body = make(count)
        kind = {"data": body} if isinstance(body, bytes) else {"json": body}
        begun = time.process_time()
        async with control.http.request(method, url + path, **kind) as answer:
            await answer.read()
        assert answer.status < 500, name
        return time.process_time() - begun

    found = {}
    for name in CALLS:
        await send(name, 1)
        found[name] = math.inf
        for _ in range(ROUNDS):
            fast = await send(name, 2 * SMALL)
            slow = await send(name, 8 * SMALL)
            await control.call("DELETE", "/faults")
            found[name] = min(found[name], slow / max(fast, ENOUGH_S))
            if found[name] < MOST:
                break

    assert {name: factor for name, factor in found.items() if factor >= MOST} == {}
