"""The check of the hash chain by itself: rows made by hand, and what it says of each place."""

import hashlib
from collections.abc import Sequence
from typing import Any

import pytest

from simulator.journal.chain import Chain, ChainHead, Cut, Evidence

START = bytes(32)


def rows(count: int) -> list[tuple[int, bytes, bytes]]:
    """Return number, record and link of exchanges, chained here."""
    made, link = [], START
    for seq in range(1, count + 1):
        record = b"record %d" % seq
        link = hashlib.sha256(link + record).digest()
        made.append((seq, record, link))
    return made


def cut(first: int, last: int, reason: str = "prune") -> Cut:
    return Cut(first, last, rows(last)[-1][2] if last > 0 else START, 0, reason)


def looked_at(
    found: Sequence[tuple[int, Any, Any]],
    cuts: Sequence[Cut] | None = (),
    heads: Sequence[bytes] = (),
    **head: Any,
) -> Evidence:
    """Return what is found in rows under a head that is right for ten, unless *head* says else.

    It is the same if rows are followed as far as all is well.
    """
    right: dict[str, Any] = {"seq": 10, "link": rows(10)[-1][2], "newest": 10, "oldest": 1}
    chain, quick = Chain(heads), Chain(heads)
    for row in found:
        chain.check(*row, cuts or ())
    for start in range(0, len(found), 4):
        some = found[start : start + 4]
        for row in some[quick.follow(some) :]:
            quick.check(*row, cuts or ())
    evidence = chain.evidence(ChainHead(**right | head), cuts)
    assert quick.evidence(ChainHead(**right | head), cuts) == evidence
    return evidence


def problems(evidence: Evidence) -> list[tuple[str, int, int]]:
    return [(one.kind, one.first, one.last) for one in evidence.problems]


def without(*missing: int) -> list[tuple[int, bytes, bytes]]:
    return [row for row in rows(10) if row[0] not in missing]


def test_nothing_is_complete() -> None:
    assert Evidence().complete
    assert Evidence().checked == 0
    assert ChainHead() == ChainHead(0, START, 0, 1, 0)
    assert looked_at([], seq=0, link=START, newest=0, oldest=0).complete


def test_a_chain_as_it_was_recorded_is_complete() -> None:
    evidence = looked_at(rows(10))

    assert evidence.complete
    assert (evidence.head.seq, evidence.head.link) == (10, rows(10)[-1][2])
    assert (evidence.checked, evidence.missing, evidence.found) == (10, 0, 0)


def changed(seq: int, record: Any = None, link: Any = None) -> list[tuple[int, Any, Any]]:
    found: list[tuple[int, Any, Any]] = list(rows(10))
    found[seq - 1] = (seq, record or found[seq - 1][1], link or found[seq - 1][2])
    return found


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        pytest.param(changed(4, b"another"), [("altered", 4, 4)], id="record"),
        pytest.param(changed(4, link=bytes(32)), [("altered", 4, 4)], id="link"),
        pytest.param(changed(10, b"another"), [("altered", 10, 10)], id="last-record"),
        pytest.param(changed(4, "text"), [("altered", 4, 4)], id="no-bytes"),
        pytest.param(changed(4, link=5), [("altered", 4, 4)], id="no-link"),
        pytest.param(without(3), [("gap", 3, 3)], id="gap"),
        pytest.param(without(3, 4, 8), [("gap", 3, 4), ("gap", 8, 8)], id="gaps"),
        pytest.param(without(1), [("gap", 1, 1)], id="first"),
        pytest.param(without(9, 10), [("truncated", 9, 10)], id="last"),
        pytest.param([*rows(4), *rows(10)[2:]], [("damaged", 3, 4)], id="twice"),
    ],
)
def test_each_place_is_named(found: Any, wanted: list[tuple[str, int, int]]) -> None:
    evidence = looked_at(found)

    assert problems(evidence) == wanted
    assert evidence.found == len(wanted)
    missing = sum(last - first + 1 for kind, first, last in wanted if kind in ("gap", "truncated"))
    assert evidence.missing == missing


