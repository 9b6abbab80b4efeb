"""The report as a page, in a real browser and on paper."""

import re

import pytest
from playwright.sync_api import Browser, ViewportSize

from tests.clients.console.conftest import tab_of
from tests.clients.harness import Simulator

pytestmark = pytest.mark.clients
PATH = "/api/v1/report?format=html&manifest=intune-to-apple&language="
MARGINS_MM, MM_PER_INCH, DOTS = 28, 25.4, 96
PAPERS = {"A4": (210, (595, 842)), "Letter": (215.9, (612, 792))}
"""Name -> width in millimetres, size in points."""


@pytest.mark.parametrize(("width", "language"), [(1280, "en"), (400, "sv")])
def test_the_page_is_readable_and_accessible(
    browser: Browser, busy: Simulator, width: int, language: str
) -> None:
    size: ViewportSize = {"width": width, "height": 900}
    with browser.new_context(viewport=size) as context:
        tab = tab_of(context, busy.ready["control"])
        tab.open(PATH + language)

        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.complaints == []
        assert tab.axe() == []
        links = tab.page.evaluate("[...document.links].map(one => one.hash)")
        assert links
        assert all(tab.page.locator(f'[id="{one[1:]}"]').count() == 1 for one in links)


def test_a_band_of_the_picture_narrows_the_page_and_back(browser: Browser, busy: Simulator) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(busy.ready["control"] + PATH + "en")
        rows, band = page.locator("tr.part:visible"), page.locator("svg a").first
        before, about = rows.count(), band.get_attribute("aria-label")

        band.focus()
        page.keyboard.press("Enter")
        narrowed = rows.count()
        page.locator(".filter:visible a").click()

        assert about
        assert 0 < narrowed < before
        assert rows.count() == before


@pytest.mark.parametrize("paper", PAPERS)
def test_nothing_is_cut_off_on_paper(browser: Browser, busy: Simulator, paper: str) -> None:
    wide_mm, points = PAPERS[paper]
    width = int((wide_mm - MARGINS_MM) / MM_PER_INCH * DOTS)
    with browser.new_context(viewport={"width": width, "height": 900}) as context:
        tab = tab_of(context, busy.ready["control"])
        tab.open(PATH + "en")
        tab.page.emulate_media(media="print")

        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
        cut = "[...document.querySelectorAll('td, th, dd, text')].filter(one => { const box ="
        cut += " one.getBoundingClientRect(); return box.right > innerWidth + 1 || box.left < -1 })"
        assert tab.page.evaluate(f"{cut}.map(one => one.textContent)") == []
        printed = tab.page.pdf(format=paper)

    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)
    assert len(boxes) > 3
    for wide, high in boxes:
        assert (float(wide), float(high)) == pytest.approx(points, abs=1)
