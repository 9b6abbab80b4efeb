"""kalyke, which connects anew for each push and wants an id in each answer."""

import pytest

from tests.clients.apns.cases import assert_each_reason_is_told
from tests.clients.apns.clients import KALYKE
from tests.clients.apns.pushing import Device, Provider

pytestmark = pytest.mark.clients

MANY = 20


def test_each_reason_is_told(provider: Provider, device: Device) -> None:
    # It refuses to send what it has no word for, and always sends a body.
    results = assert_each_reason_is_told(
        provider, KALYKE, device, unable=("priority", "push-type", "id", "empty")
    )

    assert {one.error for one in results} == {""}


def test_many_connections_at_once_are_all_answered(provider: Provider, device: Device) -> None:
    pushes = [device.push(apns_topic=device.topic)] * MANY

    results = provider.send(KALYKE, *pushes, at_once=True)

    assert {one.status for one in results} == {200}
    assert len({line["connection"] for line in provider.pushed()}) == MANY


def test_its_habit_of_connecting_for_each_push_is_noted(provider: Provider, device: Device) -> None:
    pushes = [device.push(apns_topic=device.topic)] * 4

    results = provider.send(KALYKE, *pushes)

    assert {one.status for one in results} == {200}
    noted = provider.simulator.exchanges(operation="apns.push", finding="push-connections")
    assert len(noted) == 2


def test_goaway_is_an_error_with_its_bytes(provider: Provider, device: Device) -> None:
    provider.revoke()

    (result,) = provider.send(KALYKE, device.push(apns_topic=device.topic))

    assert "RemoteProtocolError" in result.error
    assert b'{"reason":"BadCertificate"}'[:20].hex() in result.error
