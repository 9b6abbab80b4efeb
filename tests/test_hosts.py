"""Hosts: each that is claimed is served, and one of Apple's that is not says so."""

import pytest

from simulator import services
from tests.apple import AGENT, Apple, request

CATALOGUE = services.load()
HOSTS = services.hosts(CATALOGUE)
ELSE = "deviceenrollment.apple.com"


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_that_is_claimed_has_a_service_that_answers(host: str) -> None:
    apple = Apple()
    named = {name for name, one in CATALOGUE.services.items() if host in one.hosts}

    answer = apple.send(request("GET", "/no/such/path", [("Host", host), ("User-Agent", AGENT)]))

    assert {answer.exchange.service} == named
    assert any(one.service in named for one in CATALOGUE.operations.values())
    assert not {"host-unknown", "host-not-simulated"} & set(answer.rules)


@pytest.mark.parametrize(
    ("method", "target", "host", "status", "rule"),
    [
        pytest.param("GET", "/x", ELSE, 404, "host-not-simulated", id="asked"),
        pytest.param("GET", "/x", f"{ELSE.upper()}:443", 404, "host-not-simulated", id="capitals"),
        pytest.param("CONNECT", f"{ELSE}:443", "", 403, "host-not-simulated", id="tunnel"),
        pytest.param("CONNECT", f"{HOSTS[0]}:80", "", 403, "host-unknown", id="port"),
        pytest.param("CONNECT", "apple.com.example:443", "", 403, "host-unknown", id="not-apples"),
        pytest.param("GET", "/x", "localhost", 404, "path-unknown", id="path"),
    ],
)
def test_a_host_that_is_not_simulated_says_so(
    method: str, target: str, host: str, status: int, rule: str
) -> None:
    answer = Apple().send(request(method, target, [("Host", host)]))

    assert (answer.status, answer.rules) == (status, [rule])
    assert ("does not simulate this host" in answer.text) == (rule == "host-not-simulated")
