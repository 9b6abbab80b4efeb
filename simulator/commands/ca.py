"""``mdmsim ca``: the test CA, and how clients are made to trust it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from simulator.commands.options import setting_options, settings, shared_data
from simulator.core.client_lines import TRUST
from simulator.core.data_directory import MEMORY, Directory, holder
from simulator.core.files import PRIVATE, PUBLIC, write_file
from simulator.core.settings import ConfigurationError, Settings, host_names
from simulator.pki.authority import Authority
from simulator.store.opening import shared_files, starting


@click.group("ca")
def command() -> None:
    """Show or replace the test CA, and say how clients are made to trust it.

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


@command.command("replace")
@setting_options("data", "store", "store_key", "san", "public_url")
def replace(config: str | None, **flags: Any) -> None:
    """Make a new CA in place of the present one, and print where it is.

    It signs for what the present one does, and for --san and --public-url too. Stop the simulator
    before, or all replicas over --store, and have clients trust the new one. Where replicas have
    data directories of their own, empty those.
    """
    wanted = settings(config, **flags)
    if wanted.data == MEMORY and not wanted.store_key:
        raise ConfigurationError("--data :memory: keeps no CA: there is none to replace")
    directory = Directory(wanted.data, shared=bool(wanted.store), keyless=bool(wanted.store_key))
    try:
        with starting(wanted.store or None):
            _replace(wanted, directory)
    finally:
        directory.release()


def _replace(wanted: Settings, directory: Directory) -> None:
    shared = shared_files(wanted.store, wanted.store_key)
    if shared is not None:
        shared.fetch(directory.path)
    now = datetime.now(UTC)  # noqa: TID251 (clients check it by their own clock)
    before = directory.authority((), now)
    made = Authority.create(now, sans=dict.fromkeys((*before.sans, *host_names(wanted))))
    files = {"ca.key": (PRIVATE, made.key_pem), "ca.pem": (PUBLIC, made.certificate_pem)}
    if shared is not None:
        shared.replace({**shared.opened(), **files}, shared)
    for name, (mode, content) in files.items():
        write_file(directory.path / name, content, mode)
    if directory.kept:
        click.echo(directory.path / "ca.pem")
    else:
        click.echo(made.certificate_pem.decode(), nl=False)


def certificate(config: str | None, **flags: Any) -> Path:
    """Return the CA certificate's path, after making the CA if there is none yet."""
    wanted = settings(config, **flags)
    if wanted.data == MEMORY:
        raise ConfigurationError("--data :memory: keeps no CA: see ready.json of the running one")
    with shared_data(wanted) as path:
        if not holder(path):  # else a running simulator has made it
            directory = Directory(wanted.data, shared=bool(wanted.store))
            try:
                directory.authority(wanted.san, datetime.now(UTC))  # noqa: TID251 (clients check it by their own clock)
            finally:
                directory.release()
    return path / "ca.pem"
