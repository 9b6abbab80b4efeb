import json
import re

import pytest

from simulator.disclosure.formats.table import FORMATS
from tests.console.conftest import Console
from tests.console.test_traffic import ALERT, session


async def sent(console: Console) -> None:
    """Have a client define a profile with a field that nobody knows."""
    headers = await session(console)
    body = {"profile_name": "Kiosk", "url": "https://mdm.example", ALERT: "blue"}
    await console.ask("POST", "/profile", headers=headers, data=json.dumps(body))


async def test_without_traffic_there_is_nothing_to_judge(console: Console) -> None:
    page = await console.open("/disclosures")

    assert "Nothing was recorded yet" in page.words
    assert "<svg" not in page.text


async def test_what_is_undeclared_comes_first(console: Console) -> None:
    await sent(console)

    page = await console.open("/disclosures")
    titles = re.findall(r'<h2 id="\w+">([\w ]+)', page.text)

    assert "Values were sent that must not have been" in page.words
    assert titles.index("Undeclared ") < titles.index("Everything that was sent ")
    assert page.text.index("unknown") < page.text.index("dep.profile_name")
    assert f'<a href="/traffic/{console.seq(2)}">{console.seq(2)}</a>' in page.text
    assert "dep.profile_name" in page.words


async def test_names_that_a_client_made_up_render_as_text(console: Console) -> None:
    await sent(console)

    page = await console.open("/disclosures")

    assert "<script>" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


async def test_the_picture_is_drawn_without_style_of_its_own(console: Console) -> None:
    await sent(console)

    page = await console.open("/disclosures")
    svg = page.text.partition("<svg")[2].partition("</svg>")[0]

    assert "mdm-server (" in svg
    assert "dep (" in svg
    assert "style" not in svg
    assert 'role="img"' in svg


async def test_every_format_is_a_download(console: Console) -> None:
    await sent(console)
    page = await console.open("/disclosures?redact=names&gate=1")
    links = re.findall(r'href="(/api/v1/report\?format=(\w+)[^"]*)"', page.text)

    assert [form for _, form in links] == list(FORMATS)
    for link, _ in links:
        assert "redact=names" in link
        assert (await console.open(link.replace("&amp;", "&"))).status == 200


@pytest.mark.parametrize("choice", ["manifest=nowhere", "redact=all"])
async def test_a_choice_that_does_not_exist_is_refused(console: Console, choice: str) -> None:
    page = await console.open(f"/disclosures?{choice}")

    assert page.status == 400
    assert "must be one of" in page.words


async def test_the_level_of_the_examples_is_kept(console: Console) -> None:
    await sent(console)

    page = await console.open("/disclosures?redact=names&manifest=intune-to-apple")

    assert "<option selected>names</option>" in page.text
    assert "fp=" not in page.words
