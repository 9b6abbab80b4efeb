"""What leaves the machine, level by level."""

from typing import Any

import pytest

from simulator.disclosure.report.redaction import LEVELS
from simulator.disclosure.report.rendering import to_json, to_markdown, to_text
from tests.disclosure.factories import TOKEN, answer, exchange, post, report_of

SECRET = "FAKE-enrol-secret-1"
EXAMPLES = {
    "names": ("", "", "", ""),
    "shape": ("text[4]", "email[14]", "text[19]", "text[4]"),
    "fingerprint": ("text[4] fp=", "email[14] fp=", "text[19] fp=", "text[4] fp="),
    "partial": ("…345", "…@b.example", "text[19] fp=", "text[4] fp="),
    "clear": ("a345", "anna@b.example", "text[19] fp=", "Anna"),
}


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_shows_its_share_and_no_secret(level: Any) -> None:
    tree = {"devices": ["1a345"[1:]], "contact": "anna@b.example", "message": "Anna"}
    sent = exchange(post({**tree, "escrow_key": SECRET}, ("X-Session", TOKEN)))

    report = report_of(sent, redact=level)

    examples = {line.field: line.example for line in report.sent}
    shown = [examples[name] for name in ("devices", "contact", "escrow_key", "message")]
    for example, expected in zip(shown, EXAMPLES[level], strict=True):
        assert example.startswith(expected)
        assert bool(example) is bool(expected)
    for form in (to_text(report), to_markdown(report), to_json(report)):
        assert SECRET not in form
        assert TOKEN not in form
        assert ("anna@" in form) is (level == "clear")


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("names", ""),
        ("shape", "text[4]"),
        ("fingerprint", "text[4] fp="),
        ("partial", "text[4] fp="),
        ("clear", "Acme"),
    ],
)
def test_what_was_answered_is_clear_at_the_clear_level_only(level: Any, shown: str) -> None:
    secret = {"auth_session_token": TOKEN}
    one = exchange(post({}), response=answer({"org_name": "Acme", **secret}))

    report = report_of(one, redact=level)

    assert {line.field: line.example for line in report.received}["org_name"].startswith(shown)
    assert TOKEN not in to_json(report)


def test_an_example_carries_its_own_flags() -> None:
    calm, odd = "plain-id-1", "anna@b.example"
    report = report_of(
        exchange(post({"person": calm})), exchange(post({"person": odd})), redact="clear"
    )

    (line,) = report.sent

    assert [(one.value, one.flags, one.exchange) for one in line.examples] == [
        (odd, ("value:email-in-opaque-id", "undeclared"), 2),
        (calm, ("undeclared",), 1),
    ]
    assert line.example == odd
    assert f"{odd} value:email-in-opaque-id; {calm}" in to_markdown(report).replace("\\", "")


@pytest.mark.parametrize(
    ("level", "shown"),
    [("names", ""), ("shape", "(empty)"), ("partial", "(empty)"), ("clear", "(empty)")],
)
def test_what_was_empty_shows_that(level: Any, shown: str) -> None:
    report = report_of(exchange(post({"devices": []})), redact=level)

    assert [line.example for line in report.sent if line.field == "devices"] == [shown]
