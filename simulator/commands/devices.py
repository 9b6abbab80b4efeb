"""``mdmsim devices``: create simulated devices, enrol, list, erase them."""

import base64
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import quote

import click

from simulator.commands import scenarios
from simulator.commands.progress import bar
from simulator.commands.steering import ControlClient, control_options
from simulator.core.settings import ConfigurationError

_BATCH = 50
"""Devices that one call enrols, so that the bar moves."""
_CALLS = 4
"""Batches that are on their way at the same time."""
_ENROLLED = ("enrolled", "awaiting")
_TIMEOUT_S = 600
_PAGE = 1000
_SHARED_FROM = 100
"""From so many devices on they share keys: to make one takes 40 ms."""


def _rate(_: click.Context, __: click.Parameter, text: str | None) -> float | None:
    """Return the number of devices a second: it is above 0, ``/s`` behind it or not."""
    if text is None:
        return None
    try:
        rate = float(text.strip().removesuffix("/s"))
    except ValueError:
        rate = 0
    if not 0 < rate < float("inf"):
        raise click.BadParameter(f"{text!r} is no number above 0: write 200/s")
    return rate


@click.group("devices")
def command() -> None:
    """Simulate devices: enrol, list, turn on, erase them, or run a scenario."""


@command.command("enrol")
@click.argument("serials", nargs=-1)
@click.option("--count", type=click.IntRange(1), help="Buy so many devices, instead of SERIALS.")
@click.option("--server", metavar="ID", help="DEP server of bought ones, if there are several.")
@click.option("--family", "families", multiple=True, help="What bought ones may be: iPhone, Mac …")
@click.option("--rate", callback=_rate, metavar="N/s", help="Devices a second, at most: 200/s.")
@click.option(
    "--profile", metavar="FILE|URL", help="Enrol by this profile, not by an assigned one."
)
@click.option("--origin", "origins", multiple=True, metavar="FROM=TO", help="Go to TO for FROM.")
@click.option("--trust", type=click.Path(exists=True, dir_okay=False), help="PEM to trust.")
@control_options
def enrol(
    serials: tuple[str, ...],
    count: int | None,
    server: str | None,
    families: tuple[str, ...],
    rate: float | None,
    profile: str | None,
    origins: tuple[str, ...],
    trust: str | None,
    **options: Any,
) -> None:
    """Create devices and turn them on; those with an assigned profile enrol.

    SERIALS are devices that Apple knows; --count buys new ones, which have a
    profile only if the MDM server assigns one meanwhile.
    """
    control = ControlClient.of(**options)
    if bool(serials) == (count is not None):
        raise click.UsageError("name serial numbers, or how many devices to buy: --count 3")
    given: dict[str, Any] = {"origins": dict(_pair(one) for one in origins)}
    by = _profile(profile)
    if count is not None:
        serials = tuple(_bought(control, count, server, families))
    if trust:
        given["trust"] = Path(trust).read_text(encoding="ascii")
    if len(serials) >= _SHARED_FROM:
        given["shared_keys"] = True
    devices: list[dict[str, Any]] = []
    begun = time.monotonic()
    with bar("enrolling", len(serials)) as advance:
        for some in _side_by_side(_paced(serials, rate), control, by, given):
            devices += some
            advance(len(some))
    click.echo(_speed(devices, time.monotonic() - begun), err=True)
    _table(control, devices)
    if any(one["trouble"] for one in devices):
        raise SystemExit(1)


def _pair(text: str) -> tuple[str, str]:
    start, sign, end = text.partition("=")
    if not (start and sign and end):
        raise ConfigurationError(
            f"--origin: {text!r} is not FROM=TO, such as https://mdm.test=http://127.0.0.1:9000"
        )
    return start.rstrip("/"), end.rstrip("/")


def _bought(
    control: ControlClient, count: int, server: str | None, families: Sequence[str]
) -> Iterator[str]:
    """Buy devices and yield their serial numbers."""
    listed = control.call("GET", "/dep-servers")["dep_servers"]
    if server is None and len(listed) != 1:
        names = ", ".join(one["id"] for one in listed) or "none"
        raise ConfigurationError(
            f"there are several DEP servers: name one of {names} with --server"
        )
    body: dict[str, Any] = {"count": count, "server": server or listed[0]["id"]}
    if families:
        body["families"] = list(families)
    yield from control.call("POST", "/devices", body, timeout_s=_TIMEOUT_S)["serial_numbers"]


def _paced(serials: Sequence[str], rate: float | None) -> Iterator[Sequence[str]]:
    """Yield batches of *serials*, at most *rate* devices a second of the wall clock."""
    size = _BATCH if rate is None else max(1, min(_BATCH, int(rate)))
    start, wait = time.monotonic(), Event().wait
    for at in range(0, len(serials), size):
        if rate is not None:
            wait(max(0.0, start + at / rate - time.monotonic()))
        yield serials[at : at + size]


