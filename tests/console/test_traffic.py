import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from markupsafe import escape

from simulator.app import Simulator
from simulator.core.messages import Exchange, Peer, Request, Response
from simulator.core.settings import Settings
from simulator.core.state import State
from tests.console.conftest import SETTINGS, Console, Page, browser

ALERT = "<script>alert(1)</script>"
IMAGE = "\"'><img src=x onerror=alert(1)>"
STEP = 'href="/traffic/(\\d+)"[^>]*>([\\w.]+)( \N{MULTIPLICATION SIGN}\\d+)?'
HEADERS = {"X-Server-Protocol-Version": "8", "Content-Type": "application/json"}


async def session(console: Console) -> dict[str, str]:
    """Return the headers of a client that has logged in to DEP."""
    page = await console.open("/curl/dep/main")
    header = page.text.removeprefix('header = "').removesuffix('"\n').replace('\\"', '"')
    more = {"Host": console.ready["tls"][0][8:], "X-Forwarded-Proto": "https"}
    _, answer = await console.ask(
        "GET", "/session", headers={"Authorization": header.partition(": ")[2], **more}
    )
    return {"X-ADM-Auth-Session": json.loads(answer)["auth_session_token"], **HEADERS}


def rows(page: Page, console: Console) -> list[int]:
    """Return the exchanges that a page lists, as numbers of the test's own."""
    found = re.findall(r'<tr data-seq="(\d+)"', page.text)
    return [int(seq) - console.seq(0) for seq in found]


async def test_an_empty_journal_says_what_to_do(console: Console) -> None:
    page = await console.open("/traffic")

    assert "Nothing has been asked yet" in page.words
    assert rows(page, console) == []


async def test_the_newest_exchange_comes_first(console: Console) -> None:
    for number in range(3):
        await console.ask("GET", f"/{number}")

    page = await console.open("/traffic")

    assert rows(page, console) == [3, 2, 1]
    assert "no known operation" in page.words


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("q=%2FACC", [2], id="search"),
        pytest.param("status=404", [1], id="status"),
        pytest.param("service=dep&operation=", [2], id="service"),
        pytest.param("finding=path-unknown", [1], id="finding"),
        pytest.param("operation=dep.account&status=404", [], id="both"),
        pytest.param("q=%22%3E", [], id="odd"),
        pytest.param("session=run-1", [2], id="session"),
        pytest.param("client=dep%3Amain", [], id="client"),
        pytest.param("fault=5", [], id="fault"),
    ],
)
async def test_filters_narrow_the_table_and_stay_in_the_form(
    console: Console, query: str, expected: list[int]
) -> None:
    await console.ask("GET", "/nowhere")
    await console.ask("GET", "/account", headers={"X-Mdmsim-Session": "run-1"})

    page = await console.open(f"/traffic?{query}")

    assert rows(page, console) == expected
    assert ('class="empty" hidden' in page.text) == bool(expected)
    assert 'href="/traffic">Clear' in page.text


async def test_a_filter_that_the_api_refuses_is_refused_in_words(console: Console) -> None:
    page = await console.open("/traffic?after=x")

    assert page.status == 400
    assert "after must be a whole number" in page.words


@pytest.fixture
async def crowded() -> AsyncIterator[Console]:
    """A simulator whose journal holds 100,000 exchanges."""
    headers = (("User-Agent", "x" * 200),)
    asked = Request("GET", "/account", headers, b"", "http", Peer("127.0.0.1", 1, 1))

    def fill(state: State) -> None:
        for _ in range(10_000):
            answered = Response(200, body=b"{}")
            state.record(Exchange(0, asked, operation="dep.account", response=answered))

    async with Simulator(Settings(**SETTINGS)) as simulator, browser() as session:
        for _ in range(10):
            await simulator.gateway.run(fill)
        yield Console(simulator.ready, session)


async def test_a_hundred_thousand_exchanges_are_paged(crowded: Console) -> None:
    first = await crowded.open("/traffic")
    older = re.search(r'href="(/traffic\?after=\d+)">Older', first.text)
    assert older
    second = await crowded.open(older[1])
    rare = await crowded.open("/traffic?status=404")
    fresh = await crowded.open("/traffic/rows?since=5")

    assert rows(first, crowded) == list(range(100_000, 99_900, -1))
    assert rows(second, crowded) == list(range(99_900, 99_800, -1))
    assert rows(rare, crowded) == []
    assert len(rows(fresh, crowded)) == 100
    assert len(first.text) < 150_000
    assert "data-still" in second.text
    assert 'href="/traffic">Newest' in second.text


