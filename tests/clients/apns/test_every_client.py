"""What every APNs client can do: wake a device, and learn that a token is wrong or gone."""

import pytest

from tests.clients.apns.cases import ID, OTHER_TOPIC, UNKNOWN_TOKEN
from tests.clients.apns.clients import AIOAPNS, KALYKE, NODE_APN, PUSHY, SIDESHOW
from tests.clients.apns.pushing import Client, Device, Provider, Push, Result

pytestmark = pytest.mark.clients


@pytest.mark.parametrize(
    "client",
    [pytest.param(one, id=one.name) for one in (AIOAPNS, KALYKE, NODE_APN, PUSHY, SIDESHOW)],
)
def test_a_client_wakes_devices_and_learns_which_it_cannot_wake_and_goes_on(
    provider: Provider, device: Device, client: Client
) -> None:
    left, back = provider.enrol("left"), provider.enrol("back")
    provider.check_out(left)
    provider.check_out(back)
    provider.enrol("back")
    topic = device.topic
    pushes = [
        device.push(apns_topic=topic, apns_push_type="mdm", apns_id=ID),
        Push(UNKNOWN_TOKEN, device.wake, {"apns-topic": topic}),
        device.push(apns_topic=OTHER_TOPIC),
        left.push(apns_topic=topic),
        back.push(apns_topic=topic, apns_push_type="mdm"),
    ]
    results: list[Result] = []

    received = provider.woken(device, lambda: results.extend(provider.send(client, *pushes)))

    assert received["mdm"] == device.magic
    wrong = ["BadDeviceToken", "TopicDisallowed", "Unregistered"]
    assert [one.reason for one in results] == ["", *wrong, ""]
    assert [line["status"] for line in provider.pushed()] == [200, 400, 400, 410, 200]
    assert [line["error"] or "" for line in provider.pushed()] == ["", *wrong, ""]
    assert (results[0].status, results[0].id, results[0].error) == (200, ID, "")
    assert isinstance(results[3].timestamp, int)
    assert results[4].status == 200
    assert provider.last_headers()["apns-push-type"] == "mdm"
