"""sideshow/apns2, the widest spread library in Go."""

import pytest

from tests.clients.apns.cases import assert_each_reason_is_told
from tests.clients.apns.clients import SIDESHOW
from tests.clients.apns.pushing import Device, Provider

pytestmark = pytest.mark.clients

MANY = 1000
EARLIEST_MS = 1_500_000_000_000
"""A time in milliseconds that no time in seconds comes near."""


def test_each_reason_is_told_with_its_status(provider: Provider, device: Device) -> None:
    # It sends no expiration before 1970, and no push without a body.
    results = assert_each_reason_is_told(provider, SIDESHOW, device, unable=("expiration", "empty"))

    assert {one.status for one in results} == {400, 413}
    assert len({line["connection"] for line in provider.pushed()}) == 1


def test_a_push_without_topic_and_id_is_accepted_and_named(
    provider: Provider, device: Device
) -> None:
    (result,) = provider.send(SIDESHOW, device.push(apns_push_type="mdm"))

    assert result.status == 200
    assert result.id == result.id.upper()
    assert len(result.id) == 36


def test_the_timestamp_of_a_dead_token_is_read_as_a_whole_number_of_milliseconds(
    provider: Provider, device: Device
) -> None:
    provider.check_out(device)

    (result,) = provider.send(SIDESHOW, device.push())

    # A string, or a fraction, would have been an error of the whole answer.
    assert (result.status, result.reason, result.error) == (410, "Unregistered", "")
    assert (result.timestamp or 0) > EARLIEST_MS


def test_a_device_of_another_topic_is_not_for_this_one(provider: Provider) -> None:
    stranger = provider.enrol("stranger", provider.add_topic())

    (result,) = provider.send(SIDESHOW, stranger.push())

    assert (result.status, result.reason) == (400, "DeviceTokenNotForTopic")


def test_a_device_that_got_too_much_is_told_apart(provider: Provider, device: Device) -> None:
    provider.throttle(device)

    (result,) = provider.send(SIDESHOW, device.push())

    assert (result.status, result.reason) == (429, "TooManyRequests")


def test_without_a_certificate_a_provider_token_is_missing(
    provider: Provider, device: Device
) -> None:
    (result,) = provider.send(SIDESHOW, device.push(), certificate=False)

    assert (result.status, result.reason) == (403, "MissingProviderToken")


def test_the_end_of_a_connection_tells_that_the_certificate_is_revoked(
    provider: Provider, device: Device
) -> None:
    provider.revoke()

    (result,) = provider.send(SIDESHOW, device.push())

    assert "GOAWAY" in result.error
    assert '{\\"reason\\":\\"BadCertificate\\"}' in result.error


def test_a_thousand_pushes_at_once_succeed(provider: Provider, device: Device) -> None:
    # Go opens further connections until the first has said how many streams it takes.
    results = provider.send(SIDESHOW, *[device.push()] * MANY, at_once=True)

    assert {(one.status, one.error) for one in results} == {(200, "")}
    assert len({one.id for one in results}) == MANY
    assert len(provider.pushed()) == MANY
