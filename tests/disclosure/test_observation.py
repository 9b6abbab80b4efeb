"""Every value is one record: the rules of disclosure.md 4.1."""

import gzip
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.disclosure.factories import (
    DEFINE,
    FINGERPRINTER,
    GET,
    MADE,
    OBSERVER,
    TOKEN,
    observed,
    post,
    recorded,
    request,
)


def at(records: Any) -> list[str]:
    return [one.at for one in records]


@given(
    st.recursive(
        st.builds(lambda: None),
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=4),
            st.dictionaries(st.text(max_size=5), inner, min_size=1, max_size=4),
        ),
        max_leaves=30,
    )
)
def test_as_many_leaves_as_there_are_give_as_many_records(shape: Any) -> None:
    count = 0

    def fill(node: Any) -> Any:
        nonlocal count
        if isinstance(node, list):
            return [fill(item) for item in node]
        if isinstance(node, dict):
            return {key: fill(item) for key, item in node.items()}
        count += 1
        return f"leaf number {count}"

    tree = {"x": fill(shape)}

    records = observed(post(tree))

    assert len(records) == count
    assert len({one.at for one in records}) == count
    assert len({one.fp for one in records}) == count
    assert recorded(post(tree)) == records


def test_framing_and_negotiation_are_no_records() -> None:
    names = (
        "Host Accept Accept-Encoding Content-Type Content-Length Connection TE Transfer-Encoding"
    )

    assert observed(request(headers=tuple((name, "x") for name in names.split()))) == []


@pytest.mark.parametrize(
    ("name", "concept", "documented"),
    [
        ("Accept-Language", "net.accept_language", False),
        ("User-Agent", "net.user_agent", True),
        ("X-Forwarded-For", "net.forwarded", False),
        ("Via", "net.forwarded", False),
        ("traceparent", "net.trace", False),
        ("X-Datadog-Trace-Id", "net.trace", False),
        ("x-b3-spanid", "net.trace", False),
        ("baggage", "net.baggage", False),
        ("Content-Encoding", "protocol", True),
        ("Proxy-Authorization", "net.authorization", False),
        ("X-Odd", "unknown", False),
    ],
)
def test_headers_are_called_what_they_are(name: str, concept: str, documented: bool) -> None:
    (record,) = observed(request(headers=((name, "identity"),)))

    assert (record.part, record.at) == ("header", name.lower())
    assert (record.concept, record.documented) == (concept, documented)


def test_repeated_headers_each_count() -> None:
    records = observed(request(headers=(("Via", "a"), ("via", "b"))))

    assert at(records) == ["via", "via"]


def test_each_cookie_is_one_record() -> None:
    records = observed(request(headers=(("Cookie", "a=1; b = 2;c"),)))

    assert [(one.part, one.at, one.concept, one.len) for one in records] == [
        ("cookie", "a", "net.cookie", 1),
        ("cookie", "b", "net.cookie", 1),
        ("cookie", "", "net.cookie", 1),
    ]


def test_each_query_pair_is_one_record() -> None:
    records = observed(request("GET", "/things?device=a&device=B&odd=&x"), GET)

    assert [(one.at, one.concept, one.shape) for one in records] == [
        ("device", "device.serial", "text"),
        ("device", "device.serial", "text"),
        ("odd", "unknown", "empty"),
        ("x", "unknown", "empty"),
    ]


def test_a_secret_in_the_query_is_flagged() -> None:
    (record,) = observed(request("GET", "/things?escrow_key=abcdefgh"), GET)

    assert record.concept == "lock.escrow_key"
    assert record.flags == ("undocumented", "misplaced-credential", "secret-in-url")


def test_a_query_in_a_query_value_is_a_child() -> None:
    (own, token) = observed(request("GET", "/things?back=https://a.example/%3Ft%3D1"), GET)

    assert (own.at, own.shape, own.len) == ("back", "url", 18)
    assert (token.at, token.concept, token.flags) == (
        "back?t",
        "dep.web_url.query",
        ("secret-in-url",),
    )


@pytest.mark.parametrize("tree", [{}, None])
def test_an_empty_root_gives_nothing_but_null_does(tree: Any) -> None:
    assert len(observed(post(tree))) == (tree is None)


@pytest.mark.parametrize(
    ("tree", "shape"),
    [({"devices": []}, "empty"), ({"url": None}, "null"), ({"message": ""}, "empty")],
)
def test_what_is_empty_gives_one_record(tree: Any, shape: str) -> None:
    (record,) = observed(post(tree))

    assert (record.shape, record.documented, record.clear) == (shape, True, None)


def test_repeated_keys_each_count() -> None:
    records = observed(request(body=b'{"message": "a", "message": "b"}'))

    assert at(records) == ["/message", "/message"]
    assert records[0].fp != records[1].fp


def test_pointers_are_escaped_and_indices_made_generic() -> None:
    (record,) = observed(post({"a/b~c": [[{"d": 1}]]}))

    assert (record.at, record.generic) == ("/a~1b~0c/0/0/d", "/a~1b~0c/*/*/d")
    assert (record.clear, record.shape) == ("1", "number")


