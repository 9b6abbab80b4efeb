"""The answer at a glance."""

from simulator.disclosure.concepts import CATEGORIES as ALL_CATEGORIES
from simulator.disclosure.concepts import SUBJECTS as ALL_SUBJECTS
from simulator.disclosure.report.rendering import to_text
from simulator.disclosure.report.summary import CATEGORIES, SUBJECTS
from tests.disclosure.factories import exchange, post, report_of

RANK = ["fail", "warn", "ok"]


def test_every_word_of_the_vocabularies_has_its_name() -> None:
    assert set(SUBJECTS) == ALL_SUBJECTS
    assert set(CATEGORIES) == ALL_CATEGORIES - {"protocol"}


def test_failures_come_first_then_people() -> None:
    report = report_of(exchange(post({"email": "a@b.example", "odd": "x", "limit": 3})))

    severities = [one.severity for one in report.summary]
    assert severities[0] == "fail"
    assert severities == sorted(severities, key=RANK.index)
    assert "undocumented" in {one.status for one in report.summary}


def test_the_report_begins_with_it() -> None:
    report = report_of(exchange(post({"odd": "x"})))

    text = to_text(report)
    assert (
        "Sent to Apple:\n- values of unknown meaning of an unknown subject (1 value, undocumented)"
        in text
    )
    assert "Sent to Apple" not in to_text(report_of())
