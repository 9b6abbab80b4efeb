"""The examples that users copy: one small program in each language."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.clients.harness import Simulator, environment, run

pytestmark = pytest.mark.clients
EXAMPLES = Path(__file__).parent.parent.parent / "fixtures" / "examples"
COMPILED_S = 180
"""How long an example may take, compiling included, where Go has nothing compiled yet."""


@pytest.mark.parametrize(
    ("command", "name"),
    [
        pytest.param(["sh"], "account.sh", id="shell"),
        pytest.param(["node"], "account.mjs", id="node"),
        pytest.param(["go", "run"], "account.go", id="go"),
        pytest.param(["java"], "Account.java", id="java"),
    ],
)
def test_an_example_reaches_the_simulator_and_is_on_record(
    simulator: Simulator, tmp_path: Path, command: Sequence[str], name: str
) -> None:
    assert shutil.which(command[0]), f"make clients needs {command[0]}"
    ready = simulator.data / "ready.json"

    line = [*command, str(EXAMPLES / name), str(ready)]
    # Without the cache of the tests, which is empty, Go has what it compiled for the other clients.
    env = {key: value for key, value in environment().items() if key != "XDG_CACHE_HOME"}
    done = run(line, env=env, cwd=tmp_path, timeout_s=COMPILED_S)

    assert "status 401" in done.stdout, done.stdout + done.stderr
    assert simulator.answered() == [("dep.account", 401)]
