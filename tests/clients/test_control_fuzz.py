"""The control API does what its OpenAPI document says, whatever it is sent."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.harness import Simulator, environment

pytestmark = pytest.mark.clients

HERE = Path(__file__).parent / "fuzzing"


def test_the_control_api_is_as_its_document_says(simulator: Simulator, tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        "--config-file",
        str(HERE / "schemathesis.toml"),
        "run",
        f"{simulator.ready['control']}/api/v1/openapi.json",
        # Streams of events do not end.
        "--exclude-path-regex",
        r"/(v1|\{token\}|push-tokens)/events$",
        "--request-timeout",
        "30",
        "--phases",
        "examples,coverage,fuzzing",
    ]
    env = environment() | {"SCHEMATHESIS_HOOKS": str(HERE / "hooks.py")}

    done = subprocess.run(
        command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=900, check=False
    )

    assert done.returncode == 0, done.stdout[-12_000:]
