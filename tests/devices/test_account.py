"""Account-driven enrolment: discovery, sign-in, and a device that tells nothing of itself."""

import base64
import json
import plistlib
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web

from simulator.devices.declarative import status
from simulator.devices.enrolment.subjects import subject
from simulator.pki import cms
from tests.auth.test_access_token import certificate, token
from tests.devices.conftest import Bench
from tests.devices.mdm import PROFILE
from tests.devices.test_flows import enrolled

ACCOUNT = "anna@school.example"
LOGIN = "apple-remotemanagement-user-login:"
Answer = Callable[[web.Request], web.StreamResponse]


class School:
    """What the MDM server answers to a device whose user signs in."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.version = "mdm-byod"
        self.method = "apple-as-web"
        self.kind = "application/json"
        bench.mdm.enrol = self
        bench.mdm.mdm |= {
            "EnrollmentMode": "BYOD",
            "AssignedManagedAppleID": ACCOUNT,
            "AccessRights": None,
        }

    def __call__(self, request: web.Request) -> web.StreamResponse:
        url = self.bench.mdm.url
        match request.path:
            case "/.well-known/com.apple.remotemanagement":
                servers = [{"Version": self.version, "BaseURL": f"{url}/enrol"}]
                body = json.dumps({"Servers": servers})
                return web.Response(text=body, content_type=self.kind)
            case "/page/login":
                where = f"{LOGIN}//authentication-results?access-token=secret"
                return web.Response(status=308, headers={"Location": where})
            case "/page/authorize":
                where = f"{LOGIN}/oauth2/redirection?code=c&state={request.query['state']}"
                return web.Response(status=303, headers={"Location": where})
            case "/page/token":
                return web.json_response({"access_token": "secret", "token_type": "Bearer"})
            case _:
                pass
        if request.headers.get("Authorization") == "Bearer secret":
            return web.Response(body=self.bench.mdm.profile(), content_type=PROFILE)
        challenge = f'Bearer method="{self.method}", url="{url}/page/login", client-id="id"'
        challenge += f', authorization-url="{url}/page/authorize", token-url="{url}/page/token"'
        return web.Response(status=401, headers={"WWW-Authenticate": challenge})

    async def sign_in(self, account: str = ACCOUNT) -> Any:
        """Let the user of a new device sign in."""
        origins = {"https://school.example": self.bench.mdm.url}
        body = {"count": 1, "families": ["iPhone"], "options": {"origins": origins}}
        answer = await self.bench.call("POST", "/simulated-devices", body)
        serial = answer["simulated_devices"][0]["serial_number"]
        return await self.bench.act(serial, "enrol", account=account)


@pytest.fixture
def school(bench: Bench) -> School:
    return School(bench)


@pytest.mark.parametrize("method", ["apple-as-web", "apple-oauth2"])
async def test_a_user_signs_in_and_the_device_enrols(school: School, method: str) -> None:
    school.method = method

    device = await school.sign_in()

    assert (device["state"], device["trouble"]) == ("enrolled", None)
    mdm = school.bench.mdm
    path = next(path for _, path, *_ in mdm.requests if "well-known" in path)
    assert parse_qs(urlsplit(path).query) == {
        "user-identifier": [ACCOUNT],
        "model-family": ["iPhone"],
    }
    assert all(one[2]["authorization"] == "Bearer secret" for one in mdm.requests[-3:])


async def test_a_user_enrolment_tells_neither_serial_number_nor_udid(school: School) -> None:
    device = await school.sign_in()

    mdm = school.bench.mdm
    posted = next(body for method, _, _, body in mdm.requests if method == "POST")
    info = plistlib.loads(cms.read_signed(posted).content or b"")
    assert not {"UDID", "SERIAL", "IMEI", "MEID"} & info.keys()
    signatures = [
        base64.b64decode(headers["mdm-signature"])
        for _, _, headers, _ in mdm.requests
        if "mdm-signature" in headers
    ]
    told = b"".join(
        path.encode() + str(headers).encode() + body for _, path, headers, body in mdm.requests
    ) + b"".join(signatures)
    assert signatures
    assert device["serial_number"].encode() not in told
    assert device["udid"].encode() not in told
    assert {"EnrollmentID", "Topic"} <= mdm.check_ins[0].keys()


def test_nothing_that_is_filled_in_for_the_user_tells_which_device_it_is() -> None:
    device = enrolled("Mac")
    device.anonymous = True

    given = [[["CN", "%SerialNumber%"]], [["O", "%HardwareUUID%"]]]
    name = subject(given, device).rfc4514_string()
    default = subject(None, device).rfc4514_string()
    reported = status.items(device)

    assert not any(one in name + default for one in (device.serial, device.udid))
    assert not [one for one in reported if one.startswith("device.identifier.")]
    device.anonymous = False
    assert subject(None, device).rfc4514_string() == f"CN={device.serial}"
    assert status.items(device)["device.identifier.udid"] == device.udid


async def test_a_managed_account_asks_for_its_token(school: School) -> None:
    school.bench.mdm.mdm["ServerCapabilities"] = ["com.apple.mdm.token"]

    await school.sign_in()

    asked = school.bench.mdm.check_ins[-1]
    assert (asked["MessageType"], asked["TokenServiceType"]) == ("GetToken", "com.apple.maid")


async def managed(bench: Bench, **changes: Any) -> tuple[Any, str]:
    """Return an enrolled device whose MDM answers GetToken, and an account of its organisation."""
    await bench.call("PUT", "/clock", {"mode": "frozen", "now": "2026-03-01T12:00:00Z"})
    (organisation,) = (await bench.call("GET", "/organisations"))["organisations"]
    server = bench.simulator.ready["organisations"][0]["dep_servers"][0]["id"]
    url = f"{bench.simulator.ready['control']}/api/v1/dep-servers/{server}/token"
    async with bench.http.post(url, data=certificate().encode()) as answer:
        assert answer.status == 200
    listed = (await bench.call("GET", "/dep-servers"))["dep_servers"]
    uuid = next(one["uuid"] for one in listed if one["id"] == server)
    bench.mdm.token = token(**{"iss": uuid} | changes).encode()
    bench.mdm.mdm["ServerCapabilities"] = ["com.apple.mdm.token"]
    domain = organisation["org_email"].rpartition("@")[2]
    return await bench.device(), f"anna@{domain}"


async def test_apple_takes_the_token_of_the_mdm_from_the_device(bench: Bench) -> None:
    device, account = await managed(bench)

    shown = await bench.act(device["serial_number"], "sign-in", account=account)

    assert shown["managed_account"] == {"account": account, "token": True, "problem": ""}
    asked = await bench.call("GET", "/exchanges?service=accounts")
    assert [(one["host"], one["status"]) for one in asked["exchanges"]] == [("gsa.apple.com", 200)]


async def test_apple_says_why_it_refuses_the_token(bench: Bench) -> None:
    device, account = await managed(bench, service_type="com.apple.watch.pairing")

    shown = await bench.act(device["serial_number"], "sign-in", account=account)

    assert shown["managed_account"]["problem"].startswith("WRONG_SERVICE_TYPE: ")
    assert shown["life"][-1]["what"] == "account refused"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "wrongly: the body is no property list"),
        ("a text", "wrongly: TokenData is a string"),
    ],
)
async def test_an_mdm_that_answers_no_token_is_found_out(
    bench: Bench, data: Any, said: str
) -> None:
    device, account = await managed(bench)
    bench.mdm.token = data

    shown = await bench.act(device["serial_number"], "sign-in", account=account)

    findings = [one["about"] for one in shown["life"] if one["what"] == "finding"]
    assert any(one.startswith(f"GetToken was answered {said}") for one in findings), findings
    assert not shown["managed_account"]["token"]


async def test_a_device_without_a_capable_mdm_signs_in_without_a_token(bench: Bench) -> None:
    device, account = await managed(bench)
    await bench.act(device["serial_number"], "erase")

    shown = await bench.act(device["serial_number"], "sign-in", account=account)
    status, _ = await bench.ask("POST", f"/simulated-devices/{device['serial_number']}/sign-in", {})

    assert shown["managed_account"] == {"account": account, "token": False, "problem": ""}
    assert "GetToken" not in bench.mdm.kinds
    assert status == 400


async def test_apple_is_asked_where_the_domain_says_nothing(school: School) -> None:
    school.kind = "text/plain"

    device = await school.sign_in()

    asked = await school.bench.call("GET", "/exchanges?service=discovery")
    assert [one["host"] for one in asked["exchanges"]] == ["axm-servicediscovery.apple.com"]
    assert "not application/json" in device["trouble"]


def _adde(school: School) -> None:
    school.version = "mdm-adde"


def _version(school: School) -> None:
    school.version = "mdm-1"


def _rights(school: School) -> None:
    school.bench.mdm.mdm["AccessRights"] = 1


def _no_account(school: School) -> None:
    school.bench.mdm.mdm["AssignedManagedAppleID"] = None


def _method(school: School) -> None:
    school.method = "basic"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_adde, "EnrollmentMode is not ADDE"),
        (_version, "its Version is not one of"),
        (_rights, "AccessRights has no place"),
        (_no_account, "AssignedManagedAppleID is missing"),
        (_method, "“basic” is not known"),
    ],
)
async def test_what_keeps_it_from_enrolling(
    school: School, change: Callable[[School], None], said: str
) -> None:
    change(school)

    device = await school.sign_in()

    assert (device["state"], said in device["trouble"]) == ("activated", True), device["trouble"]


async def test_an_account_without_a_domain(school: School) -> None:
    device = await school.sign_in("anna")

    assert "it has no domain" in device["trouble"]
