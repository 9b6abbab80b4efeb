"""``mdmsim catalogue``."""

import json

import click

from simulator import __version__, services
from simulator.protocol.openapi import document
from simulator.protocol.reference import as_json, as_markdown


@click.command("catalogue")
@click.option("--json", "form", flag_value="json", help="As JSON, for programs.")
@click.option("--openapi", "form", flag_value="openapi", help="As an OpenAPI 3.1 document.")
@click.option("--markdown", "form", flag_value="markdown", default=True, help="To read. [this]")
def command(form: str) -> None:
    """Print all operations, fields and error codes, with their sources."""
    catalogue = services.load()
    if form == "json":
        click.echo(json.dumps(as_json(catalogue), indent=1))
    elif form == "openapi":
        click.echo(json.dumps(document(catalogue, __version__), indent=1))
    else:
        click.echo(as_markdown(catalogue))
