import pytest

from tests.console.conftest import Console

ARM = "/steering/faults/arm"


async def test_the_menu_holds_every_outcome_and_delivery(console: Console) -> None:
    menu = await console.api("GET", "/outcomes")

    page = await console.open("/steering/faults")
    some = await console.open("/steering/faults?q=goAWAY")
    none = await console.open("/steering/faults?q=<nothing>")

    for one in [*menu["outcomes"], *menu["deliveries"]]:
        assert f"/{one['name']}" in page.text
    assert f"{ARM}/delivery/goaway" in some.text
    assert "T_C_NOT_SIGNED" not in some.text
    assert "Nothing matches" in none.words
    assert "&lt;nothing&gt;" in none.text


async def test_an_outcome_is_armed_happens_and_is_disarmed(console: Console) -> None:
    path = f"{ARM}/outcome/dep.T_C_NOT_SIGNED"
    form = await console.open(path)

    armed = await console.submit(form, path, operation="dep.session", count="2", after="0")
    status, _ = await console.ask("GET", "/session", headers={"User-Agent": "x"})
    page = await console.open("/steering/faults")
    rows = await console.open("/traffic?fault=1")
    gone = await console.submit(page, "/steering/faults/disarm/1")

    assert armed.path == "/steering/faults"
    assert "dep.T_C_NOT_SIGNED is armed." in armed.words
    assert status == 403
    assert "1 of 2 waits" in page.words
    assert "fault dep.T_C_NOT_SIGNED" in rows.words
    assert "every request gets its usual response" in gone.words


async def test_a_delivery_is_armed_with_its_parameters(console: Console) -> None:
    path = f"{ARM}/delivery/goaway"
    form = await console.open(path)
    fields = {"parameter-code": "7", "parameter-debug": "<b>", "parameter-sigma": "0.5"}

    armed = await console.submit(form, path, percent="12.5", count="", **fields)
    fault = (await console.api("GET", "/faults"))["faults"][0]
    cleared = await console.submit(armed, "/steering/faults/disarm")

    assert fault["delivery"] == {"name": "goaway", "code": 7, "debug": "<b>", "sigma": 0.5}
    assert (fault["probability"], fault["count"]) == (0.125, None)
    assert "&lt;b&gt;" in armed.text
    assert "All faults are disarmed." in cleared.words


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"parameter-code": "seven"}, "code"),
        ({"count": "-1"}, "count"),
        ({"percent": "101"}, "probability"),
        ({"percent": "often"}, "probability"),
        ({"operation": "dep.nothing"}, "dep.nothing"),
        ({"organisation": "nobody"}, "nobody"),
    ],
)
async def test_what_cannot_be_armed_is_said_in_words(
    console: Console, fields: dict[str, str], said: str
) -> None:
    path = f"{ARM}/delivery/goaway"
    form = await console.open(path)

    refused = await console.submit(form, path, **fields)

    assert 'class="note failed"' in refused.text
    assert said in refused.words
    assert (await console.api("GET", "/faults"))["faults"] == []


@pytest.mark.parametrize("path", [f"{ARM}/outcome/nothing", f"{ARM}/wish/delay"])
async def test_what_is_not_on_the_menu_is_a_page(console: Console, path: str) -> None:
    page = await console.open(path)

    assert page.status == 404
    assert "the catalogue of outcomes has no" in page.words


async def test_an_apns_outcome_offers_the_operations_of_its_service(console: Console) -> None:
    page = await console.open(f"{ARM}/outcome/apns.MissingProviderToken")

    assert "apns.push" in page.words
    assert "dep.account" not in page.words


async def test_a_quirk_is_switched_on_and_off(console: Console) -> None:
    page = await console.open("/steering/quirks")

    on = await console.submit(page, "/steering/quirks/dep.same-cursor", on="yes")
    state = {one["id"]: one["on"] for one in (await console.api("GET", "/quirks"))["quirks"]}
    off = await console.submit(on, "/steering/quirks/dep.same-cursor", on="no")

    assert "dep.same-cursor is on." in on.words
    assert state["dep.same-cursor"] is True
    assert "dep.same-cursor is off." in off.words
