"""Scenarios of simulated devices: a TOML file of steps.

[[steps]]
at_s = 3600          # seconds after the start, by the simulator's clock
action = "erase"     # as POST /simulated-devices/SERIAL/ACTION
share = 0.1          # of all devices; which ones follows from the seed

[[steps]]
at_s = 7200
action = "power-on"
"""

import tomllib
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from simulator.core.settings import ConfigurationError
from simulator.devices.options import Options

Action = Literal[
    "power-on",
    "power-off",
    "erase",
    "unenrol",
    "poll",
    "options",
    "enrol",
    "sign-in",
    "log-in",
    "log-out",
    "migrate",
    "return-to-service",
]


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step of a scenario."""

    action: Action
    at_s: float = 0
    share: float = 1
    body: dict[str, Any] = {}
    """What the action takes, such as ``options``."""


_NEEDED = {
    "enrol": ("profile_url", "profile", "account"),
    "log-in": ("user",),
    "log-out": ("user",),
    "options": ("options",),
    "sign-in": ("account",),
}
"""Keys of which the body of an action has to have one."""


class _Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    steps: list[Step]


def read(path: Path) -> list[Step]:
    """Return the steps of a scenario in order of time; ConfigurationError if it is none."""
    try:
        scenario = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _Scenario)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    except msgspec.ValidationError as error:
        known = f"; actions are {', '.join(get_args(Action))}" if "enum" in str(error) else ""
        raise ConfigurationError(f"{path}: {error}{known}") from error
    for number, step in enumerate(scenario.steps, 1):
        if not 0 <= step.share <= 1 or step.at_s < 0:
            why = "share is from 0 to 1, and at_s not below 0"
            raise ConfigurationError(f"{path}: step {number}: {why}")
        needed = _NEEDED.get(step.action, ())
        if needed and not any(step.body.get(name) for name in needed):
            why = f"{step.action} needs a body with {' or '.join(needed)}"
            raise ConfigurationError(f"{path}: step {number}: {why}")
        try:
            msgspec.convert(step.body.get("options", {}), Options)
        except msgspec.ValidationError as error:
            raise ConfigurationError(f"{path}: step {number}: options: {error}") from error
    return sorted(scenario.steps, key=lambda step: step.at_s)


def share(step: Step, serials: Sequence[str], seed: int) -> list[str]:
    """Return the devices that a step concerns: as many of *serials* as its share is of them."""
    wanted = round(step.share * len(serials))
    chosen = sorted(
        serials, key=lambda serial: _chance(f"{seed}|{step.at_s}|{step.action}|{serial}")
    )
    return sorted(chosen[:wanted])


def _chance(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=8).digest()
