import aiohttp
import pytest

from tests.console.conftest import Console


async def test_the_clock_is_frozen_and_moved(console: Console) -> None:
    page = await console.open("/steering")

    frozen = await console.submit(page, "/steering/clock", now="2026-02-01T10:00:00", mode="frozen")
    moved = await console.submit(frozen, "/steering/clock", advance_s="86400")
    clock = await console.api("GET", "/clock")
    real = await console.submit(moved, "/steering/clock", mode="real")

    assert "1 Feb 2026, 10:00:00 UTC frozen" in frozen.words
    assert clock == {"mode": "frozen", "now": "2026-02-02T10:00:00Z", "now_ms": 1770026400000}
    assert "2 Feb 2026, 10:00:00 UTC frozen" in moved.words
    assert (await console.api("GET", "/clock"))["mode"] == "real"
    assert "Frozen time" not in real.words


async def test_every_page_says_when_time_is_not_real(console: Console) -> None:
    await console.api("PUT", "/clock", {"mode": "frozen", "now": "2026-02-01T10:00:00Z"})

    page = await console.open("/world")

    assert "Frozen time 1 Feb 2026, 10:00:00 UTC" in page.words


async def test_a_token_that_has_expired_by_the_clock_says_so(console: Console) -> None:
    page = await console.open("/steering")

    later = await console.submit(page, "/steering/clock", advance_s=str(400 * 86400))

    assert "expired" not in page.words
    assert "expired" in later.words


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"advance_s": "soon"}, "advance_s"),
        ({"now": "yesterday"}, "now"),
        ({"mode": "backwards"}, "mode must be one of"),
        ({}, "the body"),
        ({"mode": "real", "advance_s": "5"}, "cannot be moved"),
    ],
)
async def test_what_the_clock_cannot_do_is_said_in_words(
    console: Console, fields: dict[str, str], said: str
) -> None:
    page = await console.open("/steering")

    refused = await console.submit(page, "/steering/clock", **fields)

    assert refused.path == "/steering"
    assert 'class="note failed"' in refused.text
    assert said in refused.words


async def test_the_timeline_leads_to_where_a_token_expires(console: Console) -> None:
    expiry = console.ready["organisations"][0]["dep_servers"][0]["token"]["access_token_expiry"]
    page = await console.open("/steering")

    there = await console.submit(page, "/steering/clock", now=expiry[:19], mode="frozen")

    assert "DEP server token of Example MDM expires" in page.words
    assert f'name="now" value="{expiry[:19]}"' in page.text
    assert "DEP server token of Example MDM expired" in there.words


async def test_the_world_is_reset_from_its_page(console: Console) -> None:
    await console.api("POST", "/faults", {"outcome": "dep.T_C_NOT_SIGNED"})
    page = await console.open("/steering/state")

    done = await console.submit(page, "/steering/state/reset")

    assert "The world is as it was loaded" in done.words
    assert (await console.api("GET", "/faults"))["faults"] == []


async def test_the_journal_is_cleared_from_its_page(console: Console) -> None:
    await console.ask("GET", "/0")
    page = await console.open("/steering/state")

    done = await console.submit(page, "/steering/state/journal")

    assert "The journal is cleared." in done.words
    assert (await console.api("GET", "/exchanges"))["exchanges"] == []


@pytest.mark.parametrize(
    ("path", "fields", "said"),
    [
        ("world", {"world": "atlantis"}, "no world is called atlantis"),
        ("world", {"world": "demo", "devices": "many"}, "devices"),
        ("snapshot", {}, "Choose the snapshot's file first."),
        ("snapshot", {"snapshot": b"PK"}, "no whole gzip file"),
    ],
)
async def test_a_state_that_cannot_be_loaded_is_refused_in_words(
    console: Console, path: str, fields: dict[str, object], said: str
) -> None:
    page = await console.open("/steering/state")
    form = aiohttp.FormData({"form_token": page.form_token})
    for name, value in fields.items():
        form.add_field(name, value, filename="s.gz" if isinstance(value, bytes) else None)

    refused = await console.open(
        f"/steering/state/{path}", method="POST", data=form, headers={"Origin": console.base}
    )

    assert refused.path == "/steering/state"
    assert 'class="note failed"' in refused.text
    assert said in refused.words
