"""Rules for every row, and cases that the rows themselves give."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator import services
from simulator.disclosure.concepts import CONCEPTS
from simulator.faults.outcomes import menu
from simulator.protocol.fields import ErrorCode, Field, Integer, String, Strings, span, walk
from simulator.protocol.operations import Operation
from simulator.protocol.reference import SOURCES, as_json, as_markdown, differences, digest
from simulator.services import dep
from tests.apple import Apple
from tests.vpp import Vpp

CATALOGUE = services.load()
OPERATIONS = [pytest.param(one, id=one.name) for one in CATALOGUE.operations.values()]


def rows() -> Iterator[tuple[str, Field]]:
    for service in CATALOGUE.services.values():
        yield from ((service.name, row) for row in service.headers)
    for one in CATALOGUE.operations.values():
        yield from ((f"{one.name}-request", row) for row in walk(one.request))
        yield from ((f"{one.name}-answer", row) for row in walk(one.response))


def tags(source: str) -> set[str]:
    """Return the tags that a row's source begins each of its parts with."""
    return {tag.split(":")[0].split(" ")[0] for tag in source.split(", ") if tag}


def named() -> Iterator[Any]:
    """Yield each row with an id of its own: inside an answer, rows may have the same name."""
    seen: Counter[str] = Counter()
    for name, row in rows():
        seen[f"{name}-{row.name}"] += 1
        again = seen[f"{name}-{row.name}"]
        yield pytest.param(row, id=f"{name}-{row.name}" + (f"-{again}" if again > 1 else ""))


ROWS = list(named())
DEP = [one for one in CATALOGUE.operations.values() if one.service == "dep"]
REQUEST_ROWS = [(one, row) for one in DEP for row in one.request if row.place in ("body", "query")]


def cases(rows: list[tuple[Operation, Field]], applies: Callable[[Field], Any]) -> list[Any]:
    """Return a case for each row that a test applies to; without any, the test tests nothing."""
    found = [(one, row) for one, row in rows if applies(row)]
    assert found
    return [pytest.param(one, row, id=f"{one.name}-{row.name}") for one, row in found]


def every(row: Field) -> bool:
    """Take each row."""
    return True


@pytest.mark.parametrize("row", ROWS)
def test_a_row_says_what_it_is(row: Field) -> None:
    assert row.about.endswith(".")
    assert span(row.versions)[0] >= 1
    assert not row.concept or row.concept in CONCEPTS
    for value, (since, _) in row.older.items():
        assert since > 1
        assert value in getattr(row, "values", (value,))


@pytest.mark.parametrize("row", ROWS)
def test_a_row_cites_known_sources(row: Field) -> None:
    assert tags(row.source) <= set(SOURCES)


@pytest.mark.parametrize("row", CATALOGUE.error_codes.values(), ids=list(CATALOGUE.error_codes))
def test_an_error_says_where_it_is_known_from(row: ErrorCode) -> None:
    assert row.source or row.inferred
    assert tags(row.source) <= set(SOURCES)


@pytest.mark.parametrize("one", OPERATIONS)
def test_an_operation_is_documented_and_its_errors_are_rows(one: Operation) -> None:
    assert one.about.endswith(".")
    assert one.docs.startswith("https://developer.apple.com/")
    assert one.source


@pytest.mark.parametrize(("one", "row"), cases(REQUEST_ROWS, every))
def test_a_request_row_has_a_concept(one: Operation, row: Field) -> None:
    assert row.concept


def sample(row: Field) -> Any:
    if row.example is not None:
        return row.example
    if isinstance(row, Strings):
        return list(row.values[:2])
    if isinstance(row, Integer):
        return row.least or 0
    return "https://mdm.example.com/" if "url" in row.name else "sv"


def good(one: Operation) -> dict[str, Any]:
    return {row.name: sample(row) for row in one.request if row.place == "body" and row.required}


def send(apple: Apple, one: Operation, body: Any, query: str = "", version: int = 10) -> Any:
    session = apple.session()
    content = body if any(row.place == "body" for row in one.request) else None
    return apple.call(one.methods[0], one.path + query, content, session=session, version=version)


@pytest.mark.parametrize(("one", "row"), cases(REQUEST_ROWS, lambda row: row.required))
def test_a_missing_field_gives_its_code(one: Operation, row: Field) -> None:
    body = good(one)
    body.pop(row.name, None)

    answer = send(Apple(), one, body)

    assert row.missing is not None
    assert answer.exchange.error == row.missing.code
    assert "field-missing" in answer.rules


