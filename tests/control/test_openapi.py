"""The control API's description of itself."""

import io
import re
from typing import Any

import pytest

from simulator import services
from simulator.control.openapi import PATH
from simulator.control.parts import Route
from simulator.control.web import routes
from tests.control.conftest import Control

ROUTES = routes(services.provisionings())
CALLS = [pytest.param(one, id=f"{one.method} {one.path}") for one in ROUTES]


@pytest.mark.parametrize("route", CALLS)
def test_a_call_says_what_it_is_and_what_it_takes(route: Route) -> None:
    assert route.about.endswith(".")
    assert all(name in PATH for name in re.findall(r"\{(\w+)\}", route.path))
    for row in (*(route.query or ()), *(route.body or ()), *route.answer):
        assert row.about.endswith(".")


async def test_every_call_is_described_and_the_description_is_well_formed(
    control: Control,
) -> None:
    status, document = await control.call("GET", "/openapi.json")
    calls = {
        (method.upper(), path): one
        for path, methods in document["paths"].items()
        for method, one in methods.items()
    }

    assert status == 200
    assert document["openapi"].startswith("3.1")
    assert set(calls) == {(one.method, f"/api/v1{one.path}") for one in ROUTES}
    identifiers = [one["operationId"] for one in calls.values()]
    assert len(set(identifiers)) == len(identifiers)
    for call in calls.values():
        for answer in call["responses"].values():
            name = answer.get("$ref", "").rpartition("/")[2]
            assert not name or name in document["components"]["responses"]


@pytest.mark.parametrize(
    ("path", "says"),
    [("/docs", "Documentation"), ("/docs/", "Documentation"), ("/reference", "dep.same-cursor")],
)
async def test_the_reference_and_the_index_are_pages(
    control: Control, path: str, says: str
) -> None:
    async with control.http.get(f"{control.base}{path}") as answer:
        text = await answer.text()

    assert answer.content_type == "text/html"
    assert says in text


async def test_the_services_are_described(control: Control) -> None:
    _, document = await control.call("GET", "/openapi-services.json")

    assert "/server/devices" in document["paths"]


@pytest.mark.parametrize(
    ("method", "path", "more", "says"),
    [
        pytest.param("GET", "/faults?x=1", {}, "takes no query", id="no-query"),
        pytest.param("GET", "/devices?limit=x", {}, "limit must be a whole", id="number"),
        pytest.param("GET", "/devices?limit=0", {}, "limit must be at least 1", id="least"),
        pytest.param("GET", "/report?format=xls", {}, "format must be one of", id="choice"),
        pytest.param("POST", "/reset", {"data": b"{"}, "not JSON", id="json"),
        pytest.param("POST", "/reset", {"json": [1]}, "JSON object", id="array"),
        pytest.param("POST", "/reset", {"json": {"x": 1}}, "there are organisation", id="key"),
        pytest.param("POST", "/devices", {"json": {"devices": 5}}, "array of objects", id="rows"),
        pytest.param(
            "POST", "/exchanges/verify", {"json": {"match": 5}}, "match must be an object", id="row"
        ),
    ],
)
async def test_what_the_rows_do_not_allow_is_named(
    control: Control, method: str, path: str, more: Any, says: str
) -> None:
    status, problem = await control.call(method, path, **more)

    assert status == 400
    assert says in problem["detail"]


async def test_a_wrong_method_is_told_the_right_ones(control: Control) -> None:
    url = f"{control.base}/api/v1/exchanges/verify"
    async with control.http.get(url) as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "POST"


async def test_a_body_that_is_too_large_is_a_problem(control: Control) -> None:
    content = io.BytesIO(b" " * (65 * 1024 * 1024))
    status, problem = await control.call("POST", "/faults", data=content)

    assert status == 413
    assert problem["status"] == 413
