"""``mdmsim ca``: the test CA, and how clients are made to trust it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from simulator.commands.options import setting_options, settings, shared_data
from simulator.core.client_lines import TRUST
from simulator.core.data_directory import Directory, holder
from simulator.core.settings import ConfigurationError


@click.group("ca")
def command() -> None:
    """Show the test CA, and how clients are made to trust it.

    It can sign for Apple's host names, this machine and --san names only.
    """


@command.command("show")
@setting_options("data", "store", "san")
@click.option("--path", "form", flag_value="path", default=True, help="Print where it is. [this]")
@click.option("--pem", "form", flag_value="pem", help="Print the certificate itself.")
def show(form: str, config: str | None, **flags: Any) -> None:
    """Print the CA certificate, or where it is; it is made if there is none yet."""
    path = certificate(config, **flags)
    click.echo(path.read_text() if form == "pem" else str(path), nl=form != "pem")


@command.command("install-hint")
@setting_options("data", "store", "san")
def install_hint(config: str | None, **flags: Any) -> None:
    """Print a line for each kind of client that makes it trust the CA."""
    path = str(certificate(config, **flags))
    for one in TRUST:
        click.echo(f"# {one.client}\n{one.filled({'ca': path})}")


def certificate(config: str | None, **flags: Any) -> Path:
    """Return the CA certificate's path, after making the CA if there is none yet."""
    wanted = settings(config, **flags)
    if wanted.data == ":memory:":
        raise ConfigurationError("--data :memory: keeps no CA: see ready.json of the running one")
    with shared_data(wanted) as path:
        if not holder(path):  # else a running simulator has made it
            directory = Directory(wanted.data, shared=bool(wanted.store))
            try:
                directory.authority(wanted.san, datetime.now(UTC))  # noqa: TID251 (clients check it by their own clock)
            finally:
                directory.release()
    return path / "ca.pem"
