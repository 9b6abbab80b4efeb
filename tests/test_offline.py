"""Nothing is fetched, looked up or started: neither by importing nor by starting.

The image is tried in a namespace without any network besides (tests/image).
"""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

TESTCONTAINERS = "simulator.testing.testcontainers"
WATCHED = """
import asyncio, importlib, json, pkgutil, sys
seen = []
def hook(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto",
                 "socket.gethostbyaddr", "urllib.Request", "subprocess.Popen", "os.system"}:
        place = arguments[0] if event == "socket.getaddrinfo" else arguments[1:2]
        seen.append([event, repr(place)])
sys.addaudithook(hook)
import simulator
for module in pkgutil.walk_packages(simulator.__path__, "simulator."):
    if module.name not in {"simulator.__main__", "simulator.testing.pytest_plugin", *sys.argv[2:]}:
        importlib.import_module(module.name)
imported = list(seen)
from simulator.app import Simulator
from simulator.core.settings import Settings
async def main():
    ports = dict(tls_port=(0,), http_port=0, control_port=0, proxy_port=0)
    async with Simulator(Settings(data=sys.argv[1], **ports)):
        pass
asyncio.run(main())
print(json.dumps({"imported": imported, "all": seen}))
"""
"""uvloop makes its sockets below Python, where no audit hook sees them; hence asyncio's loop."""


def watched(tmp_path: Path, *left_out: str) -> Any:
    """Import every module but those, start and stop; return what was reached by either."""
    command = [sys.executable, "-c", WATCHED, str(tmp_path / "data"), *left_out]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_importing_and_starting_reach_nothing(tmp_path: Path) -> None:
    found = watched(tmp_path, TESTCONTAINERS)

    # An address to listen on is looked up by the same call as a name is.
    beyond = [one for one in found["all"] if one != ["socket.getaddrinfo", "'127.0.0.1'"]]
    assert found["imported"] == []
    assert beyond == []


@pytest.mark.skipif(not find_spec("testcontainers"), reason="mdmsim[containers] is not installed")
def test_importing_the_optional_part_reaches_nothing(tmp_path: Path) -> None:
    assert watched(tmp_path)["imported"] == []
