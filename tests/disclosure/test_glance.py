"""The answer at a glance."""

import re
import tomllib
from importlib import resources

import pytest

from simulator.core.settings import ConfigurationError
from simulator.disclosure.concepts import CATEGORIES, CONCEPTS, SUBJECTS
from simulator.disclosure.report.glance import CHAPTERS, STATUSES
from simulator.disclosure.report.rendering import as_dict, to_text
from simulator.disclosure.report.words import LANGUAGES, Words
from tests.disclosure.factories import TOKEN, exchange, post, report_of

TEXTS = tomllib.loads(
    resources.files("simulator.disclosure.report").joinpath("texts.toml").read_text("utf-8")
)
ROWS = {f"{group} {key}": row for group, rows in TEXTS.items() for key, row in rows.items()}
FIELD = re.compile(r"\{\w*\}")


def test_everything_that_can_be_said_has_its_words() -> None:
    assert set(TEXTS["subject"]) == SUBJECTS
    assert set(TEXTS["category"]) == CATEGORIES
    assert set(TEXTS["concept"]) == set(CONCEPTS)
    assert set(TEXTS["status"]) == set(TEXTS["status-about"]) == set(STATUSES)
    assert set(TEXTS["chapter"]) == set(TEXTS["about"]) == set(CHAPTERS)


def test_every_text_is_there_in_every_language_with_the_same_parts() -> None:
    for name, row in ROWS.items():
        assert set(row) == set(LANGUAGES), name
        assert len({tuple(sorted(FIELD.findall(text))) for text in row.values()}) == 1, name
        assert len({text.count("|") for text in row.values()}) == 1, name


def test_an_unknown_language_is_told_those_that_there_are() -> None:
    with pytest.raises(ConfigurationError, match="no 'xx': name one of en, sv"):
        Words("xx")


def test_one_sentence_says_what_was_sent_about_how_many() -> None:
    body = {"devices": ["A1", "B2", "a1"], "contact": "a@b.example", "odd": "x", "limit": 3}

    glance = report_of(exchange(post(body))).glance

    assert glance.sentence == (
        "Sent to Apple: e-mail address of a user (undeclared), "
        "serial numbers of 2 devices (undeclared), odd (undocumented)."
    )
    assert [one.key for one in glance.chapters] == ["people", "devices", "unknown"]
    assert [one.title for one in glance.chapters] == ["People", "Devices", "Of unknown meaning"]


def test_the_sentence_is_spoken_in_other_languages() -> None:
    glance = report_of(exchange(post({"devices": ["A1", "B2"]})), language="sv").glance

    assert glance.sentence == "Skickat till Apple: serienummer för 2 enheter (ej deklarerat)."


def test_a_part_names_the_operations_inside() -> None:
    header = ("X-Forwarded-For", "192.0.2.1")
    report = report_of(
        exchange(post({}, header)), exchange(post({}, header), None), exchange(post({}, header))
    )

    ((part,),) = [one.parts for one in report.glance.chapters]

    assert part.name == "Proxy's client address of the MDM server: x-forwarded-for"
    assert part.text == (
        "proxy's client address of the MDM server (x-forwarded-for, in 2 operations, undocumented)"
    )
    assert [(one.operation, one.place, one.requests) for one in part.places] == [
        ("made.define", "header x-forwarded-for", 2),
        ("unmatched", "header x-forwarded-for", 1),
    ]
    assert (part.values, part.requests, part.evidence) == (1, 3, (1, 2, 3))


def test_failures_come_first_in_a_chapter_and_in_the_flat_summary() -> None:
    body = {"escrow_key": "abcdefgh", "flag": True, "language": "sv", "contact": "a@b.example"}
    report = report_of(exchange(post(body)))

    devices = next(one for one in report.glance.chapters if one.key == "devices")
    assert [one.severity for one in devices.parts] == ["fail", "warn"]
    assert [one["severity"] for one in as_dict(report)["summary"]] == [
        "fail", "fail", "warn", "warn",
    ]  # fmt: skip


def test_what_is_empty_discloses_nothing_but_that_it_was_there() -> None:
    report = report_of(exchange(post({"devices": [], "contact": None})))

    assert {part.status for part in report.glance.parts} == {"empty"}
    assert {part.values for part in report.glance.parts} == {0}
    assert (report.verdict, report.undeclared) == ("clean", ())
    assert report.glance.sentence == (
        "Sent to Apple: e-mail addresses of users (empty), serial numbers of devices (empty)."
    )


def test_a_sentence_stays_one_that_can_be_read() -> None:
    report = report_of(exchange(post({f"odd{number}": "x" for number in range(40)})))

    assert len(report.glance.phrases) == 13
    assert report.glance.phrases[-1].text == "and 28 more in the chapters below"
    assert report.glance.phrases[-1].severity == "fail"


def test_what_nobody_can_leave_out_is_only_counted_beside_what_was_told() -> None:
    login = post({}, ("X-Session", TOKEN))
    empty = post({"contact": None}, ("X-Session", TOKEN))
    told = post({"devices": ["A1"], "contact": None}, ("X-Session", TOKEN))

    alone = report_of(exchange(login)).glance
    beside = report_of(exchange(empty), exchange(told)).glance

    assert alone.sentence == "Sent to Apple: session token of the MDM server (inherent)."
    assert beside.sentence == (
        "Sent to Apple: serial number of a device (undeclared), "
        "and 1 that the protocol itself demands."
    )
    (inherent,) = [one for one in beside.parts if one.status == "inherent"]
    assert beside.phrases[-1].part == inherent.id


def test_the_report_begins_with_it() -> None:
    text = to_text(report_of(exchange(post({"odd": "x"}))))

    assert "Sent to Apple: odd (undocumented)." in text
    assert "Nothing was sent to Apple." in to_text(report_of())
