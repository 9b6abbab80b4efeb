"""What keeps a device from enrolling: it says so, as a device would, and stays as it was."""

import plistlib
import ssl
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from tests.devices.conftest import Bench
from tests.devices.mdm import PROFILE, Mdm, identity_payload, profile, serving

Change = Callable[[Mdm], None]


def answer(body: bytes, status: int = 200, content_type: str = PROFILE) -> Change:
    """Return what has the server answer the request for a profile so."""

    def change(mdm: Mdm) -> None:
        mdm.enrol = lambda _: web.Response(body=body, status=status, content_type=content_type)

    return change


def mdm_payload(**values: Any) -> Change:
    """Return what changes the MDM payload."""
    return lambda mdm: mdm.mdm.update(values)


def failing(kind: str, status: int) -> Change:
    """Return what has a check-in fail."""
    return lambda mdm: mdm.status[kind].append(status)


TWO = {"PayloadType": "com.apple.mdm", "PayloadUUID": "second", "PayloadIdentifier": "second"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(answer(b"hello"), "no property list: it begins with b'hello'", id="no-plist"),
        pytest.param(answer(b"<plist><array/></plist>"), "but is an array", id="array"),
        pytest.param(
            answer(b"\x30\x82\x01\x00"), "The profile's signature cannot be read", id="cms"
        ),
        pytest.param(answer(profile("com.example.x")), "has no MDM payload", id="no-mdm"),
        pytest.param(lambda mdm: mdm.payloads.append(TWO), "more than one MDM", id="two-mdm"),
        pytest.param(mdm_payload(Topic=""), "The required field “Topic” is missing", id="topic"),
        pytest.param(mdm_payload(Topic="com.example"), "The field “Topic” is invalid", id="prefix"),
        pytest.param(mdm_payload(ServerURL=None), "“ServerURL” is missing", id="server"),
        pytest.param(mdm_payload(ServerURL="ftp://x"), "“ServerURL” is invalid", id="scheme"),
        pytest.param(
            mdm_payload(IdentityCertificateUUID="other"), "is not in the profile", id="identity"
        ),
        pytest.param(
            mdm_payload(CheckInURL="http://127.0.0.1:9/"), "cannot be reached", id="unreachable"
        ),
        pytest.param(answer(b"no", 401, "text/plain"), "status 401", id="401"),
        pytest.param(
            answer(b'{"code": "com.apple.unrecognized.device"}', 403, "application/json"),
            "status 403, com.apple.unrecognized.device",
            id="unrecognised",
        ),
        pytest.param(answer(b"<html>", 200, "text/html"), "waits for a person", id="page"),
        pytest.param(failing("Authenticate", 401), "refused Authenticate", id="authenticate-401"),
        pytest.param(failing("Authenticate", 500), "Authenticate: status 500", id="authenticate"),
        pytest.param(failing("TokenUpdate", 400), "TokenUpdate: status 400", id="token-update"),
    ],
)
async def test_the_device_says_why_it_did_not_enrol(
    bench: Bench, change: Change, said: str
) -> None:
    change(bench.mdm)

    device = await bench.device()

    assert said in device["trouble"]
    assert (device["state"], device["profiles"]) == ("activated", [])
    assert device["life"][-1]["what"] == "failed"


async def test_a_wrong_password_of_the_identity(bench: Bench) -> None:
    payload = identity_payload(Password="wrong", PayloadUUID="second")
    bench.mdm.payloads.append(payload)

    device = await bench.device()

    assert "its password is wrong" in device["trouble"]


async def test_a_server_without_tls_where_the_url_says_https(bench: Bench) -> None:
    bench.mdm.url = bench.mdm.url.replace("http:", "https:")

    device = await bench.device()

    assert "cannot be reached ([SSL" in device["trouble"]
    assert "object at 0x" not in device["trouble"]


async def test_an_acme_payload_that_lacks_a_key_is_said(bench: Bench) -> None:
    acme = {"PayloadType": "com.apple.security.acme", "PayloadIdentifier": "a", "KeyType": "RSA"}
    bench.mdm.payloads.append(acme | {"PayloadUUID": "acme", "PayloadVersion": 1, "KeySize": 2048})
    bench.mdm.mdm["IdentityCertificateUUID"] = "acme"

    device = await bench.device()

    assert "“ClientIdentifier” is missing" in device["trouble"]


async def test_a_redirect_loop_ends(bench: Bench) -> None:
    def circle(request: web.Request) -> web.Response:
        raise web.HTTPFound(request.path)

    bench.mdm.enrol = circle

    device = await bench.device(options={"ade_method": "get"})

    assert "redirects without end" in device["trouble"]


async def test_a_plist_bomb_is_no_property_list(bench: Bench) -> None:
    lines = "".join(f'<!ENTITY a{n} "&a{n - 1};&a{n - 1};">' for n in range(1, 40))
    bomb = f'<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY a0 "lol">{lines}]><plist>&a39;</plist>'
    answer(bomb.encode())(bench.mdm)

    device = await bench.device()

    assert "is no property list: it declares entities" in device["trouble"]


async def test_after_the_trouble_is_mended_the_device_enrols(bench: Bench) -> None:
    bench.mdm.mdm["Topic"] = ""
    device = await bench.device()
    assert device["trouble"]
    bench.mdm.mdm.clear()

    device = await bench.act(device["serial_number"], "power-on")

    assert (device["state"], device["trouble"]) == ("enrolled", None)


async def test_an_update_that_the_server_asks_for_is_made_once(bench: Bench) -> None:
    demand = {
        "code": "com.apple.softwareupdate.required",
        "details": {"OSVersion": "27.2", "BuildVersion": "24C1"},
    }

    def first_update(_: web.Request) -> web.Response:
        bench.mdm.enrol = None
        return web.json_response(demand, status=403)

    bench.mdm.enrol = first_update

    device = await bench.device()

    assert (device["state"], device["os_version"]) == ("enrolled", "27.2")
    assert bench.mdm.check_ins[0]["BuildVersion"] == "24C1"


async def test_a_server_that_always_asks_for_an_update_is_given_up(bench: Bench) -> None:
    demand = plistlib.dumps(
        {"code": "com.apple.softwareupdate.required", "details": {"OSVersion": "27.2"}}
    )
    answer(demand, 403, "application/xml")(bench.mdm)

    device = await bench.device()

    assert "status 403, com.apple.softwareupdate.required" in device["trouble"]
    assert len(bench.mdm.requests) == 2


async def test_an_untrusted_certificate(
    bench: Bench, server_tls: tuple[ssl.SSLContext, str]
) -> None:
    async with serving(Mdm(bench.mdm.topic), ssl_context=server_tls[0]) as mdm:
        bench.mdm = mdm
        device = await bench.device()

    assert "is not trusted" in device["trouble"]
