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
