"""@parse/node-apn, the APNs client of Node.js."""

import pytest

from tests.clients.apns.cases import assert_each_reason_is_told
from tests.clients.apns.clients import NODE_APN
from tests.clients.apns.pushing import Device, Provider

pytestmark = pytest.mark.clients

MANY = 1000
RETRIES = 3
"""How often it tries again what APNs says may work later."""


def test_each_reason_is_told_with_its_status(provider: Provider, device: Device) -> None:
    # It leaves an expiration before 1970 out.
    results = assert_each_reason_is_told(provider, NODE_APN, device, unable=("expiration",))

    assert {one.status for one in results} == {400, 413}
    assert len({line["connection"] for line in provider.pushed()}) == 1


def test_the_timestamp_of_a_dead_token_is_a_number(provider: Provider, device: Device) -> None:
    provider.check_out(device)

    (result,) = provider.send(NODE_APN, device.push())

    assert (result.status, result.reason) == (410, "Unregistered")
    assert isinstance(result.timestamp, int)


def test_it_tries_a_throttled_device_again_and_gives_up(provider: Provider, device: Device) -> None:
    provider.throttle(device)

    (result,) = provider.send(NODE_APN, device.push())

    assert (result.status, result.reason) == (429, "TooManyRequests")
    assert [line["status"] for line in provider.pushed()] == [429] * (1 + RETRIES)


def test_pushes_at_once_share_a_connection(provider: Provider, device: Device) -> None:
    results = provider.send(NODE_APN, *[device.push()] * MANY, at_once=True)

    assert {(one.status, one.error) for one in results} == {(200, "")}
    assert len({line["connection"] for line in provider.pushed()}) == 1


def test_a_revoked_certificate_ends_the_connection_and_the_push_fails(
    provider: Provider, device: Device
) -> None:
    provider.revoke()

    (result,) = provider.send(NODE_APN, device.push())

    assert result.status == 0
    assert result.error
