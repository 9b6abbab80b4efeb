"""The canary sees a secret in any of its spellings."""

import base64
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.disclosure.redact.canary import Canary, canary_lines
from simulator.store.opening import open_store
from tests.apple import Apple

SECRET = "AS_4f/+e 9~é0123456789"
CANARY = Canary({"the secret": SECRET, "short": "abc"})


@pytest.mark.parametrize(
    "spelt",
    [
        pytest.param(SECRET.encode(), id="raw"),
        pytest.param(base64.b64encode(SECRET.encode()), id="base64"),
        pytest.param(base64.urlsafe_b64encode(SECRET.encode()).rstrip(b"="), id="base64url"),
        pytest.param(SECRET.encode().hex().encode(), id="hex"),
        pytest.param(SECRET.encode().hex().upper().encode(), id="hex-upper"),
        pytest.param(quote(SECRET, safe="").encode(), id="url"),
        pytest.param(quote(SECRET, safe="").lower().encode(), id="url-lower"),
        pytest.param(
            "".join(f"%{byte:02X}" for byte in SECRET.encode()).encode(), id="url-every-byte"
        ),
    ],
)
def test_each_spelling_is_seen_wherever_it_stands(spelt: bytes) -> None:
    found = list(CANARY.look("here", b"before " + spelt + b" after"))

    assert {one.secret for one in found} == {"the secret"}
    assert SECRET not in repr(found)


@given(st.binary(max_size=9), st.binary(max_size=9), st.booleans())
def test_base64_is_seen_at_any_offset(before: bytes, after: bytes, url: bool) -> None:
    encode = base64.urlsafe_b64encode if url else base64.b64encode

    assert list(CANARY.look("x", encode(before + SECRET.encode() + after)))


@given(st.binary(max_size=200))
def test_nothing_else_is_seen(data: bytes) -> None:
    assert not list(CANARY.look("x", data))


def test_short_secrets_are_not_looked_for() -> None:
    assert CANARY.secrets == 1
    assert not list(CANARY.look("x", b"abc"))


def test_the_outcome_is_told_in_lines() -> None:
    found = list(CANARY.look("a file", SECRET.encode()))

    assert list(canary_lines(CANARY, 3, [])) == [
        "canary: looked for 1 secrets in 3 places: none seen\n"
    ]
    assert list(canary_lines(CANARY, 3, found)) == [
        "canary: the secret stands in a file (raw)\n",
        "canary: looked for 1 secrets in 3 places: 1 SEEN\n",
    ]


@pytest.mark.parametrize("written", [str, lambda text: base64.b64encode(text.encode()).decode()])
def test_a_test_whose_journal_holds_an_issued_secret_is_told(written: Callable[[str], str]) -> None:
    secret = "k3y-that-0nly-we-know-of"
    apple = Apple(store=open_store(None))
    apple.guard.add("dep.access_secret", secret)

    apple.call("POST", "/nowhere", {written(secret): 1})
    unguarded, apple.guarded = apple.leaks(), True
    found, apple.guarded = apple.leaks(), False

    assert unguarded == []
    assert {one.partition(" (")[0] for one in found} == {"dep.access_secret of 24 characters"}
