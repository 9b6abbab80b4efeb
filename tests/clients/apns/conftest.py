"""Fixtures for tests with real APNs clients."""

from pathlib import Path

import pytest

from tests.clients.apns.pushing import Device, Provider
from tests.clients.harness import Simulator


@pytest.fixture
def provider(simulator: Simulator, tmp_path: Path) -> Provider:
    """An MDM server with the demo world's push certificate."""
    folder = tmp_path / "provider"
    folder.mkdir()
    return Provider(simulator, folder)


@pytest.fixture
def device(provider: Provider) -> Device:
    """A device that has checked in."""
    return provider.enrol()
