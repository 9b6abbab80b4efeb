"""Break the modules that carry promises, one place at a time, and see whether a test notices.

python -m tests.mutants [--each NUMBER] [--seed NUMBER] [PATH ...]

Each module of `PROMISES` is changed in a copy of the tree: a comparison is turned, a number is
one more, ``and`` is ``or``, a ``not`` or a statement is left out. The tests that are there for the
module then have to fail. Survivors are printed with their line; those that change nothing a
client could see are listed with the reason in `EQUIVALENT`.

This is a runner of our own: what is wanted here is a table of modules with their tests, and a
hundred lines. Neither mutmut nor cosmic-ray was tried on this tree.
"""

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROMISES = {
    "simulator/journal/chain.py": (
        "tests/store/test_chain.py",
        "tests/store/test_evidence.py",
        "tests/test_written_down.py",
    ),
    "simulator/disclosure/redact/sealing.py": (
        "tests/disclosure/test_sealing.py",
        "tests/disclosure/test_sealer.py",
        "tests/disclosure/test_inner.py",
        "tests/disclosure/test_body_formats.py",
        "tests/disclosure/test_pushes.py",
        "tests/disclosure/test_canary.py",
    ),
    "simulator/protocol/validation.py": (
        "tests/test_engine.py",
        "tests/protocol",
        "tests/test_answers.py",
        "tests/test_tables.py",
    ),
    "simulator/services/dep/cursors.py": (
        "tests/test_written_down.py",
        "tests/services/dep/test_devices.py",
    ),
    "simulator/services/vpp/domain/licences.py": (
        "tests/services/vpp/test_users.py",
        "tests/services/vpp/test_assets.py",
        "tests/services/vpp/test_events.py",
        "tests/services/vpp/test_v1.py",
        "tests/services/vpp/test_arithmetic.py",
    ),
    "simulator/transport/http2/sender.py": (
        "tests/transport/http2/test_flow.py",
        "tests/transport/http2/test_limits.py",
        "tests/transport/http2/test_delivering.py",
        "tests/transport/http2/test_streams.py",
        "tests/transport/http2/test_hpack.py",
        "tests/transport/http2/test_peer.py",
    ),
    "simulator/engine/gateway.py": ("tests/test_gateway.py",),
    "simulator/engine/writer.py": ("tests/test_gateway.py", "tests/test_lanes.py"),
}
"""Module, and the tests that are there for it: first those that catch most in the least time."""
EQUIVALENT: dict[str, dict[tuple[str, str], str]] = {
    "simulator/journal/chain.py": {
        ("if seq != self.seq + 1:", "self.seq + 1  ->  self.seq - 1"): (
            "No deletion and no gap lies between neighbours, so that nothing is passed over."
        ),
        (
            "if len(self._problems) < SHOWN:",
            "len(self._problems) < SHOWN  ->  len(self._problems) <= SHOWN",
        ): "One more is kept, which is not shown.",
    },
    "simulator/protocol/validation.py": {
        (
            '_ORDER = {"field-type": 0, "field-missing": 1, "field-invalid": 2}',
            "2  ->  3",
        ): "It stays behind the one and before all others, which count as 9.",
    },
    "simulator/services/vpp/domain/licences.py": {
        (f"def {signature}, chunk: int = 1000) -> Iterator[Entity]:", "1000  ->  1001"): (
            "As many are read at once; all of them are yielded."
        )
        for signature in (
            "every(state: State, kind: str",
            "having(state: State, kind: str, name: str, value: str",
        )
    },
    "simulator/transport/http2/sender.py": {
        ("for start in range(0, max(len(data), 1), FRAME_LIMIT):", "1  ->  2"): (
            "The range ends after its first step, of a whole frame, in both cases."
        ),
        ('stream.rest, stream.at = b"", 0', "0  ->  1"): (
            "A stream whose body has left, or was given up, is closed: nobody looks where it was."
        ),
    },
}
"""Module -> line and change -> why nobody could see the difference, so that no test has to."""
LEAST_S = 60
"""How long the tests of a mutant may take, or four times what they take without a change: a
mutant that hangs is caught by then."""
_TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_SWAPPED: dict[type[ast.operator], type[ast.operator]] = {ast.Add: ast.Sub, ast.Sub: ast.Add}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change."""

    line: int
    text: str
    """The line as it stands."""
    change: str
    """What of it is replaced, and by what."""
    source: str
    """The whole module, changed."""


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what may stand in place of *node*."""
    match node:
        case ast.Compare(left=left, ops=[op], comparators=others) if type(op) in _TURNED:
            yield ast.Compare(left, [_TURNED[type(op)]()], others)
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _SWAPPED:
            yield ast.BinOp(left, _SWAPPED[type(op)](), right)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.Constant(value=value) if isinstance(value, int) and not isinstance(value, bool):
            yield ast.Constant(value + 1)
        case ast.Expr(value=ast.Call()) | ast.AugAssign():
            yield ast.Pass()
        case _:
            pass


