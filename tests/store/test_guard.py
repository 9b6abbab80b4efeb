"""What a store shows its guard, so that every secret is known that it has ever held."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from simulator.core.messages import Exchange, Peer, Request
from simulator.core.state import State, StoreAdmin
from simulator.store.opening import open_store


class Listed:
    """Notes what it is shown."""

    kinds = frozenset(("key",))

    def __init__(self) -> None:
        self.shown: list[str] = []

    def learn(self, _kind: str, key: str, body: Mapping[str, Any]) -> None:
        self.shown.append(key + body["a"])

    def cleaned(
        self, exchanges: Sequence[Exchange], records: Sequence[bytes]
    ) -> dict[int, Exchange]:
        return {
            place: Exchange(one.at_ms, _request("/shown"), one.seq)
            for place, (one, record) in enumerate(zip(exchanges, records, strict=True))
            if b"hidden" in record
        }


def _request(target: str) -> Request:
    return Request("GET", target, (), b"", "https", Peer("127.0.0.1", 1, 1))


WAYS: dict[str, Callable[[State], object]] = {
    "put": lambda state: state.put("key", "k", {"a": "1"}),
    "put-many": lambda state: state.put_many("key", [("k", {"a": "1"}, None)]),
    "add-many": lambda state: state.add_many("key", [("k", {"a": "1"})]),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("organisation", ["", "acme"])
def test_it_is_shown_what_is_written_of_its_kinds(way: str, organisation: str) -> None:
    guard = Listed()
    store = open_store(None, guard=guard)

    with store.transaction() as state:
        WAYS[way](state.of(organisation))
        state.put("other", "x", {})

    store.close()
    assert guard.shown == ["k1"]


def test_it_is_shown_what_was_there_before_and_what_a_reset_would_bring_back(
    tmp_path: Path,
) -> None:
    def change(state: StoreAdmin) -> None:
        state.put("key", "k", {"a": "1"})
        state.set_baseline()
        state.put("key", "k", {"a": "2"})

    first = open_store(tmp_path / "a.db")
    with first.transaction() as state:
        change(state)
    first.close()
    guard = Listed()
    store = open_store(tmp_path / "a.db", guard=guard)

    with store.transaction():
        pass

    store.close()
    assert sorted(guard.shown) == ["k1", "k2"]


def test_it_is_shown_what_another_process_wrote(tmp_path: Path) -> None:
    guard = Listed()
    ours, other = open_store(tmp_path / "a.db", guard=guard), open_store(tmp_path / "a.db")
    with ours.transaction():
        pass
    with other.transaction() as state:
        state.put("key", "k", {"a": "1"})

    with ours.transaction():
        pass

    ours.close()
    other.close()
    assert guard.shown == ["k1"]


def test_what_it_cleans_is_stored_and_found_as_it_is_then() -> None:
    store = open_store(None, guard=Listed())
    with store.transaction() as state:
        state.record(Exchange(1, _request("/hidden")))
        state.record(Exchange(1, _request("/plain")))

    journal = store.journal()
    rows = [content for _, content in journal.raw()]
    targets = [one.request.target for one in journal.read()]

    store.close()
    assert targets == ["/shown", "/plain"]
    assert b"GET /shown" in rows[0]
    assert not any(b"hidden" in row for row in rows)
