import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from simulator.auth.provider_token import ProviderToken, age_s, check, read, verifies
from tests.programs import program

NOW_S = 1_737_111_741
NOW_MS = NOW_S * 1000
KEY_ID, TEAM_ID = "ABC123DEFG", "DEF123GHIJ"
KEY = ec.generate_private_key(ec.SECP256R1())
HEADER = {"alg": "ES256", "kid": KEY_ID}
CLAIMS = {"iss": TEAM_ID, "iat": NOW_S}


def public_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


KEYS = {KEY_ID: (TEAM_ID, public_pem(KEY))}


def base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def raw(signature: bytes) -> bytes:
    r, s = decode_dss_signature(signature)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def jwt(
    header: Any = HEADER,
    claims: Any = CLAIMS,
    *,
    key: ec.EllipticCurvePrivateKey = KEY,
    der: bool = False,
) -> str:
    signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    signature = key.sign(signed.encode(), ec.ECDSA(hashes.SHA256()))
    return f"{signed}.{base64url(signature if der else raw(signature))}"


def loose() -> str:
    """Return a good token whose last character has bits that mean nothing."""
    text = jwt()
    return text[:-1] + chr(ord(text[-1]) + 1)


def twice() -> str:
    """Return a token that says two teams: readers differ in which of them counts."""
    claims = json.dumps(CLAIMS)[:-1] + f', "iss": "{TEAM_ID}"}}'
    signed = f"{base64url(json.dumps(HEADER).encode())}.{base64url(claims.encode())}"
    return f"{signed}.{base64url(raw(KEY.sign(signed.encode(), ec.ECDSA(hashes.SHA256()))))}"


def bearer(header: Any = HEADER, claims: Any = CLAIMS, **options: Any) -> str:
    return f"bearer {jwt(header, claims, **options)}"


def issued(iat: Any) -> dict[str, Any]:
    return CLAIMS | {"iat": iat}


def without(entries: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in entries.items() if key != name}


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        pytest.param(bearer(), "", id="good"),
        pytest.param(f"Bearer {jwt()}", "", id="capital"),
        pytest.param(f"BEARER  {jwt()} ", "", id="capitals and spaces"),
        pytest.param(f"bearer {jwt()}==", "", id="padded"),
        pytest.param(bearer(der=True), "", id="DER signature"),
        pytest.param(bearer(HEADER | {"typ": "JWT"}, CLAIMS | {"aud": 1}), "", id="more claims"),
        pytest.param(bearer(claims=issued(NOW_S + 0.75)), "", id="float"),
        pytest.param(bearer(claims=issued(str(NOW_S))), "", id="string"),
        pytest.param(bearer(claims=issued(NOW_S - 3600)), "", id="an hour old"),
        pytest.param(bearer(claims=issued(NOW_S + 3600)), "", id="an hour ahead"),
        pytest.param("", "MissingProviderToken", id="empty"),
        pytest.param("bearer", "MissingProviderToken", id="scheme alone"),
        pytest.param("bearer ", "MissingProviderToken", id="no token"),
        pytest.param(f"Basic {jwt()}", "MissingProviderToken", id="other scheme"),
        pytest.param(jwt(), "MissingProviderToken", id="no scheme"),
        pytest.param("bearer x", "InvalidProviderToken", id="no JWT"),
        pytest.param("bearer ..", "InvalidProviderToken", id="three empty parts"),
        pytest.param(f"bearer {jwt()}.x", "InvalidProviderToken", id="four parts"),
        pytest.param(f"bearer {jwt()[:-4]}", "InvalidProviderToken", id="cut short"),
        pytest.param(bearer([], CLAIMS), "InvalidProviderToken", id="header no object"),
        pytest.param(bearer(HEADER, "x"), "InvalidProviderToken", id="claims no object"),
        pytest.param(bearer(without(HEADER, "alg")), "InvalidProviderToken", id="no alg"),
        pytest.param(bearer(HEADER | {"alg": "none"}), "InvalidProviderToken", id="alg none"),
        pytest.param(bearer(without(HEADER, "kid")), "InvalidProviderToken", id="no kid"),
        pytest.param(bearer(HEADER | {"kid": 5}), "InvalidProviderToken", id="kid number"),
        pytest.param(bearer(HEADER | {"kid": "X"}), "InvalidProviderToken", id="unknown kid"),
        pytest.param(bearer(claims=without(CLAIMS, "iss")), "InvalidProviderToken", id="no team"),
        pytest.param(bearer(claims=CLAIMS | {"iss": "X"}), "InvalidProviderToken", id="other team"),
        pytest.param(
            bearer(key=ec.generate_private_key(ec.SECP256R1())),
            "InvalidProviderToken",
            id="other key",
        ),
        pytest.param(bearer(claims=without(CLAIMS, "iat")), "InvalidProviderToken", id="no iat"),
        pytest.param(bearer(claims=issued(None)), "InvalidProviderToken", id="iat null"),
        pytest.param(bearer(claims=issued(True)), "InvalidProviderToken", id="iat boolean"),
        pytest.param(bearer(claims=issued("now")), "InvalidProviderToken", id="iat word"),
        pytest.param(bearer(claims=issued(float("nan"))), "InvalidProviderToken", id="iat NaN"),
        pytest.param(bearer(claims=issued(10**400)), "InvalidProviderToken", id="iat huge"),
        pytest.param(bearer(claims=issued(NOW_MS)), "InvalidProviderToken", id="milliseconds"),
        pytest.param(
            bearer(claims=issued(str(NOW_MS))), "InvalidProviderToken", id="string of milliseconds"
        ),
        pytest.param(bearer(claims=issued(NOW_S + 3601)), "InvalidProviderToken", id="ahead"),
        pytest.param(bearer(claims=issued(NOW_S - 3601)), "ExpiredProviderToken", id="old"),
        pytest.param(bearer(claims=issued(str(NOW_S - 3601))), "ExpiredProviderToken", id="old s"),
        pytest.param(bearer(claims=issued(-1)), "ExpiredProviderToken", id="before 1970"),
        pytest.param(
            bearer(claims=issued(0), key=ec.generate_private_key(ec.SECP256R1())),
            "InvalidProviderToken",
            id="forged and old",
        ),
    ],
)
def test_a_token_is_judged_as_apple_documents(authorization: str, reason: str) -> None:
    assert check(read(authorization), KEYS, NOW_MS) == reason


