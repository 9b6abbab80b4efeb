"""``mdmsim catalogue``."""

import json

import click

from simulator import services
from simulator.protocol.reference import as_json, as_markdown


@click.command("catalogue")
@click.option("--json", "form", flag_value="json", help="As JSON, for programs.")
@click.option("--markdown", "form", flag_value="markdown", default=True, help="To read. [this]")
def command(form: str) -> None:
    """Print all operations, fields and error codes, with their sources."""
    catalogue = services.load()
    if form == "json":
        click.echo(json.dumps(as_json(catalogue), indent=1))
    else:
        click.echo(as_markdown(catalogue))
