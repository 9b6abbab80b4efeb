import re
import ssl

import httpx
import pytest

from tests.console.conftest import Console, Page
from tests.console.test_traffic import ALERT, session

PUSH = "com.apple.mgmt.External."


async def test_the_world_shows_its_organisations(console: Console) -> None:
    page = await console.open("/world")
    token = (await console.api("GET", "/dep-servers"))["dep_servers"][0]["token"]

    assert "Example School" in page.words
    assert "Example MDM" in page.words
    assert token["consumer_key"] not in page.text


async def test_terms_are_changed_and_accepted(console: Console) -> None:
    page = await console.open("/world")
    changed = await console.submit(page, "/world/organisations/demo/terms", accepted="no")
    after = (await console.api("GET", "/organisations"))["organisations"][0]
    accepted = await console.submit(changed, "/world/organisations/demo/terms", accepted="yes")

    assert changed.path == "/world"
    assert "Apple has changed the terms." in changed.words
    assert after["terms_accepted"] is False
    assert "The terms are accepted." in accepted.words
    assert "The terms are accepted." not in (await console.open("/world")).words


async def test_apple_seed_is_turned_off(console: Console) -> None:
    page = await console.open("/world")

    changed = await console.submit(page, "/world/organisations/demo/apple-seed", on="no")

    assert "AppleSeed for IT is off." in changed.words
    assert (await console.api("GET", "/organisations"))["organisations"][0]["apple_seed"] is False


async def test_a_server_is_added_and_a_second_of_its_name_is_refused(console: Console) -> None:
    page = await console.open("/world")
    fields = {"name": ALERT, "id": "staff"}

    added = await console.submit(page, "/world/organisations/demo/servers", **fields)
    again = await console.submit(page, "/world/organisations/demo/servers", **fields)

    assert f"Added {ALERT}." in added.words
    assert "<script>" not in added.text
    assert "has the id staff already" in again.words


async def test_a_token_is_revoked(console: Console) -> None:
    page = await console.open("/world")

    revoked = await console.submit(page, "/world/servers/main/revoke")

    assert "revoked" in revoked.words
    assert "/world/servers/main/revoke" not in revoked.text


def serials(page: Page) -> list[str]:
    """Return the serial numbers that a page lists."""
    return re.findall(r'href="/world/devices/(\w+)"', page.text)


async def test_devices_are_filtered_and_paged(console: Console) -> None:
    listed = (await console.api("GET", "/devices"))["devices"]
    await console.api("POST", "/dep-servers", {"name": "Staff", "id": "staff"})
    moved = listed[3]["serial_number"]
    await console.api("POST", f"/devices/{moved}/move", {"server": "staff"})
    await console.api("POST", "/devices", {"count": 200, "server": "main"})

    page = await console.open("/world/devices")
    following = re.search(r'href="([^"]+)">Next', page.text)
    assert following
    second = await console.open(following[1].replace("&amp;", "&"))
    staff = await console.open("/world/devices?server=staff")
    prefix = await console.open(f"/world/devices?prefix={moved[:6].lower()}")
    both = await console.open(f"/world/devices?prefix={moved[:3]}&server=staff")
    none = await console.open("/world/devices?prefix=NOSUCH")

    assert len(serials(page)) == 100
    assert min(serials(second)) > max(serials(page))
    assert serials(staff) == [moved]
    assert moved in serials(prefix)
    assert serials(both) == [moved]
    assert serials(none) == []
    assert "Nothing matches" in none.words


async def test_the_devices_of_a_server_page_on_in_the_order_of_assignment(
    console: Console,
) -> None:
    await console.api("POST", "/devices", {"count": 150, "server": "main"})
    first = await console.open("/world/devices?server=main")
    following = re.search(r'href="([^"]+)">Next', first.text)
    assert following

    second = await console.open(following[1].replace("&amp;", "&"))

    assert len(serials(first)) == 100
    assert not set(serials(first)) & set(serials(second))
    assert "server=main" in following[1]


@pytest.mark.parametrize(
    ("action", "fields", "changes"),
    [
        pytest.param("unassign", {}, True, id="unassign"),
        pytest.param("throttle", {"seconds": "3600"}, True, id="throttle"),
        pytest.param("migrate", {"deadline": "2027-01-01T10:00"}, True, id="migrate"),
        pytest.param("replace", {}, True, id="replace"),
        pytest.param("fail", {"failing": "True"}, True, id="fail"),
        pytest.param("release", {}, True, id="release"),
        pytest.param("activate", {}, False, id="activate-without-profile"),
        pytest.param("move", {"server": "main"}, True, id="move"),
    ],
)
async def test_each_form_of_a_device_reaches_the_portal(
    console: Console, action: str, fields: dict[str, str], changes: bool
) -> None:
    serial = (await console.api("GET", "/devices"))["devices"][0]["serial_number"]
    before = await console.api("GET", f"/devices/{serial}")
    path = f"/world/devices/{serial}"
    page = await console.open(path)

    done = await console.submit(page, f"{path}/{action}", back=path, **fields)

    after = await console.api("GET", f"/devices/{serial}")
    assert done.path == path
    assert 'class="note ' in done.text
    assert (f"{serial}: {action} is done." in done.words) or not changes
    assert (after != before) == changes


async def test_a_throttled_device_says_until_when_and_works_again(console: Console) -> None:
    serial = (await console.api("GET", "/devices"))["devices"][0]["serial_number"]
    path = f"/world/devices/{serial}"
    await console.api("PUT", "/clock", {"mode": "frozen", "now": "2026-02-01T10:00:00Z"})
    await console.api("POST", f"/devices/{serial}/fail")
    page = await console.open(path)

    throttled = await console.submit(page, f"{path}/throttle", seconds="3600")
    works = await console.submit(throttled, f"{path}/fail", failing="False")
    await console.api("PUT", "/clock", {"advance_s": 3600})
    later = await console.open(path)

    assert "throttled until 1 Feb 2026, 11:00:00 UTC" in throttled.words
    assert "Let it work" in throttled.words
    assert "Let it fail" in works.words
    assert "throttled until" not in later.words


