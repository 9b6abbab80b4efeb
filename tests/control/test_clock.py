"""Time by the control API."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from simulator.app import Simulator
from simulator.core.settings import Settings
from simulator.core.timers import FOREVER, sleep_until
from tests.control.conftest import Control

NOON = "2026-03-01T12:00:00Z"


@pytest.mark.parametrize(
    ("first", "then", "says"),
    [
        pytest.param({}, {"advance_s": -1}, "advance_s must be at least 0", id="advance"),
        pytest.param(
            {"mode": "frozen", "now": NOON}, {"now": "2026-03-01T11:59:59Z"}, NOON, id="frozen"
        ),
        pytest.param(
            {"mode": "offset", "now": NOON}, {"now": "2026-03-01T11:00:00Z"}, "forward", id="offset"
        ),
        pytest.param({}, {"now": "2020-01-01T00:00:00Z"}, "forward", id="real"),
        pytest.param({}, {"mode": "frozen", "now": "9999-01-01T00:00:00Z"}, "9000", id="far"),
        pytest.param({}, {}, "mode, now or advance_s", id="nothing"),
        pytest.param({}, {"advance_s": 1e308}, "at most", id="endless"),
    ],
)
async def test_time_goes_forward_only(control: Control, first: Any, then: Any, says: str) -> None:
    if first:
        await control.call("PUT", "/clock", first)
    before = control.simulator.clock.mode

    status, problem = await control.call("PUT", "/clock", then)

    assert status == 400
    assert says in problem["detail"]
    assert control.simulator.clock.mode == before


async def test_another_mode_may_begin_at_any_time(control: Control) -> None:
    _, frozen = await control.call("PUT", "/clock", {"mode": "frozen", "now": NOON})
    _, on = await control.call("PUT", "/clock", {"mode": "frozen", "now": NOON, "advance_s": 1.5})
    _, real = await control.call("PUT", "/clock", {"mode": "real"})

    assert (frozen["mode"], frozen["now"]) == ("frozen", NOON)
    assert on["now_ms"] - frozen["now_ms"] == 1500
    assert real["mode"] == "real"


async def test_time_goes_on_as_it_was_after_a_restart(tmp_path: Path) -> None:
    settings = Settings(
        data=str(tmp_path / "data"),
        tls_port=(None,),
        http_port=0,
        control_port=0,
        proxy_port=None,
    )
    import aiohttp  # noqa: PLC0415 (used by this test only)

    async with Simulator(settings) as simulator, aiohttp.ClientSession() as session:
        url = f"{simulator.ready['control']}/api/v1/clock"
        async with session.put(url, json={"mode": "frozen", "now": NOON}) as answer:
            assert answer.status == 200
    async with Simulator(settings) as simulator:
        assert simulator.clock.mode == "frozen"
        assert simulator.clock.now_ms() == 1_772_366_400_000


async def test_who_waits_for_a_time_wakes_when_it_is_moved_or_ended(control: Control) -> None:
    clock = control.simulator.clock
    clock.freeze(0)
    ended, stirred = False, asyncio.Event()
    come = asyncio.ensure_future(sleep_until(clock, 1000))
    gone = asyncio.ensure_future(sleep_until(clock, FOREVER, lambda: ended, stirred))
    await asyncio.sleep(0)

    clock.advance(1000)
    first = await asyncio.wait_for(come, 5)
    ended = True
    stirred.set()

    assert first is True
    assert await asyncio.wait_for(gone, 5) is False
    assert not clock._watchers
