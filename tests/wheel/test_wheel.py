"""The package as its users have it: built, and installed where there is nothing else."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from tests.clients.harness import call, environment, run, serving
from tests.clients.nanodep import NAME, depserver

pytestmark = pytest.mark.wheel
ROOT = Path(__file__).parent.parent.parent
SUITE = """
import ssl, urllib.error, urllib.request


def run_my_server(dep_url, environment):
    trusted = ssl.create_default_context(cafile=environment["SSL_CERT_FILE"])
    asked = urllib.request.Request(f"{dep_url}/session", headers={"User-Agent": "My MDM/1"})
    try:
        urllib.request.urlopen(asked, context=trusted)
    except urllib.error.HTTPError as error:
        assert error.code == 400


def test_what_we_ask_is_declared(mdmsim):
    run_my_server(dep_url=mdmsim.https, environment=mdmsim.environment)
    assert len(mdmsim.exchanges(operation="dep.session")) == 1
    mdmsim.assert_only_declared(allow=("net.user_agent", "net.header"))
"""


def install(python: Path, *what: str) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", *what]
    subprocess.run(command, check=True, timeout=300)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]
    subprocess.run([*command, str(folder), str(ROOT)], check=True, timeout=300)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh environment outside the checkout, with the wheel and nothing else."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=300)
    python = folder / "bin" / "python"
    install(python, str(wheel))
    return python


def told(command: Sequence[str], cwd: Path) -> str:
    """Run *command* as one who has nothing set, and return what it printed."""
    done = run(command, env=environment(), cwd=cwd)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stderr}"
    return done.stdout


def test_it_holds_all_files_and_says_what_it_is(wheel: Path) -> None:
    with ZipFile(wheel) as opened:
        names = set(opened.namelist())
        (metadata,) = (one for one in names if one.endswith(".dist-info/METADATA"))
        said = opened.read(metadata).decode()

    tracked = subprocess.run(
        ["/usr/bin/env", "git", "ls-files", "simulator"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert set(tracked.stdout.split()) - names == set()
    for shipped in ("worlds", "manifests"):
        files = {one.name for one in (ROOT / "fixtures" / shipped).iterdir()}
        assert {f"simulator/data/{shipped}/{one}" for one in files} <= names
    assert [one for one in names if one.endswith("licenses/LICENSE")]
    assert "\nLicense-Expression: MIT\n" in said
    assert "\nClassifier: Programming Language :: Python :: 3.11\n" in said


def test_it_is_imported_without_optional_packages(installed: Path, tmp_path: Path) -> None:
    where = told([str(installed), "-c", "import simulator; print(simulator.__file__)"], tmp_path)

    assert Path(where.strip()).is_relative_to(installed.parent.parent)


def test_it_serves_and_reports(installed: Path, tmp_path: Path) -> None:
    mdmsim = str(installed.parent / "mdmsim")
    with serving(tmp_path / "data", tmp_path / "log", mdmsim=(mdmsim,)) as simulator:
        refused = call("GET", f"{simulator.base('http')}/session", headers={"User-Agent": "A/1"})
        report = told([mdmsim, "report", "--data", str(tmp_path / "data")], tmp_path)

    assert (refused.status, refused.text) == (400, "oauth_problem_adviceBad Request")
    assert "net.user_agent" in report


def test_a_suite_of_a_user_runs_with_it(
    installed: Path, tmp_path: Path, capfd: pytest.CaptureFixture[Any]
) -> None:
    install(installed, "pytest")
    (tmp_path / "test_mine.py").write_text(SUITE)

    said = told([str(installed), "-m", "pytest", "-p", "no:cacheprovider", "-q"], tmp_path)

    assert "1 passed" in said


def test_nanodep_fetches_all_devices_from_it(installed: Path, tmp_path: Path) -> None:
    mdmsim = (str(installed.parent / "mdmsim"),)
    (tmp_path / "nanodep").mkdir()
    with (
        serving(tmp_path / "data", tmp_path / "log", mdmsim=mdmsim) as simulator,
        depserver(tmp_path / "nanodep", simulator.ca, simulator.base("https")) as nanodep,
    ):
        certificate = nanodep.api("GET", f"/v1/tokenpki/{NAME}").body
        sealed = simulator.control("POST", f"/dep-servers/{simulator.server}/token", certificate)
        assert nanodep.api("PUT", f"/v1/tokenpki/{NAME}", sealed).status == 200
        fetched = nanodep.sync()

        assert sorted(one["serial_number"] for one in fetched.devices) == simulator.serials()
