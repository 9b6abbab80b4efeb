"""The lint of texts that users read finds a planted word, and leaves code alone."""

import importlib.util
from pathlib import Path
from types import ModuleType

import click
import pytest

SCRIPT = Path(__file__).parents[2] / ".ci/words.py"


@pytest.fixture(scope="module")
def words() -> ModuleType:
    spec = importlib.util.spec_from_file_location("words", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        pytest.param(
            "a.md", "One.\n\nWhoever asks.\n", ["3: 'Whoever' (who, or the client)"], id="md"
        ),
        pytest.param(
            "a.md", "`whoever` [x](/anew)\n\n    anew\n```\nanew\n```\n", [], id="md-code"
        ),
        pytest.param("a.html", "<p>{{ anew }}\nmoments</p>", ["2: 'moments'"], id="template"),
        pytest.param(
            "a.html", '<a title="Anew" class="anew">x</a>', ["1: 'Anew' (again)"], id="title"
        ),
        pytest.param("a.html", "<code>anew</code>{% if anew %}{% endif %}", [], id="template-code"),
        pytest.param("a.py", 'raise ValueError(f"{x} is none")\n', ["1: 'is none'"], id="error"),
        pytest.param("a.py", 'x = bad("do it " "anew")\n', ["1: 'anew' (again)"], id="problem"),
        pytest.param("a.py", '"""Done anew."""\nx = "anew, inside"\n', [], id="no-error"),
        pytest.param("a.py", 'raise ValueError("there is none")\n', [], id="plain-english"),
    ],
)
def test_a_planted_word_is_found_where_users_read_it(
    words: ModuleType, tmp_path: Path, name: str, text: str, found: list[str]
) -> None:
    (tmp_path / name).write_text(text)

    lines = list(words.hits(words.of_file(tmp_path / name)))

    assert len(lines) == len(found)
    assert all(said in line for said, line in zip(found, lines, strict=True))


def test_help_is_read_down_to_the_options(words: ModuleType) -> None:
    group = click.Group(
        "g", commands=[click.Command("c", params=[click.Option(["--x"], help="Do it anew.")])]
    )

    assert list(words.hits(words.helps(group, "g"))) == [
        "g c --help: 'anew' (again): 'Do it anew.'"
    ]


def test_descriptions_in_openapi_are_read_at_every_depth(words: ModuleType) -> None:
    node = {"paths": {"/x": {"get": {"parameters": [{"description": "Stood here."}]}}}}

    assert [line.split(":")[1] for line in words.hits(words.described(node, "api"))] == [
        " 'Stood' (was)"
    ]


def test_a_class_name_that_two_modules_have_is_found(words: ModuleType, tmp_path: Path) -> None:
    paths = [tmp_path / "a.py", tmp_path / "b.py"]
    for path in paths:
        path.write_text("class Cursor: ...\n")

    assert list(words.shared_names(paths)) == [
        f"{paths[1]}:1: {paths[0]}:1 has a class 'Cursor' too"
    ]
