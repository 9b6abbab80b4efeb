from typing import Any

import pytest

from simulator.console.annotations import by_category, place, severities


def found(part: str, at: str, **more: Any) -> dict[str, Any]:
    return {"part": part, "at": at, "category": "contact", "severity": "ok", **more}


@pytest.mark.parametrize(
    ("part", "at", "where"),
    [
        ("path", "{token}", "path"),
        ("tls", "client_cert.serial", "connection"),
        ("connection", "", "connection"),
        ("query", "a", "query a"),
        ("query", "b", "elsewhere"),
        ("header", "User-Agent", "headers user-agent"),
        ("header", "x-none", "elsewhere"),
        ("oauth1", "oauth_token", "headers authorization"),
        ("body", "/devices/0", "body /devices/0"),
        ("body", "/devices/0/inner/x", "body /devices/0"),
        ("body", "/devices/0?token", "body /devices/0"),
        ("body", "/nowhere", "body "),
        ("body", "", "body "),
    ],
)
def test_what_was_found_stands_at_its_field(part: str, at: str, where: str) -> None:
    one = found(part, at)
    placed = place(
        [one],
        [one],
        query=["a"],
        headers=["user-agent", "Authorization"],
        body=["", "/devices", "/devices/0"],
    )
    name, _, key = where.partition(" ")
    marks = getattr(placed, name)

    marks = marks[key] if isinstance(marks, dict) else marks

    assert (marks.findings, marks.disclosures) == ([one], [one])


def test_without_a_body_what_it_lacks_stands_elsewhere() -> None:
    placed = place([found("body", "/a")], [], query=[], headers=[], body=[])

    assert placed.elsewhere.findings


def test_a_field_has_the_colour_of_its_worst_disclosure() -> None:
    records = [
        found("body", "/a", category="contact", severity="ok"),
        found("body", "/a", category="unknown", severity="fail"),
        found("body", "/a", category="protocol", severity="warn"),
    ]
    placed = place([], records, query=[], headers=[], body=["/a"])

    assert placed.body["/a"].category == "unknown"
    assert [name for name, _ in by_category(records)] == ["unknown", "contact", "protocol"]
    assert severities(records) == {"ok": 1, "fail": 1, "warn": 1}
