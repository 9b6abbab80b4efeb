"""Configuration files of vppsim, Apple's old VPP simulator: licences to buy, users that accept.

What is known of them comes from commandment's (CM): ``license_insertions`` name a
product and how many licences come with each event, ``associate_users`` how many of
the registered users get an Apple Account with each.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from simulator.core.settings import ConfigurationError
from simulator.worlds.depsim import EVENTS, INTERVAL, note_others, whole

KEYS = ("license_insertions", "associate_users")
MOST_PURCHASES = 10_000
"""How many purchases a file may have: all of them are noted at once, and others wait for that."""


class LicencePurchase(Struct, frozen=True):
    """Licences to buy."""

    adam_id: str
    quantity: int


class VppsimConfiguration(Struct, frozen=True):
    """What a file asks for, all of its events at once."""

    purchases: tuple[LicencePurchase, ...]
    users: int
    """How many registered users accept their invitation."""
    left_out: tuple[str, ...]
    """What has no counterpart here, in words."""


def is_one(document: Any) -> bool:
    """Tell whether *document* is a file of vppsim, and not of depsim."""
    return isinstance(document, Mapping) and any(key in document for key in KEYS)


def read(document: Mapping[str, Any]) -> VppsimConfiguration:
    """Return what *document* asks for; ConfigurationError names what cannot be understood."""
    left_out = [f"{key} has no counterpart here" for key in document if key not in KEYS]
    listed = document.get("license_insertions", [])
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise ConfigurationError("license_insertions must be an array of objects")
    if len(listed) > MOST_PURCHASES:
        raise ConfigurationError(
            f"license_insertions holds {len(listed)} objects: import {MOST_PURCHASES} at a time"
        )
    purchases = []
    for index, one in enumerate(listed):
        at = f"license_insertions[{index}]"
        note_others(one, ("license", "licenses_per_event", INTERVAL, EVENTS), at, left_out)
        adam_id = one["license"].get("adamId") if isinstance(one.get("license"), dict) else None
        if not (isinstance(adam_id, int | str) and str(adam_id).isascii()) or not (
            str(adam_id).isdigit()
        ):
            raise ConfigurationError(f'{at}: license must be an object such as {{"adamId": 1}}')
        times = _times(one, at, left_out)
        purchases.append(
            LicencePurchase(str(adam_id), whole(one, "licenses_per_event", at, 1) * times)
        )
    accepting = document.get("associate_users")
    users = 0
    if accepting is not None:
        if not isinstance(accepting, dict):
            raise ConfigurationError("associate_users must be an object")
        known = ("users_per_event", INTERVAL, EVENTS)
        note_others(accepting, known, "associate_users", left_out)
        times = _times(accepting, "associate_users", left_out)
        users = whole(accepting, "users_per_event", "associate_users", 1) * times
    return VppsimConfiguration(tuple(purchases), users, tuple(left_out))


def _times(one: Mapping[str, Any], at: str, left_out: list[str]) -> int:
    """Return how many events there are, which happen at once."""
    interval, times = whole(one, INTERVAL, at, 0), whole(one, EVENTS, at, 0)
    if interval and not times:
        left_out.append(f"{at} has no end: one event of it has happened")
    elif times > 1:
        left_out.append(f"{at} has {times} events: they have happened at once")
    return times or 1
