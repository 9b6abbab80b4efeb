import base64
import hashlib
import json
import re
from html import unescape

import aiohttp
import pytest

from simulator.disclosure.formats.table import FORMATS
from tests.console.conftest import Console, Page
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


async def test_the_answer_is_a_sentence_whose_pieces_lead_to_their_evidence(
    console: Console,
) -> None:
    await sent(console)

    page = await console.open("/disclosures")
    sentence = page.text.partition('class="sentence"')[2].partition("</p>")[0]
    pieces = re.findall(r'<a class="(\w+)" href="#(\w+)">([^<]+)</a>', sentence)

    assert ("fail", "undocumented") in [(how, words[-13:-1]) for how, _, words in pieces]
    for _, part, _ in pieces:
        assert f'<details class="part" id="{part}"' in page.text
    assert f'<a href="/traffic/{console.seq(2)}">{console.seq(2)}</a>' in page.text


async def test_chapters_go_from_persons_to_what_is_unknown(console: Console) -> None:
    await sent(console)

    page = await console.open("/disclosures")

    found = re.findall(r'<h2 id="chapter-(\w+)">', page.text)
    assert found == ["organisation", "server", "unknown"]
    assert "Enrolment profile name of the organisation" in page.words
    assert "no known operation" not in page.words


async def test_the_page_is_narrowed_to_a_band_of_the_picture(console: Console) -> None:
    await sent(console)

    page = await console.open("/disclosures?subject=organisation&category=configuration")

    assert re.findall(r'<h2 id="chapter-(\w+)">', page.text) == ["organisation"]
    assert "Only subject organisation and category configuration" in page.words
    bands = re.findall(r'href="\?([^"]+)" aria-label', page.text)
    assert "subject=organisation&amp;category=configuration" in bands


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
    assert "mdmenrollment.apple.com (" in svg
    assert "style" not in svg
    assert 'role="group"' in svg


async def test_every_format_is_a_download(console: Console) -> None:
    await sent(console)
    page = await console.open("/disclosures?redact=names&gate=1")
    links = re.findall(r'href="(/api/v1/report\?format=([\w-]+)[^"]*)"', page.text)

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


def upload(content: bytes, name: str = "mine.toml") -> aiohttp.FormData:
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("file", content, filename=name, content_type="application/toml")
    return form


async def submit(console: Console, page: Page, form: aiohttp.FormData) -> Page:
    form.add_field("form_token", page.form_token)
    headers = {"Origin": console.base}
    return await console.open("/disclosures", method="POST", data=form, headers=headers)


OWN = b"[manifest]\r\nschema = 1\r\n"


async def test_a_manifest_is_uploaded_and_judges_every_form_of_the_report(console: Console) -> None:
    await sent(console)
    page = await console.open("/disclosures")
    name = "<img src=x onerror=alert(1)>.toml"

    judged = await submit(console, page, upload(OWN, name))
    packed = base64.b64encode(OWN).decode()
    again = await console.submit(
        judged, "/disclosures", name=name, packed=packed, redact="shape", gate="1"
    )
    file = await console.submit(
        judged, "/disclosures/download", name=name, packed=packed, format="json"
    )
    shipped = await console.submit(
        judged, "/disclosures", name=name, packed=packed, manifest="intune-to-apple-2023"
    )

    assert f"{name}, uploaded" in judged.words
    assert "<img" not in judged.text
    assert f'name="packed" value="{packed}"' in judged.text
    assert "level shape" in again.words
    assert f"{name}, uploaded" in again.words
    assert "filename*=UTF-8''disclosures.json" in file.headers["Content-Disposition"]
    report = json.loads(file.text)
    assert report["provenance"]["manifest"] == name
    assert report["provenance"]["manifest_sha256"] == hashlib.sha256(OWN).hexdigest()
    assert shipped.path == "/disclosures?manifest=intune-to-apple-2023"


