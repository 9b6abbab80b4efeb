"""``mdmsim vendor``: an MDM vendor's identity, as Apple's developer portal gives one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from simulator.commands.options import setting_options, settings, shared_data
from simulator.commands.output import output_file
from simulator.core.data_directory import Directory, holder
from simulator.core.files import PRIVATE, PUBLIC, write_file
from simulator.core.settings import ConfigurationError
from simulator.pki.push_identity import UNREADABLE
from simulator.pki.push_requests import sign_request
from simulator.pki.vendor import VendorAuthority
from simulator.worlds import credentials

_DER, _PEM = serialization.Encoding.DER, serialization.Encoding.PEM
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("vendor")
def command() -> None:
    """Sign requests for push certificates, as an MDM vendor does.

    The files lie in the data directory; the portal of the simulator that runs
    over it takes what they sign.
    """


@command.command("export")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@setting_options("data", "store")
def export(folder: Path, config: str | None, **flags: Any) -> None:
    """Write the vendor's certificate, key and chain, and the two files of www.apple.com."""
    with _authority(config, **flags) as (authority, path, now):
        vendor = credentials.vendor(path, now, authority)
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / "vendor.key", vendor.key_pem, PRIVATE)
    for name, content in (
        ("mdm.cer", vendor.certificate.public_bytes(_DER)),
        ("chain.pem", vendor.chain_pem),
        ("AppleWWDRCAG3.cer", authority.intermediate_der),
        ("AppleIncRootCertificate.cer", authority.root_der),
    ):
        write_file(folder / name, content, PUBLIC)
    names = "mdm.cer, vendor.key, chain.pem, AppleWWDRCAG3.cer and AppleIncRootCertificate.cer"
    click.echo(f"{names} are in {folder}")


@command.command("certify")
@click.argument("csr", type=_FILE)
@click.option("--name", default="Example", show_default=True, help="Name of the vendor.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("mdm.cer"))
@setting_options("data", "store")
def certify(csr: Path, name: str, output: Path, config: str | None, **flags: Any) -> None:
    """Make mdm.cer (DER) for a vendor's certificate request, as the developer portal does."""
    with _authority(config, **flags) as (authority, _, now):
        key = _csr(csr).public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise ConfigurationError(f"{csr}: its key is not RSA: make one of 2048 bits")
    made = authority.certify(name, key, now)
    with output_file(output, PUBLIC) as file:
        file.write(made.public_bytes(_DER))
    click.echo(f"{output} is good until {made.not_valid_after_utc:%Y-%m-%d}")


@command.command("sign")
@click.argument("csr", type=_FILE)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File; else it is printed.")
@setting_options("data", "store")
def sign(csr: Path, output: Path | None, config: str | None, **flags: Any) -> None:
    """Sign a push CSR: the file that is uploaded to the portal."""
    request = _csr(csr)
    with _authority(config, **flags) as (authority, path, now):
        content = sign_request(request, credentials.vendor(path, now, authority))
    with output_file(output, PUBLIC) as file:
        file.write(content)
    if output is not None:
        click.echo(f"{output} can be uploaded", err=True)


def _csr(path: Path) -> x509.CertificateSigningRequest:
    content = path.read_bytes()
    try:
        if content.lstrip().startswith(b"-----"):
            return x509.load_pem_x509_csr(content)
        return x509.load_der_x509_csr(content)
    except UNREADABLE:
        raise ConfigurationError(
            f"{path}: is no certificate request, neither PEM nor DER"
        ) from None


@contextmanager
def _authority(
    config: str | None, **flags: Any
) -> Iterator[tuple[VendorAuthority, Path, datetime]]:
    """Yield the authority, the data directory, and the time by the wall clock."""
    wanted = settings(config, **flags)
    if wanted.data == ":memory:":
        raise ConfigurationError(
            "--data :memory: keeps no vendor: POST /api/v1/vendor-certificates makes one there"
        )
    now = datetime.now(UTC)  # noqa: TID251 (tools check it by their own clock)
    with shared_data(wanted) as path:
        if not holder(path):  # nobody serves it: it may be that there is none yet
            Directory(wanted.data, shared=bool(wanted.store)).release()
        yield credentials.developer(path, now), path, now