@pytest.mark.parametrize(
    ("path", "fields", "said"),
    [
        ("throttle", {"seconds": "long"}, "seconds must be"),
        ("migrate", {"deadline": "soon"}, "deadline"),
        ("move", {"server": "nowhere"}, "nowhere"),
    ],
)
async def test_what_cannot_be_done_is_said_in_words(
    console: Console, path: str, fields: dict[str, str], said: str
) -> None:
    serial = (await console.api("GET", "/devices"))["devices"][0]["serial_number"]
    page = await console.open(f"/world/devices/{serial}")

    refused = await console.submit(page, f"/world/devices/{serial}/{path}", **fields)

    assert 'class="note failed"' in refused.text
    assert said in refused.words


@pytest.mark.parametrize("path", ["/world/devices/NOSUCH", "/world/devices?server=nowhere"])
async def test_what_is_not_there_is_a_page(console: Console, path: str) -> None:
    assert (await console.open(path)).status == 404


@pytest.mark.parametrize(
    ("count", "said"), [("3", "Added 3 invented devices."), ("x", "must be"), ("0", "must be")]
)
async def test_devices_are_added(console: Console, count: str, said: str) -> None:
    page = await console.open("/world/devices")

    added = await console.submit(page, "/world/devices", count=count, server="main")

    assert said in added.words


async def test_profiles_are_shown_as_text(console: Console) -> None:
    headers = await session(console)
    profile = {"profile_name": ALERT, "url": "https://mdm.example", "skip_setup_items": [ALERT]}
    await console.ask("POST", "/profile", headers=headers, json=profile)

    page = await console.open("/world/profiles")

    assert ALERT in page.words
    assert "<script>" not in page.text
    assert "No MDM server" not in page.words


async def test_device_tokens_are_shown_and_acted_on_without_being_told(console: Console) -> None:
    topic = console.ready["organisations"][0]["push_topics"][0]["topic"]
    page = await console.open("/world/pushes")
    enrolled = await console.submit(page, "/push/enrol", topic=topic, back="/world/pushes")
    token = (await console.api("GET", "/push-tokens"))["push_tokens"][0]
    action = re.search(r'action="(/world/pushes/tokens/(\w+)/expire)"', enrolled.text)
    assert action

    expired = await console.submit(enrolled, action[1], organisation="demo")
    again = await console.open(f"/world/pushes?after={action[2]}")

    assert enrolled.path == "/world/pushes"
    assert token["token"] not in enrolled.text
    assert token["magic"] not in enrolled.text
    assert "expire is done" in expired.words
    assert (await console.api("GET", "/push-tokens"))["push_tokens"][0]["state"] == "expired"
    assert token["owner"] not in again.words


async def test_what_waits_for_a_device_is_shown(console: Console) -> None:
    await console.open("/world/pushes")
    topic = console.ready["organisations"][0]["push_topics"][0]
    tls = ssl.create_default_context(cafile=console.ready["ca"])
    tls.load_cert_chain(topic["certificate"], topic["key"])
    tls.set_alpn_protocols(["h2"])
    page = await console.open("/world/pushes")
    enrolled = await console.submit(page, "/push/enrol", topic=topic["topic"], back="/world/pushes")
    token = (await console.api("GET", "/push-tokens"))["push_tokens"][0]
    url = f"{console.ready['tls'][0]}/3/device/{token['token']}"
    headers = {"apns-topic": topic["topic"], "apns-push-type": "mdm"}

    async with httpx.AsyncClient(verify=tls, http2=True) as client:
        pushed = await client.post(url, headers=headers, json={"mdm": token["magic"]})
    waiting = await console.open("/world/pushes")
    await console.api("PUT", "/clock", {"advance_s": 31 * 24 * 3600})
    expired = await console.open("/world/pushes")

    assert pushed.status_code == 200
    assert "none" in enrolled.words
    assert "waiting until" in waiting.words
    assert "expired at" in expired.words
    assert token["magic"] not in waiting.text


async def test_a_topic_is_added_with_its_key_and_revoked(console: Console) -> None:
    page = await console.open("/world/pushes")
    topic = f"{PUSH}0c0d4dac-43a1-4a4e-8b1b-1f6f2f4d4a8c"

    file = await console.submit(page, "/world/pushes/topics", topic=topic, organisation="demo")
    listed = await console.open("/world/pushes")
    revoked = await console.submit(listed, f"/world/pushes/topics/{topic}/revoke")

    assert "BEGIN CERTIFICATE" in file.text
    assert "PRIVATE KEY" in file.text
    assert topic in listed.words
    assert "all revoked" in revoked.words


@pytest.mark.parametrize(
    "path",
    ["/world/pushes/tokens/00/expire", "/world/pushes/tokens/00/eat", "/world/devices/X/eat"],
)
async def test_a_form_that_asks_for_nothing_known_is_refused(console: Console, path: str) -> None:
    page = await console.open("/world/pushes")
    data = {"form_token": page.form_token, "organisation": "demo"}

    refused = await console.open(path, method="POST", data=data)

    assert refused.status == 404


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example"])
async def test_a_form_leads_back_to_pages_of_ours_only(console: Console, back: str) -> None:
    page = await console.open("/world")

    changed = await console.submit(
        page, "/world/organisations/demo/terms", accepted="no", back=back
    )

    assert changed.path == "/world"
