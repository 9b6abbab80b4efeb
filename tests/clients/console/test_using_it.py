"""What people do with the console, in a real browser."""

import json
import ssl
import subprocess
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, expect

from tests.clients.console.conftest import Tab, ask, tab_of
from tests.clients.harness import Simulator, environment
from tests.clients.nanodep import Nanodep

pytestmark = pytest.mark.clients
FLOOD = 250
MOST = 100


def test_the_table_grows_while_a_client_runs(tab: Tab, nanodep: Nanodep) -> None:
    tab.open("/traffic")
    expect(tab.page.locator("#state")).to_have_text("Live")

    nanodep.apple("GET", "/account")

    row = tab.page.locator("#rows tr", has_text="dep.account")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("200")
    expect(tab.page.locator("#empty")).to_be_hidden()
    assert tab.complaints == []


def test_a_paused_table_counts_what_it_misses(tab: Tab, simulator: Simulator) -> None:
    tab.open("/traffic")
    expect(tab.page.locator("#state")).to_have_text("Live")
    tab.page.click("#pause")
    for number in range(3):
        ask(simulator, "GET", f"/{number}")

    expect(tab.page.locator("#state")).to_have_text("Paused, 3 more")
    expect(tab.page.locator("#pause")).to_have_text("Resume")
    expect(tab.page.locator("#rows tr")).to_have_count(0)
    tab.page.click("#pause")

    expect(tab.page.locator("#rows tr")).to_have_count(3)


def test_a_live_table_keeps_to_its_filter(tab: Tab, simulator: Simulator) -> None:
    tab.open("/traffic?status=401")
    expect(tab.page.locator("#state")).to_have_text("Live")

    ask(simulator, "GET", "/nowhere")
    ask(simulator, "GET", "/account", User_Agent="test")

    expect(tab.page.locator("#rows tr")).to_have_count(1)
    expect(tab.page.locator("#rows tr")).to_contain_text("dep.account")


def test_however_much_comes_the_browser_holds_a_page_of_it(tab: Tab, simulator: Simulator) -> None:
    tab.open("/traffic")
    expect(tab.page.locator("#state")).to_have_text("Live")

    for number in range(FLOOD):
        ask(simulator, "GET", f"/{number}")

    expect(tab.page.locator("#rows tr >> nth=0")).to_have_attribute("data-seq", str(FLOOD))
    expect(tab.page.locator("#rows tr")).to_have_count(MOST)


def test_the_clock_is_moved_by_hand(tab: Tab, simulator: Simulator) -> None:
    tab.open("/steering")
    tab.page.click("button:text-is('Frozen')")
    expect(tab.page.locator(".note")).to_have_text("The clock is set.")
    before = simulator.control("GET", "/clock")

    tab.page.click("button:text-is('1 day')")

    after = simulator.control("GET", "/clock")
    expect(tab.page.locator("header .clock")).to_contain_text("Frozen time")
    assert after["now_ms"] - before["now_ms"] == 24 * 3600 * 1000


def test_a_fault_is_armed_and_seen_to_happen(tab: Tab, nanodep: Nanodep) -> None:
    tab.open("/steering/faults?q=T_C_NOT_SIGNED")
    tab.page.click("text=Arm dep.T_C_NOT_SIGNED")
    tab.page.select_option("#operation", "dep.account")
    tab.page.click("button:text-is('Arm')")
    expect(tab.page.locator(".note")).to_have_text("dep.T_C_NOT_SIGNED is armed.")

    tab.open("/steering/faults")
    expect(tab.page.locator("#touched tbody")).to_contain_text("0 of 1")
    refused = nanodep.apple("GET", "/account")
    expect(tab.page.locator("#touched tbody")).to_contain_text("1 of 1")
    answered = nanodep.apple("GET", "/account")

    assert (refused.status, answered.status) == (403, 200)
    expect(tab.page.locator("tbody tr", has_text="1 of 1")).to_contain_text("used up")
    tab.page.click("text=Exchanges")
    expect(tab.page.locator("#rows tr")).to_have_count(1)
    expect(tab.page.locator("#rows tr")).to_contain_text("T_C_NOT_SIGNED")


def test_a_report_is_downloaded(tab: Tab, simulator: Simulator) -> None:
    ask(simulator, "GET", "/session", User_Agent="ExampleMDM/1")
    tab.open("/disclosures")

    with tab.page.expect_download() as download:
        tab.page.click("a.button:text-is('json')")

    report = json.loads(Path(download.value.path()).read_bytes())
    assert download.value.suggested_filename == "disclosures.json"
    assert report["counts"]["exchanges"] == 1


