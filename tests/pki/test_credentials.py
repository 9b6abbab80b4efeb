import base64
import json
import random
import re
import subprocess
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from simulator.pki.credentials import ServerToken, mint_server_token, seal_server_token
from tests.programs import program

NOW = datetime(2025, 1, 17, 11, 2, 21, 987_000, tzinfo=UTC)
TOKEN = ServerToken(
    consumer_key=f"CK_{'0a' * 48}",
    consumer_secret=f"CS_{'1b' * 20}",
    access_token=f"AT_O2109279022O{'2c' * 20}O1737111741987",
    access_secret=f"AS_{'3d' * 20}",
    access_token_expiry="2026-01-17T11:02:21Z",
)
PEM = serialization.Encoding.PEM
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Dice(random.Random):
    """A seeded generator."""

    def __call__(self, digits: int) -> str:
        return f"{self.getrandbits(4 * digits):0{digits}x}"


@dataclass(frozen=True)
class Uploader:
    """Who made the certificate, and can read the token."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def read(self, p7m: bytes) -> bytes:
        return pkcs7.pkcs7_decrypt_der(envelope(p7m), self.certificate, self.key, [])


def certify(key: PrivateKey, *, serial: int = 1, expired: bool = False) -> x509.Certificate:
    """Make what an MDM uploads: a foreign issuer, no extensions, old-fashioned strings."""
    name = x509.NameAttribute(NameOID.COMMON_NAME, "Issuer", _type=_ASN1Type.T61String)
    end = NOW + timedelta(days=-1 if expired else 3)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([name]))
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(end - timedelta(days=3))
        .not_valid_after(end)
        .sign(key, hashes.SHA256())
    )


@pytest.fixture(scope="module")
def uploader() -> Uploader:
    key = rsa.generate_private_key(65537, 2048)
    return Uploader(key, certify(key))


def envelope(p7m: bytes) -> bytes:
    return base64.b64decode(p7m.partition(b"\n\n")[2], validate=False)


def openssl(command: str, directory: Path, stdin: bytes = b"") -> bytes:
    """Return what the command, an independent witness, prints."""
    openssl = program("openssl")
    return subprocess.run(
        [openssl, *command.split()], input=stdin, cwd=directory, capture_output=True, check=True
    ).stdout


def enclosed(content: bytes) -> dict[str, str]:
    """Take the JSON from between the markers, as the pickiest client does."""
    lines = content.partition(b"\r\n\r\n")[2].split(b"\n")
    begin = lines.index(b"-----BEGIN MESSAGE-----")
    end = lines.index(b"-----END MESSAGE-----")
    found = json.loads(b"".join(lines[begin + 1 : end]))
    assert isinstance(found, dict)
    return found


def test_a_minted_token_looks_like_apples() -> None:
    shapes = {
        "consumer_key": r"CK_[0-9a-f]{96}",
        "consumer_secret": r"CS_[0-9a-f]{40}",
        "access_token": r"AT_O0000000042O[0-9a-f]{40}O1737111741987",
        "access_secret": r"AS_[0-9a-f]{40}",
        "access_token_expiry": r"2026-01-17T11:02:21Z",
    }

    minted = mint_server_token(Dice(1), NOW, server_number=42).as_dict()

    assert list(minted) == list(shapes)
    assert [name for name in shapes if not re.fullmatch(shapes[name], minted[name])] == []


@given(seed=st.integers(), number=st.integers(0, 9_999_999_999))
def test_no_value_is_longer_than_clients_can_store(seed: int, number: int) -> None:
    token = mint_server_token(Dice(seed), NOW, server_number=number)

    assert max(map(len, token.as_dict().values())) <= 128
    assert re.fullmatch(r"AT_O\d{9,10}O\w{40}O\d{13}", token.access_token)


def test_chance_alone_tells_tokens_apart() -> None:
    tokens = [mint_server_token(Dice(seed), NOW, server_number=1) for seed in (7, 7, 8)]

    assert tokens[0] == tokens[1] != tokens[2]


def test_renewing_keeps_the_consumer_key_and_nothing_else() -> None:
    random_hex, later = Dice(1), NOW + timedelta(days=1)
    first = mint_server_token(random_hex, NOW, server_number=1)

    second = mint_server_token(random_hex, later, consumer_key=first.consumer_key, server_number=1)

    kept = {name for name, value in first.as_dict().items() if second.as_dict()[name] == value}
    assert kept == {"consumer_key"}


def test_it_matters_not_in_which_zone_now_was_read() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=1)))

    tokens = {mint_server_token(Dice(1), now, server_number=1) for now in (NOW, there)}

    assert len(tokens) == 1


@pytest.mark.parametrize("number", [-1, 10_000_000_000])
def test_a_server_number_of_another_length_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=f"server number {number} "):
        mint_server_token(Dice(1), NOW, server_number=number)


def test_secrets_do_not_show_when_printed() -> None:
    shown = repr(TOKEN)

    assert TOKEN.consumer_key in shown
    assert TOKEN.consumer_secret not in shown
    assert TOKEN.access_secret not in shown


def test_the_file_is_laid_out_as_apples(uploader: Uploader) -> None:
    head, _, body = seal_server_token(TOKEN, uploader.pem).partition(b"\n\n")

    lines = body.split(b"\n")
    assert head.split(b"\n") == [
        b'Content-Type: application/pkcs7-mime; name="smime.p7m"; smime-type=enveloped-data',
        b"Content-Transfer-Encoding: base64",
        b'Content-Disposition: attachment; filename="smime.p7m"',
        b"Content-Description: S/MIME Encrypted Message",
    ]
    assert {len(line) for line in lines[:-2]} == {76}
    assert 0 < len(lines[-2]) <= 76
    assert lines[-1] == b""


def test_the_content_is_laid_out_as_apples(uploader: Uploader) -> None:
    content = uploader.read(seal_server_token(TOKEN, uploader.pem))

    assert content.decode() == (
        "Content-Type: text/plain;charset=UTF-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
        "-----BEGIN MESSAGE-----\n"
        f'{{"consumer_key":"{TOKEN.consumer_key}","consumer_secret":"{TOKEN.consumer_secret}",'
        f'"access_token":"{TOKEN.access_token}","access_secret":"{TOKEN.access_secret}",'
        '"access_token_expiry":"2026-01-17T11:02:21Z"}\n'
        "-----END MESSAGE-----\n"
    )


@given(token=st.builds(ServerToken, *[st.text()] * len(fields(ServerToken))))
def test_whatever_a_token_holds_survives(uploader: Uploader, token: ServerToken) -> None:
    content = uploader.read(seal_server_token(token, uploader.pem))

    assert content.isascii()
    assert enclosed(content) == token.as_dict()


@pytest.mark.parametrize("command", ["smime", "cms"])
def test_openssl_reads_the_token(uploader: Uploader, command: str, tmp_path: Path) -> None:
    (tmp_path / "mdm.pem").write_bytes(uploader.pem)
    (tmp_path / "mdm.key").write_bytes(uploader.key_pem)

    content = openssl(
        f"{command} -decrypt -inkey mdm.key -recip mdm.pem",
        tmp_path,
        seal_server_token(TOKEN, uploader.pem),
    )

    assert enclosed(content) == TOKEN.as_dict()


def test_the_envelope_uses_what_every_client_knows(uploader: Uploader) -> None:
    der = envelope(seal_server_token(TOKEN, uploader.pem))

    assert bytes.fromhex("06092a864886f70d0101010500") in der  # RSA, PKCS #1 v1.5
    assert bytes.fromhex("0609608648016503040102") in der  # AES-128-CBC


def test_the_recipient_is_the_certificates_issuer_to_the_bit(uploader: Uploader) -> None:
    certificate = certify(uploader.key, serial=0x7EADBEEF)

    der = envelope(seal_server_token(TOKEN, certificate.public_bytes(PEM)))

    issuer = certificate.issuer.public_bytes()
    assert b"\x14\x06Issuer" in issuer  # a T61String stays one
    assert issuer + bytes.fromhex("02047eadbeef") in der


@pytest.mark.parametrize(("bits", "expired"), [(1024, False), (2048, True)])
def test_a_short_key_or_an_expired_certificate_will_do(bits: int, expired: bool) -> None:
    key = rsa.generate_private_key(65537, bits)
    uploader = Uploader(key, certify(key, expired=expired))

    assert uploader.read(seal_server_token(TOKEN, uploader.pem))


def test_the_certificate_is_found_among_other_things(uploader: Uploader) -> None:
    bundle = b"subject=mdm.example\n" + uploader.key_pem + uploader.pem

    assert uploader.read(seal_server_token(TOKEN, bundle))


@pytest.mark.parametrize(
    ("upload", "complaint"),
    [
        pytest.param(b"", "not PEM", id="empty"),
        pytest.param(b"\x30\x82\x01\x02", "if it is DER, convert it with", id="der"),
    ],
)
def test_what_is_not_pem_is_refused_with_the_cure(upload: bytes, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        seal_server_token(TOKEN, upload)


@pytest.mark.parametrize(
    ("label", "complaint"),
    [
        ("CERTIFICATE", "cannot be read: it is damaged"),
        ("PRIVATE KEY", "private key was given"),
        ("RSA PRIVATE KEY", "private key was given"),
        ("EC PRIVATE KEY", "private key was given"),
        ("ENCRYPTED PRIVATE KEY", "private key was given"),
        ("CERTIFICATE REQUEST", "signing request was given"),
        ("NEW CERTIFICATE REQUEST", "signing request was given"),
        ("PUBLIC KEY", "public key was given"),
        ("PKCS7", "PEM of kind 'PKCS7' was given"),
    ],
)
def test_other_pem_is_refused_with_the_cure_and_not_shown(label: str, complaint: str) -> None:
    upload = f"-----BEGIN {label}-----\nAAAAAAAA\n-----END {label}-----\n".encode()

    with pytest.raises(ValueError, match=complaint) as caught:
        seal_server_token(TOKEN, upload)

    assert "AAAAAAAA" not in str(caught.value)


def test_a_certificate_with_an_elliptic_curve_key_is_refused() -> None:
    pem = certify(ec.generate_private_key(ec.SECP256R1())).public_bytes(PEM)

    with pytest.raises(ValueError, match=r"not RSA.*give a certificate with an RSA key of 2048"):
        seal_server_token(TOKEN, pem)


def test_a_key_too_short_for_clients_is_refused(tmp_path: Path) -> None:
    # Only the command still makes such keys.
    request = "req -x509 -newkey rsa:512 -noenc -subj /CN=tiny -keyout key.pem"
    tiny = openssl(request, tmp_path)

    with pytest.raises(ValueError, match="has 512 bits: give a certificate with an RSA key"):
        seal_server_token(TOKEN, tiny)