@pytest.mark.parametrize(
    ("found", "cuts", "wanted"),
    [
        pytest.param(without(1, 2, 3), [cut(1, 3)], [], id="pruned"),
        pytest.param(without(4, 5), [cut(4, 5)], [], id="deleted"),
        pytest.param(without(4, 5, 6), [cut(4, 5), cut(6, 6)], [], id="one-after-another"),
        pytest.param(without(4, 5, 6), [cut(5, 5), cut(4, 6)], [], id="nested"),
        pytest.param(without(9, 10), [cut(9, 10)], [], id="up-to-the-end"),
        pytest.param(without(2, 3, 4), [cut(3, 4)], [("gap", 2, 4)], id="a-gap-before-it"),
        pytest.param(without(2, 3, 4), [cut(2, 3)], [("gap", 4, 4)], id="a-gap-behind-it"),
        pytest.param(without(2, 3, 4), [cut(2, 5)], [("gap", 2, 4)], id="longer-than-what-is-gone"),
        pytest.param(without(8, 9, 10), [cut(9, 10)], [("truncated", 8, 10)], id="not-all-of-it"),
        pytest.param(
            without(9, 10),
            [cut(9, 11)],
            [("added", 9, 11), ("truncated", 9, 10)],
            id="beyond-the-head",
        ),
        pytest.param(without(5), [cut(5, 5, "unseen")], [("unseen", 5, 5)], id="never-recorded"),
        pytest.param(
            without(1, 2, 3), [cut(1, 1), cut(2, 3, "unseen")], [], id="before-the-oldest"
        ),
    ],
)
def test_what_was_deleted_on_record_is_passed_over_and_nothing_else(
    found: Any, cuts: list[Cut], wanted: list[tuple[str, int, int]]
) -> None:
    assert problems(looked_at(found, cuts)) == wanted


def test_a_record_behind_a_deletion_still_has_to_fit() -> None:
    found = [row for row in changed(6, b"another") if row[0] not in (4, 5)]

    assert problems(looked_at(found, [cut(4, 5)])) == [("altered", 6, 6)]


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        pytest.param({"link": START}, [("altered", 10, 10)], id="another-link"),
        pytest.param({"newest": 12}, [("added", 11, 12)], id="newer-than-the-head"),
        pytest.param({"oldest": -3}, [("added", -3, 0)], id="negative"),
        pytest.param({"oldest": 0}, [("added", 0, 0)], id="zero"),
        pytest.param({"seq": 12, "newest": 12}, [("truncated", 11, 12)], id="older-than-the-head"),
    ],
)
def test_the_head_has_to_fit(head: dict[str, Any], wanted: list[tuple[str, int, int]]) -> None:
    assert problems(looked_at(rows(10), **head)) == wanted


def test_what_was_lost_is_damage_at_the_next_place() -> None:
    chain = Chain()
    for row in rows(10):
        chain.check(*row, ())

    assert problems(chain.evidence(None, ())) == [("damaged", 11, 11)]
    assert chain.evidence(None, ()).head == ChainHead()
    assert problems(looked_at(rows(10), None)) == [("damaged", 11, 11)]


def test_a_kept_head_that_is_no_link_of_the_chain_is_named() -> None:
    kept = bytes(range(32))

    (problem,) = looked_at(rows(10), heads=[kept]).problems

    assert (problem.kind, problem.first, problem.last) == ("unproved", 1, 10)
    assert problem.about.startswith("(head 0001020304050607): the chain does not go through it")
    assert looked_at(rows(10), heads=[rows(4)[-1][2]]).complete


def test_a_kept_head_whose_exchange_was_deleted_proves_nothing() -> None:
    kept = rows(5)[-1][2]

    (problem, *_) = looked_at(without(4, 5), [cut(4, 5)], [kept]).problems

    assert problem.kind == "unproved"
    assert problem.about.endswith(": its exchange was deleted, so that it proves nothing")


def test_a_kept_head_tells_a_chain_written_anew_that_claims_its_deletion() -> None:
    link, forged = START, []
    for seq in range(1, 11):
        link = hashlib.sha256(link + b"forged").digest()
        forged.append((seq, b"forged", link))

    evidence = looked_at(forged, [cut(1, 1)], [rows(1)[0][2]], link=link)

    assert [one.kind for one in evidence.problems] == ["unproved"]


def test_of_a_damaged_end_nothing_further_is_said() -> None:
    found = [*rows(10), rows(10)[-1]]

    assert problems(looked_at(found, link=START)) == [("damaged", 10, 10)]


def test_twenty_problems_are_named_and_all_are_counted() -> None:
    found = [row for row in rows(60) if row[0] % 2]

    evidence = looked_at(found, seq=59, link=rows(59)[-1][2], newest=59)

    assert (len(evidence.problems), evidence.found) == (20, 29)


def test_a_chain_has_a_link_only_while_all_is_well() -> None:
    chain = Chain()
    assert chain.link == START
    for seq, record, link in rows(3):
        assert chain.check(seq, record, link, ())
        assert chain.link == link
    assert not chain.check(4, b"another", rows(4)[-1][2], ())
    assert chain.link == b""


def test_rows_are_followed_as_far_as_all_is_well() -> None:
    found: list[tuple[int, Any, Any]] = rows(10)
    found[6] = (7, b"something else", found[6][2])
    chain = Chain()

    done = [chain.follow(found), chain.follow(found[6:]), chain.follow([])]

    assert (done, chain.seq, chain.checked, chain.first) == ([6, 0, 0], 6, 6, 1)
    assert chain.link == found[5][2]
