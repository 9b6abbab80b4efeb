"""Access-management tokens: each refusal, and that each is found whatever else is right."""

import base64
import json
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from simulator.auth.access_token import REASONS, TokenHolder, check
from simulator.auth.jose import read
from tests.certificates import self_signed

NOW_MS = 1_772_366_400_000  # 2026-03-01T12:00:00Z
UUID = "0123456789ABCDEF0123456789ABCDEF"
CLAIMS = {"iss": UUID, "iat": NOW_MS // 1000, "jti": "one", "service_type": "com.apple.maid"}


@cache
def key(_: int = 0) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def certificate(number: int = 0) -> str:
    made = self_signed(key(number), "MDM")
    return made.public_bytes(serialization.Encoding.PEM).decode()


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def token(number: int = 0, header: Any = None, **changes: Any) -> str:
    """Return a good token, signed by key *number*; None drops a claim."""
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    first = encoded(json.dumps(header or {"alg": "RS256", "typ": "JWT"}).encode())
    signed = f"{first}.{encoded(json.dumps(claims).encode())}"
    signature = key(number).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{encoded(signature)}"


SERVER = TokenHolder("acme", (certificate(1), certificate()))


def reason(text: str, server: TokenHolder | None = SERVER, **more: Any) -> str:
    return check(read(text), server, NOW_MS, **more)


def test_a_good_token_passes() -> None:
    assert reason(token()) == ""
    assert reason(token(), organisation="acme") == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", "malformed", id="empty"),
        pytest.param("a.b", "malformed", id="two-parts"),
        pytest.param("%.%.%", "malformed", id="not-base64"),
        pytest.param(f"{encoded(b'[]')}.{encoded(b'{}')}.", "malformed", id="array"),
        pytest.param(token() + "==", "malformed", id="padded"),
        pytest.param(
            token(header={"alg": "RS256", "crit": ["exp"]}), "malformed", id="unknown-extension"
        ),
        pytest.param(token(header={"alg": "none"}), "bad_alg", id="none"),
        pytest.param(token(header={"alg": "HS256"}), "bad_alg", id="hs256"),
        pytest.param(token(2), "bad_signature", id="other-key"),
        pytest.param(token(1), "old_key", id="key-before"),
        pytest.param(token()[:-6], "bad_signature", id="cut"),
        pytest.param(
            token(service_type="com.apple.watch.pairing"), "wrong_service_type", id="type"
        ),
        pytest.param(token(service_type=None), "wrong_service_type", id="no-type"),
        pytest.param(token(iat=None), "iat_missing", id="no-iat"),
        pytest.param(token(iat="5"), "iat_missing", id="iat-text"),
        pytest.param(token(iat=True), "iat_missing", id="iat-bool"),
        pytest.param(token(iat=NOW_MS // 1000 + 301), "iat_future", id="future"),
        pytest.param(token(iat=NOW_MS), "iat_future", id="milliseconds"),
        pytest.param(token(iat=NOW_MS // 1000 - 301), "iat_old", id="old"),
        pytest.param(token(jti=None), "jti_missing", id="no-jti"),
        pytest.param(token(jti=""), "jti_missing", id="empty-jti"),
    ],
)
def test_what_is_wrong_is_named(text: str, expected: str) -> None:
    assert reason(text) == expected
    assert expected in REASONS


def test_a_server_that_is_not_known_or_has_no_certificate_is_told_apart() -> None:
    assert reason(token(), None) == "unknown_iss"
    assert reason(token(), TokenHolder("acme")) == "no_certificate"
    assert reason(token(), TokenHolder("acme", ("no certificate",))) == "bad_signature"


def test_a_token_is_good_once_and_in_its_organisation() -> None:
    assert reason(token(), is_used=True) == "jti_reused"
    assert reason(token(), organisation="other") == "other_organisation"


def test_the_window_is_five_minutes() -> None:
    for seconds in (-300, 300):
        assert reason(token(iat=NOW_MS // 1000 + seconds)) == ""


@given(st.one_of(st.sampled_from(["%", "=", "A", "."]), st.text(max_size=60)), st.integers(0, 900))
def test_nothing_but_the_token_passes(text: str, place: int) -> None:
    good = token()
    changed = good[: place % len(good)] + text + good[place % len(good) :]

    assert (reason(changed) == "") is (changed == good)
