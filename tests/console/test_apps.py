import base64
import json
import re

import pytest

from tests.console.conftest import Console
from tests.console.test_traffic import ALERT

V2 = "/mdm/v2"


async def location(console: Console) -> str:
    """Return the id of the demo world's location."""
    return str((await console.api("GET", "/vpp-locations"))["vpp_locations"][0]["id"])


async def bearer(console: Console, place: str) -> dict[str, str]:
    """Return the headers that the console gives curl for a location."""
    page = await console.open(f"/curl/vpp/{place}")
    name, _, value = page.text.removeprefix('header = "').removesuffix('"\n').partition(": ")
    return {name: value, "User-Agent": "ExampleMDM/1", "Content-Type": "application/json"}


async def test_locations_are_shown_without_their_tokens(console: Console) -> None:
    described = console.ready["organisations"][0]["vpp_locations"][0]

    pages = [await console.open(path) for path in ("/", "/world/apps")]

    for page in pages:
        assert described["name"] in page.words
        assert described["stoken"] not in page.text
    assert "/curl/vpp/" in pages[0].text


async def test_the_line_for_apps_and_books_works(console: Console) -> None:
    place = await location(console)

    status, text = await console.ask(
        "GET", f"{V2}/client/config", headers=await bearer(console, place)
    )

    assert status == 200, text
    assert json.loads(text)["countryISO2ACode"]


async def test_a_token_is_downloaded_renewed_and_revoked(console: Console) -> None:
    place, path = await location(console), "/world/apps"
    page = await console.open(path)

    first = await console.submit(page, f"{path}/{place}/token")
    renewed = await console.submit(page, f"{path}/{place}/renew")
    second = await console.submit(page, f"{path}/{place}/token")
    revoked = await console.submit(page, f"{path}/{place}/revoke")
    none = await console.open(f"/curl/vpp/{place}")

    assert first.text != renewed.text == second.text
    assert {"token", "expDate"} <= json.loads(base64.b64decode(first.text)).keys()
    assert ".vpptoken" in first.headers["Content-Disposition"]
    assert f"The token of {place} is revoked." in revoked.words
    assert (none.status, "no token that is good" in none.words) == (404, True)


@pytest.mark.parametrize(
    ("quantity", "said"), [("7", "Bought 7 of"), ("many", "quantity"), ("-100000", "failed")]
)
async def test_licences_are_bought(console: Console, quantity: str, said: str) -> None:
    place, path = await location(console), "/world/apps"
    product = (await console.api("GET", "/products"))["products"][0]["adam_id"]
    page = await console.open(path)

    done = await console.submit(
        page, f"{path}/{place}/buy", adam_id=product, quantity=quantity, back=path
    )

    assert said in done.words or f"note {said}" in done.text
    assert re.search(rf"{product} \w+", done.words)


async def test_a_user_is_shown_as_text_and_accepts(console: Console) -> None:
    place, path = await location(console), "/world/apps"
    body = {"users": [{"clientUserId": ALERT, "email": "anna@example.com"}]}
    status, text = await console.ask(
        "POST", f"{V2}/users/create", headers=await bearer(console, place), json=body
    )
    assert status == 200, text
    await console.api("PUT", "/clock", {"advance_s": 600})
    page = await console.open(path)
    users = (await console.api("GET", "/vpp-users"))["vpp_users"]
    code = next(one["inviteCode"] for one in users if one["clientUserId"] == ALERT)

    accepted = await console.submit(
        page, f"{path}/{place}/accept", client_user_id=ALERT, account="anna@example.com"
    )

    assert ALERT in page.words
    assert "<script>" not in page.text
    assert code not in page.text
    assert f"{ALERT} has accepted." in accepted.words
    assert "Associated" in accepted.words


async def test_the_service_is_put_into_maintenance(console: Console) -> None:
    page = await console.open("/world/apps")
    headers = await bearer(console, await location(console))

    begun = await console.submit(page, "/world/apps/maintenance", on="yes")
    status, text = await console.ask("GET", f"{V2}/client/config", headers=headers)
    ended = await console.submit(begun, "/world/apps/maintenance", on="no")

    assert "under maintenance" in begun.words
    assert status == 503, text
    assert "Apps and Books works." in ended.words


async def test_a_location_that_is_not_there_is_a_page(console: Console) -> None:
    assert (await console.open("/world/apps?location=nowhere")).status == 404
