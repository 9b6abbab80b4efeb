"""``mdmsim token``."""

import asyncio
import base64
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from simulator.app import Simulator
from simulator.cli import main
from simulator.core.data_directory import Directory
from simulator.core.settings import Settings

NOW = datetime(2026, 8, 1, tzinfo=UTC)


def run(data: Path, *args: str) -> Result:
    return CliRunner().invoke(main, ["token", "dep", "--data", str(data), *args])


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mdm")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + timedelta(1))
    path = tmp_path / "mdm.pem"
    path.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path


def two_servers(tmp_path: Path) -> Path:
    world = (Path(__file__).parents[2] / "fixtures/worlds/demo.toml").read_text()
    path = tmp_path / "two.toml"
    path.write_text(f'{world}\n[[organisation.dep_server]]\nid = "second"\nname = "Second"\n')
    return path


def test_the_token_is_printed_and_stays(tmp_path: Path) -> None:
    first, second = run(tmp_path / "data"), run(tmp_path / "data")

    token: dict[str, Any] = json.loads(first.output)
    assert first.output == second.output
    assert list(token) == [
        "consumer_key",
        "consumer_secret",
        "access_token",
        "access_secret",
        "access_token_expiry",
    ]


def test_the_token_can_be_read_beside_a_running_simulator(tmp_path: Path) -> None:
    before = run(tmp_path / "data")
    directory = Directory(str(tmp_path / "data"))

    during = run(tmp_path / "data")
    directory.release()

    assert during.output == before.output


def test_the_token_is_encrypted_to_a_certificate(tmp_path: Path, certificate: Path) -> None:
    output = tmp_path / "token.p7m"

    result = run(tmp_path / "data", "--certificate", str(certificate), "--output", str(output))

    assert (result.exit_code, result.output) == (0, "")
    assert output.read_bytes().startswith(b"Content-Type: application/pkcs7-mime;")
    assert stat.S_IMODE(output.stat().st_mode) == 0o600


def test_a_download_renews_and_showing_does_not(tmp_path: Path, certificate: Path) -> None:
    data, download = tmp_path / "data", ("--certificate", str(certificate))
    first = json.loads(run(data).output)

    shown = run(data, "--show", *download)
    read = json.loads(run(data, "--show").output)
    run(data, *download)
    renewed = json.loads(run(data).output)

    assert shown.output.startswith("Content-Type: application/pkcs7-mime;")
    assert read == first
    assert renewed["consumer_key"] == first["consumer_key"]
    for name in ("consumer_secret", "access_token", "access_secret"):
        assert renewed[name] != first[name]


async def test_a_running_simulator_renews_it(tmp_path: Path, certificate: Path) -> None:
    data = tmp_path / "data"
    settings = Settings(
        data=str(data), tls_port=(None,), http_port=None, control_port=0, proxy_port=None
    )
    async with Simulator(settings):
        first = json.loads((await asyncio.to_thread(run, data)).output)
        answer = await asyncio.to_thread(run, data, "--certificate", str(certificate))
        renewed = json.loads((await asyncio.to_thread(run, data, "--show")).output)
        ready = json.loads((data / "ready.json").read_text())
        bad = tmp_path / "bad.pem"
        bad.write_text("x")
        refused = await asyncio.to_thread(run, data, "--certificate", str(bad))

    assert answer.output.startswith("Content-Type: application/pkcs7-mime;")
    assert renewed["access_token"] != first["access_token"]
    assert ready["organisations"][0]["dep_servers"][0]["token"] == renewed
    assert refused.exit_code == 2
    assert "the certificate is not PEM" in refused.stderr


def test_a_file_that_is_no_certificate_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.pem"
    path.write_text("x")

    result = run(tmp_path / "data", "--certificate", str(path))

    assert result.exit_code == 2
    assert result.stderr.startswith(f"mdmsim: {path}: the certificate is not PEM")


def test_one_of_several_servers_must_be_named(tmp_path: Path) -> None:
    world = ("--world", str(two_servers(tmp_path)))

    unnamed = run(tmp_path / "data", *world)
    named = run(tmp_path / "data", *world, "--server", "second")
    unknown = run(tmp_path / "data", *world, "--server", "third")

    assert unnamed.exit_code == 2
    assert "demo/main, demo/second" in unnamed.stderr
    assert json.loads(named.output)
    assert unknown.stderr.startswith("mdmsim: no DEP servers are meant: ")


def vpp(data: Path, *arguments: str) -> Any:
    return CliRunner().invoke(main, ["token", "vpp", "--data", str(data), *arguments])


def test_the_content_token_of_the_location_is_printed(tmp_path: Path) -> None:
    first, second = vpp(tmp_path / "data"), vpp(tmp_path / "data", "--location", "campus")

    content = json.loads(base64.b64decode(first.output))
    assert set(content) == {"token", "expDate", "orgName"}
    assert first.output == second.output
    assert first.output.count("\n") == 1


def test_a_location_that_is_not_there_is_said(tmp_path: Path) -> None:
    result = vpp(tmp_path / "data", "--location", "moon")

    assert result.exit_code == 2
    assert result.stderr == (
        "mdmsim: no locations are meant: name one with --location; there are: campus\n"
    )


def test_there_is_no_token_of_what_is_in_memory() -> None:
    result = CliRunner().invoke(main, ["token", "dep", "--data", ":memory:"])

    assert result.exit_code == 2
    assert "--data :memory: keeps no credentials" in result.stderr
