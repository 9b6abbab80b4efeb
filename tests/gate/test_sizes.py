"""Modules are short, or say why they are not."""

import ast
from pathlib import Path

import simulator

REASON = "Longer than 300 lines: "
SHORT, LONG = 290, 320
"""Lines up to which a module says nothing of its length, and beyond which it says why."""


def test_a_long_module_says_why_and_a_short_one_does_not() -> None:
    root = Path(simulator.__file__).parent
    found = {}
    for path in root.rglob("*.py"):
        source = path.read_text("utf-8")
        lines = source.count("\n")
        says = REASON in source and REASON in (ast.get_docstring(ast.parse(source)) or "")
        if lines <= SHORT if says else lines > LONG:
            found[str(path.relative_to(root))] = lines

    assert found == {}
