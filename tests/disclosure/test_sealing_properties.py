"""Whatever comes: nothing secret is stored, and nothing is lost by that."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.disclosure.factories import (
    DEFINE,
    GET,
    LOG_IN,
    MADE,
    OBSERVER,
    TOKEN,
    observed,
    request,
    sealed,
)

SECRET = "FAKE-enrol-secret-1"
ESCAPED = "".join(f"\\u{ord(character):04x}" for character in SECRET)
NAMES = [row.name for row in DEFINE.request] + ["unknown", "a/b~c", "token", "consumer_secret", "é"]
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            SECRET,
            TOKEN,
            f"https://mdm.example/e?token={SECRET}&x",
            f"https://user:{SECRET}@mdm.example/#frag",
            "<sealed org.department text 4 0123456789abcdef>",
            "<sealed lock.escrow_key text 4 0123456789abcdef value:x>",
            "anna@Example.com",
            "iOS",
            "sv",
        ]
    ),
)
SCALARS = st.one_of(
    TEXTS, st.booleans(), st.none(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)
)


class Pairs(list[tuple[str, Any]]):
    """An object whose keys may repeat."""


def trees() -> st.SearchStrategy[Any]:
    keys = st.one_of(st.sampled_from(NAMES), st.text(max_size=4))
    return st.recursive(
        SCALARS,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.lists(st.tuples(keys, inner), max_size=6).map(Pairs),
        ),
        max_leaves=12,
    )


def written(tree: Any, draw: st.DrawFn) -> str:
    """Write JSON with random escapes and white space, and with repeated keys."""
    gap = draw(st.sampled_from(["", " ", "\n\t"]))
    if isinstance(tree, Pairs):
        pairs = [f"{text(key, draw)}{gap}:{written(value, draw)}" for key, value in tree]
        return "{" + gap + f",{gap}".join(pairs) + gap + "}"
    if isinstance(tree, list):
        return "[" + gap + ",".join(written(item, draw) for item in tree) + gap + "]"
    return text(tree, draw) if isinstance(tree, str) else json.dumps(tree)


def text(value: str, draw: st.DrawFn) -> str:
    way = draw(st.sampled_from(["ascii", "plain", "escaped"]))
    if way == "escaped":
        units = value.encode("utf-16-be", "surrogatepass")
        return (
            '"'
            + "".join(f"\\u{a:02x}{b:02X}" for a, b in zip(*[iter(units)] * 2, strict=True))
            + '"'
        )
    return json.dumps(value, ensure_ascii=way == "ascii").replace(
        "/", draw(st.sampled_from(["/", "\\/"]))
    )


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    tree = draw(st.lists(st.tuples(st.sampled_from(NAMES), trees()), max_size=6).map(Pairs))
    return written(tree, draw).encode("utf-8", "replace")


@given(bodies(), st.sampled_from([DEFINE, GET, None]))
def test_a_stored_request_discloses_what_the_original_did(body: bytes, operation: Any) -> None:
    sent = request(body=body, headers=(("X-Session", TOKEN), ("Accept-Language", "sv")))

    stored = sealed(sent, operation)

    assert OBSERVER.observe(stored, operation, MADE) == observed(sent, operation)


@given(bodies())
def test_no_secret_is_stored_in_any_escape(body: bytes) -> None:
    rest = body.strip().removeprefix(b"{").strip()
    comma = b"" if rest == b"}" else b","
    sent = request(body=b'{"escrow_key": "' + ESCAPED.encode() + b'"' + comma + rest)

    stored = sealed(sent)

    assert SECRET not in json.dumps(json.loads(stored.body), ensure_ascii=False)
    assert ESCAPED.encode() not in stored.body


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Authorization", "Cookie", "X-Session", "User-Agent", "Via", "X-Odd"]),
            st.one_of(
                st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=20),
                st.sampled_from(
                    [
                        f'OAuth oauth_token="{SECRET}", oauth_nonce=1',
                        f"OAuth oauth_token={SECRET},oauth_signature=a%2Bb=",
                        f"OAuth oauth_token={SECRET} oops",
                        f"Bearer {SECRET}",
                        f"a={SECRET}; b = {SECRET} ;c",
                        SECRET,
                        "https://a.example/?x=1#y",
                        "<sealed org.department text 4 0123456789abcdef>",
                    ]
                ),
            ),
        ),
        max_size=5,
    ),
    st.sampled_from([DEFINE, LOG_IN, None]),
)
def test_stored_headers_disclose_what_the_originals_did(headers: Any, operation: Any) -> None:
    sent = request("GET", "/things", headers=tuple(headers))

    stored = sealed(sent, operation)

    assert OBSERVER.observe(stored, operation, MADE) == observed(sent, operation)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["device", "back", "odd", "escrow_key", "%62ack"]),
            st.one_of(
                st.text("ab%2+&#=é ", max_size=8),
                st.sampled_from(
                    [
                        SECRET,
                        "https%3A%2F%2Fa.example%2F%3Ft%3DFAKE-enrol-secret-1%26u%3D%2B",
                        "https://a.example/?t=1+2",
                        "%3Csealed+org.name+text+4+0123456789abcdef%3E",
                    ]
                ),
            ),
        ),
        max_size=5,
    )
)
def test_a_stored_target_discloses_what_the_original_did(pairs: Any) -> None:
    target = "/things?" + "&".join(f"{name}={value}" for name, value in pairs)
    sent = request("GET", target)

    stored = sealed(sent, GET)

    assert OBSERVER.observe(stored, GET, MADE) == observed(sent, GET)
