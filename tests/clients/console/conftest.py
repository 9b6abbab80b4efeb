"""Fixtures for tests of the console in a real browser."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.clients.harness import Simulator, binary, call, serving

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
WAIT_MS = 15_000
SCRIPT = "<script>window.pwned = 1</script>"
IMAGE = "\"'><img src=x onerror=window.pwned=1>"


@dataclass(slots=True)
class Tab:
    """A page of the browser, and all that it complained about."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Go to a page of the console."""
        self.page.goto(self.base + path)

    def axe(self) -> list[str]:
        """Return what axe holds against the page, if it is serious."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(Path(binary("axe/node_modules/axe-core/axe.min.js")).read_text())
        found: list[dict[str, Any]] = self.page.evaluate("axe.run().then(r => r.violations)")
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        return [f"{one['id']}: {[node['target'] for node in one['nodes']]}" for one in serious]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("chromium is not there: apt-get install chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield running
        running.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser without cookies."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as made:
        made.set_default_timeout(WAIT_MS)
        yield made


def tab_of(context: BrowserContext, base: str) -> Tab:
    """Open a tab, and listen to what it complains about: errors, and what the policy forbids."""
    tab = Tab(context.new_page(), base)
    tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
    tab.page.on("dialog", lambda dialog: tab.complaints.append(dialog.message))
    tab.page.on(
        "console",
        lambda said: tab.complaints.append(said.text) if said.type == "error" else None,
    )
    return tab


@pytest.fixture
def tab(context: BrowserContext, simulator: Simulator) -> Tab:
    """A tab on the console of a fresh simulator."""
    return tab_of(context, simulator.ready["control"])


def ask(running: Simulator, method: str, path: str, body: bytes = b"", **headers: str) -> int:
    """Send one request to the services in clear, and return the status."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return call(method, running.base("http") + path, body, named).status


@pytest.fixture(scope="session")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """A simulator that has seen much, of it much that is odd; tests only look at it."""
    folder = tmp_path_factory.mktemp("busy")
    with serving(folder / "data", folder / "mdmsim.log") as running:
        ask(running, "GET", "/account", User_Agent=SCRIPT)
        ask(running, "GET", f"/nowhere?{'a' * 300}=1", User_Agent=IMAGE, X_Odd=SCRIPT)
        ask(running, "POST", "/devices", b"\xff\x00", Content_Type="application/json")
        body = json.dumps({"profile_name": IMAGE, SCRIPT: SCRIPT, "devices": ["X" * 200]}).encode()
        ask(running, "POST", "/profile", body, Content_Type="application/json")
        topic = running.ready["organisations"][0]["push_topics"][0]["topic"]
        message = f"""<plist><dict><key>MessageType</key><string>TokenUpdate</string>
          <key>Topic</key><string>{topic}</string><key>UDID</key><string>A-B-C</string>
          <key>Token</key><data>AAECAw==</data><key>PushMagic</key><string>M</string>
          </dict></plist>"""
        running.control("POST", "/push-tokens/checkin", message.encode())
        running.control("POST", "/dep-servers", {"name": SCRIPT, "id": "odd"})
        yield running
