"""Rosters of a world, by the control API, and tokens for Managed Apple Accounts."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from simulator import services
from simulator.app import Simulator
from simulator.core.settings import ConfigurationError, Settings
from simulator.worlds.world import parse_world
from tests.auth.test_access_token import certificate, token
from tests.control.conftest import Control

WORLD = """
[world]
name = "small-school"
[[organisation]]
id = "school"
name = "Example School"
email = "it@school.example"
phone = "+1-555-0110"
address = "2 Road"
org_id = "1"
org_type = "edu"
admin_id = "admin@school.example"
[organisation.roster]
pupils = 30
staff = 3
classes = 3
[[organisation.dep_server]]
id = "main"
name = "Main"
"""
RECORD = {"unique_identifier": "P-NEW", "name": "Ada Neu", "source_system_identifier": "Z-1"}


@pytest.fixture
async def school(tmp_path: Path) -> AsyncIterator[Control]:
    world = tmp_path / "school.toml"
    world.write_text(WORLD)
    settings = Settings(
        data=":memory:",
        world=str(world),
        tls_port=(None,),
        http_port=0,
        control_port=0,
        proxy_port=None,
    )
    async with Simulator(settings) as simulator, aiohttp.ClientSession() as session:
        yield Control(simulator, session)


async def test_a_world_has_a_roster_that_can_be_changed(school: Control) -> None:
    _, first = await school.call("GET", "/rosters/persons?limit=20")
    _, rest = await school.call("GET", f"/rosters/persons?limit=20&after={first['next']}")
    status, made = await school.call("POST", "/rosters/persons", {"record": RECORD})
    gone, deleted = await school.call("DELETE", "/rosters/persons/P-NEW")
    again, _ = await school.call("DELETE", "/rosters/persons/P-NEW")
    _, classes = await school.call("GET", "/rosters/classes")

    assert (len(first["persons"]), len(rest["persons"]), rest["next"]) == (20, 13, None)
    assert (status, made["record"]["status"]) == (200, "Active")
    assert (gone, deleted["record"]["status"], again) == (200, "InActive", 404)
    assert len(classes["classes"]) == 3
    assert len(classes["classes"][0]["student_unique_identifiers"]) == 10


@pytest.mark.parametrize(
    ("record", "says"),
    [
        pytest.param({"unique_identifier": ""}, "must not be empty", id="empty"),
        pytest.param({"unique_identifier": 5}, "must be a text", id="number"),
        pytest.param({"unique_identifier": "x" * 65}, "at most 64", id="long"),
        pytest.param({"unique_identifier": "a\x1fb"}, "must be a text", id="control"),
    ],
)
async def test_a_record_that_cannot_be_is_refused(
    school: Control, record: dict[str, Any], says: str
) -> None:
    status, problem = await school.call("POST", "/rosters/persons", {"record": record})

    assert status == 409
    assert says in problem["detail"]


async def test_an_organisation_that_is_no_school_is_refused(school: Control) -> None:
    status, problem = await school.call("GET", "/rosters/courses?organisation=acme")

    assert status == 409
    assert problem["detail"] == "organisation must be a school; there are school"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        pytest.param('"edu"', '"org"', "roster goes with a school only", id="business"),
        pytest.param("pupils = 30", "pupils = -1", "must be a whole number from 0", id="number"),
        pytest.param("pupils = 30", "pupil = 30", "pupil is not known here", id="key"),
        pytest.param("staff = 3\n", "", "staff is missing: add staff = 14", id="missing"),
    ],
)
def test_a_roster_that_cannot_be_is_named_with_its_place(old: str, new: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        parse_world(WORLD.replace(old, new), "school.toml", services.provisionings())

    assert str(caught.value).startswith("school.toml: [[organisation]] 1")


async def fetch_token(control: Control, number: int) -> str:
    """Download the server token as its owner does; return the server's uuid."""
    pem = certificate(number).encode()
    async with control.http.post(
        f"{control.base}/api/v1/dep-servers/main/token", data=pem
    ) as answer:
        assert answer.status == 200
    _, found = await control.call("GET", "/dep-servers")
    (server,) = found["dep_servers"]
    return str(server["uuid"])


async def verify(control: Control, jwt: str, **more: Any) -> tuple[bool, str]:
    status, found = await control.call("POST", "/maid/verify", {"jwt": jwt, **more})
    assert status == 200
    return found["ok"], found["reason"]


async def test_a_token_for_an_account_is_verified_by_the_certificate_of_the_server(
    school: Control,
) -> None:
    await school.call("PUT", "/clock", {"mode": "frozen", "now": "2026-03-01T12:00:00Z"})
    uuid = await fetch_token(school, 1)
    before = await verify(school, token(1, iss=uuid), use=False)
    await fetch_token(school, 0)

    assert before == (True, "")
    assert await verify(school, token(1, iss=uuid)) == (False, "old_key")
    assert await verify(school, token(0, iss=uuid), account="a@other.example") == (
        False,
        "other_organisation",
    )
    account = "a@appleid.school.example"
    assert await verify(school, token(0, iss=uuid), account=account) == (True, "")
    assert await verify(school, token(0, iss=uuid)) == (False, "jti_reused")
    assert await verify(school, token(0)) == (False, "unknown_iss")
    assert await verify(school, "a.b.c") == (False, "malformed")
