import hashlib
import re
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.clock import Clock
from simulator.pki.authority import LOCAL_NAMES, Authority, ServerCertificate
from tests.programs import program

NOW = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
SANS = ("mdm.example.com", "apple", "10.1.2.3", "fd00::1")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.create(NOW, sans=SANS)


@pytest.fixture(scope="module")
def forged(authority: Authority) -> x509.Certificate:
    """Return what a stolen CA key could sign: a certificate for somebody else's site."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer_key = x509.SubjectKeyIdentifier.from_public_key(authority.key.public_key())
    extensions: tuple[x509.ExtensionType, ...] = (
        x509.SubjectAlternativeName([x509.DNSName("bank.example")]),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
        x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key),
    )
    builder = (
        x509.CertificateBuilder(serial_number=7)
        .subject_name(x509.Name([]))
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=extension is extensions[0])
    return builder.sign(authority.key, hashes.SHA256())


def handshake(
    leaf: ServerCertificate, trusted: Authority, name: str, directory: Path
) -> str | None:
    """Shake hands in memory as Python's strictest client, and return the TLS version."""
    (directory / "chain.pem").write_bytes(leaf.chain_pem)
    (directory / "key.pem").write_bytes(leaf.key_pem)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(directory / "chain.pem", directory / "key.pem")
    calling = ssl.create_default_context(cadata=trusted.certificate_pem.decode())
    calling.verify_flags |= ssl.VERIFY_X509_STRICT
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = calling.wrap_bio(down, up, server_hostname=name)
    server = serving.wrap_bio(up, down, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return client.version()


def openssl_verdict(trusted: Authority, leaf_pem: bytes, directory: Path) -> str:
    openssl = program("openssl")
    (directory / "ca.pem").write_bytes(trusted.certificate_pem)
    (directory / "leaf.pem").write_bytes(leaf_pem)
    when = f"-attime {NOW.timestamp():.0f}"
    command = f"verify -x509_strict -purpose sslserver {when} -CAfile ca.pem leaf.pem"
    done = subprocess.run(
        [openssl, *command.split()],
        cwd=directory,
        capture_output=True,
        check=False,
    )
    return (done.stdout + done.stderr).decode()


def load_leaf(leaf: ServerCertificate) -> x509.Certificate:
    return x509.load_pem_x509_certificate(leaf.certificate_pem)


def alternatives(leaf: ServerCertificate) -> list[str]:
    extension = load_leaf(leaf).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return [str(name.value) for name in extension.value]


def test_an_authority_says_that_it_is_not_apple_and_which_one_it_is() -> None:
    one, other = Authority.create(NOW), Authority.create(NOW)

    assert re.fullmatch(
        r"CN=mdmsim test CA [0-9a-f]{8},O=mdmsim \(not Apple\)",
        one.certificate.subject.rfc4514_string(),
    )
    assert one.certificate.subject != other.certificate.subject


def test_the_authority_signs_servers_only_one_level_down(authority: Authority) -> None:
    found = authority.certificate.extensions.get_extension_for_class(x509.BasicConstraints)

    assert found.critical
    assert found.value == x509.BasicConstraints(ca=True, path_length=0)


def test_the_constraints_are_critical_and_complete(authority: Authority) -> None:
    extension = authority.certificate.extensions.get_extension_for_class(x509.NameConstraints)

    assert extension.critical
    assert extension.value.excluded_subtrees is None
    assert [str(tree.value) for tree in extension.value.permitted_subtrees or ()] == [
        *("apple.com", "localhost", "127.0.0.0/8", "::1/128"),
        *("mdm.example.com", "apple", "10.1.2.3/32", "fd00::1/128"),
    ]


def test_the_authority_lasts_ten_years_and_a_leaf_ninety_days(authority: Authority) -> None:
    leaf = load_leaf(authority.leaf(["localhost"], NOW))

    assert authority.certificate.not_valid_before_utc == NOW - timedelta(days=1)
    assert authority.certificate.not_valid_after_utc == NOW + timedelta(days=3650)
    assert leaf.not_valid_before_utc == NOW - timedelta(days=1)
    assert leaf.not_valid_after_utc == NOW + timedelta(days=90)


def test_the_default_leaf_is_for_apples_names_ours_and_those_asked_for(
    authority: Authority,
) -> None:
    assert authority.sans == SANS
    assert authority.names == (*LOCAL_NAMES, *SANS)
    assert alternatives(authority.leaf(authority.names, NOW)) == list(authority.names)


@pytest.mark.parametrize(
    ("name", "covered"),
    [
        pytest.param("mdmenrollment.apple.com", True, id="apple-host"),
        pytest.param("1-courier.push.apple.com", True, id="apple-host-we-do-not-list"),
        pytest.param("API.Push.Apple.com", True, id="case-does-not-matter"),
        pytest.param("api.push.apple.com.", True, id="rooted"),
        pytest.param("apple.com", True, id="the-subtree-itself"),
        pytest.param("notapple.com", False, id="same-ending"),
        pytest.param("apple.com.evil.example", False, id="same-beginning"),
        pytest.param("example.com", False, id="above-a-san"),
        pytest.param("eu.mdm.example.com", True, id="below-a-san"),
        pytest.param("127.8.9.10", True, id="loopback-network"),
        pytest.param("10.1.2.4", False, id="ipv4-neighbour"),
        pytest.param("::1", True, id="ipv6-loopback"),
        pytest.param("FD00:0::1", True, id="ipv6-spelt-otherwise"),
        pytest.param("::1%lo", False, id="ipv6-zone"),
        pytest.param("::ffff:127.0.0.1", False, id="ipv4-mapped"),
        pytest.param("*.apple.com", False, id="wildcard"),
        pytest.param("api.apple.com:443", False, id="with-port"),
        pytest.param("api..apple.com", False, id="empty-label"),
        pytest.param("-api.apple.com", False, id="leading-hyphen"),
        pytest.param(f"{'a' * 64}.apple.com", False, id="long-label"),
        pytest.param("a." * 123 + "apple.com", False, id="long-name"),
        pytest.param("apple.com\n", False, id="line-end"),
        pytest.param("ápi.apple.com", False, id="not-ascii"),
        pytest.param("127.1", False, id="short-ipv4"),
        pytest.param("", False, id="empty"),
    ],
)
def test_only_names_inside_the_constraints_are_covered(
    authority: Authority, name: str, covered: bool
) -> None:
    assert authority.covers(name) is covered


@given(name=st.text())
def test_covering_answers_whatever_a_client_sends_as_name(authority: Authority, name: str) -> None:
    assert authority.covers(name) in {True, False}


def test_a_leaf_serves_and_does_nothing_else(authority: Authority) -> None:
    extensions = load_leaf(authority.leaf(["localhost"], NOW)).extensions

    usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    basic = extensions.get_extension_for_class(x509.BasicConstraints).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert not basic.ca


def test_a_leaf_names_each_host_once(authority: Authority) -> None:
    leaf = authority.leaf(["Api.Push.Apple.com", "api.push.apple.com.", "::1", "0::1"], NOW)

    assert alternatives(leaf) == ["api.push.apple.com", "::1"]


def test_the_chain_is_the_leaf_and_the_authority(authority: Authority) -> None:
    leaf = authority.leaf(["localhost"], NOW)

    chain = x509.load_pem_x509_certificates(leaf.chain_pem)

    assert chain == [load_leaf(leaf), authority.certificate]
    chain[0].verify_directly_issued_by(chain[1])


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        pytest.param([], "at least one name", id="none"),
        pytest.param(["localhost", "bank.example"], "new one made with --san bank", id="outside"),
        pytest.param(["*.apple.com"], "is neither an IP address nor a DNS name", id="wildcard"),
    ],
)
def test_a_leaf_for_other_names_is_refused_with_the_cure(
    authority: Authority, names: list[str], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        authority.leaf(names, NOW)


def test_a_san_that_is_no_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'\*\.example\.com' is neither"):
        Authority.create(NOW, sans=["*.example.com"])


def test_a_kept_authority_is_the_same_authority(authority: Authority) -> None:
    loaded = Authority.load(authority.certificate_pem, authority.key_pem)

    assert loaded.fingerprint == authority.fingerprint
    assert loaded.names == authority.names
    load_leaf(loaded.leaf(["localhost"], NOW)).verify_directly_issued_by(authority.certificate)


def test_the_fingerprint_is_that_of_openssl_and_browsers(authority: Authority) -> None:
    der = ssl.PEM_cert_to_DER_cert(authority.certificate_pem.decode())

    assert authority.fingerprint == hashlib.sha256(der).hexdigest()


@pytest.fixture(scope="module")
def wrong_keys() -> dict[str, bytes]:
    foreign = rsa.generate_private_key(65537, 2048)
    form = serialization.PrivateFormat.PKCS8
    pem = foreign.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return {"another": Authority.create(NOW).key_pem, "rsa": pem, "none": b""}


@pytest.mark.parametrize(
    ("which", "complaint"),
    [
        ("another", "not the key of the CA certificate"),
        ("rsa", "no elliptic curve key"),
        ("none", "no unencrypted PEM private key"),
    ],
)
def test_a_wrong_key_is_refused_with_the_cure(
    authority: Authority, wrong_keys: dict[str, bytes], which: str, complaint: str
) -> None:
    with pytest.raises(ValueError, match=f"{complaint}: restore it, or remove"):
        Authority.load(authority.certificate_pem, wrong_keys[which])


def test_a_damaged_certificate_is_refused(authority: Authority) -> None:
    with pytest.raises(ValueError, match="no PEM certificate: restore it"):
        Authority.load(authority.certificate_pem[:200], authority.key_pem)


def test_an_unconfined_certificate_is_refused(
    authority: Authority, forged: x509.Certificate
) -> None:
    with pytest.raises(ValueError, match="no name constraints: restore it"):
        Authority.load(forged.public_bytes(serialization.Encoding.PEM), authority.key_pem)


def test_keys_do_not_show_when_printed(authority: Authority) -> None:
    shown = f"{authority!r} {authority.leaf(['localhost'], NOW)!r}"

    assert "PRIVATE KEY" not in shown
    assert "key=" not in shown


@pytest.mark.parametrize("name", ["mdmenrollment.apple.com", "127.0.0.1", "::1", "mdm.test"])
def test_pythons_strictest_client_accepts_a_leaf(name: str, tmp_path: Path) -> None:
    today = datetime.fromtimestamp(Clock().now_ms() // 1000, UTC)
    authority = Authority.create(today, sans=["mdm.test"])

    names = ("mdmenrollment.apple.com", *authority.names)

    version = handshake(authority.leaf(names, today), authority, name, tmp_path)

    assert version == "TLSv1.3"


def test_openssl_accepts_a_leaf_and_refuses_a_forgery(
    authority: Authority, forged: x509.Certificate, tmp_path: Path
) -> None:
    leaf = authority.leaf(authority.names, NOW)
    forgery = forged.public_bytes(serialization.Encoding.PEM)

    assert "leaf.pem: OK" in openssl_verdict(authority, leaf.certificate_pem, tmp_path)
    assert "permitted subtree violation" in openssl_verdict(authority, forgery, tmp_path)
