"""Each recipe of the guide for clients is one that a test runs; other facts stand apart from it."""

import re
from pathlib import Path

import pytest

import simulator

GUIDE = Path(simulator.__file__).parent / "data" / "guides" / "clients.md"
TESTS = Path(__file__).parent
RUN = sorted([*TESTS.glob("clients/**/test_*.py"), TESTS / "transport" / "http2" / "test_curl.py"])


def recipes() -> list[str]:
    """Return the names of the first table below "Recipes"."""
    table = GUIDE.read_text().partition("## Recipes")[2].partition("These are facts")[0]
    return [
        name for name in re.findall(r"^\| ([^|]+?) \|", table, re.MULTILINE) if name != "client"
    ]


@pytest.mark.parametrize("client", recipes())
def test_a_recipe_is_run(client: str) -> None:
    name = re.sub(r"\W", "", client.rpartition("/")[2].lower())

    assert any(name in re.sub(r"\W", "", path.read_text().lower()) for path in RUN), client


def test_there_are_recipes() -> None:
    assert {"nanodep", "micromdm", "Pushy"} <= set(recipes())
