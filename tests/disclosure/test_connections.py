"""What connections tell beside their messages."""

from typing import Any

import pytest

from simulator.core.messages import Peer, Request, Tls
from simulator.disclosure.observe.connections import facts
from simulator.disclosure.report.rendering import to_text
from tests.disclosure.factories import AGENT, OBSERVER, exchange, ledger_of, report_of, request

TLS = Tls("TLSv1.3", "TLS_AES_128_GCM_SHA256", "made.example", "h2")
HEADERS = (("User-Agent", AGENT), ("X-Own", "1"))


def sent(*, first: bool = True, tls: Tls | None = TLS, settings: str = "3:100,4:65535") -> Request:
    peer = Peer("127.0.0.1", 50000, 1, tls, first, settings)
    made = request(headers=HEADERS)
    return Request(made.method, made.target, made.headers, b"", "https", peer, "2")


def test_the_first_request_carries_what_its_connection_told() -> None:
    assert facts(sent()) == {
        "sni": "made.example",
        "alpn": "h2",
        "tls_version": "TLSv1.3",
        "cipher": "TLS_AES_128_GCM_SHA256",
        "http2_settings": "3:100,4:65535",
        "header_order": "host,user-agent,x-own",
    }


@pytest.mark.parametrize(
    ("more", "told"),
    [
        pytest.param({"first": False}, [], id="later-request"),
        pytest.param({"tls": None, "settings": ""}, ["header_order"], id="plain-http"),
        pytest.param(
            {"tls": Tls("TLSv1.2", "X"), "settings": ""},
            ["tls_version", "cipher", "header_order"],
            id="no-name-no-alpn",
        ),
    ],
)
def test_what_was_not_shown_is_not_told(more: dict[str, Any], told: list[str]) -> None:
    assert list(facts(sent(**more))) == told


def test_two_requests_on_one_connection_tell_it_once() -> None:
    ledger = ledger_of(exchange(sent()), exchange(sent(first=False)), exchange(sent()))

    counted = {place: group.seen.requests for (_, place), group in ledger.connections.items()}
    assert set(counted.values()) == {2}
    assert len(counted) == 6


def test_they_are_shown_apart_and_are_not_judged() -> None:
    report = report_of(exchange(sent()), redact="clear")

    shown = {line.place: line.example for line in report.connections}
    assert shown["tls_version"] == "TLSv1.3"
    assert shown["alpn"] == "h2"
    assert shown["sni"] == "made.example"
    assert shown["header_order"].startswith("host,")
    assert not {line.place for line in report.sent} & set(shown)
    assert ". Connections" in to_text(report)


def test_they_are_the_same_from_the_journal() -> None:
    stored = exchange(sent())

    assert OBSERVER.connection(stored.request) == OBSERVER.connection(sent())
