import re

import pytest

from simulator.console.pages.reference import guides
from simulator.core import resources
from simulator.core.configuration import flag, rows
from tests.control.conftest import Control

NAMES = guides()


async def page(control: Control, path: str) -> tuple[int, str]:
    async with control.http.get(control.base + path) as answer:
        return answer.status, await answer.text()


async def test_the_reference_is_served(control: Control) -> None:
    status, text = await page(control, "/reference")
    _, catalogue = await control.call("GET", "/catalogue")

    assert status == 200
    assert "<table>" in text
    assert "POST /server/devices" in text
    assert {one["name"] for one in catalogue["services"]} >= {"apns", "dep"}


@pytest.mark.parametrize("name", NAMES)
async def test_a_guide_is_served_and_links_to_the_others(control: Control, name: str) -> None:
    status, text = await page(control, f"/docs/{name}")

    assert status == 200
    assert "<h1>" in text
    assert all(f'href="/docs/{other}"' in text for other in NAMES)


async def test_a_guide_that_does_not_exist_is_missing_by_name(control: Control) -> None:
    status, text = await page(control, "/docs/nothing")

    assert status == 404
    assert "clients" in text


@pytest.mark.parametrize("name", NAMES)
def test_a_guide_names_flags_that_exist(name: str) -> None:
    known = {flag(row.name) for row in rows()}
    text = resources.read_text("guides", f"{name}.md")

    served = re.findall(r"mdmsim serve ([^\n`|&]+)", text)
    named = {word for line in served for word in line.split() if word.startswith("--")}

    assert named <= known
