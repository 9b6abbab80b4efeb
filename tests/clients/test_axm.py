"""Clients of the School and Business API, unmodified, by the proxy for their built-in hosts."""

import csv
import json
import ssl
import sys
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from tests.axm import ASSERTION, AUDIENCE, sign
from tests.clients.harness import Simulator, environment, run
from tests.clients.nanoaxm import Nanoaxm, nanoaxm
from tests.services.axm.test_servers import RSA_KEY, certificate

pytestmark = pytest.mark.clients
PROGRAMS = Path(__file__).parent / "programs"
WAIT_S = 20


def now() -> datetime:
    """Return the time, as clients have no other clock."""
    return datetime.now(UTC)  # noqa: TID251 (a client has its own clock)


def account(simulator: Simulator) -> dict[str, str]:
    """Return the API account of the demo world."""
    found: dict[str, str] = simulator.ready["organisations"][0]["axm_accounts"][0]
    return found


def test_pyaxm_lists_assigns_migrates_releases_and_reads_the_trail(
    simulator: Simulator, tmp_path: Path
) -> None:
    api, serials = account(simulator), simulator.serials()
    deadline = (now() + timedelta(days=30)).isoformat(timespec="seconds")
    env = environment() | {
        "HTTPS_PROXY": simulator.ready["proxy"],
        "REQUESTS_CA_BUNDLE": simulator.ca,
    }
    program = str(PROGRAMS / "pyaxm_round.py")
    credentials = (api["client_id"], api["key_id"], api["key"], str(tmp_path / "token.json"))
    ended = run([sys.executable, program, *credentials, deadline], env=env, cwd=tmp_path)

    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["devices"] == sorted(serials) == found["assigned"]
    assert found["server"] == "Example MDM"
    assert found["server_of_first"] is True
    assert "Limited Warranty" in found["coverage"]
    assert found["activities"] == ["COMPLETED_WITH_SUCCESS"] * 3
    assert (found["migration"], found["second"]) == ("REQUESTED", "UNASSIGNED")
    assert found["left"] == len(serials) - 1
    assert len(found["users"]) == 40
    assert found["events"][-4:] == [
        "DEVICE_UNASSIGNED_FROM_SERVER",
        "DEVICE_UNASSIGNED_FROM_SERVER",
        "DEVICE_ASSIGNED_TO_SERVER",
        "DEVICE_REMOVED_FROM_ORG",
    ]
    told = simulator.judged("axm.activities.create")
    assert set(told) >= {"device.serial", "server.uuid", "axm.access_token", "net.user_agent"}


@pytest.fixture
def nano(simulator: Simulator, tmp_path: Path) -> Iterator[Nanoaxm]:
    home = tmp_path / "nanoaxm"
    home.mkdir()
    with nanoaxm(home, simulator) as running:
        yield running


def test_nanoaxm_reaches_every_resource_with_apples_key_file(
    simulator: Simulator, nano: Nanoaxm
) -> None:
    answer = nano.configure(account(simulator))
    assert answer.status == 200, answer.text

    for path in (
        "/orgDevices?limit=5&fields%5BorgDevices%5D=serialNumber",
        "/mdmServers",
        "/users",
        "/userGroups",
        "/organizationalUnits",
        "/apps",
        "/packages",
        "/configurations",
        "/blueprints",
        "/mdmDevices",
    ):
        status, document = nano.api("GET", path)
        assert status == 200, document
        assert document["links"]["self"].startswith("https://api-business.apple.com/v1/")
    assert nano.api("GET", "/nothing")[0] == 404
    tokens = simulator.exchanges(operation="axm.token")
    assert len(tokens) == 1


def test_nanoaxm_assigns_by_an_activity(simulator: Simulator, nano: Nanoaxm) -> None:
    nano.configure(account(simulator))
    serial = simulator.serials()[0]
    devices = {"data": [{"type": "orgDevices", "id": serial}]}
    body = {
        "data": {
            "type": "orgDeviceActivities",
            "attributes": {"activityType": "UNASSIGN_DEVICES"},
            "relationships": {"devices": devices},
        }
    }
    status, made = nano.api("POST", "/orgDeviceActivities", json.dumps(body).encode())

    assert status == 201
    path = f"/orgDeviceActivities/{made['data']['id']}"
    shown = until_done(lambda: nano.api("GET", path)[1]["data"]["attributes"])
    assert shown["subStatus"] == "COMPLETED_WITH_SUCCESS"
    assert nano.api("GET", f"/orgDevices/{serial}/assignedServer")[0] == 404


def until_done(look: Any) -> Any:
    """Return what *look* gives once it is no longer IN_PROGRESS."""
    deadline, pause = time.monotonic() + WAIT_S, Event()
    while (shown := look())["status"] == "IN_PROGRESS":
        assert time.monotonic() < deadline, shown
        pause.wait(0.2)
    return shown