def test_an_hour_is_exact_to_the_millisecond() -> None:
    token = read(bearer())

    assert check(token, KEYS, NOW_MS + 3_600_000) == ""
    assert check(token, KEYS, NOW_MS + 3_600_001) == "ExpiredProviderToken"
    assert check(token, KEYS, NOW_MS - 3_600_000) == ""
    assert check(token, KEYS, NOW_MS - 3_600_001) == "InvalidProviderToken"


def test_a_token_is_read_as_it_stands() -> None:
    text = jwt()

    token = read(f"bearer {text}")

    assert token
    assert (token.key_id, token.team_id, token.issued_s) == (KEY_ID, TEAM_ID, NOW_S)
    assert (token.algorithm, token.oddities) == ("ES256", ())
    assert token.signed == text.rpartition(".")[0].encode()
    assert len(token.signature) == 64


@pytest.mark.parametrize(
    ("authorization", "oddities"),
    [
        pytest.param(bearer(claims=issued(NOW_S + 0.5)), ("iat-float",), id="float"),
        pytest.param(bearer(claims=issued(str(NOW_S))), ("iat-string",), id="string"),
        pytest.param(bearer(der=True), ("der-signature",), id="DER"),
        pytest.param(
            bearer(claims=issued("1"), der=True), ("iat-string", "der-signature"), id="both"
        ),
        pytest.param(bearer() + "==", ("padding",), id="padding"),
        pytest.param(bearer(HEADER | {"crit": ["b64"]}), ("crit",), id="crit"),
        pytest.param("bearer " + loose(), ("encoding",), id="bits"),
        pytest.param("bearer " + twice(), ("twice",), id="twice"),
    ],
)
def test_oddities_are_named(authorization: str, oddities: tuple[str, ...]) -> None:
    token = read(authorization)

    assert token
    assert token.oddities == oddities


def test_the_age_is_in_seconds() -> None:
    token, undated = read(bearer()), read("bearer x")

    assert token
    assert undated
    assert age_s(token, NOW_MS + 1500) == 1.5
    assert age_s(token, NOW_MS - 1000) == -1
    assert age_s(undated, NOW_MS) is None


@pytest.mark.parametrize(
    "pem",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(public_pem(rsa.generate_private_key(65537, 2048)), id="RSA"),
        pytest.param(public_pem(ec.generate_private_key(ec.SECP384R1())), id="P-384"),
    ],
)
def test_another_kind_of_key_verifies_nothing(pem: bytes) -> None:
    token = read(bearer())

    assert token
    assert verifies(token, public_pem(KEY))
    assert not verifies(token, pem)


def test_what_openssl_signed_verifies(tmp_path: Path) -> None:
    openssl = program("openssl")
    signed = jwt().rpartition(".")[0]
    (tmp_path / "key.pem").write_bytes(
        KEY.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )

    signature = subprocess.run(
        [openssl, "dgst", "-sha256", "-sign", "key.pem"],
        input=signed.encode(),
        cwd=tmp_path,
        capture_output=True,
        check=True,
    ).stdout
    token, plain = read(f"bearer {signed}.{base64url(signature)}"), base64url(raw(signature))

    assert check(token, KEYS, NOW_MS) == ""
    assert check(read(f"bearer {signed}.{plain}"), KEYS, NOW_MS) == ""


SEGMENTS = st.one_of(
    st.text(max_size=40),
    st.binary(max_size=40).map(base64url),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["kid", "iat"]), inner),
    ).map(lambda value: base64url(json.dumps(value).encode())),
)


@given(st.text() | st.lists(SEGMENTS, max_size=5).map(lambda parts: "bearer " + ".".join(parts)))
def test_no_header_makes_reading_or_checking_raise(authorization: str) -> None:
    token = read(authorization)

    assert check(token, KEYS, NOW_MS) in {"MissingProviderToken", "InvalidProviderToken"}


@given(st.binary(max_size=80))
def test_no_signature_but_the_right_one_verifies(signature: bytes) -> None:
    token = ProviderToken(KEY_ID, TEAM_ID, NOW_S, "ES256", b"signed", signature)

    assert check(token, KEYS, NOW_MS) == "InvalidProviderToken"


@pytest.mark.parametrize(
    "segment",
    [
        pytest.param(base64url(b"[" * 100_000), id="deep"),
        pytest.param(base64url(b'{"iat":' + b"9" * 5000 + b"}"), id="many digits"),
        pytest.param(base64url(b'{"iat":Infinity}'), id="infinite"),
        pytest.param(base64url(b'{"kid":"\\ud800","iss":"\\ud800"}'), id="lone surrogate"),
        pytest.param("A", id="one character"),
        pytest.param("\ud800", id="surrogate"),
    ],
)
def test_hostile_segments_are_invalid(segment: str) -> None:
    token = read(f"bearer {segment}.{segment}.{segment}")

    assert check(token, KEYS, NOW_MS) == "InvalidProviderToken"
