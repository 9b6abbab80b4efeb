"""A service is added by a package alone: nothing else is touched."""

import asyncio
import importlib
import json
import re
import shlex
import ssl
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from html import unescape
from pathlib import Path
from types import ModuleType
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner

from simulator import services
from simulator.app import Simulator
from simulator.commands import forwarding, tokens
from simulator.core.settings import ConfigurationError, Settings
from simulator.disclosure.concepts import CONCEPTS
from simulator.worlds.world import parse_world

SERVICE = '''
"""Postcards, which Apple does not offer."""
import json
from simulator.core.messages import Response
from simulator.protocol.concepts import Concept
from simulator.protocol.fields import ErrorCode
from simulator.protocol.head import Principal
from simulator.protocol.operations import (ApiError)
from simulator.protocol.service import Service

NO = ErrorCode("NO", 400, "It cannot be read.")
UNAUTHORIZED = ErrorCode("UNAUTHORIZED", 401, "There is no good token.")


def by_bearer(head):
    sent = (head.header("authorization") or "").removeprefix("Bearer ")
    found = head.state.get("postcards.token", sent)
    if found is None:
        raise ApiError(UNAUTHORIZED)
    rack = found.body["box"]
    return Principal(found.body["organisation"], "postcards:" + rack, rack)


SERVICE = Service(
    name="postcards", about="Postcards.", hosts=("postcards.apple.com",), docs="", newest=0,
    headers=(), errors=(NO, UNAUTHORIZED), malformed=NO, not_found=NO, not_allowed=NO,
    too_large=NO, wrong_type=NO, broken=NO, recognise={"bearer": by_bearer},
    answer=lambda call, result: Response(200, (), json.dumps(result).encode()),
    refuse=lambda call, row: Response(row.status, (), row.code.encode()),
    concepts=(
        Concept(
            "postcards.message", "free-text", "user", "no",
            words="message on a postcard|messages on postcards",
        ),
    ),
)
'''
ENDPOINT = '''
"""Two endpoints."""
from simulator.protocol.fields import String
from simulator.protocol.operations import operation


@operation(
    "GET /postcards", "List postcards.", name="postcards.list", auth="bearer",
    response=(String("box", "The box.", concept="protocol"),),
)
def list_postcards(call):
    return {"box": call.principal.id}


@operation(
    "POST /postcards", "Send a postcard.", name="postcards.send", auth="bearer",
    request=(String("message", "What it says.", concept="postcards.message"),),
)
def send_postcard(call):
    return {}
'''
PROVISIONING = '''
"""What stands around postcards."""
from functools import partial

from postcards import SERVICE
from simulator.protocol.documents import identifier, read_list
from simulator.protocol.fields import Objects
from simulator.services.organisations import all_organisations
from simulator.services.provisioning import (
    Credential, Example, File, Held, Provisioning, Resource, WorldPart,
)

BOX = (identifier("id", "Id.", required=True, example="north"),)
KEYS = (Objects("rack", "Racks.", fields=BOX),)


def read(organisations):
    found = [read_list(v["rack"], "organisation.rack", BOX, at) for at, v in organisations]
    return [[row["id"] for _, row in rows] for rows in found]


def seed(seeding):
    for box in seeding.part:
        yield partial(issue, seeding.organisation, box, seeding.generate_secret)


def issue(organisation, box, random_hex, state):
    own = state.of(organisation)
    old, new = own.get("postcards.box", box), random_hex(32)
    if old is not None:
        state.of("").delete("postcards.token", old.body["token"])
    own.put("postcards.box", box, {"token": new})
    state.of("").put("postcards.token", new, {"organisation": organisation, "box": box})
    return 0


def held(state, organisation):
    for one in state.of(organisation).scan("postcards.box", limit=100):
        token = one.body["token"]
        yield Held(
            id=one.key, name=one.key, entry={"id": one.key, "token": token}, state="active",
            files=(File(key="file", name=f"postcards/{one.key}-{token[:8]}.txt"),),
            make=lambda making: [token.encode()],
        )


def boxes(call):
    found = [held(call.state, one.key) for one in all_organisations(call.state)]
    return {"racks": [{"id": one.id} for rows in found for one in rows]}


def add(call):
    issue("acme", call.body["id"], call.random_hex, call.state)
    return {"id": call.body["id"]}


def examples(trying):
    for one in all_organisations(trying.state):
        for box in held(trying.state, one.key):
            secret = {"header": "Authorization: Bearer " + box.entry["token"]}
            arguments = (trying.base + "/postcards",)
            yield Example(about="List postcards", key=box.id, arguments=arguments, secret=secret)


PROVISIONING = Provisioning(
    service=SERVICE,
    title="Postcards",
    world=WorldPart(KEYS, read, lambda part: [f"rack {box}" for box in part]),
    seed=seed,
    credentials=(
        Credential(
            name="postcards", title="Postcard token", holder="rack", ready="racks",
            value="token", held=held,
            renew=lambda state, new: issue(new.organisation, new.id, new.random_hex, state),
        ),
    ),
    resources=(
        Resource(
            "GET", "/racks", "List the boxes.", boxes,
            answer=(Objects("racks", "All of them.", required=True),),
        ),
        Resource("POST", "/racks", "Add a box.", add, body=BOX, answer=BOX, status=201),
    ),
    examples=examples,
)
'''
WORLD = """
[world]
name = "cards"

[[organisation]]
id = "acme"
name = "Acme"
email = "it@acme.example"
phone = "+1-555-0101"
address = "1 Road"
org_id = "77"
org_type = "org"
admin_id = "admin@acme.example"
rack = [{ id = "north" }]
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    folder = tmp_path / "packages" / "postcards"
    folder.mkdir(parents=True)
    for name, text in (
        ("__init__", SERVICE),
        ("listing", ENDPOINT),
        ("provisioning", PROVISIONING),
    ):
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    (tmp_path / "cards.toml").write_text(WORLD, encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder.parent))
    yield importlib.import_module("postcards")
    for name in ("postcards", "postcards.listing", "postcards.provisioning"):
        sys.modules.pop(name, None)
    CONCEPTS.pop("postcards.message", None)


@pytest.fixture
async def simulator(package: ModuleType, tmp_path: Path) -> AsyncIterator[Simulator]:
    settings = Settings(
        data=str(tmp_path / "data"),
        world=str(tmp_path / "cards.toml"),
        tls_port=(0,),
        http_port=0,
        control_port=0,
        proxy_port=0,
    )
    async with Simulator(settings, further=[package]) as running:
        yield running


async def ask(method: str, url: str, **more: Any) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.request(method, url, **more) as answer:
        return answer.status, await answer.text()


def entry(simulator: Simulator) -> dict[str, Any]:
    (found,) = simulator.ready["organisations"][0]["racks"]
    return dict(found)


async def listed(simulator: Simulator, token: str) -> tuple[int, str]:
    url = f"{simulator.ready['http']}/postcards"
    return await ask("GET", url, headers={"Authorization": f"Bearer {token}"})


def private(file: Path) -> str:
    """Return what is in a file that only its owner may read."""
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    return file.read_text()


async def test_its_endpoint_answers_whoever_has_the_token_of_ready_json(
    simulator: Simulator,
) -> None:
    held = entry(simulator)

    assert await listed(simulator, held["token"]) == (200, '{"box": "north"}')
    assert await listed(simulator, "wrong") == (401, "UNAUTHORIZED")
    assert await asyncio.to_thread(private, Path(held["file"])) == held["token"]


async def test_the_control_api_lists_shows_and_renews(simulator: Simulator) -> None:
    control, old = f"{simulator.ready['control']}/api/v1", entry(simulator)["token"]

    boxes = await ask("GET", f"{control}/racks")
    shown = await ask("GET", f"{control}/racks/north/token")
    status, renewed = await ask("POST", f"{control}/racks/north/token")
    nobody = await ask("GET", f"{control}/racks/south/token")
    unknown = await ask("GET", f"{control}/racks?colour=red")
    described = json.loads((await ask("GET", f"{control}/openapi.json"))[1])["paths"]

    new = json.loads(renewed)["token"]
    assert boxes == (200, '{"racks": [{"id": "north"}]}')
    assert json.loads(shown[1]) == {"token": old}
    assert (status, entry(simulator)["token"]) == (200, new)
    assert new != old
    assert (await listed(simulator, old))[0] == 401
    assert (await listed(simulator, new))[0] == 200
    assert (nobody[0], "no rack has the id south" in nobody[1]) == (404, True)
    assert unknown[0] == 400
    assert set(described["/api/v1/racks/{id}/token"]) == {"get", "post"}


async def test_the_start_page_has_its_card_and_an_example_without_the_token(
    simulator: Simulator,
) -> None:
    console, token = simulator.ready["control"], entry(simulator)["token"]

    _, page = await ask("GET", f"{console}/")
    commands = re.findall(r'aria-label="command: ([^"]*)">(.*?)</code>', page, re.DOTALL)
    command = shlex.split(unescape(dict(commands)["List postcards"]))
    _, configuration = await ask("GET", f"{console}/curl/postcards/north")

    assert "https://postcards.apple.com" in page
    assert "Rack north" in page
    assert token not in page
    assert f"{console}/curl/postcards/north" in command
    assert f"{simulator.ready['tls'][0]}/postcards" in command
    assert configuration == f'header = "Authorization: Bearer {token}"\n'


async def test_its_host_is_signed_for(simulator: Simulator) -> None:
    context = ssl.create_default_context(cafile=simulator.ready["ca"])
    port = int(simulator.ready["tls"][0].rpartition(":")[2])

    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(connector=connector) as session:
        url = f"https://127.0.0.1:{port}/postcards"
        headers = {"Authorization": f"Bearer {entry(simulator)['token']}"}
        async with session.get(url, server_hostname="postcards.apple.com", headers=headers) as got:
            assert got.status == 200


async def test_the_proxy_tunnels_to_its_host_and_the_report_names_its_concept(
    simulator: Simulator,
) -> None:
    context = ssl.create_default_context(cafile=simulator.ready["ca"])
    sent = await ask(
        "POST",
        "https://postcards.apple.com/postcards",
        proxy=simulator.ready["proxy"],
        ssl=context,
        headers={"Authorization": f"Bearer {entry(simulator)['token']}"},
        json={"message": "Greetings"},
    )

    report = await ask("GET", f"{simulator.ready['control']}/api/v1/report?format=text")

    assert sent == (200, "{}")
    assert "essage on a postcard" in report[1]
    assert "postcards.send" in report[1]


async def test_mdmsim_ctl_has_a_command_for_each_call_of_its_resource(
    simulator: Simulator, package: ModuleType
) -> None:
    groups = await asyncio.to_thread(lambda: forwarding.groups(services.provisionings(package)))
    racks = groups["racks"]
    url = ("--url", simulator.ready["control"])

    async def run(*arguments: str) -> Any:
        result = await asyncio.to_thread(CliRunner().invoke, racks, [*arguments, *url])
        assert result.exit_code == 0, result.output
        return json.loads(result.output)

    assert set(racks.commands) == {"list", "add", "get-token", "token"}
    assert await run("add", "--id", "south") == {"id": "south"}
    assert await run("list") == {"racks": [{"id": "north"}, {"id": "south"}]}
    old = await run("get-token", "south")
    new = await run("token", "south")
    assert (old != new, await run("get-token", "south")) == (True, new)


def test_mdmsim_token_prints_what_the_world_says(package: ModuleType, tmp_path: Path) -> None:
    group = tokens.group(services.provisionings(package))
    world, data = str(tmp_path / "cards.toml"), str(tmp_path / "stopped")
    arguments = ["postcards", "--data", data, "--world", world]

    first = CliRunner().invoke(group, arguments)
    second = CliRunner().invoke(group, [*arguments, "--rack", "north"])
    other = CliRunner().invoke(group, [*arguments, "--rack", "south"])

    assert re.fullmatch(r"[0-9a-f]{32}\n", first.output)
    assert second.output == first.output
    assert isinstance(other.exception, ConfigurationError)
    assert "no racks are meant" in str(other.exception)


def test_its_keys_are_read_from_worlds_that_are_checked(package: ModuleType) -> None:
    known = services.provisionings(package)
    world = parse_world(WORLD, "cards.toml", known)

    assert world.organisations[0].parts["postcards"] == ["north"]
    with pytest.raises(ConfigurationError, match=r"\[\[organisation.rack\]\] 1: id must be up"):
        parse_world(WORLD.replace('"north"', '"a b"'), "cards.toml", known)
    with pytest.raises(ConfigurationError, match="rack is not known here"):
        parse_world(WORLD, "cards.toml")
