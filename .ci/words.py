"""Find words of our own in texts that users read, where the field has a term for them.

python .ci/words.py [FILE ...]

Each hit is one line that says what to write instead; the exit status is 1 if there is any. Class
names that two modules have are found as well.
Without a FILE it reads all: --help of every command, README and guides, the console, problem
details and error texts, and what the rows say in the reference and in OpenAPI. Names in
backticks, code blocks, tags and Jinja's expressions are code, not text.
"""

import ast
import html
import re
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import click

from simulator import cli, services
from simulator.control import openapi, web
from simulator.protocol.openapi import document

BANNED: dict[str, str] = {
    r"all that it can happen to": "all matching requests",
    r"anew": "again",
    r"answer(?:s|ed|ing)?": "response; respond, return",
    r"armoury|strays?": "fault registry, likely mistyped",
    r"be it": "either ... or",
    r"get what they would not get": "inject faults",
    r"goes on from": "continues from",
    r"(?<!there )(?:is|are) none": "is not one",
    r"hears?|heard": "receive, get, learn",
    r"judge[ds]?|judging": "evaluate",
    r"knows nobody|nobody known|of which nobody": "unauthenticated, unknown",
    r"mend(?:s|ed|ing)?": "fix, correct",
    r"menu": "catalogue",
    r"moments?": "time, or position in the journal",
    r"news to apple|novel": "first disclosed",
    r"(?:un)?sealed": "redacted",
    r"spent": "used up",
    r"steer(?:s|ed|ing)?": "control, simulation",
    r"stood": "was",
    r"tells? of": "reports",
    r"stands? (?:in(?! for)|on|under|with)": "is in, is recorded in",
    r"became of": "result of",
    r"came near": "closest",
    r"of ours": "of mdmsim",
    r"unseen": "unrecorded",
    r"weakness(?:es)?": "vulnerability",
    r"what ends when": "expirations",
    r"what is odd": "findings",
    r"which of the two": "name them",
    r"who to what": "data flows",
    r"whoever": "who, or the client",
}
"""Words, as regular expressions -> what the field says."""

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "simulator/data/guides/*.md")
TEXTS = ("simulator/cli.py", "simulator/commands/**/*.py", "simulator/console/**/*.py")
"""Modules of which every text is shown, not only the errors."""
REFUSALS = ("ApiProblem", "ConfigurationError", "Mistake", "bad", "missing")
_BANNED = re.compile(rf"\b(?:{'|'.join(BANNED)})\b", re.IGNORECASE)
_CODE = re.compile(
    r"^```.*?^```|^ {4}.*?$|`[^`\n]*`|\]\([^)]*\)|https?://\S+|mdmsim [a-z]+",
    re.DOTALL | re.MULTILINE,
)
_NAME = re.compile(r"[a-z/{][^ ]*")
"""A key, a path or a file's name, which no user reads as text."""
_JINJA = re.compile(r"\{[%{#].*?[%}#]\}", re.DOTALL)
_SHOWN = re.compile(r'\s(?:placeholder|title|alt|aria-label)="([^"]*)"')
_TAGS = re.compile(r"<(script|style|code|pre)\b.*?</\1>|<[^>]*>", re.DOTALL)

Texts = Iterator[tuple[str, str]]
"""Where a text stands, and the text."""


def hits(texts: Texts) -> Iterator[str]:
    """Yield a line for each banned word."""
    for where, text in texts:
        for match in _BANNED.finditer(text):
            word = match[0]
            instead = next(
                say for old, say in BANNED.items() if re.fullmatch(old, word, re.IGNORECASE)
            )
            yield f"{where}: {word!r} ({instead}): {text[max(match.start() - 30, 0) :][:90]!r}"


def _blank(code: re.Match[str]) -> str:
    return " " + "\n" * code[0].count("\n")


def _lines(path: Path, text: str) -> Texts:
    for number, line in enumerate(text.splitlines(), 1):
        yield f"{path}:{number}", line


def of_file(path: Path, *, everything: bool = False) -> Texts:
    """Yield the texts of a page, a template or a module; of a module *everything*, or refusals."""
    source = path.read_text()
    if path.suffix == ".md":
        yield from _lines(path, _CODE.sub(_blank, source))
    elif path.suffix == ".html":
        source = _JINJA.sub(_blank, source)
        for where, line in _lines(path, source):
            yield from ((where, html.unescape(shown)) for shown in _SHOWN.findall(line))
        yield from _lines(path, html.unescape(_TAGS.sub(_blank, source)))
    else:
        tree = ast.parse(source)
        roots = [tree] if everything else [*filter(_refuses, ast.walk(tree))]
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in chain.from_iterable(map(ast.walk, roots)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
                if id(node) in docs or _NAME.fullmatch(text):
                    continue
                yield f"{path}:{node.lineno}", _TAGS.sub(" ", _CODE.sub(" ", text))


def _refuses(node: ast.AST) -> bool:
    if isinstance(node, ast.Raise):
        return True
    if not isinstance(node, ast.Call):
        return False
    function = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
    return function in REFUSALS


def helps(command: click.Command, path: str) -> Texts:
    """Yield the help of *command* and of all below it."""
    texts = [command.help, command.epilog, *(getattr(one, "help", "") for one in command.params)]
    shown = (_CODE.sub(" ", " ".join(text.split())) for text in texts if text)
    yield from ((f"{path} --help", text) for text in shown)
    context = click.Context(command, info_name=path)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            if below := command.get_command(context, name):
                yield from helps(below, f"{path} {name}")


def described(node: Any, where: str) -> Texts:
    """Yield all descriptions and summaries in an OpenAPI document."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(value, str) and key in ("description", "summary"):
            yield where, _CODE.sub(" ", value)
        elif isinstance(value, dict | list):
            yield from described(value, f"{where}/{key}")


def everything() -> Texts:
    """Yield all texts."""
    for path in (path for pattern in PAGES for path in sorted(ROOT.glob(pattern))):
        yield from of_file(path)
    shown = {path for pattern in TEXTS for path in ROOT.glob(pattern)}
    for path in sorted(ROOT.glob("simulator/**/*")):
        if path.suffix in (".py", ".html"):
            yield from of_file(path, everything=path in shown)
    yield from helps(cli.main, "mdmsim")
    catalogue, provisionings = services.load(), services.provisionings()
    yield from described(openapi.describe(web.routes(provisionings), ""), "control API")
    yield from described(document(catalogue, ""), "reference")


def shared_names(modules: Iterable[Path]) -> Iterator[str]:
    """Yield a line for each class name that two of *modules* have."""
    places: dict[str, str] = {}
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                place = f"{path}:{node.lineno}"
                if (first := places.setdefault(node.name, place)) != place:
                    yield f"{place}: {first} has a class {node.name!r} too"


if __name__ == "__main__":
    given = [Path(name) for name in sys.argv[1:]]
    found = list(hits(chain.from_iterable(map(of_file, given)) if given else everything()))
    found += shared_names(given or sorted(ROOT.glob("simulator/**/*.py")))
    print("\n".join(found) or "no banned word, and no class name twice")
    sys.exit(bool(found))
