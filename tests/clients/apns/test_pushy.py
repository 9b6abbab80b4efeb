"""Pushy, the APNs client of Java."""

import pytest

from tests.clients.apns.cases import assert_each_reason_is_told
from tests.clients.apns.clients import PUSHY
from tests.clients.apns.pushing import Device, Provider

pytestmark = pytest.mark.clients

MANY = 1000


def test_each_reason_is_told_with_its_status(provider: Provider, device: Device) -> None:
    # What has a type of its own in Java cannot be sent wrong, and there is always a payload.
    unable = ("priority", "push-type", "id", "expiration", "empty")
    results = assert_each_reason_is_told(provider, PUSHY, device, unable=unable)

    assert {one.status for one in results} == {400, 413}
    assert len({line["connection"] for line in provider.pushed()}) == 1


def test_pushes_at_once_share_a_connection(provider: Provider, device: Device) -> None:
    results = provider.send(PUSHY, *[device.push(apns_topic=device.topic)] * MANY, at_once=True)

    assert {(one.status, one.error) for one in results} == {(200, "")}
    assert len({line["connection"] for line in provider.pushed()}) == 1


def test_a_revoked_certificate_ends_the_connection_and_the_push_fails(
    provider: Provider, device: Device
) -> None:
    provider.revoke()

    (result,) = provider.send(PUSHY, device.push(apns_topic=device.topic))

    assert result.status == 0
    assert result.error
