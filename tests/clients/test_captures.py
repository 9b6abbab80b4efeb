"""nanodep through mitmproxy: what it captured is judged to the lines of the live journal."""

import json
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.clients.harness import MDMSIM, Simulator, environment, run, running, until
from tests.clients.nanodep import Nanodep
from tests.ports import free_port

MITMDUMP = Path(sys.executable).with_name("mitmdump")
pytestmark = pytest.mark.clients
SECTIONS = ("outcomes", "undeclared", "flagged", "inherent", "declared", "only_received", "counts")
TIMES = ("first_seen", "last_seen")


@contextmanager
def mitmproxy(upstream: str, flows: Path) -> Iterator[str]:
    """Run mitmproxy in front of *upstream*; yield its URL. *flows* is whole at the end."""
    port = free_port()
    command = (
        str(MITMDUMP),
        *("--mode", f"reverse:{upstream}", "--listen-host", "127.0.0.1", "-p", str(port)),
        *("--set", f"confdir={flows.parent}", "--set", "keep_host_header=true"),
        *("-w", str(flows), "-q"),
    )
    log = flows.with_suffix(".log")
    with running(command, env=environment(), log=log) as process:

        def probe() -> bool | None:
            assert process.poll() is None, f"mitmdump ended:\n{log.read_text()}"
            with socket.socket() as one:
                return True if one.connect_ex(("127.0.0.1", port)) == 0 else None

        until(probe, "mitmproxy")
        yield f"http://127.0.0.1:{port}"


def report(simulator: Simulator, *command: str) -> dict[str, Any]:
    how = ("--data", str(simulator.data), "--manifest", "intune-to-apple", "--format", "json")
    told = run([*MDMSIM, *command, *how], env=environment(), cwd=simulator.data.parent)
    assert told.returncode in {0, 1}, told.stderr
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def lines(found: dict[str, Any], section: str) -> list[dict[str, Any]]:
    """Return the lines of a section; the proxy has seen each request a moment earlier."""
    return [{name: it for name, it in one.items() if name not in TIMES} for one in found[section]]


def work(simulator: Simulator, nanodep: Nanodep) -> None:
    """Have nanodep do a bit of everything."""
    uuid = nanodep.define()
    nanodep.apple("GET", "/account")
    nanodep.apple("POST", "/nowhere", {"email": "anna@example.com"})
    devices = {"profile_uuid": uuid, "devices": simulator.serials()[:2]}
    nanodep.apple("PUT", "/profile/devices", devices)
    nanodep.sync()


def test_an_export_of_nanodeps_journal_is_judged_as_the_journal(
    simulator: Simulator, nanodep: Nanodep, tmp_path: Path
) -> None:
    work(simulator, nanodep)
    export = tmp_path / "nanodep.har"
    how = ("--format", "har", "--redact", "clear", "--output", str(export))
    run([*MDMSIM, "report", "--data", str(simulator.data), *how], env=environment(), cwd=tmp_path)

    assert report(simulator, "judge", str(export)) == report(simulator, "report")


@pytest.mark.skipif(
    not MITMDUMP.exists(),
    reason="mitmproxy is not installed: pip install 'mdmsim[mitmproxy]' (Python 3.12)",
)
def test_a_capture_of_nanodep_is_judged_as_its_journal(
    simulator: Simulator, nanodep: Nanodep, tmp_path: Path
) -> None:
    flows = tmp_path / "nanodep.flows"
    with mitmproxy(simulator.base("http"), flows) as url:
        nanodep.point_at(url)
        work(simulator, nanodep)

    live, judged = report(simulator, "report"), report(simulator, "judge", str(flows))

    assert judged["counts"] == live["counts"]
    assert judged["counts"]["exchanges"] > 5
    for section in (*SECTIONS[:-1], "sent", "received"):
        assert lines(judged, section) == lines(live, section)
    assert judged["verdict"] == live["verdict"]
