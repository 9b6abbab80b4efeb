"""What commands and calls of several steps leave behind: all or nothing, whatever ends them."""

import ast
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding

import simulator
from simulator.auth import oauth1
from simulator.cli import main
from simulator.commands.remote import ask
from simulator.core.data_directory import Directory
from tests.certificates import uploaded
from tests.durability import shim
from tests.durability.running import simulator as running
from tests.durability.running import verified
from tests.durability.shim import Shim

BEFORE = "what was there before\n"
COMMANDS = [
    ["ca", "show", "--pem", "--data", "{}/new"],
    ["token", "dep", "--data", "{}/data", "--certificate", "{}/mdm.pem", "--output", "{}/out"],
    ["report", "--data", "{}/data", "--format", "attestation", "--output", "{}/out"],
]


def test_a_command_that_is_killed_or_has_no_room_leaves_a_file_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    made = CliRunner().invoke(main, ["token", "vpp", "--data", str(folder / "data")])
    assert made.exit_code == 0, made.output
    directory = Directory(str(folder / "data"))
    directory.keys("")
    directory.release()
    (folder / "mdm.pem").write_bytes(uploaded()[0].public_bytes(Encoding.PEM))
    found = {}

    for line in COMMANDS:
        (folder / "out").unlink(missing_ok=True)
        if "{}/out" in line:
            (folder / "out").write_text(BEFORE)
        command = [sys.executable, "-m", "tests.durability.steps", str(folder), json.dumps(line)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        found[" ".join(line[:2])] = json.loads(done.stdout)

    for name, outcomes in found.items():
        *broken, last = outcomes
        assert last["ended"] == 0, (name, last)
        assert [one["ended"] for one in broken[1:]] == [-signal.SIGKILL] * (len(broken) - 1), name
        assert broken[0]["ended"] == 2, (name, broken[0])
        assert len(broken) > 4, name
        for one in broken:
            assert one["again"] == 0, (name, one)
            assert one["left"] in {None, BEFORE} or one["ended"] == 0, (name, one)


def test_nothing_but_one_module_writes_files() -> None:
    """Whoever opens a file for writing leaves half of it behind when the disk is full."""
    root = Path(simulator.__file__).parent
    found = [
        f"{path.relative_to(root)}:{node.lineno}"
        for path in sorted(root.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and _writes(node)
    ]

    assert [one.partition(":")[0] for one in found] == ALLOWED, found


ALLOWED = ["core/files.py", "transport/head_publisher.py", "transport/listener.py"]
"""The second adds lines, the third is a file that OpenSSL reads, gone at once."""


def _writes(call: ast.Call) -> bool:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    given = [one.value for one in call.args if isinstance(one, ast.Constant)]
    opens = name == "open" and any(isinstance(one, str) and set(one) & set("wax+") for one in given)
    return name in {"write_text", "write_bytes"} or (opens and set(map(type, given)) == {str})


@pytest.mark.parametrize(
    ("path", "skip", "added"),
    [
        pytest.param("/worlds/school", 40, 0, id="world"),
        pytest.param("/imports", 1, 0, id="import-before-it-counts"),
        pytest.param("/imports", 40, 900, id="import-while-it-is-written"),
    ],
)
def test_a_call_that_is_killed_is_done_whole_or_not_at_all(
    tmp_path: Path, path: str, skip: int, added: int
) -> None:
    library, data = Shim(tmp_path / "orders"), tmp_path / "data"
    body = {"document": {"device_insertions": [{"devices_per_event": 300}] * 3}}
    with running(data, env=library.env) as (ready, process):
        before = _devices(ready)
        library.order(shim.KILL, shim.WRITE, shim.LOG, skip=skip)
        with pytest.raises(OSError):  # noqa: PT011 (however the connection ends)
            _call(ready, "POST", path, {} if "worlds" in path else body)
        assert process.wait(20) == -signal.SIGKILL
    with running(data) as (ready, _):
        after = _devices(ready)

    assert before < 1000 - added
    assert after == before + added
    assert verified(data).exit_code == 0


_HOOK = """
import os, signal, sys
def hook(event, facts):
    if event == "os.rename" and str(facts[1]).endswith("ready.json") and os.path.exists({armed!r}):
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
"""


def test_a_token_that_was_renewed_stands_in_its_file_after_a_kill_between_the_two(
    tmp_path: Path,
) -> None:
    data, armed, program = tmp_path / "data", tmp_path / "armed", tmp_path / "python"
    program.mkdir()
    (program / "sitecustomize.py").write_text(_HOOK.format(armed=str(armed)))
    certificate = uploaded()[0].public_bytes(Encoding.PEM)
    with running(data, env={"PYTHONPATH": str(program)}) as (ready, process):
        server = ready["organisations"][0]["dep_servers"][0]
        armed.touch()
        path = f"/api/v1/dep-servers/{server['id']}/token"
        with pytest.raises(OSError):  # noqa: PT011 (however the connection ends)
            ask("POST", ready["control"], path, certificate, timeout_s=20)
        assert process.wait(20) == -signal.SIGKILL
    (stale,) = json.loads((data / "ready.json").read_bytes())["organisations"][0]["dep_servers"]
    with running(data) as (ready, _):
        (anew,) = ready["organisations"][0]["dep_servers"]
        signature = oauth1.authorization(
            "GET",
            f"{ready['http']}/session",
            anew["token"],
            now_s=time.time_ns() // 10**9,
            nonce="n",
        )
        wanted = Request(  # noqa: S310 (ours)
            f"{ready['http']}/session",
            headers={"Authorization": signature, "X-Server-Protocol-Version": "10"},
        )
        with urlopen(wanted, timeout=20) as answer:  # noqa: S310 (ours)
            assert answer.status == 200

    assert stale["token"] == server["token"]
    assert anew["token"] != server["token"]


def _call(ready: dict[str, Any], method: str, path: str, body: Any = None) -> Any:
    sent = None if body is None else json.dumps(body).encode()
    status, content = ask(method, ready["control"], f"/api/v1{path}", sent, timeout_s=20)
    assert status < 400, content
    return json.loads(content)


def _devices(ready: dict[str, Any]) -> int:
    page = _call(ready, "GET", "/devices?limit=1000")
    return len({one["serial_number"] for one in page["devices"]})