def test_a_manifest_is_uploaded(tab: Tab, simulator: Simulator, tmp_path: Path) -> None:
    ask(simulator, "GET", "/session", User_Agent="ExampleMDM/1")
    good, bad = tmp_path / "mine.toml", tmp_path / "bad.toml"
    good.write_text("[manifest]\nschema = 1\n")
    bad.write_text("[manifest\n")
    tab.open("/disclosures")
    tab.page.click("summary:has-text('manifest of your own')")
    tab.page.set_input_files("#file", bad)
    tab.page.click("button:text-is('Upload and evaluate')")
    expect(tab.page.locator(".note")).to_contain_text("bad.toml: is not TOML")

    tab.page.click("summary:has-text('manifest of your own')")
    tab.page.set_input_files("#file", good)
    tab.page.click("button:text-is('Upload and evaluate')")
    expect(tab.page.locator("#manifest option:checked")).to_have_text("mine.toml, uploaded")
    serious = tab.axe()
    with tab.page.expect_download() as download:
        tab.page.click("button:text-is('json')")

    report = json.loads(Path(download.value.path()).read_bytes())
    assert report["provenance"]["manifest"] == "mine.toml"
    assert download.value.suggested_filename == "disclosures.json"
    assert (serious, tab.complaints) == ([], [])


def test_two_moments_are_compared(tab: Tab, nanodep: Nanodep) -> None:
    nanodep.apple("GET", "/account")
    nanodep.apple("POST", "/server/devices", {"limit": 1})
    tab.open("/traffic")
    tab.page.click("#rows tr:has-text('dep.account') a >> nth=0")
    tab.page.click("text=Compare before and after")

    row = tab.page.locator(".changes tr.added", has_text="dep.fetch /limit")
    expect(row).to_have_count(1)
    expect(tab.page.locator(".changes tr.removed", has_text="dep.account").first).to_be_visible()
    tab.page.fill("#at", "yesterday")
    tab.page.click("button:text-is('Compare')")
    expect(tab.page.locator("#refused")).to_contain_text("'yesterday' is no position")
    assert tab.axe() == []


def test_the_ca_is_downloaded(tab: Tab, simulator: Simulator) -> None:
    tab.open("/")

    with tab.page.expect_download() as download:
        tab.page.click("text=Download the CA certificate")

    assert Path(download.value.path()).read_text() == Path(simulator.ca).read_text()


def test_a_command_is_copied(context: BrowserContext, tab: Tab) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.open("/")

    tab.page.click("[aria-label='Copy command: Start a session']")

    expect(tab.page.locator("button:text-is('Copied')")).to_be_visible()
    assert tab.page.evaluate("navigator.clipboard.readText()").startswith("curl -s http://127")


def test_a_push_is_seen_to_wait_and_to_be_delivered(tab: Tab, simulator: Simulator) -> None:
    tab.open("/world/pushes")
    tab.page.click("text=Enrol an invented device")
    row = tab.page.locator("#devices tbody tr")
    expect(row).to_contain_text("none")
    token = simulator.control("GET", "/push-tokens")["push_tokens"][0]
    row.locator("button", has_text="Throttle").focus()

    push(simulator, token)

    expect(row).to_contain_text("waiting")
    focused = tab.page.evaluate("document.activeElement.innerText")
    assert focused.startswith("Throttle")
    stream = f"{simulator.ready['control']}/events?token={token['token']}"
    with urllib.request.urlopen(stream) as heard:  # noqa: S310 (ours)
        heard.readline()
        expect(row).to_contain_text("delivered")  # whoever hangs up at once has not got it
    expect(tab.page.locator("#counts")).to_contain_text("delivered")
    assert tab.complaints == []


def test_a_push_is_sent_again_as_the_page_says(tab: Tab, simulator: Simulator) -> None:
    tab.open("/world/pushes")
    tab.page.click("text=Enrol an invented device")
    push(simulator, simulator.control("GET", "/push-tokens")["push_tokens"][0])
    tab.open("/traffic?operation=apns.push")
    tab.page.click("#rows tr td.time")
    command = tab.page.locator("[aria-label='command that sends it again']").text_content()
    assert command

    again = subprocess.run(
        ["/bin/sh", "-c", command],
        capture_output=True,
        text=True,
        env=environment(),
        check=True,
        timeout=30,
    )

    assert again.stdout.startswith("HTTP/2 200")
    found = simulator.control("GET", "/exchanges?operation=apns.push")["exchanges"]
    assert [one["status"] for one in found] == [200, 200]


def test_the_start_page_leads_to_the_first_request(tab: Tab, simulator: Simulator) -> None:
    tab.open("/")
    expect(tab.page.locator("#first")).to_contain_text("Waiting for your first request")

    ask(simulator, "GET", "/session", User_Agent="test")

    expect(tab.page.locator("#first")).to_contain_text("1 request so far")
    tab.page.click("#first >> text=See the traffic")
    expect(tab.page.locator("#rows tr")).to_have_count(1)


