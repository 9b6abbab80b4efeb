"""The README's shell commands as they stand, top to bottom, in one shell."""

import re
import socket
import sys
from pathlib import Path

import pytest

from tests.clients.harness import environment, run, running

pytestmark = pytest.mark.clients
ROOT = Path(__file__).parents[2]
PORTS = (8443, 8080, 8081, 8888)
SERVE = "make serve"
SHELL_S = 150
"""Seconds for all commands: each is a process of its own, which takes its time beside others."""


def blocks() -> list[str]:
    text = (ROOT / "README.md").read_text("utf-8")
    return re.findall(r"^```sh\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def test_the_first_block_holds_the_two_commands() -> None:
    commands = [line.partition("#")[0].strip() for line in blocks()[0].splitlines()]

    assert commands == [SERVE, "make test"]


def test_every_command_runs_as_it_stands(tmp_path: Path) -> None:
    for port in PORTS:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                pytest.skip(f"port {port}, which the README names, is in use")
    (tmp_path / ".venv").symlink_to(Path(sys.prefix))
    # The stage "stranger" runs the two commands; here the simulator is that of this environment.
    mdmsim = f"{sys.prefix}/bin/mdmsim"
    with running([mdmsim, "serve"], env=environment(), log=tmp_path / "serve.log"):
        ready = f"until {mdmsim} readyz; do sleep 0.2; done\n"
        script = ready + "\n".join(blocks()[1:])
        shell = ["bash", "-euo", "pipefail", "-c", script]
        done = run(shell, env=environment(), cwd=tmp_path, timeout_s=SHELL_S)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "oauth_problem_adviceBad Request" in done.stdout
    assert "Disclosure report" in done.stdout
    assert "about:blank" not in done.stdout, "a problem document came back"
