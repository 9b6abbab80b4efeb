"""No test looks for a few letters in a text in which chance may put them, as in base64 or hex."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
SHORT = re.compile(r"[A-Za-z0-9+/]{1,4}|[A-Za-z0-9+/]{0,3}[AEIMQUYcgkosw048]=")
"""Four letters are in one of ten thousand certificates, five in one of half a million. Before the
``=`` that ends base64 there are only some."""
SEEN = re.compile(rf"[\"'](?:{SHORT.pattern})[\"'] not in ")
TEXTS = {"text", "words", "html", "output", "stdout", "stderr", "body", "content"}
MAKING = {"str", "repr", "read_text", "decode", "join", "render", "dumps"}


def is_text(node: ast.AST, names: dict[str, ast.AST]) -> bool:
    """Return whether *node* is seen to be a text; *names* are what the function has assigned."""
    match node:
        case ast.Name(id=name) if name in names:
            return is_text(names[name], {one: it for one, it in names.items() if one != name})
        case ast.Attribute(attr=name):
            return name in TEXTS
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in MAKING
        case ast.BinOp(left=left, right=right):
            return is_text(left, names) or is_text(right, names)
        case _:
            return isinstance(node, ast.JoinedStr)


def by_chance(source: str) -> Iterator[int]:
    """Yield the lines that say that a few letters are not in a text."""
    for test in ast.walk(ast.parse(source)):
        if not isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        names: dict[str, ast.AST] = {}
        for node in ast.walk(test):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                names[node.targets[0].id] = node.value
        for node in ast.walk(test):
            match node:
                case ast.Compare(
                    left=ast.Constant(value=str(text)), ops=[ast.NotIn()], comparators=[other]
                ) if SHORT.fullmatch(text) and is_text(other, names):
                    yield node.lineno


@pytest.mark.parametrize(
    ("line", "found"),
    [
        pytest.param('assert "p12" not in repr(one) + repr(other)', True, id="sum"),
        pytest.param('assert "KEY" not in page.text', True, id="attribute"),
        pytest.param('shown = f"{one}"; assert "ab8=" not in shown', True, id="name"),
        pytest.param('assert "PRIVATE KEY" not in page.text', False, id="long"),
        pytest.param('assert "p12=" not in repr(one)', False, id="no-base64"),
        pytest.param('assert "next" not in answer.json', False, id="object"),
    ],
)
def test_it_is_told_from_what_chance_cannot_make(line: str, *, found: bool) -> None:
    assert [*by_chance(f"def test():\n  {line}")] == [2] * found


def test_no_test_goes_by_such_a_chance() -> None:
    sources = {path: path.read_text("utf-8") for path in TESTS.rglob("test_*.py")}
    found = [
        f"{path.relative_to(TESTS)}:{line}"
        for path, source in sources.items()
        if SEEN.search(source)
        for line in by_chance(source)
    ]

    assert len(sources) > 300
    assert found == []
