"""aioapns, which speaks HTTP/2 without ALPN and is the strictest about the shape of answers."""

import pytest

from tests.clients.apns.cases import assert_each_reason_is_told
from tests.clients.apns.clients import AIOAPNS
from tests.clients.apns.pushing import Device, Provider

pytestmark = pytest.mark.clients

MANY = 1000


def test_each_reason_is_told_with_its_status(provider: Provider, device: Device) -> None:
    # It has no word for the first two and always sends a body; it files a status
    # under the id it reads, so that an answer with an id of APNs' own is lost on it.
    results = assert_each_reason_is_told(
        provider, AIOAPNS, device, unable=("push-type", "expiration", "empty", "id")
    )

    assert {one.status for one in results} == {400, 413}
    assert len({line["connection"] for line in provider.pushed()}) == 1


def test_without_a_topic_it_pushes_to_the_one_of_its_certificate(
    provider: Provider, device: Device
) -> None:
    (result,) = provider.send(AIOAPNS, device.push())

    assert result.status == 200
    assert provider.last_headers()["apns-topic"] == device.topic


def test_it_is_served_http2_though_it_does_not_negotiate_it(
    provider: Provider, device: Device
) -> None:
    provider.send(AIOAPNS, device.push())

    last = provider.last()
    assert last["peer"]["tls"]["alpn"] == ""
    assert last["request"]["http"] == "2"
    assert dict(last["request"]["headers"])["host"] == provider.host


def test_a_thousand_pushes_go_over_one_connection(provider: Provider) -> None:
    devices = [provider.enrol(f"device-{number}") for number in range(MANY)]

    results = provider.send(AIOAPNS, *(one.push() for one in devices), at_once=True)

    assert {(one.status, one.reason, one.error) for one in results} == {(200, "", "")}
    lines = provider.pushed()
    assert len(lines) == MANY
    assert len({line["connection"] for line in lines}) == 1


def test_goaway_costs_it_all_its_attempts(provider: Provider, device: Device) -> None:
    provider.revoke()

    (result,) = provider.send(AIOAPNS, device.push())

    assert "attempts" in result.error.lower()
    assert {line["error"] for line in provider.pushed()} == {"BadCertificate"}
