"""nanodep meets what it meets at Apple once in a year, on demand: faults, quirks, moved time."""

import json
from pathlib import Path

import pytest

from tests.clients.harness import MDMSIM, Simulator, call, environment, run, until
from tests.clients.nanodep import Nanodep

pytestmark = pytest.mark.clients


def test_a_rejected_token_is_told_and_good_again(simulator: Simulator, nanodep: Nanodep) -> None:
    armed = simulator.control("POST", "/faults", {"outcome": "dep.token_rejected", "count": 1})

    refused = nanodep.apple("GET", "/account")
    welcome = nanodep.apple("GET", "/account")

    assert (refused.status, refused.text) == (502, "token_rejected")
    assert welcome.status == 200, welcome.text
    (touched,) = simulator.exchanges(fault=armed["id"])
    assert touched["operation"] == "dep.session"
    assert touched["client"] == f"dep:{simulator.server}"
    assert touched["findings"] == []


def test_terms_are_not_signed_until_they_are(simulator: Simulator, nanodep: Nanodep) -> None:
    match = {"organisation": "demo", "operation": "dep.account"}
    armed = simulator.control("POST", "/faults", {"outcome": "T_C_NOT_SIGNED", "match": match})

    refused = nanodep.apple("GET", "/account")
    simulator.control("DELETE", f"/faults/{armed['id']}")
    accepted = nanodep.apple("GET", "/account")

    assert (refused.status, refused.text) == (403, "T_C_NOT_SIGNED")
    assert accepted.status == 200, accepted.text


def test_a_device_is_throttled_for_a_day_that_passes_at_once(
    simulator: Simulator, nanodep: Nanodep
) -> None:
    uuid = nanodep.define()
    hot = simulator.serials()[0]
    simulator.act(hot, "throttle", seconds=86_400)
    body = {"profile_uuid": uuid, "devices": [hot]}

    day_one = nanodep.apple("PUT", "/profile/devices", body)
    simulator.control("PUT", "/clock", {"advance_s": 86_399})
    still = nanodep.apple("PUT", "/profile/devices", body)
    simulator.control("PUT", "/clock", {"advance_s": 2})
    day_two = nanodep.apple("PUT", "/profile/devices", body)

    # nanodep speaks version 7, which knows THROTTLED as FAILED.
    assert [one.json["devices"][hot] for one in (day_one, still, day_two)] == [
        "FAILED",
        "FAILED",
        "SUCCESS",
    ]


def test_the_same_cursor_makes_nanodep_fetch_without_end(
    simulator: Simulator, nanodep: Nanodep
) -> None:
    simulator.control("PUT", "/quirks/dep.same-cursor", {"on": True})

    with nanodep.syncer("-limit", "5") as process:
        body = {"match": {"operation": "dep.fetch"}, "count": 30, "timeout_s": 60}
        waited = simulator.control("POST", "/exchanges/wait", body)
        simulator.control("PUT", "/quirks/dep.same-cursor", {"on": False})
        until(lambda: simulator.answered(operation="dep.sync") or None, "the end of the loop")
        assert process.poll() is None

    # 25 devices, 5 a page: without the quirk there are 5 fetches.
    assert waited["count"] == 30
    requests = [
        simulator.control("GET", f"/exchanges/{one['seq']}")["request"]["body"]["text"]
        for one in waited["exchanges"][1:]
    ]
    assert len({json.loads(one)["cursor"] for one in requests}) == 1


def test_a_verification_that_fails_says_by_what(simulator: Simulator, nanodep: Nanodep) -> None:
    nanodep.apple("POST", "/devices", {"devices": simulator.serials()[:1]})
    serial = simulator.serials()[0]

    body = {"match": {"operation": "dep.details", "body": {"devices": "0ZOTHER"}}}
    answer = call(
        "POST",
        f"{simulator.ready['control']}/api/v1/exchanges/verify",
        json.dumps(body).encode(),
    )

    assert answer.status == 409
    assert answer.json["detail"] == (
        "wanted at least 1 exchanges with operation 'dep.details', body.devices '0ZOTHER'; "
        "there are 0; the nearest miss is exchange 2, POST /devices: "
        f"body.devices is '{serial}', wanted '0ZOTHER'"
    )


def test_the_command_line_steers_as_well(
    simulator: Simulator, nanodep: Nanodep, tmp_path: Path
) -> None:
    def ctl(*args: str) -> tuple[int, str]:
        command = [*MDMSIM, "ctl", *args, "--data", str(simulator.data)]
        done = run(command, env=environment(), cwd=tmp_path)
        return done.returncode, done.stdout + done.stderr

    added = ctl("fault", "add", "dep.SERVICE_UNAVAILABLE", "--set", "retry_after_s=1", "--count=1")
    refused = nanodep.apple("GET", "/account")
    verified = ctl("verify", "--match", "error=SERVICE_UNAVAILABLE", "--count", "1")
    missed = ctl("verify", "--match", "operation=dep.sync")

    assert added[0] == verified[0] == 0
    assert refused.status in (502, 503)
    assert missed[0] == 1
    assert "the nearest miss is exchange" in missed[1]


def test_two_suites_share_an_instance_unseen_by_each_other(simulator: Simulator) -> None:
    faults = {
        label: simulator.control(
            "POST", "/faults", {"outcome": outcome, "match": {"session": label}}
        )
        for label, outcome in (("one", "dep.T_C_NOT_SIGNED"), ("two", "dep.SERVICE_UNAVAILABLE"))
    }

    def ask(label: str) -> int:
        headers = {"X-Mdmsim-Session": label, "User-Agent": "Suite/1"}
        return call("GET", f"{simulator.base('http')}/account", headers=headers).status

    statuses = [ask(label) for label in ("one", "two", "one", "three")]

    assert statuses == [403, 503, 403, 401]
    for label, count in (("one", 2), ("two", 1)):
        seen = simulator.exchanges(session=label)
        assert len(seen) == count
        assert all(one["faults"][0]["id"] == faults[label]["id"] for one in seen)