def _side_by_side(
    batches: Iterator[Sequence[str]],
    control: ControlClient,
    by: dict[str, str] | None,
    options: dict[str, Any],
) -> Iterator[list[dict[str, Any]]]:
    """Enrol batches, some at the same time, and yield the devices of each in their order."""
    with ThreadPoolExecutor(_CALLS) as pool:
        running: deque[Future[list[dict[str, Any]]]] = deque()
        try:
            for batch in batches:
                running.append(pool.submit(_enrolled, control, batch, by, options))
                while running and (len(running) == _CALLS or running[0].done()):
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for one in running:
                one.cancel()


def _speed(devices: Sequence[dict[str, Any]], seconds: float) -> str:
    """Return a line on how many have enrolled, how fast, and why others have not."""
    enrolled = sum(one["state"] in _ENROLLED for one in devices)
    unmanaged = sum(one["state"] == "activated" and not one["trouble"] for one in devices)
    why = f"; {unmanaged} have no profile: assign one, or name --profile" if unmanaged else ""
    speed = f"{enrolled / seconds:.0f}/s"
    return f"{enrolled} of {len(devices)} enrolled in {seconds:.1f} s, {speed}{why}"


def _enrolled(
    control: ControlClient,
    serials: Sequence[str],
    by: dict[str, str] | None,
    options: dict[str, Any],
) -> list[dict[str, Any]]:
    """Create devices and enrol them: *by* a profile, or None by what is assigned to them."""
    how: dict[str, Any] = dict(by) if by else {"power_on": True}
    body = {"serial_numbers": list(serials), "options": options, **how}
    answer = control.call("POST", "/simulated-devices", body, timeout_s=_TIMEOUT_S)
    return list(answer["simulated_devices"])


def _profile(given: str | None) -> dict[str, str] | None:
    """Return what names a profile in the body of a call, None if there is none."""
    if given is None:
        return None
    if given.startswith(("http://", "https://")):
        return {"profile_url": given}
    try:
        content = Path(given).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {given}: {error.strerror}") from error
    if not content:
        raise ConfigurationError(f"{given} is empty: --profile takes a profile, or its URL")
    return {"profile": base64.b64encode(content).decode()}


def _act(control: ControlClient, serial: str, action: str, body: Any = None) -> dict[str, Any]:
    path = f"/simulated-devices/{quote(serial)}/{action}"
    done: dict[str, Any] = control.call("POST", path, body or {}, timeout_s=_TIMEOUT_S)
    return done


@command.command("list")
@control_options
def list_devices(**options: Any) -> None:
    """List the simulated devices."""
    control = ControlClient.of(**options)
    _table(control, list(_all(control)))


def _all(control: ControlClient) -> Iterator[dict[str, Any]]:
    after: str | None = ""
    while after is not None:
        path = f"/simulated-devices?limit={_PAGE}&after={quote(after)}"
        page = control.call("GET", path)
        yield from page["simulated_devices"]
        after = page["next"]


def _table(control: ControlClient, devices: Sequence[dict[str, Any]]) -> None:
    rows = (
        (one["serial_number"], one["product"], one["os_version"], one["state"], one["trouble"])
        for one in devices
    )
    control.table(list(devices), ("Serial number", "Product", "OS", "State", "Trouble"), rows)


@command.command("power-on")
@click.argument("serials", nargs=-1, required=True)
@control_options
def power_on(serials: tuple[str, ...], **options: Any) -> None:
    """Turn devices on; erased ones activate and enrol again."""
    control = ControlClient.of(**options)
    _table(control, [_act(control, one, "power-on") for one in serials])


@command.command("erase")
@click.argument("serials", nargs=-1, required=True)
@control_options
def erase(serials: tuple[str, ...], **options: Any) -> None:
    """Erase devices, as their users can."""
    control = ControlClient.of(**options)
    _table(control, [_act(control, one, "erase") for one in serials])


@command.command("run")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--seed", type=int, default=1, show_default=True, help="Chooses the shares.")
@control_options
def run(file: str, seed: int, **options: Any) -> None:
    """Run a scenario: FILE says when what happens to which share of the devices.

    The simulator's clock is moved to the time of each step: nothing waits. What a
    device refuses is said at the end; the others go on.
    """
    control = ControlClient.of(**options)
    scenario = scenarios.read(Path(file))
    serials = [one["serial_number"] for one in _all(control)]
    at_s = 0.0
    chosen = [(step, scenarios.share(step, serials, seed)) for step in scenario]
    refused: list[str] = []
    with bar("running", sum(len(some) for _, some in chosen)) as advance:
        for step, some in chosen:
            if step.at_s > at_s:
                control.call("PUT", "/clock", {"advance_s": step.at_s - at_s})
                at_s = step.at_s
            for serial in some:
                try:
                    _act(control, serial, step.action, step.body)
                except ConfigurationError as error:  # such as a log-in to an iPhone
                    refused.append(str(error))
                advance(1)
    _table(control, list(_all(control)))
    for one in refused:
        click.echo(f"mdmsim: {one}", err=True)
    if refused:
        raise SystemExit(1)
