"""The hash chain itself: what a row is held to, and which numbers a gap names."""

import hashlib

from simulator.journal.chain import START, Chain


def linked(*records: bytes) -> list[bytes]:
    """Return the links of *records*, by a few lines of our own."""
    links, before = [], START
    for record in records:
        before = hashlib.sha256(before + record).digest()
        links.append(before)
    return links


def problems(chain: Chain) -> list[tuple[str, int, int]]:
    return [(one.kind, one.first, one.last) for one in chain._problems]


def test_a_number_that_comes_twice_is_damage() -> None:
    (link,) = linked(b"a")
    chain = Chain()

    assert chain.check(1, b"a", link, ())
    assert not chain.check(1, b"a", link, ())
    assert problems(chain) == [("damaged", 1, 1)]


def test_a_gap_is_named_by_its_first_and_its_last_number() -> None:
    links = linked(b"a", b"b", b"c", b"d", b"e")
    chain = Chain()

    for number in (1, 4, 5):
        chain.check(number, b"abcde"[number - 1 : number], links[number - 1], ())

    assert problems(chain) == [("gap", 2, 3)]
    assert (chain.seq, chain.checked) == (5, 3)


def test_each_record_is_chained_to_all_before_it() -> None:
    links = linked(b"a", b"b")
    alone = hashlib.sha256(b"b").digest()
    chain = Chain()

    assert chain.check(1, b"a", links[0], ())
    assert not chain.check(2, b"b", alone, ())
    assert problems(chain) == [("altered", 2, 2)]
