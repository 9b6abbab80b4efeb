"""The lines that the start page gives for MDM servers, pasted into a shell as they stand."""

import json
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

from tests.clients.harness import Simulator, binary, call, environment
from tests.ports import free_port

pytestmark = pytest.mark.clients


def pasted(
    simulator: Simulator, client: str, home: Path, *replaced: tuple[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run the lines for *client* in *home*, and end what they left running."""
    page = call("GET", f"{simulator.ready['control']}/", headers={"Accept": "text/html"}).text
    found = re.search(f'aria-label="lines for {client}">(.*?)</code>', page, re.DOTALL)
    assert found, f"the page has no lines for {client}"
    lines = unescape(found[1])
    for old, new in replaced:
        assert old in lines
        lines = lines.replace(old, new)
    path = f"{Path(binary('depserver')).parent}:{Path(sys.executable).parent}:/usr/bin:/bin"
    return subprocess.run(
        ["/bin/bash", "-c", f"trap 'kill $!' EXIT\nset -e -o pipefail\n{lines}\n"],
        capture_output=True,
        text=True,
        cwd=home,
        env=environment() | {"PATH": path},
        check=False,
        timeout=60,
    )


def test_the_lines_for_nanodep_fetch_all_devices(simulator: Simulator, tmp_path: Path) -> None:
    port = free_port()

    done = pasted(
        simulator,
        "nanodep",
        tmp_path,
        ("127.0.0.1:9001", f"127.0.0.1:{port}"),
        ("depserver -api", f"depserver -listen 127.0.0.1:{port} -api"),
    )

    assert done.returncode == 0, done.stderr
    asked = simulator.control("GET", "/exchanges", operation="dep.fetch")["exchanges"]
    assert [one["status"] for one in asked] == [200]
    fetched = simulator.control("GET", f"/exchanges/{asked[0]['seq']}")["response"]["body"]["text"]
    assert len(json.loads(fetched)["devices"]) == len(simulator.serials())


def test_the_lines_for_nanomdm_give_it_its_push_certificate(
    simulator: Simulator, tmp_path: Path
) -> None:
    port = free_port()

    done = pasted(
        simulator,
        "nanomdm",
        tmp_path,
        ("127.0.0.1:9000", f"127.0.0.1:{port}"),
        ("nanomdm -ca your-scep-ca.pem", f"nanomdm -listen 127.0.0.1:{port} -ca {simulator.ca}"),
    )

    assert done.returncode == 0, done.stderr
    topic = simulator.ready["organisations"][0]["push_topics"][0]["topic"]
    assert topic in done.stdout
