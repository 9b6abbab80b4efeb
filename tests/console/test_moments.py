import re

from tests.console.conftest import Console
from tests.console.test_traffic import ALERT, session


async def test_what_a_moment_divides_is_compared(console: Console) -> None:
    headers = await session(console)
    await console.ask("GET", "/account", headers=headers)
    await console.ask("POST", "/profile", headers=headers, json={ALERT: "x", "profile_name": "y"})
    at = console.seq(2)

    page = await console.open(f"/disclosures/diff?from={console.seq(2)}&at={at}")
    link = re.search(r'href="([^"]+format=markdown)"', page.text)
    assert link
    text = await console.open(link[1].replace("&amp;", "&"))
    same = await console.open(f"/disclosures/diff?from={at}&at={at}&until={at}")

    assert "Before 1 exchange" in page.words
    assert "added dep.define /profile_name (dep.profile_name)" in page.words
    assert "removed dep.account" in page.words
    assert "<script>" not in page.text
    assert text.text.startswith("**disclosures: ")
    assert "After none" in same.words


async def test_without_a_moment_there_is_a_form(console: Console) -> None:
    page = await console.open("/disclosures/diff")

    assert page.status == 200
    assert "Compare runs" in page.words


async def test_what_is_no_moment_is_said(console: Console) -> None:
    page = await console.open("/disclosures/diff?at=%3Cb%3E")

    assert page.status == 400
    assert "'<b>' is no position" in page.words
    assert "<b>" not in page.text
