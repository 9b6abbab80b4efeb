"""HTTP/2 with curl at the other end."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def served() -> Iterator[dict[str, Any]]:
    """The test server as a process of its own."""
    script = Path(__file__).with_name("serving.py")
    command = [sys.executable, "-m", "tests.transport.http2.serving"]
    with subprocess.Popen(
        command,
        cwd=script.parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.communicate(timeout=10)
        assert process.returncode == 0


CURL = shutil.which("curl") or ""


@pytest.mark.skipif(not CURL, reason="curl is not installed")
@pytest.mark.parametrize("secure", [pytest.param(True, id="tls"), pytest.param(False, id="plain")])
def test_curl_is_served(served: dict[str, Any], secure: bool, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text(served["ca"])
    way = ["--http2", "--cacert", str(ca)] if secure else ["--http2-prior-knowledge"]
    base = f"https://localhost:{served['tls']}" if secure else f"http://127.0.0.1:{served['http']}"
    features = subprocess.run([CURL, "-V"], capture_output=True, text=True, check=True)
    if "HTTP2" not in features.stdout:
        pytest.skip("curl is built without HTTP/2")
    told = ["-sS", "--noproxy", "*", *way, "-w", "%{http_version}", "--data-binary", "@-"]

    done = subprocess.run(
        [CURL, *told, f"{base}/x"],
        input="a" * 500_000,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    assert done.stdout == "POST /x 500000 \n2"
