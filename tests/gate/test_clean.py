"""`make clean` leaves a tree as it was cloned, whatever was made in it before."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = "mdmsim-data/"
MADE_IN = (".venv/", "build/")


@pytest.fixture(scope="module")
def program() -> str:
    found = shutil.which("make")
    if found is None:
        pytest.skip("there is no make here")
    return found


def run(program: str, folder: Path, *arguments: str) -> str:
    """Return what make prints; nothing of an outer make is handed on to it."""
    environment = {"PATH": os.environ["PATH"]}
    return subprocess.check_output([program, *arguments], cwd=folder, env=environment, text=True)


def test_nothing_that_git_ignores_outlives_it_but_data(program: str, tmp_path: Path) -> None:
    ignored = (ROOT / ".gitignore").read_text().split()
    shutil.copy(ROOT / "Makefile", tmp_path)
    sources = [Path("simulator/protocol/fields.py"), Path("tests/bench/serving.py")]
    products = [source.parent / "__pycache__/fields.pyc" for source in sources]
    products += [
        Path(pattern.replace("*", ".host.1.2"), "file")
        for pattern in ignored
        if pattern != "__pycache__/"  # there are no modules at the top
    ]
    for path in (*sources, *products):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()

    run(program, tmp_path, "clean")

    left = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {Path("Makefile"), *sources, Path(DATA, "file")}


def test_each_file_that_a_target_makes_is_below_what_it_removes(program: str) -> None:
    printed = run(program, ROOT, "--print-data-base", "--dry-run", "--no-builtin-rules", "help")
    files = printed.partition("# Files")[2]
    (names,) = re.findall(r"^\.PHONY: (.*)$", files, re.MULTILINE)
    made = {
        block.partition(":")[0]
        for block in files.split("\n\n")
        if not block.startswith("#") and "#  recipe to execute" in block
    }

    assert {"test", "clean"} <= made
    made_files = made.difference(names.split())
    assert len(made_files) > 20
    assert [one for one in made_files if not one.startswith(MADE_IN)] == []
