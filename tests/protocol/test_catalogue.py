"""Which operation a path is for."""

from dataclasses import replace

import pytest

from simulator.protocol.catalogue import Catalogue
from simulator.protocol.operations import Operation
from simulator.services.dep import SERVICE
from tests.apple import request

OPERATION = Operation(
    "dep2.example",
    ("POST",),
    "/new/example",
    "An example.",
    lambda _: None,
    aliases=("/old/example",),
)


@pytest.mark.parametrize("path", ["/new/example", "/old/example"])
def test_an_alias_leads_to_the_operation(path: str) -> None:
    found = Catalogue([(SERVICE, [OPERATION])]).match(request("POST", path, []))

    assert found.operation is OPERATION


def test_a_generation_belongs_to_its_service() -> None:
    assert OPERATION.service == "dep"


def test_an_alias_that_is_taken_is_refused() -> None:
    other = replace(OPERATION, name="dep.other", path="/old/example", aliases=())

    with pytest.raises(ValueError, match="two operations answer POST /old/example"):
        Catalogue([(SERVICE, [OPERATION, other])])
