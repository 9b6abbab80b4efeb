"""Faults: the menu of all that Apple can answer, what is armed, and the quirks."""

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from simulator.console import calls
from simulator.console.pages.world import do, text
from simulator.console.parts import Page
from simulator.console.rendering import page
from simulator.control.parts import PARTS, missing
from simulator.protocol.catalogue import Catalogue

PLACE = "/steering/faults"
_MATCH = ("service", "operation", "organisation", "client")
_COUNTS = ("count", "after")
KINDS = ("outcome", "delivery")


async def faults(request: web.Request) -> web.StreamResponse:
    """Show what is armed, and the menu."""
    wanted = request.query.get("q", "").strip()
    armed = (await calls.get(request, "faults"))["faults"]
    menu = await calls.get(request, "outcomes")
    return await page(
        request,
        "faults.html",
        "steering",
        faults=[one | _named(one) for one in armed],
        groups=_groups(menu, wanted.lower()),
        q=wanted,
    )


def _named(fault: Mapping[str, Any]) -> dict[str, Any]:
    """Return kind, name and parameters of what a fault does."""
    kind = next(kind for kind in KINDS if fault.get(kind))
    does = fault[kind]
    if isinstance(does, str):
        does = {"name": does}
    given = {name: value for name, value in does.items() if name != "name"}
    return {"kind": kind, "name": does["name"], "given": given}


def _groups(menu: Mapping[str, Any], wanted: str) -> list[tuple[str, str, list[Any]]]:
    """Return the entries of the menu by service, those of the wire last: kind, title, entries."""
    groups: dict[tuple[str, str], list[Any]] = {}
    for one in menu["outcomes"]:
        groups.setdefault(("outcome", one["service"]), []).append(one)
    groups["delivery", "network faults"] = menu["deliveries"]
    found = []
    for (kind, title), entries in groups.items():
        fitting = [one for one in entries if wanted in f"{one['name']} {one['about']}".lower()]
        if fitting:
            found.append((kind, title, fitting))
    return found


async def _entry(request: web.Request) -> tuple[str, Any]:
    """Return the kind and the entry of the menu that a page is about."""
    kind, name = request.match_info["kind"], request.match_info["name"]
    menu = await calls.get(request, "outcomes")
    listed = {"outcome": menu["outcomes"], "delivery": menu["deliveries"]}.get(kind, [])
    for one in listed:
        if one["name"] == name:
            return kind, one
    raise missing(f"the catalogue of outcomes has no {kind} called {name}")


async def prepare(request: web.Request) -> web.StreamResponse:
    """Show the form that arms one entry of the menu."""
    kind, entry = await _entry(request)
    catalogue = request.app[PARTS].catalogue
    return await page(
        request,
        "arm.html",
        "steering",
        kind=kind,
        entry=entry,
        operations=entry.get("operations") or _operations(catalogue, entry.get("service")),
        services=sorted(catalogue.services),
        organisations=await calls.organisations(request),
    )


def _operations(catalogue: Catalogue, service: str | None) -> list[str]:
    """Return the operations of *service*, or of all."""
    return sorted(
        name for name in catalogue.operations if service in (None, name.partition(".")[0])
    )


def _plain(value: str, row: Mapping[str, Any]) -> Any:
    """Return a field of the form as its row's type; what does not fit is left to the API."""
    readers: dict[str, Callable[[str], Any]] = {
        "integer": int,
        "number": float,
        "boolean": lambda word: word == "true",
    }
    try:
        return readers.get(row["type"], str)(value)
    except ValueError:
        return value


async def arm(request: web.Request) -> web.StreamResponse:
    """Arm what the form says."""
    kind, entry = await _entry(request)
    form = await request.post()
    given = {
        row["name"]: _plain(value, row)
        for row in entry["parameters"]
        if (value := text(form, f"parameter-{row['name']}"))
    }
    match = {name: value for name in _MATCH if (value := text(form, name))}
    body: dict[str, Any] = {kind: {"name": entry["name"], **given} if given else entry["name"]}
    if match:
        body["match"] = match
    for name in _COUNTS:
        if value := text(form, name):
            body[name] = _plain(value, {"type": "integer"})
    if percent := text(form, "percent"):
        number = _plain(percent, {"type": "number"})
        body["probability"] = number / 100 if isinstance(number, float) else number
    said = f"{entry['name']} is armed."
    return await do(request, said, "POST", "faults", body=body, place=PLACE)


async def disarm(request: web.Request) -> web.StreamResponse:
    """Disarm one fault."""
    path = ("faults", request.match_info["id"])
    return await do(request, "Disarmed.", "DELETE", *path, place=PLACE)


async def clear(request: web.Request) -> web.StreamResponse:
    """Disarm all faults."""
    return await do(request, "All faults are disarmed.", "DELETE", "faults", place=PLACE)


async def quirks(request: web.Request) -> web.StreamResponse:
    """Show the oddities of the real services."""
    found = (await calls.get(request, "quirks"))["quirks"]
    return await page(request, "quirks.html", "steering", quirks=found)


async def switch(request: web.Request) -> web.StreamResponse:
    """Switch a quirk on or off, for everybody."""
    on = text(await request.post(), "on") == "yes"
    identifier = request.match_info["id"]
    said = f"{identifier} is {'on' if on else 'off'}."
    path = ("quirks", identifier)
    return await do(request, said, "PUT", *path, body={"on": on}, place="/steering/quirks")


PAGES = (
    Page("GET", PLACE, faults),
    Page("GET", f"{PLACE}/arm/{{kind}}/{{name}}", prepare),
    Page("POST", f"{PLACE}/arm/{{kind}}/{{name}}", arm),
    Page("POST", f"{PLACE}/disarm", clear),
    Page("POST", f"{PLACE}/disarm/{{id}}", disarm),
    Page("GET", "/steering/quirks", quirks),
    Page("POST", "/steering/quirks/{id}", switch),
)
