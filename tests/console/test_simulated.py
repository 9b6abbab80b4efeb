"""The pages of simulated devices."""

import re

from tests.console.conftest import Console


async def test_a_device_is_bought_turned_on_and_erased(console: Console) -> None:
    empty = await console.open("/world/simulated")
    bought = await console.submit(empty, "/world/simulated")
    (device,) = (await console.api("GET", "/simulated-devices"))["simulated_devices"]
    serial = device["serial_number"]
    path = f"/world/simulated/{serial}"
    page = await console.open(path)
    erased = await console.submit(page, f"{path}/erase", back=path)

    assert "There are none." in empty.words
    assert serial in bought.words
    assert "activated no profile" in page.words
    assert device["push_token"] not in page.text
    assert f"{serial}: erase is done." in erased.words
    assert (await console.api("GET", f"/simulated-devices/{serial}"))["state"] == "unactivated"


async def test_the_stages_of_a_life_are_told_before_all_that_happened(console: Console) -> None:
    made = await console.api("POST", "/simulated-devices", {"count": 1, "power_on": True})
    serial = made["simulated_devices"][0]["serial_number"]
    for action in ("power-off", "power-on", "erase"):
        await console.api("POST", f"/simulated-devices/{serial}/{action}", {})

    page = await console.open(f"/world/simulated/{serial}")

    stages, _, life = page.text.partition('<h2 id="life">')
    order = re.findall(r"<b>([a-z]+)</b>", stages)
    assert order == ["activated", "off", "on", "erased"]
    assert re.findall(r'class="badge [a-z]+">([a-z]+)<', life) == order[::-1]


async def test_trouble_is_shown(console: Console) -> None:
    body = {"count": 1, "power_on": False}
    made = await console.api("POST", "/simulated-devices", body)
    serial = made["simulated_devices"][0]["serial_number"]
    enrol = {"profile_url": "http://127.0.0.1:9/"}
    await console.api("POST", f"/simulated-devices/{serial}/enrol", enrol)

    page = await console.open(f"/world/simulated/{serial}")
    listed = await console.open("/world/simulated")

    assert "cannot be reached" in page.words
    assert "cannot be reached" in listed.words


async def test_what_it_said_is_a_link_away(console: Console) -> None:
    made = await console.api("POST", "/simulated-devices", {"count": 1})
    serial = made["simulated_devices"][0]["serial_number"]
    enrol = {"profile_url": "http://127.0.0.1:9/enrol"}
    await console.api("POST", f"/simulated-devices/{serial}/enrol", enrol)
    (exchange,) = (await console.api("GET", "/exchanges?service=device"))["exchanges"]

    page = await console.open(f"/world/simulated/{serial}")
    listed = await console.open(f"/traffic?client=device%3A{serial}")
    one = await console.open(f"/traffic/{exchange['seq']}")

    assert f"/traffic?client=device%3A{serial}" in page.text
    assert "device.enrol" in listed.words
    assert (one.status, "/enrol" in one.words) == (200, True)


async def test_a_device_that_is_none(console: Console) -> None:
    page = await console.open("/world/simulated/NOPE")

    assert page.status == 404
