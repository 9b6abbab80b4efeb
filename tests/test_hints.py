"""Advice in errors works when it is followed to the letter: each hint is tried, none is listed.

What a text names (a command, an option, a call of the control API) has to exist; what it offers
("there are …", "did you mean …", "it takes …") has to be accepted.
"""

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

import simulator
from simulator import services
from simulator.cli import COMMANDS as NAMES
from simulator.cli import main
from simulator.control import web
from simulator.control.parts import ApiProblem, Route, check_body, query_values
from simulator.faults import outcomes
from simulator.faults.deliveries import DELIVERIES
from simulator.protocol.fields import Field, Integer, Number, Object, Objects, Strings
from simulator.protocol.validation import body_checker
from tests.apple import AGENT, Apple, request

CATALOGUE = services.load()
ROUTES = web.routes(services.provisionings())
OUTCOMES = outcomes.menu(CATALOGUE)


NAMING = re.compile(r"mdmsim |(?:GET|POST|PUT|PATCH|DELETE) ")
"""Where a text may name a command or a call: each worker reads them all, so the rest is skipped."""


def texts() -> Iterator[tuple[str, str]]:
    """Yield the texts of the code with where they stand; docstrings are for other readers."""
    root = Path(simulator.__file__).parent
    for file in sorted(root.rglob("*.py")):
        source = file.read_text()
        if not NAMING.search(source):
            continue
        where = file.relative_to(root)
        nodes = list(ast.walk(ast.parse(source)))
        documentation = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if not isinstance(node, ast.Constant | ast.JoinedStr) or id(node) in documentation:
                continue
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            text = "".join(
                one.value if isinstance(one, ast.Constant) and isinstance(one.value, str) else "{}"
                for one in parts
            )
            yield f"{where}:{node.lineno}", text


TEXTS = list(texts())
COMMANDS = sorted(
    {
        (found.group(1).strip(), where)
        for where, text in TEXTS
        for found in re.finditer(r"mdmsim ((?:[a-z][a-z-]* ?)+(?:--[a-z-]+)?)", text)
        if found.group(1).split()[0] in NAMES
    }
)
NAMED_CALLS = sorted(
    {
        (f"{found.group(1)} {found.group(2).removeprefix(web.PREFIX)}", where)
        for where, text in TEXTS
        if not where.startswith("services/")
        for found in re.finditer(r"\b(GET|POST|PUT|PATCH|DELETE) (/[a-zA-Z0-9/{}_-]*)", text)
    }
)


@pytest.mark.parametrize(("text", "where"), COMMANDS)
def test_a_command_that_a_text_names_exists(text: str, where: str) -> None:
    command: click.Command | None = main
    context = click.Context(main)
    for word in text.split():
        if isinstance(command, click.Group):
            command = command.get_command(context, word)
            assert command is not None, where
        elif word.startswith("--") and command is not None:
            assert word in {name for one in command.get_params(context) for name in one.opts}, where


@pytest.mark.parametrize(("call", "where"), NAMED_CALLS)
def test_a_call_that_a_text_names_exists(call: str, where: str) -> None:
    known = {f"{route.method} {route.path}" for route in ROUTES}
    known |= {one.route for one in CATALOGUE.operations.values()}

    # A text may name a call by the beginning of its path.
    assert any(one.startswith(call.replace("{}", "")) for one in known), where


def valid(row: Field) -> Any:
    """Return a value that *row* allows: its example, else one of its type."""
    if row.example is not None:
        return row.example
    if values := getattr(row, "values", ()):
        return [values[0]] if isinstance(row, Strings) else values[0]
    if isinstance(row, Objects):
        return [{one.name: valid(one) for one in row.fields if one.required}]
    if isinstance(row, Object):
        return {one.name: valid(one) for one in row.fields if one.required}
    if isinstance(row, Integer | Number):
        return row.least or 1
    plain: dict[str, Any] = {"boolean": True, "array of strings": ["x"], "object by key": {}}
    return plain.get(row.type, "x" * max(getattr(row, "shortest", 0), 1))


def listed(text: str, lead: str) -> list[str]:
    """Return the names that follow *lead* in a text, parted by commas."""
    found = re.search(rf"{lead}((?:[\w.*\[\]-]+(?:, )?)+)", text)
    return found.group(1).rstrip(", ").split(", ") if found else []


def refused(body: dict[str, Any]) -> str:
    """Return why a fault is refused."""
    with pytest.raises(ValueError, match=r"\w") as caught:
        outcomes.read(CATALOGUE, body)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["outcome", "delivery"])
@pytest.mark.parametrize("wrong", [5, {}, {"name": None}])
def test_the_example_of_a_fault_is_taken(kind: str, wrong: Any) -> None:
    text = refused({kind: wrong})

    example = json.loads(text[text.index("{") :])
    asked = outcomes.read(CATALOGUE, {kind: example})
    name = example.pop("name")
    nested = outcomes.read(CATALOGUE, {kind: {"name": name, "parameters": example}})

    assert (asked.name, asked.given) == (name, example)
    assert nested == asked


@pytest.mark.parametrize(
    "name",
    [next(n for n in OUTCOMES if n.startswith(f"{service}.")) for service in CATALOGUE.services],
)
def test_each_outcome_that_is_meant_perhaps_is_taken(name: str) -> None:
    near = listed(refused({"outcome": name[:-1]}), "did you mean ")

    assert near
    for one in near:
        assert outcomes.read(CATALOGUE, {"outcome": one}).name == one


