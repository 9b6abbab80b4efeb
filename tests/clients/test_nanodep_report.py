"""What a run with nanodep has disclosed, as the report tells it."""

import json

import pytest

from tests.clients.harness import MDMSIM, Simulator, environment, run
from tests.clients.nanodep import Nanodep

pytestmark = [
    pytest.mark.clients,
    pytest.mark.parametrize("flags", [("--manifest", "intune-to-apple")]),
]


@pytest.fixture
def busy_nanodep(simulator: Simulator, nanodep: Nanodep) -> Nanodep:
    """A nanodep that has logged in, read the account and devices, and assigned a profile."""
    uuid = nanodep.define()
    nanodep.apple("GET", "/account")
    serials = simulator.serials()[:2]
    nanodep.apple("PUT", "/profile/devices", {"profile_uuid": uuid, "devices": serials})
    nanodep.sync()
    return nanodep


def test_what_the_table_declares_is_told_from_what_it_does_not(
    simulator: Simulator, busy_nanodep: Nanodep
) -> None:
    login = simulator.judged("dep.session")
    assignment = simulator.judged("dep.assign")

    assert login == {
        "net.user_agent": "-",
        "dep.consumer_key": "S02",
        "dep.access_token": "S02",
        "dep.oauth_signature": "S02",
        "protocol": "exempt",
    }
    assert assignment == {
        "net.user_agent": "-",
        # Go's reverse proxy tells Apple the address of whoever called it.
        "net.forwarded": "-",
        "dep.session_token": "S02",
        "dep.profile_uuid": "S16",
        "device.serial": "S24",
        "protocol": "exempt",
    }


def report(simulator: Simulator, *flags: str) -> tuple[int, str]:
    """Return exit code and output of ``mdmsim report``."""
    command = [*MDMSIM, "report", "--data", str(simulator.data), "--format", "json"]
    declared = ["--manifest", "intune-to-apple", *flags]
    told = run([*command, *declared], env=environment(), cwd=simulator.data.parent)
    assert told.stdout, told.stderr
    return told.returncode, told.stdout


def test_the_report_tells_what_nanodep_disclosed(
    simulator: Simulator, busy_nanodep: Nanodep
) -> None:
    code, text = report(simulator)

    told = json.loads(text)
    assert (code, told["verdict"]) == (1, "findings")
    assert told["counts"]["exchanges"] == len(simulator.exchanges())
    undeclared = {line["concept"] for line in told["undeclared"]}
    assert undeclared == {"net.forwarded", "dep.enrol_url"}
    assert [claim["id"] for claim in told["declared"]] == ["S02", "S16", "S20", "S24"]
    # More than half of the table is what Apple tells the MDM, not the other way round.
    only_received = [claim["id"] for claim in told["only_received"]]
    assert only_received == [f"S{number:02}" for number in range(3, 20) if number != 16]


def test_the_report_holds_no_credential_and_no_serial_number(
    simulator: Simulator, busy_nanodep: Nanodep
) -> None:
    secrets = [value for name, value in simulator.token.items() if name != "access_token_expiry"]

    _, text = report(simulator)

    assert [value for value in [*secrets, *simulator.serials()] if value in text] == []


def test_strictly_a_mere_sync_discloses_the_user_agent_besides(
    simulator: Simulator, nanodep: Nanodep
) -> None:
    nanodep.sync()

    code, text = report(simulator, "--fail-on", "undeclared", "--strict")

    assert code == 1
    assert {line["concept"] for line in json.loads(text)["undeclared"]} == {"net.user_agent"}