@pytest.mark.parametrize(("one", "row"), cases(REQUEST_ROWS, lambda row: row.place == "body"))
def test_a_wrong_type_is_malformed_and_named(one: Operation, row: Field) -> None:
    wrong = {"unexpected": [1]} if not isinstance(row, Integer) else "5"

    answer = send(Apple(), one, good(one) | {row.name: wrong})

    assert answer.exchange.error == "MALFORMED_REQUEST_BODY"
    finding = next(one for one in answer.exchange.findings if one.rule == "field-type")
    assert finding.at == f"/{row.name}"
    assert finding.refused


@pytest.mark.parametrize(
    ("one", "row"),
    cases(REQUEST_ROWS, lambda row: row.place == "body" and span(row.versions)[0] > 1),
)
def test_a_field_is_noted_before_its_version(one: Operation, row: Field) -> None:
    first = span(row.versions)[0]
    value: Any = True if row.type == "boolean" else sample(row)

    early = send(Apple(), one, good(one) | {row.name: value}, version=first - 1)
    late = send(Apple(), one, good(one) | {row.name: value}, version=first)

    assert "field-version" in early.rules
    assert "field-version" not in late.rules


def longest(row: Field) -> int:
    """Return how long a text may be, or 0."""
    is_text = isinstance(row, String) and not isinstance(row, Strings)
    return row.longest if is_text and isinstance(row, String) else 0


@pytest.mark.parametrize(("one", "row"), cases(REQUEST_ROWS, longest))
def test_a_text_longer_than_its_row_allows_is_noted(one: Operation, row: Field) -> None:
    answer = send(Apple(), one, good(one) | {row.name: "x" * (longest(row) + 1)})

    assert "field-invalid" in answer.rules


@pytest.mark.parametrize(
    ("one", "row"), cases(REQUEST_ROWS, lambda row: row.invalid and longest(row))
)
def test_a_text_longer_than_its_row_allows_gives_its_code(one: Operation, row: Field) -> None:
    answer = send(Apple(), one, good(one) | {row.name: "x" * (longest(row) + 1)})

    assert row.invalid is not None
    assert answer.exchange.error == row.invalid.code


LOGGED_IN = [pytest.param(one, id=one.name) for one in DEP if one.auth == "session"]


@pytest.mark.parametrize("one", LOGGED_IN)
def test_every_operation_wants_a_session(one: Operation) -> None:
    answer = Apple().call(one.methods[0], one.path, session="none")

    assert (answer.status, answer.exchange.error) == (401, "UNAUTHORIZED")


VPP = [one for one in CATALOGUE.operations.values() if one.name.startswith(("vpp1.", "vpp2."))]
VPP_ROWS = [
    (one, row)
    for one in VPP
    for row in one.request
    if row.place in ("body", "query") and row.name != "sToken"
]


def ask(apple: Vpp, one: Operation, body: dict[str, Any]) -> Any:
    """Call an operation of VPP; a query row of *body* goes into the query."""
    path = one.path.removeprefix("/mdm/v2").removeprefix("/mdm/")
    if one.name.startswith("vpp1."):
        return apple.v1(path, body)
    queries = {
        row.name: body.pop(row.name)
        for row in one.request
        if row.name in body and row.place == "query"
    }
    content = body if any(row.place == "body" for row in one.request) else None
    return apple.v2(one.methods[0], path, content, **queries)


@pytest.mark.parametrize(("one", "row"), cases(VPP_ROWS, every))
def test_a_row_of_vpp_has_a_concept_and_a_source(one: Operation, row: Field) -> None:
    assert row.concept
    assert row.source


@pytest.mark.parametrize(("one", "row"), cases(VPP_ROWS, lambda row: row.required))
def test_a_missing_field_of_vpp_gives_its_number(one: Operation, row: Field) -> None:
    body = good(one)
    body.pop(row.name, None)

    answer = ask(Vpp(), one, body)

    assert row.missing is not None
    assert answer.json["errorNumber"] == int(row.missing.code)
    assert answer.exchange.error == row.missing.code
    assert "field-missing" in answer.rules


