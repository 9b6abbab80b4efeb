import asyncio
import json
import re
import shlex
import ssl
from html import unescape
from io import BytesIO
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from simulator.app import Simulator
from simulator.console.pages import start
from simulator.core.settings import Settings
from tests.certificates import uploaded
from tests.console.conftest import SETTINGS, Console, Page, browser


async def test_the_start_page_says_where_to_point_what(console: Console) -> None:
    ready = console.ready

    page = await console.open("/")

    assert page.status == 200
    for address in (ready["tls"][0], ready["http"], f"{ready['control']}/api/v1"):
        assert address in page.words
    assert "https://mdmenrollment.apple.com" in page.words
    assert "https://api.push.apple.com" in page.words


async def test_the_start_page_holds_no_secret(console: Console) -> None:
    token = console.ready["organisations"][0]["dep_servers"][0]["token"]

    page = await console.open("/")

    for name, value in token.items():
        if name != "access_token_expiry":
            assert value not in page.text
    assert console.ready["control_token"] not in page.text


async def test_the_ca_is_handed_out_without_its_key(console: Console) -> None:
    page = await console.open("/ca.pem")

    assert "mdmsim" in x509.load_pem_x509_certificate(page.text.encode()).subject.rfc4514_string()
    assert page.text.count("BEGIN") == 1
    assert "PRIVATE KEY" not in page.text
    ssl.create_default_context(cadata=page.text)


async def test_where_everything_is_comes_without_credentials(console: Console) -> None:
    page = await console.open("/start.json")

    assert console.ready["tls"][0] in page.text
    assert "token" not in page.text


async def _commands(console: Console) -> dict[str, str]:
    page = await console.open("/")
    found = re.findall(r'aria-label="command: ([^"]*)">(.*?)</code>', page.text, re.DOTALL)
    return {name: unescape(command) for name, command in found}


async def test_the_line_for_dep_gives_the_configuration_of_a_signed_request(
    console: Console,
) -> None:
    command = (await _commands(console))["Start a session"]
    page = await console.open("/curl/dep/main")
    header = page.text.removeprefix('header = "').removesuffix('"\n').replace('\\"', '"')
    name, _, value = header.partition(": ")

    status, answer = await console.ask(
        "GET", "/session", headers={name: value, "Host": console.ready["tls"][0][8:]}
    )

    assert f"{console.base}/curl/dep/main" in shlex.split(command)
    # It was signed for HTTPS, so plain HTTP must say that it comes from such a proxy.
    assert (status, "oauth" in answer) == (401, True)
    forwarded = {"X-Forwarded-Proto": "https"}
    status, answer = await console.ask(
        "GET",
        "/session",
        headers={name: value, "Host": console.ready["tls"][0][8:], **forwarded},
    )
    assert status == 200, answer


async def test_an_invented_device_can_be_enrolled_and_pushed_to(console: Console) -> None:
    topic = console.ready["organisations"][0]["push_topics"][0]["topic"]
    page = await console.open("/")

    enrolled = await console.submit(page, "/push/enrol", topic=topic, back="/")
    tokens = (await console.api("GET", "/push-tokens"))["push_tokens"]
    configuration = await console.open("/curl/apns")

    assert "has checked in" in enrolled.words
    assert "Wake a device" in await _commands(console)
    assert [one["topic"] for one in tokens] == [topic]
    assert tokens[0]["token"] in configuration.text
    assert tokens[0]["magic"] in configuration.text
    assert tokens[0]["token"] not in enrolled.text


async def test_without_a_device_there_is_none_to_push_to(console: Console) -> None:
    page = await console.open("/curl/apns")

    assert page.status == 404
    assert "enrol one" in page.words


async def test_a_server_token_is_a_download_of_its_own(console: Console) -> None:
    token = console.ready["organisations"][0]["dep_servers"][0]["token"]
    page = await console.open("/")

    file = await console.submit(page, "/credentials/dep/main/token")

    assert token["consumer_secret"] in file.text
    assert file.headers["Cache-Control"] == "no-store"
    assert "attachment" in file.headers["Content-Disposition"]


def certificate() -> bytes:
    """Return a certificate of an MDM server, as it is uploaded to the portal."""
    made, _ = uploaded()
    return made.public_bytes(Encoding.PEM)


