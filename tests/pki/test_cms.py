"""CMS: what we make OpenSSL verifies, what OpenSSL makes we read."""

import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from simulator.pki import cms, der
from tests.certificates import uploaded
from tests.programs import program

TEXT = b"line one\nline two\r\n\x00\xff"
MESSAGE_TYPE = "2.16.840.1.113733.1.9.2"
Pair = tuple[x509.Certificate, rsa.RSAPrivateKey]


@pytest.fixture(scope="module")
def pair() -> Pair:
    """A certificate and its key."""
    return uploaded()


@pytest.fixture(scope="module")
def folder(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as files."""
    folder = tmp_path_factory.mktemp("cms")
    certificate, key = pair
    (folder / "c.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "k.pem").write_bytes(pem)
    return folder


def openssl(folder: Path, *arguments: str, given: bytes) -> bytes:
    openssl = program("openssl")
    command = [openssl, "cms", *arguments]
    return subprocess.run(command, input=given, capture_output=True, cwd=folder, check=True).stdout


def test_openssl_verifies_what_is_signed_with_own_attributes(pair: Pair, folder: Path) -> None:
    value = der.write(der.PRINTABLE_STRING, b"19")

    made = cms.sign(TEXT, *pair, {MESSAGE_TYPE: value})

    flags = ("-verify", "-inform", "DER", "-binary", "-CAfile", "c.pem", "-purpose", "any")
    assert openssl(folder, *flags, given=made) == TEXT
    printed = openssl(folder, "-cmsout", "-print", "-noout", "-inform", "DER", given=made)
    assert MESSAGE_TYPE.encode() in printed
    assert b"PRINTABLESTRING:19" in printed


@pytest.mark.parametrize("more", ["", "-noattr", "-md sha1", "-md sha512", "-stream"])
def test_what_openssl_signed_is_read_and_verified(pair: Pair, folder: Path, more: str) -> None:
    flags = ("-sign", "-binary", "-nodetach", "-outform", "DER", "-signer", "c.pem")

    made = openssl(folder, *flags, "-inkey", "k.pem", *more.split(), given=TEXT)

    signed = cms.read_signed(made)
    assert signed.content == TEXT
    assert cms.verify(signed) == pair[0]


def test_a_detached_signature_is_verified_with_its_content(pair: Pair, folder: Path) -> None:
    flags = ("-sign", "-binary", "-outform", "DER", "-signer", "c.pem", "-inkey", "k.pem")

    signed = cms.read_signed(openssl(folder, *flags, given=TEXT))

    assert cms.verify(signed, TEXT) == pair[0]
    with pytest.raises(ValueError, match="not what was signed"):
        cms.verify(signed, TEXT + b"!")
    with pytest.raises(ValueError, match="no content"):
        cms.verify(signed)


def test_a_changed_attribute_makes_the_signature_wrong(pair: Pair) -> None:
    value = der.write(der.PRINTABLE_STRING, b"19")
    made = cms.sign(TEXT, *pair, {MESSAGE_TYPE: value})

    changed = made.replace(value, der.write(der.PRINTABLE_STRING, b"17"))

    assert cms.verify(cms.read_signed(made)) == pair[0]
    with pytest.raises(ValueError, match="signature is wrong"):
        cms.verify(cms.read_signed(changed))


@pytest.mark.parametrize("cipher", ["-des3", "-aes128", "-aes256"])
@pytest.mark.parametrize("stream", [(), ("-stream",)], ids=["der", "ber"])
def test_an_envelope_of_openssl_is_opened(
    pair: Pair, folder: Path, cipher: str, stream: tuple[str, ...]
) -> None:
    flags = ("-encrypt", "-binary", "-outform", "DER", cipher, *stream, "c.pem")

    opened = cms.open_envelope(openssl(folder, *flags, given=TEXT), pair[1])

    assert (opened.content, opened.is_weak) == (TEXT, False)


def test_an_envelope_to_another_key_stays_closed(folder: Path) -> None:
    flags = ("-encrypt", "-binary", "-outform", "DER", "-aes128", "c.pem")
    made = openssl(folder, *flags, given=TEXT)

    with pytest.raises(ValueError, match="another key"):
        cms.open_envelope(made, uploaded()[1])


@given(st.binary(max_size=60).map(lambda data: b"\x30" + data))
def test_what_is_no_message_is_refused_with_a_value_error(pair: Pair, junk: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        cms.read_signed(junk)
    with pytest.raises(ValueError, match=r".+"):
        cms.open_envelope(junk, pair[1])


@given(st.data())
def test_a_damaged_message_is_refused_or_read(pair: Pair, data: st.DataObject) -> None:
    made = cms.sign(TEXT, *pair, {})
    at = data.draw(st.integers(0, len(made) - 1))
    damaged = made[:at] + data.draw(st.binary(min_size=1, max_size=2)) + made[at + 1 :]

    with suppress(ValueError):
        certificate = cms.verify(cms.read_signed(damaged))
        assert certificate.public_key() == pair[1].public_key()
