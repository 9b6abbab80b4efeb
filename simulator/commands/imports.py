"""Commands of ``mdmsim ctl`` that bring new devices, licences and users."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from simulator.commands.steering import ControlClient, control_options
from simulator.core.settings import ConfigurationError
from simulator.worlds import depsim, vppsim
from simulator.worlds.depsim import Insertion

PAGE = 1000
_SERVER = click.option("--server", metavar="ID", help="DEP server, where there is more than one.")


@click.group("arrivals")
def arrivals() -> None:
    """Let devices arrive over time, as new ones are bought."""


@arrivals.command("add")
@click.argument("count", type=int)
@click.option("--every", type=int, required=True, metavar="SECONDS", help="How often they come.")
@click.option("--times", type=int, help="How many times they come; without it, for ever.")
@click.option("--starts", metavar="TIME", help="When the first come, if not one interval from now.")
@click.option("--ends", metavar="TIME", help="From when on none come any more.")
@click.option("--family", "families", multiple=True, help="Only these; more than once for several.")
@_SERVER
@control_options
def add(
    count: int,
    every: int,
    times: int | None,
    starts: str | None,
    ends: str | None,
    families: tuple[str, ...],
    server: str | None,
    **options: Any,
) -> None:
    """Let COUNT devices come each time, such as: add 5 --every 3600."""
    control = ControlClient.of(**options)
    given: dict[str, Any] = {"times": times, "starts": starts, "ends": ends, "server": server}
    given["families"] = list(families) or None
    body: dict[str, Any] = {"count": count, "every_s": every}
    body |= {name: value for name, value in given.items() if value is not None}
    made = control.call("POST", "/arrivals", body)
    control.show(made, f"arrivals {made['id']}: the first come at {made['next'] or 'no time'}")


@arrivals.command("list")
@control_options
def list_(**options: Any) -> None:
    """List what is to come, with how many have."""
    control = ControlClient.of(**options)
    answer = control.call("GET", "/arrivals")
    names = ("id", "server", "count", "every_s", "times", "ends", "arrived", "next")
    rows = [[one[name] for name in names] for one in answer["arrivals"]]
    control.table(answer, names, rows)


@arrivals.command("cancel")
@click.argument("identifier")
@control_options
def cancel(identifier: str, **options: Any) -> None:
    """Let no more of them come; those that have stay."""
    control = ControlClient.of(**options)
    gone = control.call("DELETE", f"/arrivals/{identifier}")
    control.show(gone, f"arrivals {identifier} have ended after {gone['arrived']} devices")


@click.command("import")
@click.argument(
    "path", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@_SERVER
@click.option("--location", metavar="ID", help="VPP location, where there is more than one.")
@control_options
def import_(path: Path, server: str | None, location: str | None, **options: Any) -> None:
    """Do what a configuration file of depsim or vppsim asks for.

    Of depsim: add its devices, now and over time, and inject its responses. Of vppsim: buy its
    licences, and let registered users accept their invitation.
    """
    control = ControlClient.of(**options)
    try:
        document = json.loads(path.read_bytes())
    except ValueError as error:
        raise ConfigurationError(f"{path} is not JSON: {error}") from error
    if vppsim.is_one(document):
        _supply(control, vppsim.read(document), location)
    else:
        _arm(control, path, document, server)


def _arm(control: ControlClient, path: Path, document: Any, server: str | None) -> None:
    """Do what a file of depsim asks for."""
    catalogue = control.call("GET", "/catalogue")
    operations = {
        (method, one["path"]): one["name"]
        for service in catalogue["services"]
        if service["name"] == "dep"
        for one in service["operations"]
        for method in one["methods"]
    }
    asked = depsim.read(document, operations)
    known = {one["name"] for one in control.call("GET", "/outcomes")["outcomes"]}
    for fault in asked.faults:
        if fault["outcome"] not in known:
            raise ConfigurationError(
                f"{path}: {fault['outcome']} is not a response that is known here"
            )
    serials: list[str] = []
    ordered: list[dict[str, Any]] = []
    armed: list[dict[str, Any]] = []
    # What can be taken back comes first, so that a file is imported whole or not at all.
    try:
        for fault in asked.faults:
            armed.append(control.call("POST", "/faults", fault))  # noqa: PERF401 (may fail)
        for one in [each for each in asked.insertions if each.times != 1]:
            body = _body(one, server) | _later(one)
            ordered.append(control.call("POST", "/arrivals", body))
        for one in asked.insertions:
            body = _body(one, server)
            serials += control.call("POST", "/devices", body, timeout_s=600)["serial_numbers"]
    except ConfigurationError:
        for fault in armed:
            control.call("DELETE", f"/faults/{fault['id']}")
        for arrival in ordered:
            control.call("DELETE", f"/arrivals/{arrival['id']}")
        raise
    answer = {"serial_numbers": serials, "arrivals": ordered, "faults": armed}
    lines = [f"{len(serials)} devices are added, {len(armed)} faults are armed"]
    lines += (f"{one['count']} more arrive every {one['every_s']} s" for one in ordered)
    _told(control, answer, lines, asked.left_out)


def _body(one: Insertion, server: str | None) -> dict[str, Any]:
    """Return how the devices of one event are added."""
    families = {"families": list(one.families)} if one.families else {}
    return {"count": one.count, **families, **({"server": server} if server else {})}


def _later(one: Insertion) -> dict[str, int]:
    """Return how devices go on to come after the first event."""
    return {"every_s": one.every_s or 1, **({"times": one.times - 1} if one.times else {})}


def _supply(
    control: ControlClient, asked: vppsim.VppsimConfiguration, location: str | None
) -> None:
    """Do what a file of vppsim asks for."""
    where = {"location": location} if location else {}
    bought = [control.call("POST", "/assets", where | _order(one)) for one in asked.purchases]
    accepted: list[Any] = []
    after: Any = 0
    while after is not None and len(accepted) < asked.users:
        query = f"limit={PAGE}&after={after}" + (f"&location={location}" if location else "")
        page = control.call("GET", f"/vpp-users?{query}")
        after = page["next"]
        for user in page["vpp_users"]:
            if user["status"] == "Registered" and len(accepted) < asked.users:
                client = user["clientUserId"]
                body = where | {"client_user_id": client, "account": f"{client}@school.example"}
                accepted.append(control.call("POST", "/vpp-users/accept", body))
    left_out = list(asked.left_out)
    if len(accepted) < asked.users:
        left_out.append(f"associate_users: there were only {len(accepted)} registered users")
    lines = [f"licences of {len(bought)} products are bought, {len(accepted)} users have accepted"]
    _told(control, {"assets": bought, "vpp_users": accepted}, lines, left_out)


def _order(one: vppsim.LicencePurchase) -> dict[str, Any]:
    """Return how to buy licences of a product that is put into the store with them."""
    product = {"adam_id": one.adam_id, "name": f"App {one.adam_id}"}
    return {"product": product, "quantity": one.quantity}


def _told(
    control: ControlClient, answer: dict[str, Any], lines: Iterable[str], left_out: Iterable[str]
) -> None:
    """Show what was done, and what was left out."""
    missing = list(left_out)
    control.show(answer | {"left_out": missing}, "\n".join([*lines, *missing]))
