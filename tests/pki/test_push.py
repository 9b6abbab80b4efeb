import random
import re
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID, ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st

from simulator.pki.push import (
    ENVIRONMENTS,
    P12_PASSWORD,
    PushAuthority,
    PushCertificate,
    PushIdentity,
    read_push_certificate,
)
from tests.programs import program

NOW = datetime(2025, 1, 17, 11, 2, 21, 987_000, tzinfo=UTC)
YEAR = timedelta(days=365)
UUID = "18a16429-886b-41f1-9c30-2bd04ae4fc37"
TOPIC = f"com.apple.mgmt.External.{UUID}"
LISTED = ("com.example.app", "com.example.app.voip", "com.example.app.complication")
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
ISSUER = (
    "CN = Apple Application Integration 2 Certification Authority (mdmsim), "
    "OU = Test Certification Authority (not Apple), O = mdmsim (not Apple), C = US"
)
TOPICS_OID = ObjectIdentifier("1.2.840.113635.100.6.3.6")


@pytest.fixture(scope="module")
def authority() -> PushAuthority:
    return PushAuthority.create(NOW)


@pytest.fixture(scope="module")
def minted(authority: PushAuthority) -> PushCertificate:
    return authority.mint(TOPIC, NOW)


def openssl(command: str, directory: Path, **files: bytes) -> str:
    """Return what the command, an independent witness, prints; *files* are made first."""
    openssl = program("openssl")
    for name, content in files.items():
        (directory / name).write_bytes(content)
    return subprocess.run(
        [openssl, *command.split()], cwd=directory, capture_output=True, check=True, text=True
    ).stdout


def der(certificate: PushCertificate) -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificate.certificate_pem.decode())


