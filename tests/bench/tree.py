"""Trees of mdmsim to measure: this one, and other commits with environments of their own."""

import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "beside"


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of one commit, and a Python that has its dependencies."""

    name: str
    root: Path
    python: str

    def run(self, *arguments: str) -> None:
        """Run Python with *arguments* in the tree, and wait for it; end here if it fails."""
        if subprocess.run([self.python, *arguments], cwd=self.root, check=False).returncode:
            raise SystemExit(f"{self.name}: {arguments[:2]} failed")


THIS = Tree("this tree", ROOT, sys.executable)


def checked_out(commit: str) -> Tree:
    """Return the tree of *commit*, below ``build``; what is there from before is used again.

    Its environment has the same Python as this process.
    """
    spec = ["git", "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}"]
    parsed = subprocess.run(spec, cwd=ROOT, capture_output=True, text=True, check=False)
    if parsed.returncode:
        raise SystemExit(f"there is no commit {commit}: name one that `git log` shows")
    name = parsed.stdout[:10]
    root = BUILD / f"{name}-python{platform.python_version()}"
    python, made = root / ".venv" / "bin" / "python", root / ".made"
    if not made.exists():
        shutil.rmtree(root, ignore_errors=True)
        archive = ["git", "archive", name]
        files = subprocess.run(archive, cwd=ROOT, capture_output=True, check=True).stdout
        root.mkdir(parents=True)
        # Not by tarfile: its filters came with Python 3.11.4, and Debian 12 has an older one.
        unpack = ["tar", "-x", "-C", str(root)]
        subprocess.run(unpack, input=files, check=True)
        subprocess.run([sys.executable, "-m", "venv", root / ".venv"], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "--upgrade", "pip>=25.1"], check=True)
        subprocess.run([*pip, "--editable", ".", "--group", "test"], cwd=root, check=True)
        made.touch()
    return Tree(name, root, str(python))
