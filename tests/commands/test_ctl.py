"""``mdmsim ctl`` against a running simulator."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner, Result

from simulator.app import Simulator
from simulator.cli import main
from simulator.commands.ctl import _seconds
from simulator.commands.steering import match, pairs
from simulator.core.settings import ConfigurationError, Settings


class Running:
    """A simulator with its data directory, and the command beside it."""

    def __init__(self, simulator: Simulator, data: Path) -> None:
        self.simulator = simulator
        self.data = data

    async def ctl(self, *args: str) -> Result:
        command = ["ctl", *args, "--data", str(self.data)]
        return await asyncio.to_thread(CliRunner().invoke, main, command)

    async def good(self, *args: str) -> str:
        result = await self.ctl(*args)
        assert result.exit_code == 0, result.output
        return result.output

    async def json(self, *args: str) -> Any:
        return json.loads(await self.good(*args, "--json"))

    async def ask(self, path: str) -> int:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.simulator.ready['http']}{path}") as answer,
        ):
            return answer.status


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    data = tmp_path / "data"
    settings = Settings(
        data=str(data), tls_port=(None,), http_port=0, control_port=0, proxy_port=None
    )
    async with Simulator(settings) as simulator:
        yield Running(simulator, data)


async def test_faults_are_added_listed_and_cleared(running: Running) -> None:
    added = await running.good(
        "fault", "add", "dep.TOO_MANY_REQUESTS", "--match", "operation=dep.account",
        "--set", "retry_after_s=5", "--count", "1",
    )  # fmt: skip
    delayed = await running.json("fault", "add", "delay", "--delivery", "--set", "ms=0")
    first, second = await running.ask("/account"), await running.ask("/account")
    listed = await running.json("fault", "list")
    table = await running.good("fault", "list")
    one = await running.good("fault", "clear", "1")
    rest = await running.json("fault", "clear")

    assert added == "fault 1 is armed\n"
    assert delayed["delivery"] == {"name": "delay", "ms": 0}
    assert (first, second) == (429, 401)
    assert [each["touched"] for each in listed["faults"]] == [1, 2]
    assert '{"operation": "dep.account"}' in table  # no Python, and nothing cut off
    assert "used up" in table
    assert one == "1 disarmed\n"
    assert rest == {"removed": 1}


async def test_the_menu_is_listed(running: Running) -> None:
    menu = await running.json("outcomes")
    table = await running.good("outcomes", "--service", "apns")

    assert {"outcomes", "deliveries"} == set(menu)
    assert "apns" in table
    assert "dep." not in table


async def test_time_is_shown_and_moved(running: Running) -> None:
    shown = await running.good("clock")
    frozen = await running.good("clock", "--freeze", "--now", "2026-03-01T12:00:00Z")
    moved = await running.json("clock", "--advance", "24h")
    back = await running.ctl("clock", "--now", "2026-01-01T00:00:00Z")
    real = await running.good("clock", "--real")

    assert shown.endswith("(real)\n")
    assert frozen == "2026-03-01T12:00:00Z (frozen)\n"
    assert moved["now"] == "2026-03-02T12:00:00Z"
    assert back.exit_code == 2
    assert "time goes forward only" in back.output
    assert real.endswith("(real)\n")


async def test_quirks_are_listed_and_switched(running: Running) -> None:
    on = await running.good("quirks", "dep.same-cursor", "on")
    listed = await running.json("quirks")
    table = await running.good("quirks", "dep.same-cursor")
    off = await running.good("quirks", "dep.same-cursor", "off", "--organisation", "demo")

    assert on == "dep.same-cursor is on\n"
    assert [one["id"] for one in listed["quirks"] if one["on"]] == ["dep.same-cursor"]
    assert "*" in table
    assert off == "dep.same-cursor is on\n"


async def test_waiting_and_verifying_end_with_0_or_1(running: Running) -> None:
    await running.ask("/account")
    good = await running.good("wait", "--match", "operation=dep.account")
    late = await running.ctl("wait", "--match", "status=200", "--timeout", "0")
    verified = await running.good("verify", "--match", "status=401", "--count", "1")
    missed = await running.ctl("verify", "--match", "header.host~nobody", "--min", "1")
    as_json = await running.ctl("verify", "--max", "0", "--json")
    both = await running.ctl("verify", "--max", "0", "--count", "1")
    wrong = await running.ctl("verify", "--match", "what=1")

    assert good == "1 matched: 1\n"
    assert late.exit_code == missed.exit_code == as_json.exit_code == 1
    assert "status is '401', wanted 200" in late.output
    assert verified == "verified: 1 exchanges\n"
    assert "header.host is '127.0.0.1" in missed.output
    assert json.loads(as_json.output)["verified"] is False
    assert both.exit_code == wrong.exit_code == 2
    assert "match.what is not known" in wrong.output


async def test_state_is_saved_loaded_and_reset(running: Running, tmp_path: Path) -> None:
    path = tmp_path / "state.gz"
    saved = await running.good("snapshot", "save", str(path))
    loaded = await running.good("snapshot", "load", str(path))
    path.write_bytes(b"nothing")
    damaged = await running.ctl("snapshot", "load", str(path))
    nowhere = await running.ctl("snapshot", "save", str(tmp_path / "no" / "x"))
    reset = await running.good("reset")
    one = await running.good("reset", "--organisation", "demo")
    world = await running.good("world", "demo", "--devices", "3")

    assert saved.endswith(f"bytes in {path}\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert loaded == f"{path} is loaded\n"
    assert (damaged.exit_code, nowhere.exit_code) == (2, 2)
    assert "no whole gzip file" in damaged.output
    assert reset == "everything is as it was loaded\n"
    assert one == "demo is as it was loaded\n"
    assert world.startswith("demo is loaded")


async def test_a_simulator_is_named_by_its_url(running: Running) -> None:
    url = running.simulator.ready["control"]

    result = await running.ctl("clock", "--url", url)

    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("args", "says"),
    [
        pytest.param((), "start mdmsim serve, or name a simulator with --url", id="none"),
        pytest.param(("--url", "http://127.0.0.1:1"), "does not respond", id="nobody"),
        pytest.param(("--url", "nonsense"), "is not a URL", id="no-url"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(
    tmp_path: Path, args: tuple[str, ...], says: str
) -> None:
    result = CliRunner().invoke(main, ["ctl", "clock", *args, "--data", str(tmp_path / "x")])

    assert result.exit_code == 2
    assert says in result.output
    assert result.output.count("\n") == 1


def test_matches_and_parameters_are_read() -> None:
    assert match(["operation=a=b", "body.n=5", "header.x~a=b", "body.s=SN1", "status=403"]) == {
        "operation": "a=b",
        "body": {"n": 5, "s": "SN1"},
        "header": {"x": {"contains": "a=b"}},
        "status": "403",
    }
    assert pairs(['items=["a"]', "debug=x"], "--set") == {"items": ["a"], "debug": "x"}


@pytest.mark.parametrize("text", ["x", "=1", ""])
def test_what_is_no_pair_is_named(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--match"):
        match([text])
    with pytest.raises(ConfigurationError, match="--set"):
        pairs([text], "--set")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1.5m", 90), ("24h", 86_400), ("8d", 691_200), ("1w", 604_800)],
)
def test_times_have_units(text: str, seconds: float) -> None:
    assert _seconds(text) == seconds


def test_a_time_without_a_number_is_none() -> None:
    with pytest.raises(ConfigurationError, match="15m"):
        _seconds("soon")


DEPSIM = {
    "device_insertions": [
        {"device_types": ["iPad"], "devices_per_event": 3, "interval_in_seconds": 60}
    ],
    "get_account_responses": [
        {"count": 2, "response": "success"},
        {"count": 1, "response": "forbidden_t_c_not_signed"},
        {"count": 1, "response": "too_many_requests"},
    ],
    "get_session_responses": [{"count": 1, "response": "unauthorized", "times": 2}],
    "post_devices_sync_responses": [{"count": 1, "response": "bad_request_invalid_cursor"}],
    "something_else": {},
}


async def test_a_file_of_depsim_is_imported(running: Running, tmp_path: Path) -> None:
    path = tmp_path / "depsim.json"
    path.write_text(json.dumps(DEPSIM))

    answer = await running.json("import", str(path))
    accounts = [await running.ask("/account") for _ in range(5)]
    session = await running.ask("/session")
    again = await running.good("import", str(path), "--server", "main")

    assert len(answer["serial_numbers"]) == 3
    assert accounts == [401, 401, 403, 429, 401]
    assert session == 401
    assert [one["outcome"]["name"] for one in answer["faults"]] == [
        "dep.T_C_NOT_SIGNED",
        "dep.TOO_MANY_REQUESTS",
        "dep.oauth_unauthorized",
        "dep.INVALID_CURSOR",
    ]
    assert answer["left_out"] == [
        "get_session_responses[0]: times has no counterpart here",
        "something_else has no counterpart here",
    ]
    (later,) = answer["arrivals"]
    assert (later["count"], later["every_s"], later["families"]) == (3, 60, ["iPad"])
    assert (later["times"], later["arrived"]) == (None, 0)
    assert again == (
        "3 devices are added, 4 faults are armed\n"
        "3 more arrive every 60 s\n"
        "get_session_responses[0]: times has no counterpart here\n"
        "something_else has no counterpart here\n"
    )


@pytest.mark.parametrize(
    ("limits", "times"),
    [
        pytest.param({}, [], id="once"),
        pytest.param({"max_event_count": 1, "interval_in_seconds": 5}, [], id="one-event"),
        pytest.param({"max_event_count": 4, "interval_in_seconds": 5}, [3], id="four-events"),
        pytest.param({"interval_in_seconds": 5}, [None], id="endless"),
    ],
)
async def test_devices_of_depsim_go_on_to_come(
    running: Running, tmp_path: Path, limits: Any, times: list[Any]
) -> None:
    path = tmp_path / "depsim.json"
    path.write_text(json.dumps({"device_insertions": [{"devices_per_event": 2} | limits]}))

    answer = await running.json("import", str(path))

    assert len(answer["serial_numbers"]) == 2
    assert [one["times"] for one in answer["arrivals"]] == times


VPPSIM = {
    "license_insertions": [
        {
            "license": {"adamId": 525463029},
            "licenses_per_event": 20,
            "interval_in_seconds": 1,
            "max_event_count": 3,
            "repeat": True,
        }
    ],
    "associate_users": {"users_per_event": 4, "interval_in_seconds": 1, "max_event_count": 1},
    "else": 1,
}


async def test_a_file_of_vppsim_is_imported(running: Running, tmp_path: Path) -> None:
    path = tmp_path / "vppsim.json"
    path.write_text(json.dumps(VPPSIM))

    answer = await running.json("import", str(path))
    again = await running.good("import", str(path), "--location", "campus")

    ((asset,), users) = (answer["assets"], answer["vpp_users"])
    assert (asset["adam_id"], asset["total"]) == ("525463029", 60)
    assert [user["status"] for user in users] == ["Associated"] * 4
    assert answer["left_out"] == [
        "else has no counterpart here",
        "license_insertions[0]: repeat has no counterpart here",
        "license_insertions[0] has 3 events: they have happened at once",
    ]
    assert again.startswith("licences of 1 products are bought, 4 users have accepted\n")


async def test_users_that_are_not_there_cannot_accept(running: Running, tmp_path: Path) -> None:
    path = tmp_path / "vppsim.json"
    path.write_text(json.dumps({"associate_users": {"users_per_event": 5000}}))

    answer = await running.json("import", str(path))

    count = len(answer["vpp_users"])
    assert 0 < count < 40
    assert answer["left_out"] == [f"associate_users: there were only {count} registered users"]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        pytest.param({"license_insertions": {}}, "must be an array of objects", id="no-array"),
        pytest.param({"license_insertions": [{}]}, 'such as {"adamId": 1}', id="no-license"),
        pytest.param(
            {"license_insertions": [{"license": {"adamId": "x"}}]}, "license must be", id="letters"
        ),
        pytest.param(
            {"license_insertions": [{"license": {"adamId": 1}, "licenses_per_event": 0}]},
            "licenses_per_event must be a whole number from 1 on",
            id="none",
        ),
        pytest.param({"associate_users": []}, "associate_users must be an object", id="users"),
        pytest.param(
            {"associate_users": {"max_event_count": True}}, "max_event_count must be", id="true"
        ),
    ],
)
async def test_what_vppsim_would_not_take_is_named(
    running: Running, tmp_path: Path, document: Any, says: str
) -> None:
    path = tmp_path / "vppsim.json"
    path.write_text(json.dumps(document))

    result = await running.ctl("import", str(path))

    assert result.exit_code == 2
    assert says in result.output


async def test_arrivals_are_added_listed_and_cancelled(running: Running) -> None:
    added = await running.good(
        *("arrivals", "add", "5", "--every", "3600", "--family", "Mac", "--times", "2")
    )
    listed = await running.json("arrivals", "list")
    table = await running.good("arrivals", "list")
    gone = await running.good("arrivals", "cancel", "1")

    assert added.startswith("arrivals 1: the first come at 20")
    (one,) = listed["arrivals"]
    assert (one["count"], one["families"], one["times"]) == (5, ["Mac"], 2)
    assert "3600" in table
    assert gone == "arrivals 1 have ended after 0 devices\n"


@pytest.mark.parametrize(
    ("document", "says"),
    [
        pytest.param([], "is a JSON object", id="array"),
        pytest.param({"get_account_responses": 5}, "array of objects", id="list"),
        pytest.param({"get_nothing_responses": []}, "no operation serves GET", id="path"),
        pytest.param({"get_account_responses": [{"count": 0}]}, "count must be", id="count"),
        pytest.param({"get_account_responses": [{}]}, "response must be a name", id="name"),
        pytest.param(
            {"get_account_responses": [{"response": "what"}]},
            "outcome 'dep.WHAT' is not known: did you mean",
            id="unknown",
        ),
        pytest.param({"device_insertions": [{"devices_per_event": 0}]}, "whole number", id="none"),
        pytest.param({"device_insertions": [{"device_types": 5}]}, "array of names", id="types"),
        pytest.param({"device_insertions": [{"device_types": ["Lisa"]}]}, "iPad", id="family"),
    ],
)
async def test_what_depsim_would_not_take_is_named(
    running: Running, tmp_path: Path, document: Any, says: str
) -> None:
    path = tmp_path / "depsim.json"
    path.write_text(json.dumps(document))

    result = await running.ctl("import", str(path))

    assert result.exit_code == 2
    assert says in result.output


async def test_what_is_no_json_is_not_imported(running: Running, tmp_path: Path) -> None:
    path = tmp_path / "depsim.json"
    path.write_text("{")

    assert "is not JSON" in (await running.ctl("import", str(path))).output


PUBLIC = {
    "post_profile_responses": [
        {"count": 1, "response": "success"},
        {"count": 1, "response": "not_accessible"},
        {"count": 1, "response": "failed"},
        {"count": 1, "response": "forbidden"},
    ],
    "post_devices_responses": [{"count": 1, "response": "not_found"}],
    "device_insertions": {"devices_per_event": 500},
}
"""The shapes of depsim's files that are public: define's outcomes, and one insertion alone."""


async def test_the_public_files_of_depsim_are_taken(running: Running, tmp_path: Path) -> None:
    path = tmp_path / "depsim.json"
    path.write_text(json.dumps(PUBLIC))

    answer = await running.json("import", str(path))

    assert len(answer["serial_numbers"]) == 500
    assert [one["outcome"]["name"] for one in answer["faults"]] == [
        "dep.NOT_ACCESSIBLE",
        "dep.FAILED",
        "dep.ACCESS_DENIED",
        "dep.NOT_FOUND",
    ]


async def test_a_file_is_imported_whole_or_not_at_all(running: Running, tmp_path: Path) -> None:
    path = tmp_path / "depsim.json"
    path.write_text(json.dumps(PUBLIC | {"device_insertions": {"interval_in_seconds": 5}}))

    refused = await running.ctl("import", str(path), "--server", "nowhere")
    faults = await running.json("fault", "list")
    arrivals = await running.json("arrivals", "list")

    assert refused.exit_code == 2
    assert "no DEP server has the id nowhere" in refused.stderr
    assert (faults["faults"], arrivals["arrivals"]) == ([], [])
