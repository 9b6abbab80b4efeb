"""The portal's part of the School and Business API, by the control API and ``ready.json``."""

import asyncio
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.axm import ASSERTION, AUDIENCE, sign
from tests.control.conftest import Control

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def account(control: Control) -> dict[str, Any]:
    found: dict[str, Any] = control.simulator.ready["organisations"][0]["axm_accounts"][0]
    return found


async def token_status(control: Control, api: dict[str, Any], private: str) -> tuple[int, Any]:
    """Ask for an access token; return the status and the document."""
    now = control.simulator.clock.now_ms() // 1000
    claims = {
        "iss": api["client_id"],
        "sub": api["client_id"],
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + 60,
    }
    form = {
        "grant_type": "client_credentials",
        "client_id": api["client_id"],
        "client_assertion_type": ASSERTION,
        "client_assertion": sign(private, {"alg": "ES256", "kid": api["key_id"]}, claims),
        "scope": api["scope"],
    }
    async with control.http.post(
        f"{control.service}/auth/oauth2/token", data=urlencode(form), headers=FORM
    ) as answer:
        return answer.status, await answer.json()


async def get(control: Control, token: str, path: str) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    async with control.http.get(f"{control.service}/v1{path}", headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def test_ready_json_has_all_that_a_client_needs(control: Control) -> None:
    api = account(control)

    assert set(api) >= {"id", "name", "client_id", "key_id", "key", "scope"}
    assert re.fullmatch(r"BUSINESSAPI\.[0-9a-f-]{36}", api["client_id"])
    assert re.fullmatch(r"axm-.*\.pem", Path(api["key"]).name)
    key = await asyncio.to_thread(Path(api["key"]).read_text, "ascii")
    apple = await asyncio.to_thread(Path(api["key_as_apple"]).read_text, "ascii")
    assert key.startswith("-----BEGIN PRIVATE KEY-----")
    assert apple.startswith("-----BEGIN EC PRIVATE KEY-----")
    status, document = await token_status(control, api, key)
    assert status == 200
    listed = await get(control, document["access_token"], "/orgDevices?limit=1000")
    assert len(listed["data"]) == 25


async def test_an_account_is_added_changed_and_deleted(control: Control) -> None:
    body = {"id": "second", "name": "Second", "product": "school", "form": "apple"}
    status, made = await control.call("POST", "/axm-accounts", body)

    assert status == 201
    assert made["client_id"].startswith("SCHOOLAPI.")
    assert made["private_key"].startswith("-----BEGIN EC PRIVATE KEY-----")
    private = made["private_key"].replace(" EC PRIVATE", " PRIVATE")
    assert (await token_status(control, made, private))[0] == 200
    ids = [one["id"] for one in control.simulator.ready["organisations"][0]["axm_accounts"]]
    assert sorted(ids) == ["inventory", "second"]
    assert (await control.call("POST", "/axm-accounts", body))[0] == 409
    _, changed = await control.call("PATCH", "/axm-accounts/second", {"role": "AUDITOR"})
    assert changed["role"] == "AUDITOR"
    _, listed = await control.call("GET", "/axm-accounts")
    assert "private" not in str(listed)
    assert (await control.call("DELETE", "/axm-accounts/second"))[0] == 204
    assert (await token_status(control, made, private))[1] == {"error": "invalid_client"}
    assert (await control.call("DELETE", "/axm-accounts/second"))[0] == 404


async def test_keys_are_generated_and_revoked(control: Control) -> None:
    old = account(control)
    _, made = await control.call("POST", f"/axm-accounts/{old['id']}/keys", {})
    key = await asyncio.to_thread(Path(old["key"]).read_text, "ascii")

    assert (await token_status(control, made, made["private_key"]))[0] == 200
    assert (await token_status(control, old, key))[0] == 200
    path = f"/axm-accounts/{old['id']}/keys/{old['key_id']}"
    assert (await control.call("DELETE", path))[0] == 204
    assert (await token_status(control, old, key))[1] == {"error": "invalid_client"}
    assert (await control.call("DELETE", path))[0] == 409


async def test_a_credential_is_renewed_as_those_of_other_services(control: Control) -> None:
    path = f"/axm-accounts/{account(control)['id']}/token"
    before = account(control)["key_id"]
    _, renewed = await control.call("POST", path)

    assert renewed["key_id"] == account(control)["key_id"] != before
    assert (await control.call("DELETE", path))[0] == 204
    assert (await control.call("DELETE", path))[0] == 409


async def test_what_the_portal_says_of_devices_and_people_is_shown(control: Control) -> None:
    api = account(control)
    key = await asyncio.to_thread(Path(api["key"]).read_text, "ascii")
    _, document = await token_status(control, api, key)
    token = document["access_token"]
    _, devices = await control.call("GET", "/devices?limit=1")
    serial = devices["devices"][0]["serial_number"]

    facts = {"attributes": {"orderNumber": "PO-1"}, "lock": {"isLocked": True, "lockType": "USER"}}
    assert (await control.call("PATCH", f"/axm-devices/{serial}", facts))[0] == 200
    shown = await get(control, token, f"/orgDevices/{serial}")
    assert shown["data"]["attributes"]["orderNumber"] == "PO-1"
    lock = await get(control, token, f"/orgDevices/{serial}/activationLockStatus")
    assert lock["data"]["attributes"]["lockType"] == "USER"
    await control.call("PUT", f"/axm-mdm-devices/{serial}", {"details": {"osVersion": "26.1"}})
    details = await get(control, token, f"/mdmDevices/{serial}/details")
    assert details["data"]["attributes"]["osVersion"] == "26.1"
    body = {"id": "77", "attributes": {"firstName": "Kim"}}
    assert (await control.call("POST", "/axm-users", body))[0] == 201
    assert (await get(control, token, "/users/77"))["data"]["attributes"]["firstName"] == "Kim"
    assert (await control.call("DELETE", "/axm-users/77"))[0] == 204
    assert (await control.call("DELETE", "/axm-users/77"))[0] == 404
    assert (await control.call("PATCH", "/axm-devices/NOPE", {}))[0] == 404


@pytest.mark.parametrize("body", [{"role": "KING"}, {"product": "home"}, {"organisation": "no"}])
async def test_what_there_is_not_is_refused(control: Control, body: dict[str, str]) -> None:
    status, problem = await control.call("POST", "/axm-accounts", body)

    assert status in (400, 404)
    assert problem["detail"]


async def test_an_activity_goes_on_although_nobody_asks(control: Control) -> None:
    api = account(control)
    key = await asyncio.to_thread(Path(api["key"]).read_text, "ascii")
    _, document = await token_status(control, api, key)
    _, devices = await control.call("GET", "/devices?limit=1")
    serial = devices["devices"][0]["serial_number"]
    data = {
        "type": "orgDeviceActivities",
        "attributes": {"activityType": "UNASSIGN_DEVICES"},
        "relationships": {"devices": {"data": [{"type": "orgDevices", "id": serial}]}},
    }
    headers = {"Authorization": f"Bearer {document['access_token']}"}
    async with control.http.post(
        f"{control.service}/v1/orgDeviceActivities", json={"data": data}, headers=headers
    ) as answer:
        assert answer.status == 201
    await control.call("POST", "/clock/advance", {"seconds": 5})

    async with asyncio.timeout(20):
        while True:
            _, shown = await control.call("GET", f"/devices/{serial}")
            if not shown["state"].get("server"):
                break


@pytest.mark.parametrize("path", ["/axm-accounts", "/dep-servers", "/vpp-locations"])
@pytest.mark.parametrize("identifier", ["../../evil", "x/y", "a\0b", "a\r\nb", ".", "", "a" * 65])
async def test_an_id_is_fit_for_paths_and_files(
    control: Control, path: str, identifier: str
) -> None:
    status, refused = await control.call("POST", path, {"id": identifier, "name": "x"})

    assert (status, "id must be up to 64 letters" in refused["detail"]) == (400, True)
