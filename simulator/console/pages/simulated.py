"""Simulated devices: where each is, its life, and what a person can do who holds it."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any
from urllib.parse import quote

from aiohttp import web
from msgspec import Struct

from simulator.console import calls
from simulator.console.formatting import moment, plural
from simulator.console.pages.world import ROWS, do
from simulator.console.parts import Page
from simulator.console.rendering import page
from simulator.control.parts import missing

_PLACE = "/world/simulated"
_TONES = {"enrolled": "good", "awaiting": "warn", "lost": "warn", "off": "warn"}
_BAD = {"failed", "finding", "push ignored", "account refused"}
_STAGES = {
    "activated": "good",
    "enrolled": "good",
    "failed": "bad",
    "unenrolled": "warn",
    "erased": "warn",
    "off": "plain",
    "on": "plain",
}
"""What a new stage of a device's life begins with, and its tone."""
_COUNTED = ("check-in", "push", "command", "finding")


class SimulatedDeviceForm(Struct, frozen=True):
    """One form of a device's page."""

    name: str
    """As the API calls it."""
    words: str
    about: str
    danger: bool = False


ACTIONS = (
    SimulatedDeviceForm(
        "power-on", "Turn on", "A new or erased one activates, and enrols if it is assigned."
    ),
    SimulatedDeviceForm("power-off", "Turn off", "Pushes wait until it is on again."),
    SimulatedDeviceForm(
        "poll", "Ask for commands", "It asks its MDM without having been pushed to."
    ),
    SimulatedDeviceForm("unenrol", "Remove the MDM", "Its user removes the enrolment profile."),
    SimulatedDeviceForm("erase", "Erase", "Nothing is left but the hardware.", danger=True),
)


async def devices(request: web.Request) -> web.StreamResponse:
    """Show a page of the simulated devices."""
    after = request.query.get("after", "")
    found = await calls.get(request, "simulated-devices", after=after, limit=ROWS)
    return await page(
        request,
        "simulated.html",
        "world",
        devices=[one | {"tone": _tone(one)} for one in found["simulated_devices"]],
        after=after,
        following=found["next"],
    )


def _tone(device: Any) -> str:
    return "bad" if device["trouble"] else _TONES.get(device["state"], "plain")


async def add(request: web.Request) -> web.StreamResponse:
    """Buy a device, and turn it on."""
    body = {"count": 1, "power_on": True}
    said = "A device was bought and turned on."
    return await do(request, said, "POST", "simulated-devices", body=body, place=_PLACE)


async def device(request: web.Request) -> web.StreamResponse:
    """Show one device, the stages of its life, and all that happened, newest first."""
    serial = request.match_info["serial"]
    found = await calls.get(request, "simulated-devices", serial)
    life = [one | _seen(one) for one in found.pop("life")]
    hidden = ("push_token", "trouble", "state", "managed_account")
    facts = {name: value for name, value in found.items() if name not in hidden}
    if account := found["managed_account"]:
        facts["managed_account"] = f"{account['account']}: {account['problem'] or 'signed in'}"
    return await page(
        request,
        "simulateddevice.html",
        "world",
        device=found | {"tone": _tone(found)},
        facts=facts,
        stages=_stages(life),
        days=_days(life),
        actions=ACTIONS,
    )


def _seen(event: Any) -> dict[str, str]:
    """Return day, time and tone of what happened."""
    day, _, time = moment(event["at"]).partition(", ")
    tone = _STAGES.get(event["what"], "bad" if event["what"] in _BAD else "plain")
    if event["what"] == "command" and not event["about"].endswith(": Acknowledged"):
        tone = "warn"
    return {"day": day, "time": time, "tone": tone}


def _stages(life: Sequence[Any]) -> list[Any]:
    """Return the stages of a life, oldest first, each with how often what happened in it."""
    stages: list[Any] = []
    for one in life:
        if one["what"] in _STAGES:
            stages.append(one | {"counts": Counter[str]()})
        elif stages:
            stages[-1]["counts"][one["what"]] += 1
    for one in stages:
        one["counts"] = [
            plural(one["counts"][what], what) for what in _COUNTED if what in one["counts"]
        ]
    return stages


def _days(life: Sequence[Any]) -> list[tuple[str, list[Any]]]:
    """Return what happened, newest first, by day."""
    newest = reversed(life)
    return [(day, list(some)) for day, some in groupby(newest, lambda one: one["day"])]


async def act(request: web.Request) -> web.StreamResponse:
    """Do what a form asks for to a device."""
    serial, action = request.match_info["serial"], request.match_info["action"]
    if action not in {one.name for one in ACTIONS}:
        raise missing(f"no form of the console asks for {action}")
    place = f"{_PLACE}/{quote(serial)}"
    said = f"{serial}: {action} is done."
    path = ("simulated-devices", serial, action)
    return await do(request, said, "POST", *path, body={}, place=place)


PAGES = (
    Page("GET", _PLACE, devices),
    Page("POST", _PLACE, add),
    Page("GET", f"{_PLACE}/{{serial}}", device),
    Page("POST", f"{_PLACE}/{{serial}}/{{action}}", act),
)
