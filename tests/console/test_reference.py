import re
from collections import Counter

import pytest

from simulator.console.pages.reference import guides, rendered
from tests.console.conftest import Console


@pytest.mark.parametrize("path", ["/reference", *(f"/docs/{name}" for name in guides())])
async def test_the_contents_lead_to_every_heading(console: Console, path: str) -> None:
    page = await console.open(path)
    links = re.findall(r'href="#([^"]+)"', page.text)
    anchors = Counter(re.findall(r' id="([^"]+)"', page.text))

    assert page.status == 200
    assert len(links) > 2
    assert set(links) <= set(anchors)
    assert max(anchors.values()) == 1


def test_html_in_a_text_stays_text() -> None:
    text = rendered("# <b>T</b>\n\n<script>alert(1)</script>\n\n```\n<i>\n```\n\n[x](javascript:y)")

    assert "<script>" not in text.html
    assert "<i>" not in text.html
    assert 'href="javascript' not in text.html


def test_headings_that_say_the_same_have_anchors_of_their_own() -> None:
    text = rendered("# Title\n\n## Errors: of one\n\n## Errors\n\n### `GET /a` (old)\n\n## Errors")

    assert text.title == "Title"
    assert [(one.anchor, one.words) for one in text.contents] == [
        ("errors-of-one", "Errors"),
        ("errors", "Errors"),
        ("get-a-old", "GET /a"),
        ("errors-2", "Errors"),
    ]


async def test_a_guide_that_does_not_exist_is_a_page(console: Console) -> None:
    page = await console.open("/docs/nothing")

    assert page.status == 404
    assert "there is no such guide" in page.words
