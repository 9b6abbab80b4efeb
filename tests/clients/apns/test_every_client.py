"""What every APNs client can do: wake a device, and learn that a token is wrong or gone."""

import pytest

from tests.clients.apns.cases import ID, OTHER_TOPIC, UNKNOWN_TOKEN
from tests.clients.apns.clients import AIOAPNS, KALYKE, NODE_APN, PUSHY, SIDESHOW
from tests.clients.apns.pushing import Client, Device, Provider, Push

pytestmark = [
    pytest.mark.clients,
    pytest.mark.parametrize(
        "client",
        [pytest.param(one, id=one.name) for one in (AIOAPNS, KALYKE, NODE_APN, PUSHY, SIDESHOW)],
    ),
]


def test_a_push_succeeds_and_its_id_is_echoed(
    provider: Provider, device: Device, client: Client
) -> None:
    push = device.push(apns_topic=device.topic, apns_push_type="mdm", apns_id=ID)

    (result,) = provider.send(client, push)

    assert (result.status, result.id, result.error) == (200, ID, "")
    assert [line["status"] for line in provider.pushed()] == [200]
    assert provider.last_headers()["apns-push-type"] == "mdm"


def test_the_listening_device_receives_the_push(
    provider: Provider, device: Device, client: Client
) -> None:
    push = device.push(apns_topic=device.topic, apns_push_type="mdm")

    received = provider.woken(device, lambda: provider.send(client, push))

    assert received["mdm"] == device.magic


def test_an_unknown_token_and_a_foreign_topic_are_refused_on_a_connection_that_goes_on(
    provider: Provider, device: Device, client: Client
) -> None:
    pushes = [
        Push(UNKNOWN_TOKEN, device.wake, {"apns-topic": device.topic}),
        device.push(apns_topic=OTHER_TOPIC),
        device.push(apns_topic=device.topic),
    ]

    results = provider.send(client, *pushes)

    assert [one.reason for one in results] == ["BadDeviceToken", "TopicDisallowed", ""]
    assert results[-1].status == 200


def test_a_device_that_left_is_gone_since_then(
    provider: Provider, device: Device, client: Client
) -> None:
    provider.check_out(device)

    (result,) = provider.send(client, device.push(apns_topic=device.topic))

    (line,) = provider.pushed()
    assert (line["status"], line["error"]) == (410, "Unregistered")
    assert result.reason == "Unregistered"
    assert isinstance(result.timestamp, int)


def test_a_device_that_checks_in_again_can_be_woken_again(
    provider: Provider, device: Device, client: Client
) -> None:
    provider.check_out(device)
    provider.enrol()

    (result,) = provider.send(client, device.push(apns_topic=device.topic))

    assert result.status == 200
