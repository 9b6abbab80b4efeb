"""Configuration files of depsim, Apple's old DEP simulator: devices to add, and answers in turn.

What is known of them comes from commandment's (CM): lists such as
``post_devices_sync_responses`` with ``{"count": 2, "response": "forbidden"}``,
used up in order, and ``device_insertions`` with types and numbers of devices.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.messages import Body
from simulator.settings import ConfigurationError

_RESPONSES = re.compile(r"(get|post|put|delete)_(\w+)_responses")
_OTHER_NAMES = {
    "unauthorized": "UNAUTHORIZED",
    "forbidden": "FORBIDDEN",
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
_AT_LOGIN = {"unauthorized": "oauth_unauthorized", "bad_request": "oauth_bad_request"}
_FAMILIES = {"iphone": "iPhone", "ipad": "iPad", "ipod": "iPod", "mac": "Mac", "appletv": "AppleTV"}


@dataclass(frozen=True, slots=True)
class Insertion:
    """Devices to add."""

    count: int
    families: tuple[str, ...]
    """Empty: all."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a file asks for."""

    insertions: tuple[Insertion, ...]
    faults: tuple[Body, ...]
    """As ``POST /faults`` takes them, in this order."""
    left_out: tuple[str, ...]
    """What has no counterpart here, in words."""


def read(document: Any, operations: Mapping[tuple[str, str], str]) -> Configuration:
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
            insertions += [_insertion(index, one) for index, one in enumerate(_list(key, value))]
            if any("interval_in_seconds" in one for one in value):
                left_out.append("device_insertions repeat: their devices are added once")
        elif found is not None:
            path = "/" + found[2].replace("_", "/")
            name = operations.get((found[1].upper(), path))
            if name is None:
                raise ConfigurationError(f"{key}: no operation answers {found[1].upper()} {path}")
            faults += _in_turn(key, name, _list(key, value))
        else:
            left_out.append(f"{key} has no counterpart here")
    return Configuration(tuple(insertions), tuple(faults), tuple(left_out))


def _list(key: str, value: Any) -> list[Body]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ConfigurationError(f"{key} must be an array of objects")
    return value


def _insertion(index: int, one: Body) -> Insertion:
    count, types = one.get("devices_per_event", 1), one.get("device_types", [])
    at = f"device_insertions[{index}]"
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise ConfigurationError(f"{at}: devices_per_event must be a whole number from 1 on")
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
    return Insertion(count, tuple(families))


def _in_turn(key: str, operation: str, listed: list[Body]) -> Iterator[Body]:
    """Yield one fault for each answer that is no success, from the request on whose turn it is."""
    before = 0
    for index, one in enumerate(listed):
        count, name = one.get("count", 1), one.get("response")
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ConfigurationError(f"{key}[{index}]: count must be a whole number from 1 on")
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