async def test_the_portals_file_is_encrypted_to_the_certificate(console: Console) -> None:
    page = await console.open("/")

    file = await console.submit(
        page, "/credentials/dep/main/sealed", certificate=BytesIO(certificate())
    )

    assert file.status == 200
    assert "pkcs7-mime" in file.headers["Content-Type"]
    assert "main_smime.p7m" in file.headers["Content-Disposition"]


@pytest.mark.parametrize("pem", [b"", b"not a certificate"])
async def test_a_bad_certificate_is_refused_on_a_page(console: Console, pem: bytes) -> None:
    page = await console.open("/")

    refused = await console.submit(page, "/credentials/dep/main/sealed", certificate=BytesIO(pem))

    assert refused.status == 400
    assert "certificate" in refused.words
    assert "<h1>" in refused.text


async def test_a_revoked_token_is_not_handed_out(console: Console) -> None:
    page = await console.open("/")
    await console.api("DELETE", "/dep-servers/main/token")

    refused = await console.submit(page, "/credentials/dep/main/token")

    assert refused.status == 404
    assert "has no token that is good" in refused.words
    assert "/credentials/dep/main/token" not in (await console.open("/")).text


@pytest.mark.parametrize("settings", [{"credential_files": 0}], ids=["none"])
async def test_files_that_are_not_written_yet_are_made_from_the_page(console: Console) -> None:
    topic = console.ready["organisations"][0]["push_topics"][0]["topic"]

    page = await console.open("/")
    answer = await console.submit(page, f"/credentials/push/{topic}/token")
    after = await console.open("/")

    assert "Its key is made when it is first asked for." in page.words
    assert f"{topic}.key" not in page.words
    assert await asyncio.to_thread(Path(json.loads(answer.text)["key"]).exists)
    assert f"{topic}.key" in after.words


async def test_the_start_page_waits_for_the_first_request(console: Console) -> None:
    empty = await console.open("/")
    await console.ask("GET", "/session")
    after = await console.open("/")

    assert "Waiting for your first request" in empty.words
    assert "Waiting" not in after.words
    assert "the first one GET /session , status 400" in after.words


async def test_lines_for_clients_are_filled_in(console: Console) -> None:
    page = await console.open("/")

    found = re.findall(r'aria-label="lines for ([^"]*)">(.*?)</code>', page.text, re.DOTALL)
    lines = {client: unescape(text) for client, text in found}

    # This simulator has no proxy, so nothing is said for what needs one.
    assert list(lines)[:2] == ["nanodep", "curl"]
    assert "nanomdm" not in lines
    assert f'{{"base_url": "{console.ready["tls"][0]}/"}}' in lines["nanodep"]
    assert lines["Go"] == f"SSL_CERT_FILE={console.ready['ca']} ./your-server"


WORLD = '[world]\nname = "many"\nabout = "Organisations."\n' + "".join(
    f"""
[[organisation]]
id = "org{number}"
name = "Org {number}"
email = "it@acme.example"
phone = "+46 8 000 00 00"
address = "Storgatan 1"
org_id = "{number}"
org_type = "org"
org_version = "v2"
admin_id = "admin@acme.example"
[[organisation.dep_server]]
id = "server{number}"
name = "Server {number}"
"""
    for number in range(3)
)


async def test_of_many_organisations_a_few_are_on_a_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world = tmp_path / "many.toml"
    await asyncio.to_thread(world.write_text, WORLD)
    monkeypatch.setattr(start, "SHOWN", 1)
    pages = {}

    async with Simulator(Settings(**SETTINGS, world=str(world))) as simulator, browser() as http:
        console = Console(simulator.ready, http)
        path = "/"
        while path:
            pages[path] = await console.open(path)
            following = re.findall(r'href="([^"]*)">Next</a>', pages[path].text)
            path = unescape(following[0]) if following else ""
        chosen = await console.open("/?organisation=org2")
        none = await console.open("/?organisation=nobody")

    def shown(page: Page) -> list[str]:
        return re.findall(r'<span class="muted">org\d / (server\d)</span>', page.text)

    assert [shown(page) for page in pages.values()] == [["server0"], ["server1"], ["server2"]]
    assert shown(chosen) == ["server2"]
    assert shown(none) == []
    assert "No organisation has such an id." in none.words
