"""No secret that the simulator minted is in any answer, log or output."""

import asyncio
import logging
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from click.testing import CliRunner

from simulator import services
from simulator.app import Simulator
from simulator.auth import oauth1
from simulator.cli import main
from simulator.control.web import routes
from simulator.core.settings import Settings
from simulator.disclosure.formats.table import FORMATS
from simulator.disclosure.redact.canary import Canary, CanaryHit
from tests.control.conftest import Control

ROUTES = routes(services.provisionings())
LONGEST = aiohttp.ClientTimeout(60)
HANDS_OUT = re.compile(r"/(dep-servers|organisations|push-topics|push-tokens|vpp-locations)\b")
"""Calls whose very purpose is to hand out credentials."""


def minted(ready: dict[str, Any]) -> dict[str, str]:
    """Return every credential in ``ready.json``."""
    found = {"control token": ready["control_token"]}
    for organisation in ready["organisations"]:
        for server in organisation["dep_servers"]:
            token = {k: v for k, v in server["token"].items() if not k.endswith("expiry")}
            found |= token
        for number, location in enumerate(organisation.get("vpp_locations", ()), 1):
            found[f"content token {number}"] = location["stoken"]
    return found


def authorization(url: str, token: dict[str, str]) -> str:
    parameters = {
        "oauth_consumer_key": token["consumer_key"],
        "oauth_token": token["access_token"],
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": "1767225600",
        "oauth_nonce": "n-1",
        "oauth_version": "1.0",
    }
    parameters["oauth_signature"] = oauth1.sign(
        "GET",
        f"{url}/session",
        parameters.items(),
        consumer_secret=token["consumer_secret"],
        token_secret=token["access_secret"],
    )
    return "OAuth " + ", ".join(f'{k}="{quote(v, safe="")}"' for k, v in parameters.items())


async def use(ready: dict[str, Any], session: aiohttp.ClientSession) -> dict[str, str]:
    """Use the credentials, rightly and wrongly; return what was minted on the way."""
    url, token = ready["http"], ready["organisations"][0]["dep_servers"][0]["token"]
    agent = {"User-Agent": "ExampleMDM/1"}
    head = agent | {"Authorization": authorization(url, token)}
    async with session.get(f"{url}/session", headers=head) as answer:
        minted_now: str = (await answer.json(content_type=None))["auth_session_token"]
    good = agent | {"X-ADM-Auth-Session": minted_now}
    profile = {"profile_name": "x", "url": f"https://m.example/?t={token['access_secret']}"}
    for method, path, headers, body in (
        ("GET", "/account", good, None),
        ("POST", "/server/devices", good, {"limit": 10}),
        ("POST", "/profile", good, profile),
        ("POST", "/profile", good, {"profile_name": token["consumer_secret"], "url": "x"}),
        ("POST", "/nowhere", agent, {"a": [token["access_token"]], "b": minted_now}),
        ("GET", f"/account?token={token['access_secret']}", agent, None),
        ("GET", f"/account/{minted_now}", agent, None),
        *(
            ("POST", "/mdm/getVPPUsersSrv", agent, {"sToken": location["stoken"]})
            for location in ready["organisations"][0].get("vpp_locations", ())
        ),
    ):
        async with session.request(method, url + path, headers=headers, json=body) as answer:
            await answer.read()
    return {"session token": minted_now}


async def answers(ready: dict[str, Any], session: aiohttp.ClientSession) -> dict[str, bytes]:
    """Return what all calls of the control API answer that hand out no credentials."""
    paths = {
        route.path
        for route in ROUTES
        if route.method == "GET" and route.gives != "text/event-stream"
    }
    paths = {path for path in paths if not HANDS_OUT.search(path)}
    wanted = {path.replace("{seq}", str(seq)) for path in paths for seq in range(1, 9)}
    wanted = {path for path in wanted if "{" not in path}
    wanted |= {
        f"/report?format={form}&redact={level}"
        for form in FORMATS
        for level in ("names", "shape", "fingerprint", "partial", "clear")
    }
    found = {}
    for path in sorted(wanted):
        async with session.get(f"{ready['control']}/api/v1{path}", timeout=LONGEST) as answer:
            found[path] = await answer.read()
    async with session.get(f"{ready['control']}/reference") as answer:
        found["/reference"] = await answer.read()
    return found


async def test_no_secret_is_in_any_answer_log_or_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "mdmsim")
    caplog.set_level(logging.INFO)
    data = tmp_path / "data"
    settings = Settings(
        data=str(data), tls_port=(None,), http_port=0, control_port=0, proxy_port=None
    )
    async with Simulator(settings) as simulator, aiohttp.ClientSession() as session:
        secrets = minted(simulator.ready) | await use(simulator.ready, session)
        found = await answers(simulator.ready, session)
    canary = Canary(secrets)

    result = await asyncio.to_thread(
        CliRunner().invoke, main, ["report", "--data", str(data), "--canary"]
    )
    sightings: list[CanaryHit] = []
    for where, content in found.items():
        sightings += canary.look(where, content)
    sightings += canary.look("the log", caplog.text.encode())

    assert canary.secrets >= 6
    assert len(found) > 55
    assert sightings == []
    assert result.exit_code == 0, result.output
    assert "none seen" in result.output


def test_the_self_test_reads_a_data_directory() -> None:
    result = CliRunner().invoke(main, ["report", "--canary", "--url", "http://127.0.0.1:1"])

    assert result.exit_code == 2
    assert "--canary reads a data directory" in result.stderr


async def test_profiles_are_shown_without_the_secret_in_their_url(control: Control) -> None:
    token = control.simulator.ready["organisations"][0]["dep_servers"][0]["token"]
    head = {"Authorization": authorization(control.service, token), "User-Agent": "ExampleMDM/1"}
    async with control.http.get(f"{control.service}/session", headers=head) as answer:
        session = (await answer.json(content_type=None))["auth_session_token"]
    await control.ask(
        "POST",
        "/profile",
        headers={"X-ADM-Auth-Session": session, "User-Agent": "ExampleMDM/1"},
        json={"profile_name": "Phones", "url": "https://m.example/e?token=open-sesame"},
    )

    _, found = await control.call("GET", "/profiles")

    (profile,) = found["profiles"]
    assert profile["profile"]["profile_name"] == "Phones"
    assert profile["profile"]["url"].startswith("https://m.example/e?token=<sealed dep.enrol_url")
