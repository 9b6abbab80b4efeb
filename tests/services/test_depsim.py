"""``--dialect depsim`` is a drop-in for Apple's old simulators: what clients ask of them works.

The scenarios are those of commandment's tests (dep and vpp) and of micromdm's -depsim, as ours.
"""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from simulator.worlds.depsim import CONSTANT_TOKEN, with_constant_token
from simulator.worlds.seeding import seed_world
from simulator.worlds.world import load_world, parse_world
from tests.apple import AGENT, Answer, Apple, request
from tests.vpp import APP, Vpp
from tests.worlds.test_seeding import TWO

HOST = "127.0.0.1:8080"


def ask(apple: Apple, method: str, target: str, body: Any = None, **headers: str) -> Answer:
    sent = [("Host", HOST), ("User-Agent", AGENT), *headers.items()]
    content = b"" if body is None else json.dumps(body).encode()
    if content:
        sent.append(("Content-Type", "application/json;charset=UTF8"))
    return apple.send(request(method, target, sent, content, scheme="http"))


def test_the_token_is_told_and_logs_in() -> None:
    apple = Apple(dialect="depsim")

    told = ask(apple, "GET", "/token")
    session = apple.log_in(apple.oauth_of(told.json))

    assert set(told.json) == {*CONSTANT_TOKEN, "access_token_expiry"}
    assert (told.status, session.status) == (200, 200)
    assert told.json["consumer_secret"] not in str(told.exchange.response)


def test_the_constant_token_is_that_of_the_first_server() -> None:
    apple = Apple(dialect="depsim")
    world = with_constant_token(parse_world(TWO.replace('"acme"', '"two"'), "two.toml"))

    def load(state: Any) -> None:
        seed_world(state, world, seed=1, generate_secret=lambda n: "ab" * n, now_ms=apple.now_ms)

    apple.run(load)

    answer = apple.log_in(apple.oauth_of(CONSTANT_TOKEN))
    assert (answer.status, answer.exchange.client) == (200, "dep:main")


def test_a_world_that_gives_a_token_keeps_it() -> None:
    given = parse_world(
        TWO.replace(
            '{ id = "main", name = "Main" }',
            '{ id = "main", name = "Main", token = { consumer_key = "a", consumer_secret = "b", '
            'access_token = "c", access_secret = "d" } }',
        ),
        "two.toml",
    )
    demo = with_constant_token(load_world("demo"))

    assert with_constant_token(given) is given
    assert demo.organisations[0].dep_servers[0].token == CONSTANT_TOKEN
    assert with_constant_token(demo) is demo


def test_v1_is_at_the_root_and_its_urls_lead_there() -> None:
    vpp = Vpp(dialect="depsim")
    token = ask(vpp, "GET", "/internal/get_stoken").json["sToken"]

    config = ask(vpp, "GET", "/VPPServiceConfigSrv").json
    urls = {name: value for name, value in config.items() if name.endswith("SrvUrl")}

    assert token == vpp.place("branch").stoken
    assert config["status"] == 0
    assert urls["clientConfigSrvUrl"] == f"http://{HOST}/VPPClientConfigSrv"
    assert len(urls) == 12
    gone = {"associateLicenseSrvUrl", "disassociateLicenseSrvUrl"}
    for name in urls.keys() - gone:
        body = {"sToken": token, "adamIdStr": APP, "clientUserIdStr": "u-1", "email": "a@b.example"}
        answer = ask(vpp, "POST", urlsplit(urls[name]).path, body)
        assert answer.exchange.operation.startswith("vpp1."), name
        assert answer.exchange.client == "vpp:branch", name


@pytest.mark.parametrize(
    ("method", "target", "status", "code"),
    [
        pytest.param("GET", "/token", 404, "NOT_FOUND", id="token"),
        pytest.param("GET", "/internal/get_stoken", 200, "9604", id="content-token"),
        pytest.param("GET", "/VPPServiceConfigSrv", 200, "9604", id="v1-config"),
        pytest.param("POST", "/getVPPUsersSrv", 200, "9604", id="v1-users"),
    ],
)
def test_apples_services_have_none_of_it(method: str, target: str, status: int, code: str) -> None:
    vpp = Vpp()

    answer = ask(vpp, method, target, {"sToken": vpp.stoken} if method == "POST" else None)

    assert (answer.status, answer.exchange.error) == (status, code)
    assert vpp.stoken not in answer.text