def test_each_delivery_that_there_is_is_taken() -> None:
    names = listed(refused({"delivery": "delai"}), "there are ")

    assert names == list(DELIVERIES)
    for one in names:
        assert outcomes.read(CATALOGUE, {"delivery": one}).name == one


TAKING = {
    (kind, *(row.name for row in one.parameters)): (kind, one.parameters, name)
    for kind, menu in (("outcome", OUTCOMES), ("delivery", DELIVERIES))
    for name, one in menu.items()
}
"""One fault for each set of parameters that there is."""


@pytest.mark.parametrize(
    ("kind", "rows", "name"),
    [pytest.param(*one, id=f"{one[0]}-{one[2]}") for one in TAKING.values()],
)
def test_each_parameter_that_a_fault_takes_is_taken(
    kind: str, rows: tuple[Field, ...], name: str
) -> None:
    offered = listed(refused({kind: {"name": name, "odd": 1}}), "it takes ")

    assert offered == [row.name for row in rows]
    for row in rows:
        outcomes.read(CATALOGUE, {kind: {"name": name, row.name: valid(row)}})


def test_each_key_of_a_match_is_taken() -> None:
    names = listed(refused({"outcome": "dep.FORBIDDEN", "match": {"odd": 1}}), "there are ")

    assert names == list(outcomes.MATCH)
    found: dict[str, Any] = {
        "service": "dep",
        "operation": "dep.fetch",
        "organisation": "x",
        "client": "x",
    }
    found |= {"session": "x", "path": {}, "query": {}, "header": {}, "body": {}}
    for name in names:
        outcomes.read(CATALOGUE, {"outcome": "dep.FORBIDDEN", "match": {name: found[name]}})


@pytest.mark.parametrize("key", ["service", "operation"])
def test_each_service_and_operation_of_a_match_is_taken(key: str) -> None:
    names = listed(refused({"delivery": "reset", "match": {key: "odd"}}), "there are ")

    known = {"service": list(CATALOGUE.services), "operation": list(CATALOGUE.operations)}
    assert names == known[key]
    for name in names:
        outcomes.read(CATALOGUE, {"delivery": "reset", "match": {key: name}})


Check = Callable[[dict[str, Any]], None]


def said(check: Check, given: dict[str, Any]) -> str:
    """Return why *given* is refused, or an empty text."""
    try:
        check(given)
    except ApiProblem as problem:
        return str(problem)
    return ""


NEEDS = "(?:must name|query needs) "


def follow(check: Check, rows: tuple[Field, ...]) -> None:
    """Begin with a key that is not known, and do what each refusal says until none comes."""
    known = {row.name: row for row in rows}
    offered = listed(said(check, {"odd": "x"}), "there are ")
    assert offered == list(known)
    for name in offered:
        text = said(check, {name: valid(known[name])})
        if example := re.search(r"such as (\S+)$", text):
            text = said(check, {name: example.group(1)})
        assert not text or re.search(NEEDS, text), text
    needed = listed(said(check, {}), NEEDS)
    assert said(check, {name: valid(known[name]) for name in needed}) == ""


def _of_query(route: Route) -> Check:
    def check(given: dict[str, Any]) -> None:
        texts = {name: str(value).lower() for name, value in given.items()}
        query_values(texts, route.query or ())

    return check


@pytest.mark.parametrize(
    "route", [pytest.param(one, id=f"{one.method} {one.path}") for one in ROUTES if one.query]
)
def test_what_a_query_may_hold_is_taken(route: Route) -> None:
    follow(_of_query(route), route.query or ())


@pytest.mark.parametrize(
    "route", [pytest.param(one, id=f"{one.method} {one.path}") for one in ROUTES if one.body]
)
def test_what_a_body_may_hold_is_taken(route: Route) -> None:
    follow(lambda given: check_body(given, route.body or ()), route.body or ())


NEWER = [
    (name, row.name, row.versions)
    for name, one in CATALOGUE.operations.items()
    for row in one.request
    if row.versions != "1+" and row.place == "body"
]


@pytest.mark.parametrize(("name", "field", "versions"), NEWER)
def test_with_the_version_that_a_finding_names_it_is_gone(
    name: str, field: str, versions: str
) -> None:
    operation = CATALOGUE.operations[name]
    (row,) = (one for one in operation.request if one.name == field)
    check = body_checker(operation, CATALOGUE.services["dep"].malformed, "strict")

    (finding,) = (one for one in check({field: valid(row)}, 1).findings if one.at == f"/{field}")
    (named,) = re.findall(r"protocol versions (\d+)\+: send a higher one", finding.message)
    after = check({field: valid(row)}, int(named)).findings

    assert (finding.rule, named) == ("field-version", versions[:-1])
    assert f"/{field}" not in {one.at for one in after}


def test_with_the_content_type_that_a_finding_names_it_is_gone() -> None:
    apple = Apple()
    session = apple.session()

    def rules(*more: tuple[str, str]) -> dict[str, str]:
        sent = [("Host", "mdmenrollment.apple.com"), ("User-Agent", AGENT), *more]
        sent += [("X-ADM-Auth-Session", session), ("X-Server-Protocol-Version", "10")]
        answer = apple.send(request("POST", "/devices", sent, b'{"devices":["SN1"]}'))
        return {one.rule: one.message for one in answer.exchange.findings}

    missing, wrong = rules(), rules(("Content-Type", "text/plain"))

    named = missing["content-type-missing"].removeprefix("send ").split(": ")
    assert wrong["content-type"] == f"the body must be {named[1]}"
    assert rules((named[0], named[1])) == {}
