"""Configuration files of depsim, Apple's old DEP simulator: devices to add, and answers in turn.

What is known of them comes from commandment's (CM): lists such as
``post_devices_sync_responses`` with ``{"count": 2, "response": "forbidden"}``,
used up in order, and ``device_insertions`` with types and numbers of devices, once or
again and again.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from simulator.core.settings import ConfigurationError
from simulator.core.state import Body
from simulator.worlds.organisations import World

CONSTANT_TOKEN = {
    "consumer_key": "CK_48dd68d198350f51258e885ce9a5c37ab7f98543c4a697323d75682a6c10a32501cb247e"
    "3db08105db868f73f2c972bdb6ae77112aea803b9219eb52689d42e6",
    "consumer_secret": "CS_34c7b2b531a600d99a0e4edcf4a78ded79b86ef318118c2f5bcfee1b011108c32d5302df"
    "801adbe29d446eb78f02b13144e323eb9aad51c79f01e50cb45c3a68",
    "access_token": "AT_927696831c59ba510cfe4ec1a69e5267c19881257d4bca2906a99d0785b785a6f6fdeb09"
    "774954fdd5e2d0ad952e3af52c6d8d2f21c924ba0caf4a031c158b89",
    "access_secret": "AS_c31afd7a09691d83548489336e8ff1cb11b82b6bca13f793344496a556b1f4972eaff4dd"
    "e6deb5ac9cf076fdfa97ec97699c34d515947b9cf9ed31c99dded6ba",
}
"""The server token that depsim had from its start, as clients have it built in (MM)."""
_RESPONSES = re.compile(r"(get|post|put|delete)_(\w+)_responses")
_OTHER_NAMES = {
    "unauthorized": "UNAUTHORIZED",
    "forbidden": "ACCESS_DENIED",
    "forbidden_access_denied": "ACCESS_DENIED",
    "forbidden_t_c_not_signed": "T_C_NOT_SIGNED",
    "not_found": "NOT_FOUND",
    "invalid_method": "METHOD_NOT_ALLOWED",
    "too_many_requests": "TOO_MANY_REQUESTS",
    "bad_request": "MALFORMED_REQUEST_BODY",
    "bad_request_profile_not_found": "NOT_FOUND",
    "bad_request_department_required": "DEPARTMENT_INVALID",
    "bad_request_support_phone_required": "SUPPORT_PHONE_INVALID",
    "not_accessible": "NOT_ACCESSIBLE",
    "failed": "FAILED",
}
"""depsim's names that are not ours in lower case."""
INTERVAL, EVENTS = "interval_in_seconds", "max_event_count"
"""How often something happens, and how many times, in both of Apple's simulators."""
_OF_INSERTIONS = ("devices_per_event", "device_types", INTERVAL, EVENTS)
_OF_RESPONSES = ("count", "response")
_AT_LOGIN = {"unauthorized": "oauth_unauthorized", "bad_request": "oauth_bad_request"}
_FAMILIES = {"iphone": "iPhone", "ipad": "iPad", "ipod": "iPod", "mac": "Mac", "appletv": "AppleTV"}


@dataclass(frozen=True, slots=True)
class Insertion:
    """Devices to add."""

    count: int
    families: tuple[str, ...]
    """Empty: all."""
    every_s: int = 0
    """Seconds from one such event to the next; 0: there is one only."""
    times: int = 1
    """How many events there are; 0: any number."""


@dataclass(frozen=True, slots=True)
class DepsimConfiguration:
    """What a file asks for."""

    insertions: tuple[Insertion, ...]
    faults: tuple[Body, ...]
    """As ``POST /faults`` takes them, in this order."""
    left_out: tuple[str, ...]
    """What has no counterpart here, in words."""


