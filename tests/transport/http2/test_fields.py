"""What is a request in HTTP/2, and what is none."""

import pytest

from simulator.transport.http2.fields import read_head, write

GOOD = {b":method": b"GET", b":scheme": b"https", b":path": b"/", b":authority": b"a.example"}


def fields(*added: tuple[bytes, bytes], **pseudo: bytes | None) -> list[tuple[bytes, bytes, bool]]:
    """Return a proper request, but for *pseudo* fields changed or left out, and *added* ones."""
    changed = GOOD | {b":" + name.encode(): value for name, value in pseudo.items()}
    kept = [(name, value) for name, value in changed.items() if value is not None]
    return [(name, value, False) for name, value in (*kept, *added)]


def test_a_request_keeps_order_and_duplicates() -> None:
    head = read_head(fields((b"x-b", b"1"), (b"x-a", b"2"), (b"x-b", b"3"), path=b"/p?q=1"))

    assert (head.method, head.target, head.malformed) == ("GET", "/p?q=1", "")
    assert head.headers == (("host", "a.example"), ("x-b", "1"), ("x-a", "2"), ("x-b", "3"))


@pytest.mark.parametrize(
    ("added", "pseudo", "headers"),
    [
        pytest.param((), {"authority": None}, (), id="neither"),
        pytest.param(
            ((b"x-a", b"1"), (b"host", b"b.example")),
            {"authority": None},
            (("x-a", "1"), ("host", "b.example")),
            id="host-only",
        ),
        pytest.param(((b"host", b"a.example"),), {}, (("host", "a.example"),), id="both-the-same"),
    ],
)
def test_the_host_comes_from_either_field(
    added: tuple[tuple[bytes, bytes], ...],
    pseudo: dict[str, bytes | None],
    headers: tuple[tuple[str, str], ...],
) -> None:
    head = read_head(fields(*added, **pseudo))

    assert (head.headers, head.malformed) == (headers, "")


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(fields(method=None), id="no-method"),
        pytest.param(fields(scheme=None), id="no-scheme"),
        pytest.param(fields(path=None), id="no-path"),
        pytest.param(fields(path=b""), id="empty-path"),
        pytest.param(fields(path=b"x"), id="path-without-slash"),
        pytest.param(fields(path=b"*"), id="asterisk-without-options"),
        pytest.param(fields((b":method", b"GET")), id="method-twice"),
        pytest.param(fields((b"x-a", b"1"), (b":late", b"1")), id="unknown-pseudo"),
        pytest.param([(b"x-a", b"1", False), *fields()], id="pseudo-behind-others"),
        pytest.param(fields((b":status", b"200")), id="pseudo-of-answers"),
        pytest.param(fields((b"X-A", b"1")), id="capitals"),
        pytest.param(fields((b"", b"1")), id="empty-name"),
        pytest.param(fields((b"x a", b"1")), id="space-in-name"),
        pytest.param(fields((b"connection", b"close")), id="connection"),
        pytest.param(fields((b"keep-alive", b"1")), id="keep-alive"),
        pytest.param(fields((b"proxy-connection", b"1")), id="proxy-connection"),
        pytest.param(fields((b"transfer-encoding", b"chunked")), id="transfer-encoding"),
        pytest.param(fields((b"upgrade", b"h2c")), id="upgrade"),
        pytest.param(fields((b"te", b"gzip")), id="te"),
        pytest.param(fields((b"x-a", b"1\r\n2")), id="line-break"),
        pytest.param(fields((b"x-a", b"1\x00")), id="zero-byte"),
        pytest.param(fields((b"x-a", b" 1")), id="space-before"),
        pytest.param(fields((b"x-a", b"1\t")), id="tab-behind"),
        pytest.param(fields((b"content-length", b"-1")), id="negative-length"),
        pytest.param(
            fields((b"content-length", b"1"), (b"content-length", b"2")), id="two-lengths"
        ),
        pytest.param(fields((b"host", b"b.example")), id="another-host"),
        pytest.param(fields(method=b"CONNECT"), id="connect-with-a-path"),
        pytest.param(
            fields(method=b"CONNECT", path=None, scheme=None, authority=None), id="connect-nowhere"
        ),
    ],
)
def test_what_breaks_a_rule_is_malformed_whoever_sent_it_before(
    sent: list[tuple[bytes, bytes, bool]],
) -> None:
    first = read_head(sent)

    again = read_head(sent)

    assert first.malformed
    assert again == first


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(fields(method=b"OPTIONS", path=b"*"), id="options"),
        pytest.param(fields((b"te", b"trailers")), id="te"),
        pytest.param(fields((b"x-a", b"")), id="empty-value"),
        pytest.param(fields((b"x-a", b"1\t2")), id="tab-within"),
        pytest.param(
            fields((b"content-length", b"1"), (b"content-length", b"1")), id="length-twice"
        ),
        pytest.param(fields(method=b"CONNECT", path=None, scheme=None), id="connect"),
    ],
)
def test_what_is_unusual_but_right_is_taken(sent: list[tuple[bytes, bytes, bool]]) -> None:
    assert read_head(sent).malformed == ""


def test_values_are_read_as_utf_8_or_byte_by_byte() -> None:
    head = read_head(fields((b"x-a", "é".encode()), (b"x-b", b"\xe9")))

    assert head.headers[1:] == (("x-a", "é"), ("x-b", "é"))


def test_names_are_remembered_up_to_a_limit() -> None:
    for number in range(3000):
        head = read_head(fields((b"x-%d" % number, b"1")))
        assert head.malformed == ""
        write(200, ((f"x-{number}", "1"),))


def test_the_size_of_the_list_counts_as_the_setting_does() -> None:
    assert read_head(fields((b"x-a", b"12"))).size == 5 * 32 + 5 + sum(
        len(name) + len(value) for name, value in GOOD.items()
    )
