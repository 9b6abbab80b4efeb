"""``mdmsim version``."""

import click

from simulator import __version__


@click.command("version")
def command() -> None:
    """Print the version."""
    click.echo(f"mdmsim {__version__}")
