"""Fixtures for all tests."""

import os
import sys
from collections.abc import Iterator
from itertools import cycle

import pytest
from blockbuster import BlockBuster
from hypothesis import HealthCheck, Phase, settings

from simulator.pki import push, rsa_certificates
from tests.apple import closing_opened
from tests.postgres import postgres

__all__ = ["postgres"]

# Machines differ, so no property test is timed. CI tries the same examples each time: a
# change is judged by what it changed, and new examples are for those who can look at them.
settings.register_profile(
    "steady",
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("CI") == "true",
)
settings.load_profile("steady")
# Whoever only asks whether a test fails (tests/mutants) wants no smaller example of it.
settings.register_profile(
    "unshrunk", settings.get_profile("steady"), phases=(Phase.explicit, Phase.generate)
)
KEYS = 16
"""More than any one test asks for, as it may go by their being different."""


@pytest.fixture(scope="session", autouse=True)
def caches(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Leave nothing in the cache of whoever runs the tests."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("caches"))


@pytest.fixture(scope="session", autouse=True)
def no_blocking() -> Iterator[None]:
    """Fail a test whose event loop waits for a file, a lock or a socket inside our code."""
    if sys.gettrace() is not None:
        # What blocks is found where nothing is measured. Coverage hands the tracer of each thread
        # a lock's methods and relies on their being C: Python code that runs while that lock is
        # held can make all threads wait for ever.
        yield
        return
    # simulator.testing is for tests that are no coroutines, and waits in their thread. A browser
    # driven from that thread leaves a loop running there.
    buster = BlockBuster("simulator", excluded_modules=["simulator.testing"])
    for function in buster.functions.values():
        # OpenSSL reads certificates from files only, and asks for one during the handshake.
        function.can_block_in("simulator/transport/listener.py", {"load_leaf"})
        # Brief work, which the store answers without waiting for a disk.
        function.can_block_in("simulator/engine/gateway.py", {"_run_inline"})
    buster.activate()
    try:
        yield
    finally:
        buster.deactivate()


@pytest.fixture(autouse=True)
def close_simulators() -> Iterator[None]:
    """Close what the test opened, as Python 3.13 and newer warn of connections left open."""
    with closing_opened():
        yield


@pytest.fixture(scope="session", autouse=True)
def few_rsa_keys() -> Iterator[None]:
    """Let all push credentials share a few keys: to find new ones takes half of a start."""
    keys = cycle([rsa_certificates.new_key() for _ in range(KEYS)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(push, "new_key", lambda: next(keys))
        yield