def test_keys_that_are_data_are_records() -> None:
    records = observed(post({"outcomes": {"C8TJ": "SUCCESS"}, "details": {"C8TJ": {"key": "abc"}}}))

    assert [(one.at, one.generic, one.via, one.concept) for one in records] == [
        ("/outcomes/C8TJ", "/outcomes/*", "key", "device.serial"),
        ("/outcomes/C8TJ", "/outcomes/*", "", "protocol"),
        ("/details/C8TJ", "/details/*", "key", "device.serial"),
        ("/details/C8TJ/key", "/details/*/key", "", "lock.escrow_key"),
    ]


@pytest.mark.parametrize(
    ("tree", "concept"),
    [
        ({"escrow_key": 12}, "lock.escrow_key"),
        ({"escrow_key": ["x"]}, "lock.escrow_key"),
        ({"escrow_key": {"x": {"y": "z"}}}, "lock.escrow_key"),
        ({"inner": [{"secret": "x"}]}, "lock.escrow_key"),
        ({"devices": "C8TJ"}, "device.serial"),
        ({"devices": [["C8TJ"]]}, "device.serial"),
        ({"devices": {"a": "C8TJ"}}, "device.serial"),
        ({"rows": {"serial": "C8TJ"}}, "device.serial"),
        ({"limit": "many"}, "protocol"),
    ],
)
def test_a_wrong_type_keeps_the_meaning_but_is_not_documented(tree: Any, concept: str) -> None:
    (record,) = observed(post(tree))

    assert (record.concept, record.documented) == (concept, False)
    assert record.flags == ("undocumented",)
    assert recorded(post(tree)) == [record]


def test_a_secret_under_a_foreign_key_is_misplaced() -> None:
    (record,) = observed(post({"odd": {"escrow_key": "x"}}))

    assert (record.concept, record.documented) == ("lock.escrow_key", False)
    assert record.flags == ("undocumented", "misplaced-credential")


@pytest.mark.parametrize(
    ("version", "flags"),
    [("1", ("version<2",)), ("2", ()), ("4", ("version>3",)), ("x", ("version<2",))],
)
def test_a_field_of_another_version_is_flagged(version: str, flags: tuple[str, ...]) -> None:
    sent = post({"email": "a@b.example"}, ("X-Server-Protocol-Version", version))

    assert observed(sent)[-1].flags == flags


def test_a_given_version_wins_over_the_header() -> None:
    (record,) = observed(post({"email": "a@b.example"}), version=3)

    assert record.flags == ()


@pytest.mark.parametrize(
    ("tree", "clear"),
    [
        ({"flag": False}, "false"),
        ({"limit": 2.5}, "2.5"),
        ({"language": "sv"}, "sv"),
        ({"language": "anna@example.com"}, None),
        ({"kind": "iOS"}, "iOS"),
        ({"kind": "Anna's"}, None),
        ({"message": "hello"}, None),
        ({"odd": True}, "true"),
        ({"escrow_key": True}, None),
    ],
)
def test_only_closed_values_are_clear(tree: Any, clear: str | None) -> None:
    (record,) = observed(post(tree))

    assert record.clear == clear


def test_a_coded_body_is_observed_decoded() -> None:
    sent = request(body=gzip.compress(b'{"limit": 3}'), headers=(("Content-Encoding", "gzip"),))

    assert at(observed(sent)) == ["content-encoding", "/limit"]


def test_an_unreadable_body_is_one_record() -> None:
    (record,) = observed(request(body=b"<plist/>"))

    assert (record.part, record.at, record.shape, record.len) == ("body", "", "opaque", 8)
    assert (record.concept, record.flags) == ("unknown", ("undocumented",))
    assert record.fp == FINGERPRINTER.fingerprint("unknown", b"<plist/>")


def test_a_cut_body_is_flagged_even_if_it_can_be_read() -> None:
    (record,) = observed(request(body=b"{}", problem="truncated"))

    assert record.flags == ("undocumented", "truncated")


def test_an_unreadable_stored_body_without_figures_is_still_one_record() -> None:
    (record,) = OBSERVER.observe(request(body=b"oops"), DEFINE, MADE)

    assert (record.shape, record.len) == ("opaque", 4)


def test_a_request_to_nowhere_has_disclosed_too() -> None:
    sent = request("GET", "/nowhere?a=1", headers=(("User-Agent", "curl/8"), ("X-Session", TOKEN)))

    records = OBSERVER.observe(sent, None, None, sealed=False)

    assert [(one.at, one.concept) for one in records] == [
        ("a", "unknown"),
        ("user-agent", "net.user_agent"),
        ("x-session", "dep.session_token"),
    ]


def test_a_known_service_without_an_operation_knows_its_headers() -> None:
    (record,) = OBSERVER.observe(request(headers=(("X-Session", "x"),)), None, MADE, sealed=False)

    assert (record.concept, record.documented) == ("dep.session_token", True)


def test_records_come_in_the_order_of_the_request() -> None:
    sent = post({"limit": 1}, ("User-Agent", "x"), target="/things?device=1")

    parts = [one.part for one in observed(sent)]

    assert parts == ["query", "header", "body"]
    assert [one.part for one in recorded(sent)] == parts
