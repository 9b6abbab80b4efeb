"""``mdmsim catalogue``."""

import json

from click.testing import CliRunner

from simulator.cli import main


def test_the_catalogue_is_for_programs() -> None:
    catalogue = json.loads(CliRunner().invoke(main, ["catalogue", "--json"]).output)

    assert "dep" in [service["name"] for service in catalogue["services"]]


def test_the_catalogue_is_for_people() -> None:
    assert "dep" in CliRunner().invoke(main, ["catalogue"]).output.lower()
