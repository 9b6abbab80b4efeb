"""What costs too much as it grows: twice the input takes about twice the time, whatever it is."""

import contextlib
import gc
import json
import re
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

from simulator.protocol.body_formats import parse_plist
from simulator.protocol.fields import Objects, Strings
from simulator.protocol.operations import Operation
from simulator.services.axm.content import APP
from simulator.services.axm.people import USER
from simulator.services.organisations import change_organisation
from tests.apple import AGENT, Answer, Apple, request
from tests.axm import Axm
from tests.fuzz.targets import TARGETS
from tests.growing import assert_linear, growth
from tests.load.bodies import BODIES, fill, numbered
from tests.vpp import Vpp

SMALL, LARGE = 16_384, 32_768
"""Bytes of the inputs: from the first, doubled until it takes long enough to be measured."""
THOROUGH = ("dep.define",)
"""Operations that are sent every kind of body and head; all are sent what grows in their own
fields, and one of each service some heads."""
MANY = ("one-key", "many-keys", "objects", "one-key-deep", "texts", "telling-pairs", "multipart")
"""Bodies of so many pieces that a cheap step for each pair of them shows, at half a mebibyte."""
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


def _repeated(size: int, seed: bytes) -> bytes:
    return seed * (size // len(seed) + 1)


def _listed(size: int, item: Any) -> list[Any]:
    """Return *item* again and again; a text differs each time."""
    if isinstance(item, str):
        return [f"{item}{number}" for number in range(size // (len(item) + 8))]
    return [item] * (size // len(json.dumps(item)))


def _body(beside: Mapping[str, Any], name: str, item: Any, size: int) -> bytes:
    """Return a message whose field *name* is long: a list of *item*, or text where it is None."""
    value = "a1" * (size // 2) if item is None else _listed(size, item)
    return json.dumps({**beside, name: value}).encode()


def bodies_of(operation: Operation, secret: str) -> dict[str, Callable[[int], bytes]]:
    """Return what grows in each field of *operation*, and for some of them all bodies above.

    The other fields that it requires stand beside it with their examples; *secret* is what a
    message of Apps and Books v1 shows for its sender's token.
    """
    found = dict(BODIES) if operation.name in THOROUGH else {}
    rows = [row for row in operation.request if row.place == "body"]
    beside = {row.name: row.example for row in rows if row.required}
    beside |= {row.name: secret for row in rows if row.name == "sToken"}
    for row in rows:
        items: dict[str, Any] = {"": None}
        if isinstance(row, Strings):
            items[""] = "a"
        elif isinstance(row, Objects):
            example = {part.name: part.example for part in row.fields if part.example is not None}
            items |= {"": {}, "[]": example}
        for name, item in items.items():
            found[f"/{row.name}{name}"] = partial(_body, beside, row.name, item)
    return found


class Client:
    """A server of each service, and what its client sends to be taken for what it is."""

    def __init__(self) -> None:
        dep, axm, vpp = Apple(), Axm(), Vpp()
        dep.run(lambda state: change_organisation(state, "acme", org_type="edu"))  # has rosters
        self.catalogue = dep.catalogue
        self.stoken = vpp.stoken
        self.known: dict[str, tuple[Apple, str, list[tuple[str, str]]]] = {
            "dep": (
                dep,
                "mdmenrollment.apple.com",
                [("X-ADM-Auth-Session", dep.session()), ("X-Server-Protocol-Version", "10")],
            ),
            "axm": (axm, axm.host, [("Authorization", f"Bearer {axm.access_token()}")]),
            "vpp": (vpp, "vpp.itunes.apple.com", [("Authorization", f"Bearer {vpp.stoken}")]),
        }

    def sending(
        self, operation: Operation, *, recognised: bool = True, **facts: Any
    ) -> Callable[[], Answer]:
        """Return what answers, seals and records one request for *operation*, again and again."""
        apple, host, credentials = self.known.get(operation.service) or (
            self.known["dep"][0],
            "a",
            [],
        )
        path = re.sub(r"\{[^}]*\}", "ab" * 32, operation.path)
        headers = [("Host", host), ("User-Agent", AGENT), *facts.pop("headers", [])]
        headers += [("Content-Type", "application/json"), *(credentials if recognised else [])]
        sent = request(operation.methods[0], path + facts.pop("target", ""), headers, **facts)
        return partial(apple.send, sent)


@pytest.mark.parametrize("recognised", [True, False], ids=["recognised", "stranger"])
def test_no_operation_takes_more_than_its_share_for_twice_the_body(*, recognised: bool) -> None:
    client = Client()
    found, refused = {}, []

    def made(operation: Operation, body: Callable[[int], bytes], size: int) -> Callable[[], Answer]:
        return client.sending(operation, recognised=recognised, body=body(size))

    for operation in client.catalogue.operations.values():
        if not recognised and operation.name not in THOROUGH:
            continue  # whom a service does not know it refuses before the operation's own fields
        for name, body in bodies_of(operation, client.stoken).items():
            found[f"{operation.name} {name}"] = growth(partial(made, operation, body), SMALL, LARGE)
            if recognised and operation.service in client.known and operation.auth:
                answer = made(operation, body, 100)()
                refused += [name] if answer.status in {401, 403} else []
    assert_linear(found)
    assert refused == []


def test_no_number_of_pieces_takes_more_than_its_share() -> None:
    client = Client()
    operation = client.catalogue.operations[THOROUGH[0]]

    def made(body: Callable[[int], bytes], size: int) -> Callable[[], Answer]:
        return client.sending(operation, body=body(size))

    assert_linear({name: growth(partial(made, BODIES[name]), 65_536, 65_536, 3) for name in MANY})


def test_no_head_takes_more_than_its_share_for_twice_its_length() -> None:
    client = Client()
    known = client.catalogue.operations
    chosen = {one.service: one.name for one in known.values()}
    some: tuple[str, ...] = ("query-pairs", "path")
    asked = dict.fromkeys(chosen.values(), some)
    asked |= dict.fromkeys(THOROUGH, tuple(HEADS))

    def made(
        operation: Operation, head: Callable[[int], dict[str, Any]], size: int
    ) -> Callable[[], object]:
        return client.sending(operation, **head(size))

    assert_linear(
        {
            f"{name} {kind}": growth(partial(made, known[name], HEADS[kind]), SMALL, LARGE)
            for name, kinds in asked.items()
            for kind in kinds
        }
    )


def test_adding_to_a_blueprint_takes_no_more_than_its_share_for_twice_the_members() -> None:
    axm = Axm()
    held, sent = ([f"{name}{number}" for number in range(5000)] for name in "hs")
    users: list[tuple[str, Any]] = [(one, {"attributes": {}}) for one in (*held, *sent)]
    axm.home(lambda home: home.add_many(USER, users))
    axm.home(lambda home: home.add_many(APP, [("app", {})]))

    def made(size: int) -> Callable[[], Answer]:
        lists = {"apps": ["app"], "users": held[:size]}
        related = {
            kind: {"data": [{"type": kind, "id": one} for one in keys]}
            for kind, keys in lists.items()
        }
        data = {"type": "blueprints", "attributes": {"name": "a"}, "relationships": related}
        one = axm.api("POST", "/blueprints", {"data": data}).json["data"]["id"]
        body = {"data": [{"type": "users", "id": key} for key in sent[:size]]}
        return partial(axm.api, "POST", f"/blueprints/{one}/relationships/users", body)

    assert_linear({"members": growth(made, 1250, 1250)})


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
            found[f"{name} {kind}"] = growth(partial(made, target.run, data), SMALL, LARGE)
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