async def test_fresh_rows_are_those_since_a_number(console: Console) -> None:
    for number in range(4):
        await console.ask("GET", f"/{number}")

    fresh = await console.open(f"/traffic/rows?since={console.seq(2)}&status=404")
    none = await console.open(f"/traffic/rows?since={console.seq(2)}&status=200")

    assert rows(fresh, console) == [4, 3]
    assert fresh.headers["X-Last"] == str(console.seq(4))
    assert (rows(none, console), none.headers["X-Last"]) == ([], str(console.seq(4)))


@pytest.mark.parametrize("text", [ALERT, IMAGE], ids=["script", "image"])
async def test_what_a_client_sends_renders_as_text(console: Console, text: str) -> None:
    headers = {**await session(console), "User-Agent": text, f"X-{'a' * 20}": text}
    profile = {"profile_name": text, "url": "https://mdm.example", "devices": [text], text: text}
    await console.ask("POST", "/profile", headers=headers, data=json.dumps(profile))
    await console.ask("GET", f"/nowhere/{text}?{text}={text}", headers={"User-Agent": text})
    await console.ask("POST", "/devices", headers=headers, data=text)

    for path in ("", *(f"/{console.seq(number)}" for number in (2, 3, 4))):
        page = await console.open(f"/traffic{path}")

        assert page.status == 200
        assert text not in page.text
        assert "<img" not in page.text
        assert "<script>" not in page.text
    page = await console.open(f"/traffic/{console.seq(2)}")
    assert str(escape(text)) in page.text or str(escape(json.dumps(text))) in page.text


async def test_an_exchange_shows_what_was_found_beside_each_field(console: Console) -> None:
    headers = await session(console)
    body = {"profile_name": "Kiosk", "url": "https://mdm.example", "colour": "blue"}
    await console.ask("POST", "/profile", headers=headers, data=json.dumps(body))

    page = await console.open(f"/traffic/{console.seq(2)}")
    shown = page.text.partition('id="answered"')[0]
    lines = {
        found[1]: line
        for line in shown.split('<div class="line')
        if (found := re.search(r'class="key">&#34;(\w+)&#34;: ', line))
    }

    assert "field-unknown" in lines["colour"]
    assert "Apple's page" in lines["colour"]
    assert "undocumented" in lines["colour"]
    assert "dep.profile_name" in lines["profile_name"]
    assert "field-unknown" not in lines["profile_name"]
    assert "redacted dep.session_token" in page.words
    assert "network metadata" in page.words
    assert "the MDM server" in page.words
    assert headers["X-ADM-Auth-Session"] not in page.text


async def test_a_header_that_is_missing_is_told_of_too(console: Console) -> None:
    await session(console)

    page = await console.open(f"/traffic/{console.seq(1)}")

    assert "About what is not there" in page.words
    assert "version-missing" in page.words


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        pytest.param(b"\xff\xfe\x00binary", "It could not be read", id="sealed-away"),
        pytest.param(b"plain words", "plain words", id="text"),
        pytest.param(b"[" * 100_000, "It could not be read", id="deep"),
        pytest.param(b'{"a":1,"a":2}', '"a": 2', id="twice"),
        pytest.param(b'[{"a":{},"b":[],"c":null,"d":true,"e":1.5}]', '"b": [],', id="kinds"),
        pytest.param(json.dumps(["x"] * 5000).encode(), "A part is not shown", id="long"),
    ],
)
async def test_any_body_can_be_looked_at(console: Console, data: bytes, shown: str) -> None:
    await console.ask("POST", "/devices", data=data, headers=await session(console))

    page = await console.open(f"/traffic/{console.seq(2)}")

    assert page.status == 200
    assert shown in page.words
    assert len(page.text) < 2_000_000


@pytest.mark.parametrize("seq", ["0", "x", "99999999999999999999999"])
async def test_an_exchange_that_is_not_there_is_a_page_too(console: Console, seq: str) -> None:
    page = await console.open(f"/traffic/{seq}")

    assert page.status in (400, 404)
    assert "<h1>" in page.text


