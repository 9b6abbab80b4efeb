"""depsyncer, nanodep's syncer, keeps up with the list of devices, and recovers where it cannot."""

import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.clients.harness import Simulator, serving, until
from tests.clients.nanodep import BOTH, NAME, Nanodep, Webhook, assert_refused_nothing

pytestmark = pytest.mark.clients
EIGHT_DAYS_S = 8 * 24 * 3600
PAGED = ("-limit", "1000")


@BOTH
def test_a_full_fetch_brings_each_of_2500_devices_once(
    simulator: Simulator, nanodep: Nanodep
) -> None:
    simulator.add(2475)

    fetched = nanodep.sync(*PAGED)

    counts = Counter(device["serial_number"] for device in fetched.devices)
    assert counts == Counter(simulator.serials())
    assert counts.total() == 2500
    pages = [(page["phase"], page["devices"], page["more"]) for page in fetched.pages]
    assert pages == [
        ("fetch", "1000", "true"),
        ("fetch", "1000", "true"),
        ("fetch", "500", "false"),
        ("sync", "0", "false"),
    ]
    assert {device["op_type"] for device in fetched.devices} == {""}
    assert nanodep.cursor == fetched.pages[-1]["cursor"]
    operations = ["dep.session", "dep.fetch", "dep.fetch", "dep.fetch", "dep.sync"]
    assert simulator.answered() == [(operation, 200) for operation in operations]
    assert_refused_nothing(simulator)


def test_a_sync_brings_what_the_portal_and_the_devices_did(
    simulator: Simulator, nanodep: Nanodep
) -> None:
    leaving, woken = simulator.serials()[:2]
    uuid = nanodep.define(devices=[woken])
    nanodep.sync()
    [added] = simulator.add(1)
    simulator.act(leaving, "unassign")
    simulator.act(woken, "activate")

    synced = nanodep.sync()

    assert synced.events == [
        (added, "added", "empty"),
        (leaving, "deleted", "empty"),
        (woken, "modified", "pushed"),
    ]
    assert synced.devices[2]["profile_uuid"] == uuid
    # nanodep always fetches first with its cursor, and is told that there is nothing to fetch.
    last_pass = simulator.exchanges()[-3:]
    assert [(one["operation"], one["status"], one["error"]) for one in last_pass] == [
        ("dep.session", 200, None),
        ("dep.fetch", 400, "EXHAUSTED_CURSOR"),
        ("dep.sync", 200, None),
    ]
    assert_refused_nothing(simulator)


@pytest.mark.parametrize(
    "flags",
    [
        pytest.param((), id="as-apple"),
        pytest.param(("--strictness", "observe"), id="observe"),
        pytest.param(("--strictness", "strict"), id="strict"),
        pytest.param(("--dialect", "depsim"), id="depsim"),
    ],
)
def test_a_sync_without_news_brings_nothing(simulator: Simulator, nanodep: Nanodep) -> None:
    nanodep.define(devices=simulator.serials())
    nanodep.sync()

    again = nanodep.sync()

    assert again.devices == []
    assert [page["phase"] for page in again.pages] == ["sync"]
    assert_refused_nothing(simulator)


def test_the_webhook_gets_every_page(simulator: Simulator, nanodep: Nanodep) -> None:
    simulator.add(35)

    with Webhook() as hook, nanodep.syncer("-limit", "25", "-webhook-url", hook.url) as syncer:
        pages = hook.take(4)
        [added] = simulator.add(1)
        syncer.send_signal(signal.SIGHUP)
        [news] = hook.take(1)

    responses = [page["device_response_event"]["device_response"] for page in pages]
    # nanodep leaves out an empty list.
    devices = [device for response in responses for device in response.get("devices", [])]
    fetched = [device["serial_number"] for device in devices]
    assert sorted([*fetched, added]) == simulator.serials()
    topics = Counter(page["topic"] for page in pages)
    assert topics == {"dep.FetchDevices": 3, "dep.SyncDevices": 1}
    [device] = news["device_response_event"]["device_response"]["devices"]
    assert (device["serial_number"], device["op_type"]) == (added, "added")
    assert device["op_date"] == device["device_assigned_date"]


def test_new_devices_get_the_profile_of_the_assigner(
    simulator: Simulator, nanodep: Nanodep
) -> None:
    old = simulator.serials()
    uuid = nanodep.define()
    stored = nanodep.api("PUT", f"/v1/assigner/{NAME}?profile_uuid={uuid}")

    with nanodep.syncer() as syncer:
        until(lambda: simulator.exchanges(operation="dep.sync") or None, "the first sync")
        added = simulator.add(3)
        syncer.send_signal(signal.SIGHUP)
        until(lambda: simulator.exchanges(operation="dep.assign") or None, "the assignment")

    assert stored.status == 200, stored.text
    devices = [simulator.device(serial) for serial in added]
    assert {(one["profile_status"], one["profile_uuid"]) for one in devices} == {("assigned", uuid)}
    assert {simulator.device(serial)["profile_status"] for serial in old} == {"empty"}
    assert_refused_nothing(simulator)


# Restarts


def test_the_simulator_ends_while_nanodep_keeps_its_connection(
    simulator: Simulator, nanodep: Nanodep
) -> None:
    nanodep.apple("GET", "/account")

    simulator.stop()

    assert nanodep.apple("GET", "/account").status == 502


def test_a_cursor_is_good_after_a_restart(
    simulator: Simulator, nanodep: Nanodep, tmp_path: Path
) -> None:
    nanodep.sync()
    simulator.stop()

    with serving(simulator.data, tmp_path / "restarted.log") as restarted:
        nanodep.point_at(restarted.base("https"))
        [added] = restarted.add(1)
        synced = nanodep.sync()

    assert synced.events == [(added, "added", "empty")]


# Cursors that are too old


def test_a_cursor_of_eight_days_ago_leads_to_a_full_fetch(
    simulator: Simulator, nanodep: Nanodep
) -> None:
    nanodep.sync()
    simulator.control("PUT", "/clock", {"mode": "offset", "advance_s": EIGHT_DAYS_S})

    recovered = nanodep.sync()

    expired = [one["error"] for one in simulator.exchanges(operation="dep.sync", status=400)]
    assert expired == ["EXPIRED_CURSOR"]
    assert "EXPIRED_CURSOR" in recovered.text
    serials = [device["serial_number"] for device in recovered.devices]
    assert sorted(serials) == simulator.serials()
    assert [page["phase"] for page in recovered.pages] == ["fetch", "sync"]
