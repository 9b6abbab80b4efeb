"""Fixtures for the test suites of MDM servers; pytest finds them where mdmsim is installed.

``mdmsim_server`` runs for the whole session, so that the server under test can
be started once and pointed at it; ``mdmsim`` is the same for one test.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from simulator.core.garbage import seldom_collected

if TYPE_CHECKING:
    from simulator.testing.client import Mdmsim


@pytest.fixture(scope="session")
def mdmsim_settings() -> dict[str, Any]:
    """Override this in a conftest to set the simulator up: ``{"strictness": "strict"}``."""
    return {}


@pytest.fixture(scope="session")
def mdmsim_server(mdmsim_settings: dict[str, Any]) -> "Iterator[Mdmsim]":
    """Run a simulator in this process, on free ports, that keeps nothing."""
    with ExitStack() as stack:
        with seldom_collected():
            # Suites that do not ask for it do not pay for its import.
            from simulator.testing.serving import serving  # noqa: PLC0415 (only for who asks)

            running = stack.enter_context(serving(**mdmsim_settings))
        yield running


@pytest.fixture
def mdmsim(mdmsim_server: "Mdmsim") -> "Mdmsim":
    """Give the simulator as its world began; it tells this test of its own exchanges only."""
    mdmsim_server.reset()
    mdmsim_server.begin()
    return mdmsim_server
