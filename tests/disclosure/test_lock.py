"""Locks, and what differs between two of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import services
from simulator.core.settings import ConfigurationError
from simulator.disclosure.judge.difference import (
    SHOWN,
    Difference,
    compare,
    exit_code,
    to_json,
    to_markdown,
    to_text,
)
from simulator.disclosure.judge.lock import DisclosureLock, LockEntry
from simulator.disclosure.report.rendering import as_dict
from tests.disclosure.factories import exchange, post, report_of

CATALOGUE = services.load()
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda text: text != "-"
)
ENTRIES = st.one_of(
    st.builds(
        LockEntry,
        st.just("sent"),
        st.tuples(WORDS, WORDS, WORDS, WORDS, st.just("") | WORDS, WORDS),
        st.tuples(
            st.tuples(st.just("claim"), WORDS),
            st.tuples(st.just("required"), st.sampled_from(["yes", "no"])),
            st.tuples(st.just("flags"), st.just("") | WORDS),
        ),
    ),
    st.builds(
        LockEntry,
        st.just("received"),
        st.tuples(WORDS, WORDS, WORDS, WORDS, WORDS),
        st.tuples(st.tuples(st.just("since"), WORDS)),
    ),
    st.builds(LockEntry, st.just("version"), st.tuples(WORDS, st.integers(1, 12).map(str))),
)


def lock(*lines: str) -> DisclosureLock:
    return DisclosureLock.parse("\n".join(lines), "own.lock")


SENT = "sent dep dep.define body /{0} - {1} claim={2} required=no flags={3}"
OLD = lock(
    SENT.format("url", "dep.enrol_url", "none", "undeclared"),
    SENT.format("department", "org.department", "S23", ""),
    "received dep dep.fetch body /devices/*/model device.model since=1+",
    "version dep.fetch 9",
    "version dep.define 9",
)


@given(st.lists(ENTRIES, max_size=8))
def test_a_lock_that_is_written_reads_the_same(entries: list[LockEntry]) -> None:
    made = DisclosureLock({(one.kind, one.words): one for one in entries})

    again = DisclosureLock.parse(str(made), "x")

    assert again.entries == made.entries
    assert str(again) == str(made)


def test_a_lock_holds_fields_and_no_values() -> None:
    one = exchange(post({"devices": ["A1"], "url": "https://m.example/?token=abcdefgh"}))
    other = exchange(post({"devices": ["B2", "C3"], "url": "https://x.example/?token=zzzzzzzz"}))

    first, second = (str(DisclosureLock.of(as_dict(report_of(each)))) for each in (one, other))

    assert first == second
    assert "sent made made.define body /devices/* - device.serial claim=none" in first
    assert "version made.define 3" in first
    assert not {"A1", "m.example", "abcdefgh"} & set(first.split())


@pytest.mark.parametrize("line", ["sent dep", "what is this", "sent a b c d e f claim"])
def test_a_line_that_is_none_is_refused_with_its_number(line: str) -> None:
    with pytest.raises(ConfigurationError, match=r"own\.lock: line 2 is no line of a lock"):
        lock("# a comment", line)


def test_the_same_lock_has_no_difference() -> None:
    changes = compare(OLD, OLD, CATALOGUE)

    assert changes == []
    assert to_text(changes) == "disclosures: no difference\n"
    assert to_markdown(changes) == "**disclosures: no difference**\n"
    assert exit_code(changes, "any") == 0


_CHANGED = "claim S23 -> none, flags none -> undeclared"


def test_what_is_added_removed_and_changed_is_told() -> None:
    new = lock(
        SENT.format("department", "org.department", "none", "undeclared"),
        SENT.format("managedAppleId", "unknown", "none", "undeclared,undocumented"),
        "received dep dep.fetch body /devices/*/model device.model since=1+",
        "received dep dep.fetch body /devices/*/imei/* device.imei since=10+",
        "version dep.fetch 10",
        "version dep.define 9",
    )

    lines = to_text(compare(OLD, new, CATALOGUE)).splitlines()

    assert lines[0] == "disclosures: 2 added, 1 removed, 2 changed"
    assert lines[1].startswith(
        "~ version dep protocol 9 -> 10 in dep.fetch: Apple may answer 7 more fields: bluetooth_"
    )
    assert lines[2:] == [
        f"~ sent dep.define /department (org.department): {_CHANGED}",
        "+ sent dep.define /managedAppleId (unknown): undeclared,undocumented",
        "- sent dep.define /url (dep.enrol_url): undeclared",
        "+ received dep.fetch /devices/*/imei/* (device.imei), since version 10+",
    ]


@pytest.mark.parametrize(
    ("fail_on", "code"),
    [
        ("any", 1),
        ("added", 1),
        ("undocumented", 1),
        ("fail", 1),
        ("forbidden", 0),
        ("forbidden, undocumented", 1),
        ("never", 0),
    ],
)
def test_the_exit_code_goes_by_what_is_new(fail_on: str, code: int) -> None:
    new = lock(
        *str(OLD).splitlines(),
        SENT.format("managedAppleId", "unknown", "none", "undeclared,undocumented"),
    )

    assert exit_code(compare(OLD, new, CATALOGUE), fail_on) == code
    assert exit_code(compare(new, OLD, CATALOGUE), "added,fail") == 0


@pytest.mark.parametrize("fail_on", ["", "nonsense", "direction", "stale-claim"])
def test_a_threshold_that_a_difference_cannot_have_is_refused(fail_on: str) -> None:
    with pytest.raises(ConfigurationError, match="--fail-on"):
        exit_code((), fail_on)


def test_a_version_that_is_lowered_brings_nothing_more() -> None:
    older = lock(*str(OLD).replace("version dep.fetch 9", "version dep.fetch 2").splitlines())

    (change,) = compare(OLD, older, CATALOGUE)

    assert str(change) == "~ version dep protocol 9 -> 2 in dep.fetch"
    assert change.severity == "ok"


def test_a_long_difference_is_cut_but_not_as_json() -> None:
    changes = [Difference("added", "sent", f"x {number}") for number in range(SHOWN + 5)]

    assert to_text(changes).splitlines()[-1] == "and 5 more"
    assert to_json(changes).count('"about"') == SHOWN + 5
    assert to_markdown(changes).splitlines()[-1] == "```"