@pytest.mark.parametrize(
    ("form", "says"),
    [
        pytest.param(upload(b"[manifest", "bad.toml"), "bad.toml: is not TOML", id="toml"),
        pytest.param(upload(b""), "mine.toml: [manifest]: schema: write schema = 1", id="empty"),
        pytest.param(upload(b"", ""), "Choose the manifest's file first.", id="none"),
    ],
)
async def test_what_is_wrong_with_a_manifest_is_said(
    console: Console, form: aiohttp.FormData, says: str
) -> None:
    page = await console.open("/disclosures")

    refused = await submit(console, page, form)

    assert refused.path.startswith("/disclosures")
    assert says in refused.words


async def test_a_manifest_that_no_page_of_ours_sent_is_not_read(console: Console) -> None:
    await console.open("/disclosures")
    form = upload(OWN)
    form.add_field("form_token", "0" * 64)

    refused = await console.open("/disclosures", method="POST", data=form)
    page = await console.open("/disclosures")
    damaged = await console.open(
        "/disclosures/download",
        method="POST",
        data={"form_token": page.form_token, "packed": "?", "format": "json"},
    )
    nothing = await console.open(
        "/disclosures/download", method="POST", data={"form_token": page.form_token}
    )

    assert refused.status == 403
    assert (damaged.status, nothing.status) == (400, 400)


async def test_a_manifest_is_made_from_the_traffic_edited_and_judged_by(console: Console) -> None:
    await sent(console)
    page = await console.open("/disclosures")
    draft = await console.open("/disclosures/manifest")
    written = unescape(draft.text.partition("required>")[2].partition("</textarea>")[0])
    written = written.replace('discloser = ""', 'discloser = "Example School"')

    judged = await console.submit(draft, "/disclosures", name="ours.toml", written=written)
    packed = base64.b64encode(written.encode()).decode()
    again = await console.submit(judged, "/disclosures/manifest", name="ours.toml", packed=packed)
    saved = await console.open(
        "/disclosures/manifest/download",
        method="POST",
        data={"form_token": draft.form_token, "name": "ours.toml", "written": written},
        headers={"Origin": console.base},
    )

    assert "make a manifest from this traffic" in page.words
    assert 'concepts = ["dep.profile_name"]' in written
    assert "ours.toml, uploaded" in judged.words
    assert "Enrolment profile name of the organisation declared" in judged.words
    assert unescape(again.text).count('discloser = "Example School"') == 1
    assert saved.text == written
    assert "filename*=UTF-8''ours.toml" in saved.headers["Content-Disposition"]


async def test_a_draft_is_compared_with_another_manifest(console: Console) -> None:
    await sent(console)
    draft = await console.open("/disclosures/manifest")
    written = unescape(draft.text.partition("required>")[2].partition("</textarea>")[0])
    more = '[[claim]]\nid = "X1"\nservices = ["dep"]\nconcepts = ["org.phone"]\npurpose = "help"\n'

    pages = {
        (other, text): await console.open(
            "/disclosures/manifest/compare",
            method="POST",
            data={
                "form_token": draft.form_token, "name": "a.toml", "written": text, "other": other
            },
            headers={"Origin": console.base},
        )
        for other, text in (
            ("the traffic", written),
            ("the traffic", f"{written}\n{more}"),
            ("intune-to-apple", written),
            ("/etc/own.toml", written),
            ("none", "[manifest"),
        )
    }  # fmt: skip

    same, added, shipped, unknown, broken = pages.values()
    assert "No difference in what may be sent" in same.words
    assert "1 difference" in added.words
    assert "added sent dep org.phone X1" in added.words
    assert "removed sent apns push.token S01" in shipped.words
    assert "there is no manifest '/etc/own.toml'" in unknown.words
    assert "a.toml: is not TOML" in broken.words
    assert "required>[manifest</textarea>" in broken.text


async def test_an_empty_draft_is_not_saved(console: Console) -> None:
    draft = await console.open("/disclosures/manifest")

    refused = await console.open(
        "/disclosures/manifest/download",
        method="POST",
        data={"form_token": draft.form_token, "written": " "},
        headers={"Origin": console.base},
    )

    assert refused.status == 400
    assert "the manifest is empty" in refused.words
