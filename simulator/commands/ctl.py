"""``mdmsim ctl``: control a running simulator.

What only forwards a call of the control API comes from its rows: see `forwarding`.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

import click

from simulator.commands.drill import drill
from simulator.commands.imports import arrivals, import_
from simulator.commands.output import output_file
from simulator.commands.steering import ControlClient, control_options, match, pairs
from simulator.core.files import PRIVATE
from simulator.core.settings import ConfigurationError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhdw]?)")
_MATCH = click.option(
    "--match",
    "wanted",
    multiple=True,
    metavar="NAME=VALUE",
    help="What to match, such as operation=dep.sync or body.devices=SERIAL; ~ instead of = "
    "matches a part. May be given more than once.",
)


class ControlGroup(click.Group):
    """The commands of this module, and those that routes yield, made when one is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names, sorted."""
        return sorted({*super().list_commands(ctx), *_forwarding()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of this module, else that of a route."""
        return super().get_command(ctx, cmd_name) or _forwarding().get(cmd_name)


@cache
def _forwarding() -> dict[str, click.Group]:
    from simulator import services  # noqa: PLC0415 (they bring the control API)
    from simulator.commands import forwarding  # noqa: PLC0415 (they bring the control API)

    return forwarding.groups(services.provisionings())


@click.group("ctl", cls=ControlGroup)
def command() -> None:
    """Control a running simulator: inject faults, move the clock, wait, reset."""


@command.command("outcomes")
@click.option("--service", metavar="NAME", help="Those of one service only.")
@control_options
def outcomes(service: str | None, **options: Any) -> None:
    """List every outcome and delivery that a fault can name."""
    control = ControlClient.of(**options)
    menu = control.call("GET", "/outcomes")
    listed = [one for one in menu["outcomes"] if service in (None, one["service"])]
    rows = [(one["name"], one["status"], _names(one), one["about"]) for one in listed]
    if service is None:
        rows += [(one["name"], "delivery", _names(one), one["about"]) for one in menu["deliveries"]]
    control.table(menu, ("name", "status", "parameters", "about"), rows)


def _names(one: dict[str, Any]) -> str:
    return ", ".join(row["name"] for row in one["parameters"])


@command.group("fault")
def fault() -> None:
    """Inject faults: error responses, delays, dropped connections."""


@fault.command("add")
@click.argument("name")
@click.option("--delivery", is_flag=True, help="NAME is a delivery, not an outcome.")
@_MATCH
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="A parameter.")
@click.option("--count", type=int, help="How many requests it touches.")
@click.option("--probability", type=float, help="Chance that it touches one.")
@click.option("--after", type=int, help="How many requests it lets pass first.")
@click.option("--until", metavar="TIME", help="When it ends, such as 2026-01-05T10:00:00Z.")
@click.option("--for", "for_s", type=float, metavar="SECONDS", help="How long it is armed at all.")
@control_options
def add(
    name: str,
    delivery: bool,
    wanted: tuple[str, ...],
    given: tuple[str, ...],
    count: int | None,
    probability: float | None,
    after: int | None,
    until: str | None,
    for_s: float | None,
    **options: Any,
) -> None:
    """Arm a fault, such as: add dep.T_C_NOT_SIGNED --count 1."""
    control = ControlClient.of(**options)
    limits = {
        "count": count,
        "probability": probability,
        "after": after,
        "until": until,
        "for_s": for_s,
    }
    body = {
        "match": match(wanted),
        "delivery" if delivery else "outcome": {"name": name, **pairs(given, "--set")},
        **{key: value for key, value in limits.items() if value is not None},
    }
    armed = control.call("POST", "/faults", body)
    control.show(armed, f"fault {armed['id']} is armed")


@fault.command("list")
@control_options
def list_(**options: Any) -> None:
    """List the armed faults, with what they have touched."""
    control = ControlClient.of(**options)
    answer = control.call("GET", "/faults")
    rows = [
        (
            one["id"],
            (one.get("outcome") or one.get("delivery"))["name"],
            one["match"] or "all",
            one["count"] or "all",
            f"{one['touched']} of {one['matched']}",
            "used up" if one["spent"] else "armed",
        )
        for one in answer["faults"]
    ]
    control.table(answer, ("id", "does", "match", "count", "touched", "state"), rows)


@fault.command("clear")
@click.argument("identifier", required=False)
@control_options
def clear(identifier: str | None, **options: Any) -> None:
    """Disarm the fault of that id, or all."""
    control = ControlClient.of(**options)
    path = f"/faults/{identifier}" if identifier else "/faults"
    answer = control.call("DELETE", path)
    control.show(answer, f"{answer['removed']} disarmed")


@command.command("clock")
@click.option("--advance", metavar="TIME", help="Move time on: 90, 15m, 24h, 8d.")
@click.option("--now", metavar="TIME", help="Set the time, such as 2026-01-05T10:00:00Z.")
@click.option("--freeze", "mode", flag_value="frozen", help="Stop time.")
@click.option("--run", "mode", flag_value="offset", help="Let moved time run.")
@click.option("--real", "mode", flag_value="real", help="Follow the wall clock again.")
@control_options
def clock(advance: str | None, now: str | None, mode: str | None, **options: Any) -> None:
    """Show the simulator's time, or move, stop and start it."""
    control = ControlClient.of(**options)
    body: dict[str, Any] = {"mode": mode, "now": now}
    if advance is not None:
        body["advance_s"] = _seconds(advance)
    body = {key: value for key, value in body.items() if value is not None}
    answer = control.call("PUT", "/clock", body) if body else control.call("GET", "/clock")
    control.show(answer, f"{answer['now']} ({answer['mode']})")


