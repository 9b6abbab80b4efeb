"""Every quirk has a test that switches it on and looks at what its source saw.

That the test sees the quirk and not what happens anyway is shown by running it where quirks do
nothing.
"""

import ast
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator import services
from simulator.protocol.head import Quirk

QUIRKS = [one for service in services.load().services.values() for one in service.quirks]
_NAMES = {one.id: one.id for one in QUIRKS}
ROOT = Path(__file__).parent.parent
TESTS = ROOT / "tests" / "services"


def replays() -> dict[str, set[str]]:
    """Return by quirk the tests of services that name it, in themselves or in their parameters."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in sorted(TESTS.rglob("test_*.py")):
        tree = ast.parse(file.read_text())
        constants = dict(_constants(tree))
        for test in ast.walk(tree):
            if isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef) and test.name.startswith(
                "test_"
            ):
                for quirk in set(_named(test, constants)):
                    found[quirk].add(f"{file}::{test.name}")
    return found


def _constants(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """Yield the names at the top of a module with the texts in their values."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
        for target in targets:
            if isinstance(target, ast.Name):
                yield target.id, list(_texts(node))


def _texts(node: ast.AST) -> Iterator[str]:
    for one in ast.walk(node):
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            yield one.value
        elif isinstance(one, ast.Attribute):
            yield one.attr


def _named(test: ast.AST, constants: dict[str, list[str]]) -> Iterator[str]:
    names = {one.id for one in ast.walk(test) if isinstance(one, ast.Name)}
    texts = [*_texts(test), *(text for name in names for text in constants.get(name, ()))]
    yield from (text for text in texts if text in _NAMES)


REPLAYS = replays()


@pytest.mark.parametrize("quirk", [one.id for one in QUIRKS])
def test_a_quirk_is_replayed(quirk: str) -> None:
    assert REPLAYS.get(quirk), f"no test of a service switches {quirk} on"


_OFF = """
from simulator.protocol import quirks

quirks.on = lambda *_: False
"""


def failing_without_quirks(folder: Path) -> set[str]:
    """Return the replays that fail where no quirk does anything; *folder* is for the run."""
    (folder / "quirks_off.py").write_text(_OFF)
    results = folder / "results.xml"
    plain = ["-q", "--no-cov", "-p", "no:xdist", "-p", "no:cacheprovider", "-o", "addopts="]
    options = [*plain, "--import-mode=importlib", "-p", "quirks_off", f"--junitxml={results}"]
    tests = sorted(set[str]().union(*REPLAYS.values()))
    subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
        check=False,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(folder), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        timeout=120,
    )
    cases = list(ET.parse(results).iter("testcase"))  # noqa: S314 (written by the run above)
    assert len(cases) >= len(tests)
    failed = [one.attrib for one in cases if one.find("failure") is not None]
    return {
        f"{ROOT}/{one['classname'].replace('.', '/')}.py::{one['name'].partition('[')[0]}"
        for one in failed
    }


def test_a_replay_fails_where_its_quirk_does_nothing(tmp_path: Path) -> None:
    failing = failing_without_quirks(tmp_path)

    assert [quirk for quirk, tests in REPLAYS.items() if not tests & failing] == []


@pytest.mark.parametrize("quirk", QUIRKS, ids=lambda one: one.id)
def test_a_quirk_says_what_it_does_and_who_saw_it(quirk: Quirk) -> None:
    assert quirk.source
    assert quirk.about.endswith(".")
    assert quirk.id.partition(".")[0] in services.load().services