class Terraform:
    """What a Terraform provider does with the API: one server, read back, changed, destroyed."""

    def __init__(self, simulator: Simulator) -> None:
        api, at = account(simulator), int(now().timestamp())
        claims = {
            "iss": api["client_id"],
            "sub": api["client_id"],
            "aud": [AUDIENCE],
            "iat": at,
            "exp": at + 15_552_000,
            "jti": "tf",
        }
        header = {"alg": "ES256", "kid": api["key_id"], "typ": "JWT"}
        assertion = sign(Path(api["key"]).read_text("ascii"), header, claims)
        trust = ssl.create_default_context(cafile=simulator.ca)
        self.http = httpx.Client(
            proxy=simulator.ready["proxy"], verify=trust, headers={"Accept": "application/json"}
        )
        form = {
            "grant_type": "client_credentials",
            "client_id": api["client_id"],
            "client_assertion_type": ASSERTION,
            "client_assertion": assertion,
            "scope": "business.api",
        }
        answer = self.http.post(
            "https://account.apple.com/auth/oauth2/token",
            content=urlencode(form),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert answer.status_code == 200, answer.text
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        url = f"https://api-business.apple.com/v1{path}"
        return self.http.request(method, url, json=body)

    def change(self, path: str, server: str, **attributes: Any) -> httpx.Response:
        data = {"type": "mdmServers", "id": server, "attributes": attributes}
        return self.call("PATCH", path, {"data": data})

    def activity(self, kind: str, server: str, *serials: str) -> str:
        """Create an activity and poll it; return how it ended."""
        return str(self.ended(kind, server, *serials)["subStatus"])

    def ended(self, kind: str, server: str, *serials: str) -> Any:
        devices = [{"type": "orgDevices", "id": serial} for serial in serials]
        data = {
            "type": "orgDeviceActivities",
            "attributes": {"activityType": kind},
            "relationships": {
                "devices": {"data": devices},
                "mdmServer": {"data": {"type": "mdmServers", "id": server}},
            },
        }
        made = self.call("POST", "/orgDeviceActivities", {"data": data}).json()["data"]["id"]
        path = f"/orgDeviceActivities/{made}"
        return until_done(lambda: self.call("GET", path).json()["data"]["attributes"])

    def pages(self, path: str, limit: int) -> list[Any]:
        """Page by nextCursor, resending its own query."""
        found: list[Any] = []
        cursor: str | None = ""
        while cursor is not None:
            query = f"?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
            document = self.call("GET", path + query).json()
            found += document["data"]
            cursor = document["meta"]["paging"].get("nextCursor")
        return found


def test_a_terraform_provider_creates_moves_and_destroys(simulator: Simulator) -> None:
    tf = Terraform(simulator)
    with closing(tf.http):
        devices = [one["id"] for one in tf.pages("/orgDevices", 7)]
        assert devices == sorted(simulator.serials())
        attributes = {
            "serverName": "Terraform MDM",
            "serverCertificate": {"name": "mdm.pem", "data": certificate(RSA_KEY)},
        }
        data = {"type": "mdmServers", "attributes": attributes}
        created = tf.call("POST", "/mdmServers", {"data": data})
        assert created.status_code == 201, created.text
        server = created.json()["data"]["id"]
        path = f"/mdmServers/{server}"
        assert tf.change(path, server, defaultProductFamilies=["IPHONE"]).status_code == 200
        assert tf.activity("ASSIGN_DEVICES", server, *devices[:2]) == "COMPLETED_WITH_SUCCESS"
        linked = tf.pages(f"{path}/relationships/devices", 1)
        assert {one["id"] for one in linked} == set(devices[:2])
        assert simulator.device(devices[0])["state"]["server"] == server
        pem = b64decode(certificate(RSA_KEY, Encoding.PEM))
        assert b"smime" in simulator.control("POST", f"/dep-servers/{server}/token", pem)

        assert tf.change(path, server, defaultProductFamilies=[]).status_code == 200
        assert tf.call("DELETE", path).status_code == 400
        assert tf.activity("UNASSIGN_DEVICES", server, *devices[:2]) == "COMPLETED_WITH_SUCCESS"
        assert tf.call("DELETE", path).status_code == 204
        assert tf.call("GET", path).json()["errors"][0]["code"] == "NOT_FOUND"


def test_the_log_of_an_activity_is_read_as_a_provider_reads_it(simulator: Simulator) -> None:
    tf = Terraform(simulator)
    with closing(tf.http):
        serial = simulator.serials()[0]
        server = tf.call("GET", "/mdmServers").json()["data"][0]["id"]
        shown = tf.ended("ASSIGN_DEVICES", server, serial)
        assert shown["subStatus"] == "COMPLETED_WITH_ERROR"
        text = httpx.get(
            shown["downloadUrl"],
            proxy=simulator.ready["proxy"],
            verify=ssl.create_default_context(cafile=simulator.ca),
        ).text
        rows = list(csv.reader(text.splitlines()))
        start = next(at for at, row in enumerate(rows) if row and "serial_number" in row[0])
        assert rows[start + 1 :] == [[serial, "FAILED", "ALREADY_ASSIGNED"]]