def _seconds(text: str) -> float:
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ConfigurationError(f"--advance {text!r} is no time such as 90, 15m, 24h or 8d")
    return float(found[1]) * _UNITS[found[2] or "s"]


@command.command("quirks")
@click.argument("identifier", required=False)
@click.argument("state", required=False, type=click.Choice(["on", "off"]))
@click.option("--organisation", metavar="ID", help="For this one only.")
@control_options
def quirks(
    identifier: str | None, state: str | None, organisation: str | None, **options: Any
) -> None:
    """List the oddities of the real services, or switch one: quirks dep.same-cursor on."""
    control = ControlClient.of(**options)
    if identifier is None or state is None:
        answer = control.call("GET", "/quirks")
        listed = [one for one in answer["quirks"] if identifier in (None, one["id"])]
        rows = [
            (one["id"], ", ".join(one["organisations"]) or "off", one["about"], one["source"])
            for one in listed
        ]
        control.table(answer, ("quirk", "on for", "about", "source"), rows)
        return
    body = {"on": state == "on"} | ({"organisation": organisation} if organisation else {})
    answer = control.call("PUT", f"/quirks/{identifier}", body)
    control.show(answer, f"{identifier} is {'on' if answer['on'] else 'off'}")


@command.command("wait")
@_MATCH
@click.option("--count", type=int, default=1, show_default=True, help="How many exchanges.")
@click.option("--timeout", type=float, default=30, show_default=True, help="Seconds.")
@click.option("--after", type=int, default=0, help="Only exchanges with a higher number.")
@control_options
def wait(wanted: tuple[str, ...], count: int, timeout: float, after: int, **options: Any) -> None:
    """Wait until exchanges match; exit with 1 and the nearest miss if they do not in time."""
    control = ControlClient.of(**options)
    body = {"match": match(wanted), "count": count, "timeout_s": timeout, "after": after}
    answer = control.judge("/exchanges/wait", body, timeout + 30)
    numbers = ", ".join(str(one["seq"]) for one in answer["exchanges"])
    control.show(answer, f"{answer['count']} matched: {numbers}")


@command.command("verify")
@_MATCH
@click.option("--count", type=int, help="Exactly so many.")
@click.option("--min", "least", type=int, help="At least so many [1].")
@click.option("--max", "most", type=int, help="At most so many.")
@click.option("--after", type=int, default=0, help="Only exchanges with a higher number.")
@control_options
def verify(
    wanted: tuple[str, ...],
    count: int | None,
    least: int | None,
    most: int | None,
    after: int,
    **options: Any,
) -> None:
    """Assert how many matching requests arrived; if not, show the closest and exit with 1."""
    control = ControlClient.of(**options)
    if count is not None and (least is not None or most is not None):
        raise ConfigurationError("give either --count, or --min and --max")
    bounds = {"min": least, "max": most}
    given = {key: value for key, value in bounds.items() if value is not None}
    body = {
        "match": match(wanted),
        "count": (given or {"min": 1}) if count is None else count,
        "after": after,
    }
    answer = control.judge("/exchanges/verify", body, 60)
    control.show(answer, f"verified: {answer['count']} exchanges")


@command.command("reset")
@click.option("--organisation", metavar="ID", help="This one only.")
@control_options
def reset(organisation: str | None, **options: Any) -> None:
    """Go back to the world as it was loaded; the journal stays."""
    control = ControlClient.of(**options)
    body = {"organisation": organisation} if organisation else {}
    answer = control.call("POST", "/reset", body)
    control.show(answer, f"{organisation or 'everything'} is as it was loaded")


@command.group("snapshot")
def snapshot() -> None:
    """Keep the whole state as a file. It holds the simulator's own secrets."""


@snapshot.command("save")
@click.argument("path", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@control_options
def save(path: Path, **options: Any) -> None:
    """Write the state to FILE, which only its owner may read."""
    control = ControlClient.of(**options)
    with output_file(path, PRIVATE) as file:
        content = control.send("GET", "/snapshot", timeout_s=600)
        file.write(content)
    control.show({"file": str(path), "bytes": len(content)}, f"{len(content)} bytes in {path}")


@snapshot.command("load")
@click.argument("path", metavar="FILE", type=click.Path(exists=True, path_type=Path))
@control_options
def load(path: Path, **options: Any) -> None:
    """Replace the state by that in FILE."""
    control = ControlClient.of(**options)
    answer = control.call("PUT", "/snapshot", path.read_bytes(), timeout_s=600)
    control.show(answer, f"{path} is loaded")


@command.command("world")
@click.argument("name")
@click.option("--devices", type=int, help="How many its first list generates.")
@control_options
def world(name: str, devices: int | None, **options: Any) -> None:
    """Replace everything by the world NAME; its credentials are new."""
    control = ControlClient.of(**options)
    body = {"devices": devices} if devices is not None else {}
    answer = control.call("POST", f"/worlds/{name}", body, timeout_s=600)
    control.show(answer, f"{name} is loaded: its credentials are in ready.json")


command.add_command(arrivals)
command.add_command(import_)
command.add_command(drill)