def test_lanes_grow_while_a_client_runs(tab: Tab, nanodep: Nanodep) -> None:
    tab.open("/traffic/lanes")

    nanodep.apple("GET", "/account")

    expect(tab.page.locator("#lanes .lane li >> nth=0")).to_contain_text("dep.session")
    expect(tab.page.locator("#lanes .lane li >> nth=1")).to_contain_text("dep.account")


def test_rows_are_walked_by_letters(tab: Tab, simulator: Simulator) -> None:
    for number in range(3):
        ask(simulator, "GET", f"/{number}")
    tab.open("/traffic")
    keys = tab.page.keyboard

    for key in "jjjk":
        keys.press(key)
    focused = tab.page.evaluate("document.activeElement.closest('tr').dataset.seq")
    keys.press("/")
    keys.type("j")

    assert focused == "2"
    expect(tab.page.locator("#q")).to_have_value("j")


def test_the_clock_runs_on(tab: Tab, simulator: Simulator) -> None:
    tab.open("/steering")
    shown = tab.page.locator(".now time")
    before = shown.text_content()

    expect(shown).not_to_have_text(before or "")


def push(simulator: Simulator, token: Mapping[str, str]) -> None:
    """Push to a device as an MDM server would."""
    topic = simulator.ready["organisations"][0]["push_topics"][0]
    tls = ssl.create_default_context(cafile=simulator.ca)
    tls.load_cert_chain(topic["certificate"], topic["key"])
    headers = {"apns-topic": token["topic"], "apns-push-type": "mdm"}
    with httpx.Client(verify=tls, http2=True) as client:
        client.post(
            f"{simulator.ready['tls'][0]}/3/device/{token['token']}",
            headers=headers,
            json={"mdm": token["magic"]},
        ).raise_for_status()


def test_an_exchange_is_copied_as_a_golden_fixture(
    context: BrowserContext, tab: Tab, nanodep: Nanodep
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    nanodep.apple("GET", "/account")
    tab.open("/traffic")
    tab.page.click("#rows tr a >> nth=0")

    tab.page.click("[aria-label='Copy golden fixture']")
    expect(tab.page.locator("button:text-is('Copied')")).to_be_visible()
    copied = tab.page.evaluate("navigator.clipboard.readText()")
    with tab.page.expect_download() as download:
        tab.page.click("text=Download the fixture")

    assert Path(download.value.path()).read_text("utf-8") == copied
    assert download.value.suggested_filename == "dep-account-200.json"
    assert json.loads(copied)["request"]["target"] == "/account"


def test_the_portal_is_used_by_its_forms(tab: Tab, simulator: Simulator) -> None:
    serial = simulator.serials()[0]
    tab.open("/world/devices")
    tab.page.fill("#prefix", serial)
    tab.page.click("button:text-is('Filter')")
    tab.page.click(f"a:text-is('{serial}')")

    tab.page.click("button:text-is('Throttle')")

    expect(tab.page.locator(".note")).to_have_text(f"{serial}: throttle is done.")
    assert simulator.device(serial)["state"]["throttled_until_ms"] > 0
    assert tab.complaints == []


def test_all_can_be_done_by_keys(tab: Tab, simulator: Simulator) -> None:
    for number in range(3):
        ask(simulator, "GET", f"/{number}")
    tab.open("/")
    keys = tab.page.keyboard

    keys.press("Tab")
    focused = tab.page.evaluate("document.activeElement.textContent")
    keys.press("Enter")
    assert focused == "Skip to the content"
    assert tab.page.evaluate("document.activeElement.id") == "main"

    tab.open("/")
    for _ in range(4):
        keys.press("Tab")
    keys.press("Enter")
    tab.page.wait_for_url("**/traffic")
    tab.page.focus("#rows tr a >> nth=0")
    keys.press("ArrowDown")
    keys.press("ArrowDown")
    keys.press("ArrowUp")
    keys.press("Enter")
    tab.page.wait_for_url("**/traffic/2")


@pytest.mark.parametrize("flags", [("--host", "0.0.0.0")])  # noqa: S104 (off loopback)
def test_off_loopback_the_token_is_asked_for_once(
    context: BrowserContext, simulator: Simulator
) -> None:
    tab = tab_of(context, simulator.ready["control"])
    tab.open("/traffic")
    tab.page.fill("#token", simulator.ready["control_token"])
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_url("**/traffic")

    expect(tab.page.locator("#state")).to_have_text("Live")
    tab.open("/world")
    tab.page.click("text=Require new terms")
    expect(tab.page.locator(".note")).to_have_text("Apple has changed the terms.")
    tab.page.click("text=Log out")
    tab.page.wait_for_url("**/login")
    cookies = {one["name"] for one in context.cookies()}
    assert not any(name.startswith("mdmsim_login") for name in cookies)
    assert tab.complaints == []