def with_constant_token(world: World) -> World:
    """Return *world* with depsim's token for its first DEP server, unless one has it."""
    servers = [server for one in world.organisations for server in one.dep_servers]
    given = [(server.token or {}).get("access_token") for server in servers]
    if not servers or servers[0].token or CONSTANT_TOKEN["access_token"] in given:
        return world
    return replace(
        world,
        organisations=tuple(
            replace(
                one,
                dep_servers=tuple(
                    replace(server, token=CONSTANT_TOKEN) if server is servers[0] else server
                    for server in one.dep_servers
                ),
            )
            for one in world.organisations
        ),
    )


def read(document: Any, operations: Mapping[tuple[str, str], str]) -> DepsimConfiguration:
    """Return what *document* asks for; ConfigurationError names what cannot be understood.

    *operations* are the names by method and path.
    """
    if not isinstance(document, Mapping):
        raise ConfigurationError("a depsim configuration is a JSON object")
    insertions: list[Insertion] = []
    faults: list[Body] = []
    left_out: list[str] = []
    for key, value in document.items():
        found = _RESPONSES.fullmatch(key)
        if key == "device_insertions":
            # A single object stands for an array of one, as in a public file.
            listed = [value] if isinstance(value, Mapping) else value
            events = _list(key, listed, _OF_INSERTIONS, left_out)
            insertions += [_insertion(index, one) for index, one in enumerate(events)]
        elif found is not None:
            path = "/" + found[2].replace("_", "/")
            name = operations.get((found[1].upper(), path))
            if name is None:
                raise ConfigurationError(f"{key}: no operation serves {found[1].upper()} {path}")
            faults += _in_turn(key, name, _list(key, value, _OF_RESPONSES, left_out))
        else:
            left_out.append(f"{key} has no counterpart here")
    return DepsimConfiguration(tuple(insertions), tuple(faults), tuple(left_out))


def _list(key: str, value: Any, known: Collection[str], left_out: list[str]) -> list[Body]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ConfigurationError(f"{key} must be an array of objects")
    for index, one in enumerate(value):
        note_others(one, known, f"{key}[{index}]", left_out)
    return value


def note_others(
    one: Mapping[str, Any], known: Collection[str], at: str, left_out: list[str]
) -> None:
    """Add to *left_out* what *one* holds beside what is *known*, such as a name with a typo."""
    left_out += [f"{at}: {key} has no counterpart here" for key in one if key not in known]


def whole(event: Mapping[str, Any], name: str, at: str, default: int) -> int:
    """Return a whole number from 1 on; *default* if there is none."""
    value = event.get(name, default)
    if name in event and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise ConfigurationError(f"{at}: {name} must be a whole number from 1 on")
    return int(value)


def _insertion(index: int, one: Body) -> Insertion:
    at = f"device_insertions[{index}]"
    count, every_s = whole(one, "devices_per_event", at, 1), whole(one, INTERVAL, at, 0)
    times = whole(one, EVENTS, at, 0 if every_s else 1)
    types = one.get("device_types", [])
    names = [types] if isinstance(types, str) else types
    if not isinstance(names, list):
        raise ConfigurationError(f"{at}: device_types must be an array of names")
    families = []
    for name in names:
        family = _FAMILIES.get(str(name).lower().replace(" ", ""))
        if family is None:
            known = ", ".join(_FAMILIES.values())
            raise ConfigurationError(f"{at}: device_types are one or more of {known}")
        families.append(family)
    return Insertion(count, tuple(families), every_s, times)


def _in_turn(key: str, operation: str, listed: list[Body]) -> Iterator[Body]:
    """Yield one fault for each answer that is no success, from the request on whose turn it is."""
    before = 0
    for index, one in enumerate(listed):
        count, name = whole(one, "count", f"{key}[{index}]", 1), one.get("response")
        if not isinstance(name, str):
            raise ConfigurationError(f"{key}[{index}]: response must be a name")
        if name != "success":
            yield {
                "match": {"operation": operation},
                "outcome": f"dep.{_code(operation, name)}",
                "count": count,
                "after": before,
            }
        before += count


def _code(operation: str, name: str) -> str:
    if operation == "dep.session" and name in _AT_LOGIN:
        return _AT_LOGIN[name]
    return _OTHER_NAMES.get(name) or name.removeprefix("bad_request_").upper()
