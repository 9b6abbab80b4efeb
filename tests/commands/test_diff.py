"""``mdmsim diff``, and the locks that ``mdmsim report`` writes."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from simulator.app import Simulator
from simulator.cli import main
from simulator.core.data_directory import Directory
from simulator.core.messages import Peer, Request
from simulator.core.settings import Settings
from simulator.disclosure.observe.observation import Observer
from simulator.disclosure.observe.values import Fingerprinter
from simulator.engine.engine import Engine
from simulator.store.opening import open_store
from tests.apple import Apple

SERIAL = "0ZAAAAAAAAAA"


class _Kept(Apple):
    """A simulator that keeps its journal in a data directory."""

    def __init__(self, data: Path) -> None:
        super().__init__()
        self._directory = Directory(str(data))
        keys = self._directory.keys("")
        self.store.close()
        self.store = open_store(self._directory.database)
        self.observer = Observer(self.catalogue, Fingerprinter(keys.fingerprint))
        self.engine = Engine(self.catalogue, Settings(), keys.secret, self.observer)
        self.run(self._seed)

    def close(self) -> None:
        self.store.close()
        self._directory.release()


def client(data: Path, version: int, **profile: Any) -> None:
    """Let a client of protocol *version* list its devices and define a profile."""
    apple = _Kept(data)
    apple.add(SERIAL)
    session = apple.session()
    apple.call("POST", "/server/devices", {"limit": 100}, session=session, version=version)
    body = {"profile_name": "x", "url": "https://m.example/e", "devices": [SERIAL], **profile}
    apple.call("POST", "/profile", body, session=session, version=version)
    apple.close()


def run(*args: str) -> Result:
    return CliRunner().invoke(main, list(args))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return two runs: the second adds managedAppleId and speaks version 10, not 9."""
    folder = tmp_path_factory.mktemp("runs")
    client(folder / "old", 9)
    client(folder / "new", 10, managedAppleId="anna@appleid.example.com")
    return folder / "old", folder / "new"


def test_a_new_field_and_a_raised_version_are_lines_of_the_difference(
    runs: tuple[Path, Path],
) -> None:
    result = run("diff", *map(str, runs))

    lines = result.output.splitlines()
    assert result.exit_code == 1
    assert len(lines) <= 8
    added = "+ sent dep.define /managedAppleId (user.managed_apple_id): misplaced,undocumented"
    assert added in lines
    (raised,) = [line for line in lines if "Apple may answer" in line]
    assert "protocol 9 -> 10" in raised
    assert "imei" in raised
    assert any(line.startswith("+ received dep.fetch /devices/*/wifi_mac") for line in lines)
    assert "anna@" not in result.output


@pytest.mark.parametrize("form", ["lock", "json", "database", "directory"])
def test_a_run_may_be_given_as_any_of_its_forms(
    runs: tuple[Path, Path], tmp_path: Path, form: str
) -> None:
    old, new = runs
    made = tmp_path / "old.file"
    report = ("report", "--data", str(old), "--fail-on", "never")
    if form == "lock":
        run(*report, "--write-lock", str(made), "--output", str(tmp_path / "ignored"))
    elif form == "json":
        run(*report, "--format", "json", "--output", str(made))
    else:
        made = old / "mdmsim.db" if form == "database" else old

    same, other = run("diff", str(made), str(old)), run("diff", str(made), str(new))

    assert (same.exit_code, same.output) == (0, "disclosures: no difference\n")
    assert other.output == run("diff", str(old), str(new)).output


def test_the_threshold_decides(runs: tuple[Path, Path]) -> None:
    codes = {
        fail_on: run("diff", *map(str, runs), "--fail-on", fail_on).exit_code
        for fail_on in ("any", "added", "undocumented", "forbidden", "never")
    }

    assert codes == {"any": 1, "added": 1, "undocumented": 1, "forbidden": 0, "never": 0}


def test_a_difference_from_incomplete_evidence_ends_with_3(
    runs: tuple[Path, Path], tmp_path: Path
) -> None:
    data = tmp_path / "cut"
    client(data, 9)
    content = bytearray((data / "mdmsim.db").read_bytes())
    content[content.index(b"ExampleMDM/9.4.1")] ^= 1
    (data / "mdmsim.db").write_bytes(content)

    result = run("diff", str(runs[0]), str(data), "--fail-on", "never")

    assert result.exit_code == 3
    assert f"the evidence in {data} is incomplete" in result.stderr


