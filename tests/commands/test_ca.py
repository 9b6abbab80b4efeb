"""``mdmsim ca``."""

from functools import partial
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


@pytest.mark.parametrize("name", ["show", "install-hint", "replace"])
def test_memory_keeps_no_ca(name: str) -> None:
    result = CliRunner().invoke(main, ["ca", name, "--data", ":memory:"])

    assert result.exit_code == 2
    assert "keeps no CA" in result.stderr


def test_the_ca_is_replaced_by_one_that_signs_for_no_less(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    run = partial(CliRunner().invoke, main)
    run(["ca", "show", "--data", data, "--san", "mdm.example"])
    before = (tmp_path / "data" / "ca.pem").read_bytes()
    held = Directory(data)
    refused = run(["ca", "replace", "--data", data])
    held.release()
    assert refused.exit_code == 2
    assert (tmp_path / "data" / "ca.pem").read_bytes() == before

    done = run(["ca", "replace", "--data", data, "--public-url", "https://apple.example:8443"])

    assert done.output == f"{data}/ca.pem\n"
    made = [(tmp_path / "data" / name).read_bytes() for name in ("ca.pem", "ca.key")]
    assert made[0] != before
    assert Authority.load(*made).sans == ("mdm.example", "apple.example")