@pytest.mark.parametrize(
    ("one", "row"), cases(VPP_ROWS, lambda row: row.place == "body" or row.invalid)
)
def test_a_wrong_type_in_vpp_is_an_invalid_argument(one: Operation, row: Field) -> None:
    wrong: Any = "text" if row.type == "object" else {"unexpected": [1]}
    if row.place == "query":
        wrong = "of no kind"

    answer = ask(Vpp(), one, good(one) | {row.name: wrong})

    assert (answer.exchange.error, answer.json["errorNumber"]) == ("9602", 9602)
    finding = answer.exchange.findings[0]
    assert finding.at == (row.name if row.place == "query" else f"/{row.name}")
    assert finding.refused


@pytest.mark.parametrize("one", [pytest.param(one, id=one.name) for one in VPP if one.auth])
def test_every_operation_of_vpp_wants_a_token(one: Operation) -> None:
    apple = Vpp()
    if one.name.startswith("vpp1."):
        answer = apple.v1(one.path.removeprefix("/mdm/"), {"sToken": "none"})
    else:
        answer = apple.v2(one.methods[0], one.path.removeprefix("/mdm/v2"), token="Bearer none")

    assert (answer.status, answer.json["errorNumber"]) == (200, 9622)


EXAMPLE = '''
"""An endpoint that does not exist, to show that one file is all it takes."""

from simulator.protocol.fields import ErrorCode, String
from simulator.protocol.operations import ApiError, Call, operation

NO_EXAMPLE = ErrorCode("NO_EXAMPLE", 404, "There is no such example.")


@operation(
    "GET /example",
    "Get an example.",
    name="dep.example",
    auth="session",
    request=(
        String("name", "A name.", place="query", required=True, concept="org.name"),
    ),
    response=(
        String("one", "The first."),
        String("two", "The second.", versions="3+"),
    ),
    errors=(NO_EXAMPLE,),
    docs="https://developer.apple.com/example",
)
def example(call: Call) -> dict[str, str]:
    """Answer both fields."""
    if call.query["name"] == "none":
        raise ApiError(NO_EXAMPLE)
    return {"one": call.query["name"], "two": "2"}
'''


def test_a_new_endpoint_with_its_fields_and_errors_touches_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "example_endpoint.py").write_text(EXAMPLE)
    monkeypatch.setattr(dep, "__path__", [*dep.__path__, str(tmp_path)])
    monkeypatch.setattr(services, "load", services.load.__wrapped__)  # not the one made before

    apple = Apple()
    new = apple.call("GET", "/example?name=Acme", session=apple.session())
    old = apple.call("GET", "/example?name=Acme", session=apple.session(), version=2)
    bad = apple.call("GET", "/example", session=apple.session())
    none = apple.call("GET", "/example?name=none", session=apple.session())

    assert new.json == {"one": "Acme", "two": "2"}
    assert old.json == {"one": "Acme"}
    assert (bad.status, bad.rules) == (400, ["field-missing"])
    assert (none.status, none.text, none.exchange.error) == (404, "NO_EXAMPLE", "NO_EXAMPLE")
    assert "dep.NO_EXAMPLE" in menu(apple.catalogue)
    operation = apple.catalogue.operations["dep.example"]
    disclosed = apple.observer.observe(new.exchange.request, operation, dep.SERVICE)
    assert [(one.part, one.at, one.concept) for one in disclosed if one.part == "query"] == [
        ("query", "name", "org.name")
    ]
    assert "### GET /example" in as_markdown(apple.catalogue)


def test_the_reference_names_everything() -> None:
    text = as_markdown(CATALOGUE)
    listed = as_json(CATALOGUE)

    assert all(f"`{one.name}`" in text for one in CATALOGUE.operations.values())
    assert all(f"`{code}`" in text for code in CATALOGUE.error_codes)
    assert [one["name"] for one in listed["services"]] == list(CATALOGUE.services)
    assert len(digest(CATALOGUE)) == 64


def test_every_choice_of_ours_comes_out_as_a_difference() -> None:
    operations = CATALOGUE.operations.values()
    text = "\n".join(
        line
        for service in CATALOGUE.services.values()
        for line in differences(service, [one for one in operations if one.service == service.name])
    )

    inferred = [row.inferred for _, row in rows() if row.inferred]
    errors: list[ErrorCode] = list(CATALOGUE.error_codes.values())
    assert all(one in text for one in inferred)
    assert all(row.inferred in text for row in errors)
