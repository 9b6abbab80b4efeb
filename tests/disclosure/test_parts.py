"""A journal that is added up in parts gives the ledger of one that is added up at once."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack, structs

from simulator.core.messages import Exchange
from simulator.disclosure.observe.observation import Observer
from simulator.disclosure.report import checkpoint, ledger, parts
from simulator.disclosure.report.ledger import Ledger
from simulator.disclosure.report.parts import join, settle
from simulator.protocol.catalogue import Catalogue
from tests.disclosure.factories import CATALOGUE, FINGERPRINTER
from tests.disclosure.formats.conftest import ran
from tests.disclosure.test_repeats import REAL, kinds

OBSERVERS = {id(one): Observer(one, FINGERPRINTER) for one in (REAL, CATALOGUE)}
Made = tuple[list[Exchange], list[int], list[int]]


def journals(catalogue: Catalogue, names: list[str]) -> Any:
    """Return a strategy of a few exchanges, in which order they come, and where to part them."""
    return st.tuples(
        st.lists(kinds(catalogue, names), min_size=1, max_size=8),
        st.lists(st.integers(0, 7), min_size=1, max_size=50),
        st.lists(st.integers(0, 50), max_size=3),
    )


def facts(one: Ledger) -> Any:
    """Return all that is in a ledger, to be compared."""
    data = checkpoint.dump(one, "x", 0, b"")
    end = 8 + int.from_bytes(data[:8])
    return msgpack.decode(data[8:end]), data[end:]


def added(exchanges: list[Exchange], catalogue: Catalogue, *, is_part: bool = False) -> Ledger:
    made = Ledger(OBSERVERS[id(catalogue)], catalogue, is_part=is_part)
    for exchange in exchanges:
        made.add(exchange)
    return made


def in_parts(exchanges: list[Exchange], places: list[int], catalogue: Catalogue) -> Ledger:
    """Return what parts of a journal give, each written down as another process does."""
    observer = OBSERVERS[id(catalogue)]
    whole = Ledger(observer, catalogue)
    bounds = [0, *sorted(places), len(exchanges)]
    for low, high in pairwise(bounds):
        part = added(exchanges[low:high], catalogue, is_part=True)
        kept = checkpoint.load(checkpoint.dump(part, "x", 0, b""), "x", observer, catalogue)
        assert kept is not None
        join(whole, kept.ledger)
    settle(whole)
    return whole


def compare(made: Made, catalogue: Catalogue) -> None:
    kind, order, places = made
    exchanges = [
        structs.replace(kind[which % len(kind)], seq=number, at_ms=1000 + number)
        for number, which in enumerate(order, 1)
    ]
    assert facts(in_parts(exchanges, places, catalogue)) == facts(added(exchanges, catalogue))


@given(journals(CATALOGUE, ["made.define", "made.get", "made.login", "made.push"]))
def test_parts_of_any_journal_give_the_whole(made: Made) -> None:
    compare(made, CATALOGUE)


@given(journals(REAL, ["apns.push", "dep.assign", "dep.define", "dep.fetch"]))
def test_parts_of_a_journal_of_real_operations_give_the_whole(made: Made) -> None:
    compare(made, REAL)


@pytest.mark.parametrize("few", [1, 2])
def test_parts_keep_as_few_examples_as_the_whole(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ledger, parts):
        for name in ("SAMPLES", "WRITTEN", "ODD"):
            monkeypatch.setattr(module, name, few, raising=False)
    apple = ran()
    OBSERVERS[id(apple.catalogue)] = apple.observer
    exchanges = list(apple.recorded)
    whole = facts(added(exchanges, apple.catalogue))

    for at in range(0, len(exchanges), 5):
        assert facts(in_parts(exchanges, [at, at + 3], apple.catalogue)) == whole
