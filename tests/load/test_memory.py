"""What a decoder was given, however large or broken, does not stay in memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

MOST = 1.2
"""How much more memory there may be after abuse."""
WIRE = [name for name, target in TARGETS.items() if target.wire and name != "request"]
"""The decoders that a client reaches."""


@pytest.fixture(scope="module")
def abused() -> dict[str, tuple[int, int]]:
    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not tell how much memory a process has to itself")
    command = [sys.executable, "-m", "tests.load.abused"]
    said = subprocess.run(command, capture_output=True, check=True, cwd=Path(__file__).parents[2])
    found: dict[str, tuple[int, int]] = json.loads(said.stdout)
    return found


@pytest.mark.parametrize("name", WIRE)
def test_memory_after_abuse_is_what_it_was(abused: dict[str, tuple[int, int]], name: str) -> None:
    before, after = abused[name]

    assert after < MOST * before