@pytest.mark.parametrize(
    ("content", "about"),
    [
        pytest.param(b"{}", "is no report of mdmsim", id="json"),
        pytest.param(b"hello", "line 1 is no line of a lock", id="text"),
        pytest.param(b"\xff\xfe", "is no lock", id="bytes"),
        pytest.param(None, "cannot read", id="missing"),
    ],
)
def test_what_is_no_run_is_refused_in_one_line(
    runs: tuple[Path, Path], tmp_path: Path, content: bytes | None, about: str
) -> None:
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)

    result = run("diff", str(runs[0]), str(file))

    assert result.exit_code == 2
    assert about in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_self_test_sees_a_secret_that_was_put_into_the_journal(tmp_path: Path) -> None:
    client(tmp_path, 10)
    clean = run("report", "--data", str(tmp_path), "--canary")
    with closing(sqlite3.connect(tmp_path / "mdmsim.db")) as connection, connection:
        query = "SELECT json_extract(CAST(body AS TEXT), '$.access_secret') FROM entity"
        (secret,) = connection.execute(f"{query} WHERE kind = 'dep.token'").fetchone()
        connection.execute("UPDATE exchange SET target = ? WHERE seq = 2", (f"GET /{secret}",))

    result = run("report", "--data", str(tmp_path), "--canary")

    assert (clean.exit_code, result.exit_code) == (0, 1)
    assert "canary: dep.access_secret" in result.output
    assert "stands in exchange 2 of the journal (raw)" in result.output
    assert secret not in result.output


def test_two_parts_of_a_run_are_compared(runs: tuple[Path, Path]) -> None:
    old, new = runs

    found = run("diff", str(new), "--old", "..2", "--new", "3..", "--fail-on", "never")
    back = run("diff", str(new), "--old", "3..", "--new", "..2", "--fail-on", "never")
    same = run("diff", str(new), "--old", "2..2", "--new", "2..2")
    other = run("diff", str(old), str(new), "--old", "3..", "--new", "3..", "--fail-on", "never")

    assert "+ sent dep.define /profile_name" in found.output
    assert "- sent dep.define /profile_name" in back.output
    assert (same.exit_code, same.output) == (0, "disclosures: no difference\n")
    assert "managedAppleId" in other.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param((), "name what to compare", id="nothing"),
        pytest.param(("{new}", "--old", "..2"), "name what to compare", id="one-part"),
        pytest.param(("{new}", "--old", "2", "--new", ".."), "--old: '2' is no span", id="span"),
        pytest.param(("{lock}", "--old", "..", "--new", ".."), "holds no exchanges", id="lock"),
        pytest.param(("--url", "http://x", "--old", ".."), "--url compares parts", id="url"),
        pytest.param(
            ("--url", "http://127.0.0.1:1", "--old", "..", "--new", ".."),
            "does not respond",
            id="nobody",
        ),
    ],
)
def test_what_cannot_be_compared_is_said(
    runs: tuple[Path, Path], tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    (lock := tmp_path / "lock").write_text("")

    result = run("diff", *(one.format(new=runs[1], lock=lock) for one in arguments))

    assert result.exit_code == 2
    assert says in result.stderr


async def test_a_running_simulator_compares_its_own() -> None:
    settings = Settings(data=":memory:", tls_port=(), http_port=0, control_port=0, proxy_port=None)
    async with Simulator(settings) as simulator:
        for target in ("/account?a=1", "/account?b=2"):
            headers = (("Host", "mdmenrollment.apple.com"),)
            peer = Peer("127.0.0.1", 1, 1)
            await simulator.gateway.answer(Request("GET", target, headers, b"", "https", peer))
        url = ("--url", simulator.ready["control"], "--old", "..1")

        found = await asyncio.to_thread(run, "diff", *url, "--new", "2..")
        bad = await asyncio.to_thread(run, "diff", *url, "--new", "x..")

    assert found.exit_code == 1
    assert "+ sent dep.account query b" in found.output
    assert "- sent dep.account query a" in found.output
    assert bad.exit_code == 2
    assert "new: 'x' is no position" in bad.stderr
