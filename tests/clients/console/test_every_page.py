"""Each page in a real browser: readable, quiet, accessible, on a phone and in the dark."""

from typing import Literal

import pytest
from playwright.sync_api import Browser

from tests.clients.console.conftest import tab_of
from tests.clients.harness import Simulator

pytestmark = pytest.mark.clients
PATHS = (
    "/",
    "/traffic",
    "/traffic/lanes",
    "/traffic/1",
    "/traffic/2",
    "/traffic/3",
    "/traffic/4",
    "/disclosures",
    "/disclosures/manifest",
    "/disclosures/diff",
    "/disclosures/diff?at=2",
    "/world",
    "/world/devices",
    "/world/profiles",
    "/world/pushes",
    "/world/certificates",
    "/world/apps",
    "/world/simulated",
    "/steering",
    "/steering/faults?q=token",
    "/steering/faults/arm/delivery/goaway",
    "/steering/quirks",
    "/steering/state",
    "/reference",
    "/docs/clients",
    "/nowhere",
)

CUT = """[...document.querySelectorAll("nav.tabs, header nav")]
  .filter(one => one.scrollWidth > one.clientWidth).map(one => one.innerText)"""
"""Menus of which a part cannot be seen."""
LONG = "/reference"
ALIKE = """document.querySelectorAll("tbody tr:nth-child(n+4), .prose > :nth-child(n+200)")
  .forEach(one => one.remove())"""
"""Leaves of the long page the first of what comes by the thousand: axe takes half a minute else."""
KINDS = """new Set([...document.querySelectorAll("main *")]
  .map(one => `${one.parentElement.tagName} ${one.tagName} ${one.className}`)).size"""


# Colours do not depend on the width, nor the layout on the colours: two of four say it all.
LOOKS: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1280, "light"), (400, "dark"))


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_readable_and_accessible(browser: Browser, busy: Simulator, path: str) -> None:
    with browser.new_context() as context:
        tab = tab_of(context, busy.ready["control"])
        tab.open(path)
        assert tab.page.locator("h1").count() == 1
        for width, _ in LOOKS:
            tab.page.set_viewport_size({"width": width, "height": 900})
            assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
            assert tab.page.evaluate(CUT) == []
        if path == LONG:
            kinds = tab.page.evaluate(KINDS)
            tab.page.evaluate(ALIKE)
            assert tab.page.evaluate(KINDS) == kinds
        for width, scheme in LOOKS:
            tab.page.set_viewport_size({"width": width, "height": 900})
            tab.page.emulate_media(color_scheme=scheme)
            assert tab.axe() == [], scheme
        assert tab.page.evaluate("window.pwned") is None
        assert [one for one in tab.complaints if "404" not in one or path != "/nowhere"] == []


def test_a_device_page_is_accessible(browser: Browser, busy: Simulator) -> None:
    serial = busy.serials()[0]
    body = {"serial_numbers": [serial], "profile_url": "http://127.0.0.1:9/"}
    busy.control("POST", "/simulated-devices", body)
    busy.control("POST", f"/simulated-devices/{serial}/erase", {})
    with browser.new_context(viewport={"width": 400, "height": 900}) as context:
        tab = tab_of(context, busy.ready["control"])
        for path in (f"/world/devices/{serial}", f"/world/simulated/{serial}"):
            tab.open(path)

            assert tab.axe() == []
            assert tab.complaints == []
            assert tab.page.evaluate("document.documentElement.scrollWidth") <= 400
        assert tab.page.locator(".stages li").all_inner_texts()[0].startswith("activated")


def test_the_dark_has_colours_of_its_own(browser: Browser, busy: Simulator) -> None:
    grounds = []
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        with browser.new_context(color_scheme=scheme) as context:
            tab = tab_of(context, busy.ready["control"])
            tab.open("/")
            ground = tab.page.evaluate("getComputedStyle(document.body).backgroundColor")
            grounds.append(sum(int(part) for part in ground.strip("rgb()").split(",")))

    assert grounds[0] > 3 * 200
    assert grounds[1] < 3 * 50


def test_pages_work_without_script(browser: Browser, busy: Simulator) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        tab = tab_of(context, busy.ready["control"])
        tab.open("/traffic")
        tab.page.fill("#q", "nowhere")
        tab.page.click("button.main")

        assert tab.page.locator("#rows tr").count() == 1
        tab.page.click("#rows tr a >> nth=0")
        assert tab.page.locator("h1").inner_text().startswith("2 ")
