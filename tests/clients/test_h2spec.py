"""h2spec, the conformance suite for HTTP/2, against our HTTP/2 alone."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.clients.harness import WAIT_S, binary, environment

pytestmark = pytest.mark.clients

NOT_APPLICABLE: dict[str, str] = {}
"""Cases that cannot pass, by package and title, each with its reason: there is none."""
CASES = 146
"""Cases of h2spec 2.2.1, the strict ones included; later versions have more."""


@pytest.fixture
def served() -> Iterator[dict[str, Any]]:
    """Our HTTP/2, TLS and plain, in front of a function that answers with a body."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.transport.http2.serving"],
        cwd=Path(__file__).parents[2],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.communicate(timeout=WAIT_S)
        assert process.returncode == 0


@pytest.mark.parametrize(
    ("port", "way"),
    [
        pytest.param("tls", ("-h", "localhost", "-t", "-k"), id="tls"),
        pytest.param("http", ("-h", "127.0.0.1"), id="prior-knowledge"),
    ],
)
def test_every_case_of_h2spec_passes(
    served: dict[str, Any], port: str, way: tuple[str, ...], tmp_path: Path
) -> None:
    report = tmp_path / "report.xml"

    done = subprocess.run(
        [binary("h2spec"), *way, "-p", str(served[port]), "-P", "/", "-S", "-j", str(report)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=4 * WAIT_S,
        check=False,
    )

    root = ET.fromstring(report.read_bytes())  # noqa: S314 (written by the process just run)
    cases = list(root.iter("testcase"))
    failed = {
        f"{case.get('package')} {case.get('classname')}"
        for case in cases
        if any(case.find(outcome) is not None for outcome in ("failure", "error", "skipped"))
    }
    assert failed == set(NOT_APPLICABLE), done.stdout
    assert len(cases) >= CASES
    assert re.search(rf"{len(cases)} tests, {len(cases)} passed, 0 skipped, 0 failed", done.stdout)
