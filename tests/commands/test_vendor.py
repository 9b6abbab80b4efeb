"""``mdmsim vendor``: an identity that the portal of the same data directory trusts."""

import base64
import plistlib
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from simulator.cli import main
from simulator.core.timestamps import milliseconds
from simulator.pki.push_requests import Rules, read_request, verify
from tests.vendors import NOW, csr, key

PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER


def run(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["vendor", *arguments, "--data", str(data)])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    path = tmp_path / "push.csr"
    path.write_bytes(csr().public_bytes(PEM))
    return path


def test_what_it_signs_fits_what_it_exports(data: Path, request_file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "vendor"
    exported = run(data, "export", str(folder))
    signed = run(data, "sign", str(request_file))

    assert (exported.exit_code, signed.exit_code) == (0, 0), exported.output + signed.output
    root = x509.load_der_x509_certificate((folder / "AppleIncRootCertificate.cer").read_bytes())
    tree = plistlib.loads(base64.b64decode(signed.output, validate=True))
    request = read_request(tree)
    verify(request, Rules(root, NOW))
    assert request.vendor.public_bytes(DER) != b""
    own = serialization.load_pem_private_key((folder / "vendor.key").read_bytes(), None)
    assert own.public_key() == request.vendor.public_key()
    assert stat.S_IMODE((folder / "vendor.key").stat().st_mode) == 0o600
    issuer = x509.load_der_x509_certificate((folder / "AppleWWDRCAG3.cer").read_bytes())
    issuer.verify_directly_issued_by(root)


def test_it_is_the_same_vendor_each_time(data: Path, request_file: Path, tmp_path: Path) -> None:
    keys = []
    for name in ("first", "second"):
        output = tmp_path / name
        assert run(data, "sign", str(request_file), "-o", str(output)).exit_code == 0
        request = read_request(plistlib.loads(base64.b64decode(output.read_bytes())))
        keys.append(request.vendor.public_key())

    assert keys[0] == keys[1]


def test_a_vendor_of_ones_own_gets_mdm_cer(data: Path, request_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "mdm.cer"

    result = run(data, "certify", str(request_file), "--name", "Acme", "-o", str(output))

    assert result.exit_code == 0, result.output
    made = x509.load_der_x509_certificate(output.read_bytes())
    assert made.public_key() == key().public_key()
    assert "MDM Vendor: Acme" in made.subject.rfc4514_string()
    assert made.not_valid_after_utc.timestamp() * 1000 > milliseconds("2026-03-01T12:00:00Z")


@pytest.mark.parametrize("command", ["sign", "certify"])
def test_what_is_no_request_is_named(data: Path, tmp_path: Path, command: str) -> None:
    path = tmp_path / "odd"
    path.write_text("nothing")

    result = run(data, command, str(path))

    assert result.exit_code == 2
    assert "is no certificate request, neither PEM nor DER" in result.output


def test_a_key_that_is_not_rsa_and_a_directory_in_memory_are_refused(
    data: Path, request_file: Path, tmp_path: Path
) -> None:
    curve = tmp_path / "curve"
    curve.write_bytes(csr(ec.generate_private_key(ec.SECP256R1())).public_bytes(DER))

    other = run(data, "certify", str(curve))
    memory = CliRunner().invoke(main, ["vendor", "sign", str(request_file), "--data", ":memory:"])

    assert (other.exit_code, memory.exit_code) == (2, 2)
    assert "its key is not RSA" in other.output
    assert "POST /api/v1/vendor-certificates" in memory.output
