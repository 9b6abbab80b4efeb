"""Whatever stands in a HAR: an entry is a message or invalid, and a message can be kept."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from simulator.captures.evaluation import Evaluation
from simulator.captures.messages import NO_CONNECTION, Invalid, Message
from simulator.captures.opening import open_capture
from simulator.captures.transcript import batches
from simulator.core.messages import Request, Response
from simulator.core.settings import Settings
from tests.apple import AGENT, Apple, request
from tests.captures.hars import entry, log

APPLE = Apple.lasting()
HEADERS = [("Host", "mdmenrollment.apple.com"), ("User-Agent", AGENT)]
GOOD = entry(
    request("POST", "/profile", HEADERS, b'{"profile_name": "x"}'), Response(200, (), b"{}")
)
PLACES = [
    ("startedDateTime",),
    ("request",),
    ("response",),
    ("request", "method"),
    ("request", "url"),
    ("request", "httpVersion"),
    ("request", "headers"),
    ("request", "bodySize"),
    ("request", "postData"),
    ("request", "postData", "text"),
    ("request", "postData", "encoding"),
    ("response", "status"),
    ("response", "headers"),
    ("response", "content"),
    ("response", "content", "text"),
    ("response", "content", "size"),
    ("_record",),
]
ODD_HEADERS = [
    [{"name": "a", "value": "\ud800"}],
    [{"name": "", "value": ""}],
    [{"name": "content-length", "value": "9" * 40}],
    [{"name": "Host", "value": "mdmenrollment.apple.com:x"}],
    [{"name": ":authority", "value": "mdmenrollment.apple.com"}],
]
ODD: tuple[Any, ...] = (
    None, True, -1, 2**70, 1.5, "", "x", "\ud800", "\x00", "GET\r\nX: y", "base64", [], {}, [{}],
    {"text": 7}, {"params": [{"name": 1}]}, {"params": [7]}, {"params": [{"name": "\ud800"}]},
    "https://mdmenrollment.apple.com", "https://mdmenrollment.apple.com/\ud800?\ud800=1",
    "http://[::1]:99999/", "//x/y", *ODD_HEADERS,
)  # fmt: skip


def changed(place: tuple[str, ...], value: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(GOOD))
    node = made
    for name in place[:-1]:
        node = node[name]
    node[place[-1]] = value
    return made


def test_any_entry_is_a_message_that_can_be_kept_or_invalid(tmp_path: Path) -> None:
    path = tmp_path / "odd.har"
    odd = [changed(place, value) for place in PLACES for value in ODD]
    path.write_text(json.dumps(log([*odd, GOOD])))
    evaluation = Evaluation(APPLE.catalogue, APPLE.observer, Settings(), ())

    found = list(open_capture(path).entries(lambda _: None))

    assert len(found) == len(odd) + 1
    kinds = Counter(type(one) for one in found)
    assert set(kinds) == {Message, Invalid}
    assert min(kinds.values()) > 100
    with APPLE.store.transaction() as state:
        for one in found:
            if isinstance(one, Message) and (exchange := evaluation.exchange(one, state)):
                state.record(exchange)


def test_what_is_held_at_a_time_follows_neither_the_number_nor_the_length_of_entries() -> None:
    asked = Request("POST", "/profile", (), b"x" * 3 * 1024 * 1024, "https", NO_CONNECTION)
    long = Message(1, 0, "mdmenrollment.apple.com", asked, Response(200, body=b"y" * 1024 * 1024))
    invalid = Invalid(2, "it is no object")

    assert [len(one) for one in batches([long] * 5)] == [2, 2, 1]
    assert [len(one) for one in batches([invalid] * 1001)] == [500, 500, 1]
    assert list(batches([])) == []
