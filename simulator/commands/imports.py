"""Commands of ``mdmsim ctl`` that bring new devices, licences and users."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from simulator.commands.steering import ControlClient, control_options
from simulator.core.settings import ConfigurationError

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
    given = {"document": document, "server": server, "location": location}
    body = {name: value for name, value in given.items() if value is not None}
    answer = control.call("POST", "/imports", body, timeout_s=600)
    control.show(answer, "\n".join([*_lines(answer), *answer["left_out"]]))


def _lines(answer: dict[str, Any]) -> Iterator[str]:
    """Yield what was done."""
    if "assets" in answer:
        bought, users = len(answer["assets"]), len(answer["vpp_users"])
        yield f"licences of {bought} products are bought, {users} users have accepted"
        return
    devices, faults = len(answer["serial_numbers"]), len(answer["faults"])
    yield f"{devices} devices are added, {faults} faults are armed"
    for one in answer["arrivals"]:
        yield f"{one['count']} more arrive every {one['every_s']} s"
