"""``mdmsim ca``."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from simulator.cli import main
from simulator.core.data_directory import Directory
from simulator.pki.authority import Authority


def test_the_ca_is_made_and_its_path_printed(tmp_path: Path) -> None:
    data = tmp_path / "data"

    result = CliRunner().invoke(main, ["ca", "show", "--data", str(data), "--san", "mdm.example"])

    assert result.output == f"{data}/ca.pem\n"
    ca = Authority.load((data / "ca.pem").read_bytes(), (data / "ca.key").read_bytes())
    assert ca.sans == ("mdm.example",)


def test_the_ca_of_a_running_simulator_is_printed(tmp_path: Path) -> None:
    CliRunner().invoke(main, ["ca", "show", "--data", str(tmp_path)])
    directory = Directory(str(tmp_path))

    result = CliRunner().invoke(main, ["ca", "show", "--data", str(tmp_path), "--pem"])
    directory.release()

    assert result.output == (tmp_path / "ca.pem").read_text()


def test_hints_quote_the_path(tmp_path: Path) -> None:
    data = tmp_path / "a b"

    result = CliRunner().invoke(main, ["ca", "install-hint", "--data", str(data)])

    assert f"\nSSL_CERT_FILE='{data}/ca.pem' " in result.output
    assert f"\nNODE_EXTRA_CA_CERTS='{data}/ca.pem' " in result.output
    assert f"\nREQUESTS_CA_BUNDLE='{data}/ca.pem' " in result.output
    assert f"\ncurl --cacert '{data}/ca.pem' " in result.output


@pytest.mark.parametrize("name", ["show", "install-hint"])
def test_memory_keeps_no_ca(name: str) -> None:
    result = CliRunner().invoke(main, ["ca", name, "--data", ":memory:"])

    assert result.exit_code == 2
    assert "keeps no CA" in result.stderr
