"""``mdmsim readyz``: for scripts and container health checks."""

from http import HTTPStatus
from typing import Any

import click

from simulator.commands.options import ready_file, setting_options, settings
from simulator.commands.remote import get
from simulator.core import ready_file as ready

TIMEOUT_S = 3.0


@click.command("readyz")
@setting_options("data", "ready_file")
@click.option("--url", metavar="URL", help="The control API, instead of looking it up.")
@click.pass_context
def command(context: click.Context, /, url: str | None, config: str | None, **flags: Any) -> None:
    """Exit with 0 if a running simulator is ready, else with 1."""
    if url is None:
        path = ready_file(settings(config, **flags))
        found = ready.read(path)
        url = found["control"] if found else ""
        why = _ask(url) if url else f"there is no {path}"
    else:
        why = _ask(url)
    if why:
        click.echo(f"mdmsim: not ready: {why}", err=True)
        context.exit(1)
    click.echo("ready")


def _ask(url: str) -> str:
    """Return why the control API at *url* does not say that it is ready, or an empty string."""
    try:
        status, _ = get(url, "/readyz", timeout_s=TIMEOUT_S)
    except OSError as error:
        return f"{url} does not respond ({error})"
    return "" if status == HTTPStatus.OK else f"{url}/readyz returns {status}"
