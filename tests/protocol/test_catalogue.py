"""Which operation a path is for."""

import pytest
from msgspec.structs import fields, replace

from simulator import services
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.fields import Objects, String
from simulator.protocol.operations import Operation, OperationRows
from simulator.services.dep import SERVICE
from simulator.services.dep.errors import CONFIG_NAME_REQUIRED
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

    with pytest.raises(ValueError, match="two operations serve POST /old/example"):
        Catalogue([(SERVICE, [OPERATION, other])])


def test_an_error_that_the_operation_does_not_list_is_refused() -> None:
    row = String("name", "A name.", required=True, missing=CONFIG_NAME_REQUIRED)
    inside = Objects("things", "Things.", fields=(row,))
    good = replace(OPERATION, request=(inside,), errors=(CONFIG_NAME_REQUIRED,))
    bad = replace(OPERATION, request=(inside,))

    Catalogue([(SERVICE, [good])])
    with pytest.raises(ValueError, match="name is refused with CONFIG_NAME_REQUIRED"):
        Catalogue([(SERVICE, [bad])])


def test_each_attribute_that_has_a_default_can_be_given_where_a_handler_is_decorated() -> None:
    optional = {one.name for one in fields(Operation) if not one.required}

    assert set(OperationRows.__annotations__) == optional


def test_a_way_to_authenticate_that_the_service_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="no way to authenticate is called sesion"):
        Catalogue([(SERVICE, [replace(OPERATION, auth="sesion")])])


def test_a_template_is_no_path() -> None:
    found = services.load().find("POST", "/3/device/{token}", "")

    assert found.path == {"token": "{token}"}
