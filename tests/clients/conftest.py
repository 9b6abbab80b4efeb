"""Fixtures for tests with real clients: a simulator process, and the clients beside it."""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.clients.harness import Simulator, serving
from tests.clients.nanodep import NAME, Nanodep, depserver

PACKAGES = {"console": "playwright", "test_testcontainers.py": "testcontainers"}
"""What is imported by which tests; the others run programs of the group `clients`."""
# `make test` does without the group: its tests are deselected then, so they need no import.
collect_ignore = [where for where, package in PACKAGES.items() if find_spec(package) is None]


@pytest.fixture
def flags() -> Sequence[str]:
    """Further flags of ``mdmsim serve``; tests override them with a parameter."""
    return ()


@pytest.fixture
def simulator(tmp_path: Path, flags: Sequence[str]) -> Iterator[Simulator]:
    """A simulator of the world demo; at the end it has to stop within 5 s, with 0."""
    with serving(tmp_path / "data", tmp_path / "mdmsim.log", flags) as running:
        yield running


@pytest.fixture
def scheme() -> str:
    """What nanodep is pointed at; tests override it with a parameter."""
    return "https"


@pytest.fixture
def fresh_nanodep(simulator: Simulator, scheme: str, tmp_path: Path) -> Iterator[Nanodep]:
    """A depserver without tokens."""
    home = tmp_path / "nanodep"
    home.mkdir()
    with depserver(home, simulator.ca, simulator.base(scheme)) as running:
        yield running


@pytest.fixture
def nanodep(simulator: Simulator, fresh_nanodep: Nanodep) -> Nanodep:
    """A depserver that got its tokens as from Apple's portal."""
    certificate = fresh_nanodep.api("GET", f"/v1/tokenpki/{NAME}").body
    sealed = simulator.control("POST", f"/dep-servers/{simulator.server}/token", certificate)
    answer = fresh_nanodep.api("PUT", f"/v1/tokenpki/{NAME}", sealed)
    assert answer.status == 200, answer.text
    return fresh_nanodep
