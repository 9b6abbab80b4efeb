"""Shapes, lengths, normal forms, fingerprints and concepts."""

from typing import Any

import pytest

from simulator.disclosure.concepts import CONCEPTS, add_concepts, parse_concepts
from simulator.disclosure.observe.values import Fingerprinter, length_of, normalise, shape_of
from simulator.disclosure.redact.markers import BodyMarker, Marker, parse_body_marker, parse_marker
from simulator.protocol.concepts import Concept
from tests.disclosure.factories import FINGERPRINTER

UUID = "5f0e4a52-6d0b-4c8e-9a53-2b7f6c1d8e90"


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (True, "bool"),
        (3, "number"),
        (1.5, "number"),
        (None, "null"),
        ("", "empty"),
        ([], "empty"),
        ({}, "empty"),
        ("anna@example.com", "email"),
        ("tenant=a; contact=it@example.com", "text"),
        ("userId=anna@example.com", "text"),
        ("0123", "digits"),
        ("+46 8 465 004 00", "phone"),
        ("+46", "text"),
        ("https://a.example/x", "url"),
        ("ftp://a.example/x", "text"),
        ("913FABBB-0032-4E13-9966-D6BBAC900331", "uuid"),
        ("43277A13FBCA0CFC000000000000000a", "hex"),
        ("43277A13", "text"),
    ],
)
def test_the_first_shape_that_fits_is_taken(value: Any, shape: str) -> None:
    assert shape_of(value) == shape


def test_length_counts_the_characters_as_sent() -> None:
    values: tuple[Any, ...] = ("åäö", True, 12, None, [], {}, "")

    assert [length_of(one) for one in values] == [3, 4, 2, 4, 0, 0, 0]


@pytest.mark.parametrize(
    ("concept", "value", "normal"),
    [
        ("device.serial", "c8tj500qf1mn", "C8TJ500QF1MN"),
        ("push.token", "AB" * 32, "ab" * 32),
        (
            "push.topic",
            "APSP:5F0E4A52-6d0b-4c8e-9a53-2b7f6c1d8e90",
            "5f0e4a52-6d0b-4c8e-9a53-2b7f6c1d8e90",
        ),
        ("support.email", "Help@Example.COM", "Help@example.com"),
        (
            "dep.org_magic",
            "913FABBB-0032-4E13-9966-D6BBAC900331",
            "913fabbb-0032-4e13-9966-d6bbac900331",
        ),
        (
            "dep.profile_uuid",
            "43277A13FBCA0CFC0000000000000001",
            "43277A13FBCA0CFC0000000000000001",
        ),
        ("unknown", {"a": [1, "é"]}, '{"a":[1,"é"]}'),
        ("dep.flag", True, "true"),
    ],
)
def test_values_are_normalised_by_their_concept(concept: str, value: Any, normal: str) -> None:
    assert normalise(concept, value) == normal


def test_a_fingerprint_is_the_documented_one() -> None:
    assert FINGERPRINTER.fingerprint("device.serial", "C8TJ500QF1MN") == "991bd4109c7126cd"


def test_a_fingerprint_needs_its_key_and_its_concept() -> None:
    other = Fingerprinter(b"other")

    assert other.fingerprint("device.serial", "A") != FINGERPRINTER.fingerprint(
        "device.serial", "A"
    )
    assert FINGERPRINTER.fingerprint("org.name", "A") != FINGERPRINTER.fingerprint(
        "device.serial", "A"
    )


def test_the_key_is_named_by_its_digest() -> None:
    assert Fingerprinter(b"").key_id == "e3b0c442"


def test_bytes_that_are_no_text_have_a_fingerprint() -> None:
    assert len(FINGERPRINTER.fingerprint("unknown", "a\udcff")) == 16


def test_a_marker_reads_back() -> None:
    marker = Marker("dep.session_token", "text", 46, "4c64f5457ca06201", ("value:x",))

    assert parse_marker(str(marker)) == marker
    assert not set('&=%",\\') & set(str(marker))


def test_a_body_marker_reads_back() -> None:
    marker = BodyMarker(12, "4c64f5457ca06201", ("undocumented",))

    assert parse_body_marker(bytes(marker) + b"rest") == marker
    assert parse_body_marker(b"{}") is None


def test_what_is_no_marker_is_not_read_as_one() -> None:
    assert parse_marker("<sealed x text 46 4c64f5457ca06201> ") is None


def test_queries_of_known_urls_are_secret() -> None:
    queries = [name for name in CONCEPTS if name.endswith(".query")]

    assert len(queries) == 6
    assert all(CONCEPTS[name].sealed for name in queries)


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ('[a]\ncategory="x"\nsubject="none"\nsecret="no"', "category"),
        ('[a]\ncategory="unknown"\nsubject="x"\nsecret="no"', "subject"),
        ('[a]\ncategory="unknown"\nsubject="none"\nsecret="maybe"', "secret"),
        ('[a]\ncategory="unknown"\nsubject="none"\nsecret="no"\ncolour="x"', "colour"),
    ],
)
def test_a_word_outside_the_vocabularies_is_refused(text: str, about: str) -> None:
    with pytest.raises(ValueError, match=f"concept a: .*{about}"):
        parse_concepts(text)


@pytest.mark.parametrize(
    ("concept", "about"),
    [
        pytest.param(Concept("a", "people", "user", "no"), "category must be", id="vocabulary"),
        pytest.param(
            Concept("device.serial", "free-text", "user", "no"), "another meaning", id="taken"
        ),
    ],
)
def test_a_service_cannot_change_what_a_concept_means(concept: Concept, about: str) -> None:
    with pytest.raises(ValueError, match=f"concept {concept.name}: .*{about}"):
        add_concepts([concept])

    assert CONCEPTS.get(concept.name) != concept