async def test_an_exchange_is_offered_as_a_golden_fixture(console: Console) -> None:
    headers = await session(console)
    await console.ask("GET", "/account", headers=headers)
    await console.ask("POST", "/devices", data=b"\xff" * 200_000)

    page = await console.open(f"/traffic/{console.seq(2)}")
    large = await console.open(f"/traffic/{console.seq(3)}")
    fixture = await console.api("GET", f"/exchanges/{console.seq(2)}/fixture")

    assert "DEP_SESSION_TOKEN" in page.words
    assert fixture["response"]["json"]["server_name"] == "Example MDM"
    assert ["X-ADM-Auth-Session", "DEP_SESSION_TOKEN"] in fixture["request"]["headers"]
    assert f'href="/api/v1/exchanges/{console.seq(2)}/fixture" download' in page.text
    assert len(large.text) < 100_000


async def test_exchanges_lead_to_their_neighbours(console: Console) -> None:
    for number in range(3):
        await console.ask("GET", f"/{number}")

    first, second, third = (str(console.seq(number)) for number in (1, 2, 3))
    pages = [await console.open(f"/traffic/{seq}") for seq in (first, second, third)]
    links: list[Any] = [re.findall(r'rel="(\w+)" href="/traffic/(\d+)"', one.text) for one in pages]

    assert links == [[("next", second)], [("prev", first), ("next", third)], [("prev", second)]]


async def test_how_long_a_response_took_is_shown(console: Console) -> None:
    await console.ask("GET", "/account")

    row, page = await console.open("/traffic"), await console.open(f"/traffic/{console.seq(1)}")

    assert re.search(r"\d\d:\d\d:\d\d\.\d{3}\s+[\d.]+ m?s", row.words)
    assert re.search(r"took [\d.]+ m?s until the response was made", page.words)


async def test_a_row_names_what_was_disclosed_broken_and_by_whom(console: Console) -> None:
    await console.ask(
        "GET", "/nowhere?email=anna@example.org", headers={"User-Agent": "ExampleMDM/1.2"}
    )

    page = await console.open("/traffic")

    row = page.text.partition("<tbody")[2].partition("</tr>")[0]
    assert "ExampleMDM/1.2" in row
    assert ">path-unknown<" in row
    told = row.partition('class="told')[2].partition("</td>")[0]
    assert 'title="unknown: Value of unknown meaning">value of unknown meaning' in told
    assert ">fail<" in told


async def test_a_request_too_long_for_a_list_says_so(console: Console) -> None:
    body = json.dumps({"filler": "x" * 70_000})
    await console.ask("POST", "/devices", headers=await session(console), data=body)

    listed = (await console.api("GET", "/exchanges?disclosed=true&limit=1&order=newest"))[
        "exchanges"
    ]
    page = await console.open("/traffic")

    assert listed[0]["disclosed"] is None
    assert "long: see there" in page.words


async def test_the_list_says_what_each_disclosed_when_asked(console: Console) -> None:
    headers = await session(console)
    body = {"profile_name": "Kiosk", "url": "https://mdm.example", "devices": ["X1", "X2"]}
    await console.ask("POST", "/profile", headers=headers, data=json.dumps(body))

    plain = await console.api("GET", "/exchanges?limit=1&order=newest")
    told = await console.api("GET", "/exchanges?disclosed=true&limit=1&order=newest")

    assert "disclosed" not in plain["exchanges"][0]
    counts = {one["concept"]: one["count"] for one in told["exchanges"][0]["disclosed"]}
    assert counts["device.serial"] == 2
    assert not {"protocol", "dep.session_token"} & set(counts)


async def test_what_was_searched_is_marked(console: Console) -> None:
    await console.ask("GET", "/NoWhere")

    page = await console.open("/traffic?q=where")
    odd = await console.open("/traffic?q=%3Cimg")

    assert "/No<mark>Where</mark>" in page.text
    assert "<img" not in odd.text


async def test_lanes_show_each_client_with_equal_calls_as_one(console: Console) -> None:
    for path, agent in (("/session", "A/1"), ("/session", "A/1"), ("/0", "A/1"), ("/1", "B/1")):
        await console.ask("GET", path, headers={"User-Agent": agent})

    page = await console.open("/traffic/lanes")

    lanes = re.findall(r'<h2 id="lane-\d+">(.*?)</h2>(.*?)</ol>', page.text, re.DOTALL)
    assert [re.findall(r"[AB]/1", head) for head, _ in lanes] == [["B/1"], ["A/1"]]
    steps = [re.findall(STEP, lane) for _, lane in lanes]
    assert steps == [
        [(str(console.seq(4)), "unknown", "")],
        [
            (str(console.seq(1)), "dep.session", " \N{MULTIPLICATION SIGN}2"),
            (str(console.seq(3)), "unknown", ""),
        ],
    ]
