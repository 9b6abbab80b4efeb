"""Nothing is fetched, looked up or started: neither by importing nor by starting.

The image is tried in a namespace without any network besides (tests/image).
"""

import json
import subprocess
import sys
from pathlib import Path

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
    if module.name not in {"simulator.__main__", "simulator.testing.pytest_plugin"}:
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


def test_importing_and_starting_reach_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WATCHED, str(tmp_path / "data")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)

    found = json.loads(done.stdout)
    # An address to listen on is looked up by the same call as a name is.
    beyond = [one for one in found["all"] if one != ["socket.getaddrinfo", "'127.0.0.1'"]]
    assert found["imported"] == []
    assert beyond == []
