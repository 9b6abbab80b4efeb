"""Releases of the software look-up, by the control API and as clients get them."""

import json
from typing import Any

import aiohttp
import pytest

from tests.control.conftest import Control

NEW = {
    "platform": "macOS",
    "line": "mac-27",
    "version": "27.9",
    "build": "26Z90",
    "devices": ["J413AP", "VMA2MACOSAP"],
}


async def builds(control: Control, name: str) -> set[str]:
    status, text = await control.ask("GET", "/v2/pmv")
    assert status == 200
    return {one["Build"] for one in json.loads(text)[name]["macOS"]}


async def test_a_release_is_posted_goes_public_and_expires(control: Control) -> None:
    await control.call("PUT", "/clock", {"mode": "frozen", "now": "2027-01-10T12:00:00Z"})
    made = {"public_from": "2027-01-12", "expires": "2027-02-01", **NEW}

    status, posted = await control.call("POST", "/releases", made)
    at_first = await builds(control, "AssetSets"), await builds(control, "PublicAssetSets")
    await control.call("PUT", "/clock", {"mode": "frozen", "now": "2027-01-12T00:00:00Z"})
    public = await builds(control, "PublicAssetSets")
    await control.call("PATCH", f"/releases/{posted['id']}", {"expires": "2027-01-12"})
    expired = await builds(control, "AssetSets"), await builds(control, "PublicAssetSets")

    assert (status, posted["id"], posted["state"], posted["posted"]) == (
        201,
        "macos-27.9-26Z90-2027-01-10",
        "posted",
        "2027-01-10",
    )
    assert ["26Z90" in one for one in at_first] == [True, False]
    assert "26Z90" in public
    assert ["26Z90" in one for one in expired] == [True, False]


async def test_all_releases_can_be_deleted(control: Control) -> None:
    _, listed = await control.call("GET", "/releases")
    for one in listed["releases"]:
        status, _ = await control.call("DELETE", f"/releases/{one['id']}")
        assert status == 200

    _, after = await control.call("GET", "/releases")

    assert len(listed["releases"]) > 40
    assert {one["state"] for one in listed["releases"]} == {"coming", "posted", "expired"}
    assert after["releases"] == []
    assert await builds(control, "AssetSets") == set()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"version": "27.x"}, "version must be digits and dots", id="version"),
        pytest.param({"build": "a/b"}, "build must be letters and digits", id="build"),
        pytest.param({"posted": "2027-13-01"}, "posted must be a day", id="day"),
        pytest.param({"platform": "iPadOS"}, "platform must be one of iOS", id="platform"),
        pytest.param({"devices": []}, "devices must name one at least", id="devices"),
    ],
)
async def test_a_release_that_cannot_be_is_refused(
    control: Control, change: dict[str, Any], says: str
) -> None:
    status, problem = await control.call("POST", "/releases", NEW | change)

    assert status == 400
    assert says in problem["detail"]
    _, listed = await control.call("GET", "/releases")
    assert "26Z90" not in {one["build"] for one in listed["releases"]}


async def test_a_release_is_posted_once_and_an_unknown_one_is_named(control: Control) -> None:
    await control.call("POST", "/releases", NEW)

    again, problem = await control.call("POST", "/releases", NEW)
    lost, nothing = await control.call("PATCH", "/releases/none", {"expires": ""})

    assert (again, lost) == (400, 404)
    assert "change that, or delete it first" in problem["detail"]
    assert nothing["detail"] == "no release has the id none: GET /releases lists them"


async def test_the_look_up_fails_as_clients_expect_it(control: Control) -> None:
    url = f"{control.service}/v2/pmv"
    outcomes = ("gdmf.TOO_MANY_REQUESTS", "gdmf.FORBIDDEN", "gdmf.SERVER_ERROR")
    for outcome in outcomes:
        status, problem = await control.call("POST", "/faults", {"outcome": outcome, "count": 1})
        assert status == 201, problem
    answers = []
    for _ in (*outcomes, "then"):
        async with control.http.get(url) as answer:
            answers.append((answer.status, answer.headers.get("Retry-After")))

    assert answers == [(429, "5"), (403, None), (500, None), (200, None)]

    await control.call("POST", "/faults", {"match": {"service": "gdmf"}, "delivery": "truncated"})
    with pytest.raises(aiohttp.ClientPayloadError):
        await control.ask("GET", "/v2/pmv")