def odd(
    *attributes: tuple[ObjectIdentifier, str], extensions: tuple[tuple[str, bytes], ...] = ()
) -> bytes:
    """Return the DER of a certificate with nothing but these in it."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(oid, text) for oid, text in attributes]))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + YEAR)
    )
    for oid, value in extensions:
        extension = x509.UnrecognizedExtension(ObjectIdentifier(oid), value)
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(DER)


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(rf"Subject: UID = {re.escape(TOPIC)}, CN = APSP:{UUID}, C = US\n", id="name"),
        pytest.param(rf"Issuer: {re.escape(ISSUER)}\n", id="issuer"),
        pytest.param(r"Version: 3 ", id="version"),
        pytest.param(r"Public-Key: \(2048 bit\)", id="key"),
        pytest.param(r"\n    Signature Algorithm: sha256WithRSAEncryption", id="signature"),
        pytest.param(r"Not Before: Jan 17 11:02:21 2025 GMT", id="start"),
        pytest.param(r"Not After : Jan 17 11:02:21 2026 GMT", id="end"),
        pytest.param(r"Basic Constraints: critical\n +CA:FALSE\n", id="no CA"),
        pytest.param(r"X509v3 Key Usage: critical\n +Digital Signature\n", id="usage"),
        pytest.param(
            r"X509v3 Extended Key Usage: \n +TLS Web Client Authentication\n", id="extended usage"
        ),
        pytest.param(r"1\.2\.840\.113635\.100\.6\.3\.1: \n +\.\.\n", id="development"),
        pytest.param(r"1\.2\.840\.113635\.100\.6\.3\.2: \n +\.\.\n", id="production"),
        pytest.param(r"X509v3 Authority Key Identifier: \n", id="issuer key"),
    ],
)
def test_a_minted_certificate_is_shaped_like_apples(
    minted: PushCertificate, tmp_path: Path, shape: str
) -> None:
    text = openssl(
        "x509 -in cert -noout -text -nameopt oneline", tmp_path, cert=minted.certificate_pem
    )

    assert re.search(shape, text), text
    assert "100.6.3.6" not in text


def test_openssl_takes_a_minted_certificate_for_a_clients_only(
    authority: PushAuthority, minted: PushCertificate, tmp_path: Path
) -> None:
    files = {"ca": authority.certificate_pem, "cert": minted.certificate_pem}
    command = f"verify -attime {NOW.timestamp() + 60:.0f} -CAfile ca -purpose"

    told = openssl(f"{command} sslclient -x509_strict cert", tmp_path, **files)
    with pytest.raises(subprocess.CalledProcessError):
        openssl(f"{command} sslserver cert", tmp_path, **files)

    assert told == "cert: OK\n"


def test_the_chain_needs_the_root_only(
    authority: PushAuthority, minted: PushCertificate, tmp_path: Path
) -> None:
    told = openssl(
        f"verify -attime {NOW.timestamp() + 60:.0f} -CAfile root -untrusted chain chain",
        tmp_path,
        root=authority.root.public_bytes(PEM),
        chain=minted.chain_pem,
    )

    assert told == "chain: OK\n"
    assert minted.chain_pem.startswith(minted.certificate_pem)


def test_tls_loads_certificate_key_and_authority(
    authority: PushAuthority, minted: PushCertificate, tmp_path: Path
) -> None:
    (tmp_path / "both.pem").write_bytes(minted.certificate_pem + minted.key_pem)
    listener = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    client.load_cert_chain(tmp_path / "both.pem")
    listener.load_verify_locations(cadata=authority.certificate_pem.decode())

    assert listener.cert_store_stats()["x509_ca"] == 2


@pytest.mark.parametrize("form", ["p12", "legacy_p12"])
def test_the_p12_opens_with_its_password(
    minted: PushCertificate, tmp_path: Path, form: str
) -> None:
    command = f"pkcs12 -in p12 -passin pass:{P12_PASSWORD} -nodes"
    content = getattr(minted, form)

    told = openssl(command, tmp_path, p12=content)
    key, certificate, others = pkcs12.load_key_and_certificates(content, P12_PASSWORD.encode())

    assert minted.certificate_pem.decode() in told
    assert told.count("BEGIN CERTIFICATE") == told.count("BEGIN PRIVATE KEY") == 1
    assert certificate
    assert key
    assert certificate.public_key() == key.public_key()
    assert others == []


def test_the_legacy_p12_is_what_old_loaders_read(minted: PushCertificate) -> None:
    sha1, triple_des = "06052b0e03021a", "060a2a864886f70d010c0103"
    told = minted.legacy_p12.hex()

    # The digest of the MAC, and the encryption of the key and of the certificate.
    assert (told.count(sha1), told.count(triple_des)) == (1, 2)


def test_the_topics_are_pairs_of_topic_and_kind(authority: PushAuthority, tmp_path: Path) -> None:
    certificate = authority.mint(LISTED[0], NOW, topics=LISTED[1:])
    extensions = x509.load_pem_x509_certificate(certificate.certificate_pem).extensions
    value = extensions.get_extension_for_oid(TOPICS_OID).value
    assert isinstance(value, x509.UnrecognizedExtension)

    told = openssl("asn1parse -inform DER -in topics", tmp_path, topics=value.value)

    parsed = re.findall(r"d=(\d) .*(SEQUENCE|UTF8STRING) *:?(.*)", told)
    assert parsed == [
        ("0", "SEQUENCE", ""),
        ("1", "UTF8STRING", LISTED[0]),
        ("1", "SEQUENCE", ""),
        ("2", "UTF8STRING", "app"),
        ("1", "UTF8STRING", LISTED[1]),
        ("1", "SEQUENCE", ""),
        ("2", "UTF8STRING", "voip"),
        ("1", "UTF8STRING", LISTED[2]),
        ("1", "SEQUENCE", ""),
        ("2", "UTF8STRING", "complication"),
    ]


def test_what_was_minted_is_read_back(authority: PushAuthority, minted: PushCertificate) -> None:
    read = read_push_certificate(der(minted))

    assert read == PushIdentity(
        topic=TOPIC,
        topics=(),
        environments=("development", "production"),
        serial=minted.serial,
        not_before=NOW.replace(microsecond=0),
        not_after=NOW.replace(microsecond=0) + YEAR,
        subject=(("UID", TOPIC), ("CN", f"APSP:{UUID}"), ("C", "US")),
        issuer=ISSUER.replace(" = ", "="),
    )


@pytest.mark.parametrize(
    ("topic", "common_name"),
    [
        pytest.param("com.apple.mgmt.XServer.1234", "APSP:1234", id="server"),
        pytest.param("com.example.app", "Apple Push Services: com.example.app", id="app"),
        pytest.param(
            f"com.example.{'a' * 60}", f"Apple Push Services: com.example.{'a' * 31}", id="long"
        ),
    ],
)
def test_the_common_name_follows_the_topic(
    authority: PushAuthority, topic: str, common_name: str
) -> None:
    read = read_push_certificate(der(authority.mint(topic, NOW)))

    assert read.topic == topic
    assert dict(read.subject)["CN"] == common_name


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_certificate_may_be_for_one_environment(authority: PushAuthority, name: str) -> None:
    read = read_push_certificate(der(authority.mint(TOPIC, NOW, environments=[name])))

    assert read.environments == (name,)


def test_many_topics_are_read_in_order_without_repeats(authority: PushAuthority) -> None:
    topics = tuple(f"com.example.number-{number}" for number in range(40))

    read = read_push_certificate(der(authority.mint(topics[0], NOW, topics=topics)))

    assert read.topics == topics


@pytest.mark.parametrize(
    ("not_before", "not_after", "expected"),
    [
        pytest.param(None, None, (0, 365), id="default"),
        pytest.param(None, -1, (-366, -1), id="expired"),
        pytest.param(None, 10, (-355, 10), id="ends soon"),
        pytest.param(None, 800, (0, 800), id="long"),
        pytest.param(2, None, (2, 367), id="not yet"),
        pytest.param(-3, -2, (-3, -2), id="both"),
    ],
)
def test_validity_is_a_year_unless_told(
    authority: PushAuthority,
    not_before: int | None,
    not_after: int | None,
    expected: tuple[int, int],
) -> None:
    start, end = (None if d is None else NOW + timedelta(d) for d in (not_before, not_after))

    read = read_push_certificate(der(authority.mint(TOPIC, NOW, not_before=start, not_after=end)))

    whole = NOW.replace(microsecond=0)
    assert ((read.not_before - whole).days, (read.not_after - whole).days) == expected


@pytest.mark.parametrize(
    "topic",
    ["", ".", "com..apple", "com.apple.", "com apple", "com.apple\n", "com.äpple", "a" * 256],
)
def test_a_bad_topic_is_refused(authority: PushAuthority, topic: str) -> None:
    with pytest.raises(ValueError, match="is no topic"):
        authority.mint(topic, NOW)
    with pytest.raises(ValueError, match="is no topic"):
        authority.mint(TOPIC, NOW, topics=[topic])


def test_an_unknown_environment_is_refused(authority: PushAuthority) -> None:
    with pytest.raises(ValueError, match="'sandbox' is no environment: development or production"):
        authority.mint(TOPIC, NOW, environments=["sandbox"])


def test_an_end_before_the_start_is_refused(authority: PushAuthority) -> None:
    with pytest.raises(ValueError, match="date"):
        authority.mint(TOPIC, NOW, not_before=NOW, not_after=NOW - YEAR)


def test_a_loaded_authority_is_the_same(authority: PushAuthority) -> None:
    loaded = PushAuthority.load(authority.certificate_pem, authority.key_pem)

    assert loaded.certificate_pem == authority.certificate_pem
    assert loaded.key_pem == authority.key_pem


@pytest.mark.parametrize(
    ("certificate", "key", "message"),
    [
        pytest.param(b"", None, "no intermediate and its root", id="no certificate"),
        pytest.param(b"half", None, "no intermediate and its root", id="no PEM"),
        pytest.param(None, b"", "no unencrypted PEM private key", id="no key"),
        pytest.param(
            None,
            ec.generate_private_key(ec.SECP256R1()).private_bytes(
                PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
            "no RSA key",
            id="other kind",
        ),
    ],
)
def test_damaged_files_are_refused(
    authority: PushAuthority, certificate: bytes | None, key: bytes | None, message: str
) -> None:
    kept = authority.certificate_pem if certificate is None else certificate

    with pytest.raises(ValueError, match=message):
        PushAuthority.load(kept, authority.key_pem if key is None else key)


def test_files_that_do_not_belong_together_are_refused(
    authority: PushAuthority, minted: PushCertificate
) -> None:
    other = PushAuthority.create(NOW)
    mixed = other.certificate.public_bytes(PEM) + authority.root.public_bytes(PEM)

    with pytest.raises(ValueError, match="not the key of its certificate"):
        PushAuthority.load(authority.certificate_pem, minted.key_pem)
    with pytest.raises(ValueError, match="no intermediate and its root"):
        PushAuthority.load(mixed, other.key_pem)


def test_private_keys_are_not_printed(authority: PushAuthority, minted: PushCertificate) -> None:
    printed = repr(authority) + repr(minted)

    assert "PRIVATE KEY" not in printed
    assert "p12=" not in printed


USER, NAME = (NameOID.USER_ID, TOPIC), (NameOID.COMMON_NAME, "x")
LIST = TOPICS_OID.dotted_string


@pytest.mark.parametrize(
    ("certificate", "topic", "topics"),
    [
        pytest.param(odd(), "", (), id="empty"),
        pytest.param(odd(NAME), "", (), id="no UID"),
        pytest.param(odd(NAME, USER), TOPIC, (), id="UID last"),
        pytest.param(odd(USER, extensions=((LIST, b""),)), TOPIC, (), id="no list"),
        pytest.param(odd(USER, extensions=((LIST, b"\x30\x00"),)), TOPIC, (), id="empty list"),
        pytest.param(odd(extensions=((LIST, b"\x30\x09\x0c\x01a"),)), "", (), id="list cut short"),
        pytest.param(
            odd(extensions=((LIST, b"\x30\x06\x0c\x01a\x0c\x05b"),)), "", ("a",), id="topic cut"
        ),
        pytest.param(
            odd(extensions=((LIST, b"\x30\x03\x0c\x01\xff"),)),
            "",
            ("\N{REPLACEMENT CHARACTER}",),
            id="no UTF-8",
        ),
        pytest.param(odd(extensions=(("2.5.29.15", b"\xff"),)), "", (), id="bad key usage"),
        pytest.param(odd(USER, extensions=(("2.5.29.15", b"\xff"),)), TOPIC, (), id="and a UID"),
    ],
)
def test_odd_certificates_say_what_they_can(
    certificate: bytes, topic: str, topics: tuple[str, ...]
) -> None:
    read = read_push_certificate(certificate)

    assert (read.topic, read.topics, read.environments) == (topic, topics, ())
    assert read.serial == 7


@given(st.binary())
def test_what_is_no_certificate_says_nothing(noise: bytes) -> None:
    assert read_push_certificate(noise) == PushIdentity()


@pytest.mark.filterwarnings("ignore")  # the library warns of some odd certificates
def test_no_damage_makes_reading_raise(minted: PushCertificate) -> None:
    certificate, dice = der(minted), random.Random(1)  # noqa: S311 (noise)

    for _ in range(3000):
        damaged = bytearray(certificate)
        for _ in range(dice.randint(1, 3)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        assert isinstance(read_push_certificate(bytes(damaged)), PushIdentity)
