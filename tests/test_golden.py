"""The golden fixtures: each is asked again, and the same file has to come of it.

A fixture is what the console's "Keep it as a golden fixture" gives. A new one is
recorded in the world ``demo`` with the clock at its ``at``, and put into
``fixtures/<service>/<operation>/``.
"""

import json
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator.control.api.golden import TRANSPORT, fixture
from simulator.core.messages import Exchange, Peer, Request, Response
from simulator.testing.client import Mdmsim
from simulator.testing.serving import serving
from tests.console.conftest import SETTINGS

FOLDER = Path(__file__).parents[1] / "fixtures"
FILES = sorted(one for name in ("apns", "dep", "vpp") for one in (FOLDER / name).glob("*/*.json"))


@pytest.fixture(scope="module")
def demo() -> Iterator[Mdmsim]:
    with serving(**SETTINGS) as running:
        yield running


def secrets(demo: Mdmsim) -> dict[str, str]:
    """Log in, and return what stands in a fixture by its name only."""
    command = httpx.get(f"{demo.ready['control']}/curl/dep/main").text
    header = command.removeprefix('header = "').removesuffix('"\n').replace('\\"', '"')
    answer = httpx.get(
        f"{demo.https}/session",
        headers={"Authorization": header.partition(": ")[2]},
        verify=ssl.create_default_context(cafile=demo.ca),
    )
    location = demo.ready["organisations"][0]["vpp_locations"][0]
    return {
        "DEP_SESSION_TOKEN": answer.json()["auth_session_token"],
        "VPP_CONTENT_TOKEN": location["stoken"],
        "PUSH_TOKEN": "ab" * 32,
        "PUSH_MAGIC": "7E2C1A9B-55D1-4A60-8F0E-7B6C1D2E3F40",
    }


def ask(demo: Mdmsim, golden: dict[str, Any], known: dict[str, str]) -> None:
    """Send the request of a fixture, with its headers and no others but those of the transport."""
    text, topic = json.dumps(golden["request"]), demo.push_topic
    for name, secret in known.items():
        text = text.replace(name, secret)
    asked = json.loads(text)
    tls = ssl.create_default_context(cafile=demo.ca)
    tls.load_cert_chain(topic["certificate"], topic["key"])
    body = json.dumps(asked["json"]) if "json" in asked else asked.get("text", "")
    with httpx.Client(verify=tls, http2=True) as client:
        request = client.build_request(asked["method"], demo.https + asked["target"], content=body)
        own = [(name, value) for name, value in request.headers.items() if name in TRANSPORT]
        request.headers = httpx.Headers([*own, *map(tuple, asked["headers"])])
        # A client of APNs may hear of the end of the connection before its answer.
        with suppress(httpx.RemoteProtocolError):
            client.send(request)


@pytest.mark.parametrize(
    "file", FILES, ids=lambda file: file.relative_to(FOLDER).with_suffix("").as_posix()
)
def test_a_golden_fixture_comes_out_the_same(demo: Mdmsim, file: Path) -> None:
    expected = json.loads(file.read_text("utf-8"))
    demo.reset()
    if expected["operation"] != "apns.push":  # its certificates are as old as this run
        demo.freeze(expected["at"])
    known = secrets(demo)
    demo.begin()

    ask(demo, expected, known)

    [exchange] = demo.exchanges()
    found = demo.golden(exchange["seq"])
    of_the_run = {"source": "", "at": ""}
    assert found | of_the_run == expected | of_the_run
    assert expected["source"].startswith("recorded by mdmsim ")


def test_there_are_fixtures_of_every_service() -> None:
    assert {file.parts[-3] for file in FILES} == {"apns", "dep", "vpp"}


def test_bytes_that_are_no_text_are_kept_as_they_are() -> None:
    peer = Peer("127.0.0.1", 1, 1)
    request = Request("POST", "/", (("Host", "x"), ("A", "b")), b"\xff\x00", "http", peer)

    made = fixture(Exchange(0, request, response=Response(404, body=b'{"a":1,"a":2}')))

    assert made["about"] == "no known operation, answered 404"
    assert made["request"]["headers"] == [["A", "b"]]
    assert made["request"]["base64"] == "/wA="
    assert made["response"]["text"] == '{"a":1,"a":2}'
