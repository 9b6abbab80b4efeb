"""What many organisations cost, and the first use of the pytest fixture with each world.

A simulator in this process with 20 and with 1,000 organisations: its first start, the start page,
and a reset after a small test, by the process's clock: processor time, which what else runs on the
machine changes least. Then the fixture, as pytest times it, in processes of their own: the first
time, and once the world's devices are kept. Adds its figures to bench.json.
"""

import argparse
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

from simulator.testing.client import Mdmsim
from simulator.testing.serving import serving
from tests.bench.running import keep, show
from tests.bench.tree import THIS, Tree
from tests.worlds_as_text import devices, organisation
from tests.worlds_as_text import world as world_of

ORGANISATIONS = (20, 1000)
WORLDS = ("demo", "school", "enterprise")
FIXTURE = """
import pytest

@pytest.fixture(scope="session")
def mdmsim_settings():
    return {{"world": "{world}"}}

def test_first(mdmsim):
    assert mdmsim.https
"""
_SETUP = re.compile(r"([\d.]+)s setup")


def world(path: Path, organisations: int) -> Path:
    """Write a world with so many organisations, each with a server, a device and a push topic."""
    many = (organisation(f"org{number:04d}", devices(1)) for number in range(organisations))
    path.write_text(world_of("many", many))
    return path


def timed(work: Callable[[], object]) -> float:
    """Return the milliseconds of processor time that *work* takes in this process."""
    begun = time.process_time()
    work()
    return (time.process_time() - begun) * 1000


def page(mdmsim: Mdmsim) -> None:
    """Open the start page."""
    connection = HTTPConnection(mdmsim.ready["control"].partition("//")[2])
    connection.request("GET", "/")
    answer = connection.getresponse()
    if answer.status != 200 or not answer.read():
        raise SystemExit("there is no start page")
    connection.close()


def small_test(mdmsim: Mdmsim) -> None:
    """Do what a small test does: buy some devices, assign a profile, arm a fault."""
    server = mdmsim.ready["organisations"][-1]["dep_servers"][0]["id"]
    mdmsim.control("POST", "/devices", {"count": 3, "server": server})
    mdmsim.assign_profile(mdmsim.add_devices(1)[0], "https://mdm.example/enrol")
    mdmsim.fault("dep.T_C_NOT_SIGNED", count=1)


def many(path: Path, rounds: int) -> Iterator[tuple[str, list[float]]]:
    """Yield the figures of one world."""
    begun = time.process_time()
    with serving(world=str(path), world_cache="off") as mdmsim:
        yield "first start, ms", [(time.process_time() - begun) * 1000]
        page(mdmsim)  # compiles the templates
        yield "start page, ms", [timed(lambda: page(mdmsim)) for _ in range(rounds)]
        resets = []
        for _ in range(rounds):
            small_test(mdmsim)
            resets.append(timed(mdmsim.reset))
        yield "reset after a small test, ms", resets


def fixture(name: str, cache: Path, tree: Tree = THIS) -> float:
    """Return the milliseconds that pytest takes to set the fixture up first, with its imports.

    *cache* is where worlds are kept, and bytecode.
    """
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PYTHONPYCACHEPREFIX"] = str(cache / "bytecode")
    (cache / "test_first.py").write_text(FIXTURE.format(world=name))
    command = [tree.python, "-m", "pytest", "-p", "no:cacheprovider", "--durations=1"]
    with subprocess.Popen(
        [*command, "test_first.py"],
        cwd=cache,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        said = process.communicate()[0]
    took = _SETUP.search(said)
    if took is None or process.returncode:
        raise SystemExit(f"pytest says\n{said}")
    return float(took[1]) * 1000


def main() -> None:
    """Run all, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    wanted = parser.parse_args()
    rows: dict[str, list[float]] = {}
    uses: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        serving_world = world(directory / "one.toml", 1)
        with serving(world=str(serving_world)):
            pass  # what is imported and compiled once is not what is measured
        for count in ORGANISATIONS:
            path = world(directory / f"{count}.toml", count)
            rows |= {f"{count}: {about}": found for about, found in many(path, wanted.rounds)}
        fixture("demo", directory)  # for the bytecode
        for each in WORLDS:
            uses[f"{each}, the first time, ms"] = [fixture(each, directory)]
            uses[f"{each}, later, ms"] = [fixture(each, directory) for _ in range(wanted.rounds)]
    show("organisations", rows)
    show("first use of the fixture, with imports", uses)
    keep(wanted.output, "organisations", rows | uses)


if __name__ == "__main__":
    main()