def mutants(text: str) -> Iterator[Mutant]:
    """Yield each change of a module, in the order of its lines."""
    tree, lines = ast.parse(text), text.splitlines()
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            places = value if isinstance(value, list) else [value]
            for number, node in enumerate(places):
                if not isinstance(node, ast.AST) or not hasattr(node, "lineno"):
                    continue
                for changed in changes(node):
                    put(parent, name, number, ast.copy_location(changed, node))
                    source = ast.unparse(ast.fix_missing_locations(tree))
                    put(parent, name, number, node)
                    change = f"{ast.unparse(node)}  ->  {ast.unparse(changed)}"
                    yield Mutant(node.lineno, lines[node.lineno - 1].strip(), change, source)


def put(parent: ast.AST, name: str, number: int, node: ast.AST) -> None:
    """Set the child of *parent* at that place."""
    if isinstance(getattr(parent, name), list):
        getattr(parent, name)[number] = node
    else:
        setattr(parent, name, node)


def passes(copy: Path, tests: tuple[str, ...], limit_s: float | None = None) -> bool:
    """Tell whether *tests* pass in the copy, each in turn; one that takes longer has failed."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-cov", "-p", "no:cacheprovider"]
    command.append("--hypothesis-profile=unshrunk")
    environment = os.environ | {"PYTHONPATH": str(copy), "CI": "true"}
    for test in tests:
        try:
            done = subprocess.run(
                [*command, test], cwd=copy, env=environment, capture_output=True, timeout=limit_s
            )
        except subprocess.TimeoutExpired:
            return False
        if done.returncode:
            return False
    return True


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the tests of a module did."""

    path: str
    tried: int
    explained: int
    survivors: list[str]
    took_s: float

    def __str__(self) -> str:
        caught = self.tried - len(self.survivors)
        return (
            f"{self.path:45} {self.tried:4} tried, {caught:4} caught, {len(self.survivors):3} "
            f"survived; {self.explained} explained  {self.took_s:5.0f} s"
        )


def attack(copy: Path, path: str, each: int, chance: random.Random) -> Outcome:
    """Try some mutants of a module, and print those that survive."""
    module, tests, explained = copy / path, PROMISES[path], EQUIVALENT.get(path, {})
    text = module.read_text()
    found = list(mutants(text))
    if strange := explained.keys() - {(one.text, one.change) for one in found}:
        sys.exit(f"{path}: EQUIVALENT explains what is no mutant: {sorted(strange)}")
    started = time.monotonic()
    if not passes(copy, tests):
        sys.exit(f"{path}: its tests do not pass even without a change")
    limit_s = max(LEAST_S, 4 * (time.monotonic() - started))
    left = [one for one in found if (one.text, one.change) not in explained]
    chosen = sorted(chance.sample(left, min(each, len(left))), key=lambda one: one.line)
    survivors = []
    for one in chosen:
        module.write_text(one.source)
        if passes(copy, tests, limit_s):
            survivors.append(f"{path}:{one.line}: {one.change}")
            print(f"  survived  {survivors[-1]}", flush=True)
    module.write_text(text)
    took_s = time.monotonic() - started
    return Outcome(path, len(chosen), len(found) - len(left), survivors, took_s)


def main() -> int:
    """Print the table; return 1 if a mutant survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("--each", type=int, default=20, help="mutants of each module")
    parser.add_argument("--seed", type=int, default=1, help="which of them are chosen")
    parser.add_argument("paths", nargs="*", default=list(PROMISES))
    given = parser.parse_args()
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="mdmsim-mutants-") as folder:
        copy = Path(folder)
        for name in ("simulator", "tests", "fixtures", "pyproject.toml", "README.md"):
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy)
        for path in given.paths:
            outcomes.append(attack(copy, path, given.each, random.Random(given.seed)))
            print(outcomes[-1], flush=True)
    print("", *outcomes, sep="\n")
    return int(any(one.survivors for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
