"""Claims, and what they make of disclosures."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from simulator.core import resources
from simulator.core.settings import ConfigurationError
from simulator.disclosure.concepts import CONCEPTS
from simulator.disclosure.judge.manifest import Manifest, as_json, judge, load_manifest, rendered
from simulator.disclosure.judge.tables import table_rows, table_sha256
from simulator.disclosure.observe.records import Disclosure

HEAD = "[manifest]\nschema = 1\n"
CLAIM = '[[claim]]\nid = "A"\nservices = ["dep"]\nconcepts = ["org.name"]\n'
SEED = Path(__file__).parents[2] / "fixtures" / "disclosure" / "seed.md"
INTUNE = load_manifest("intune-to-apple")


def disclosure(concept: str = "org.name", **more: Any) -> Disclosure:
    known = CONCEPTS[concept]
    facts: dict[str, Any] = {
        "part": "body",
        "at": "/x",
        "generic": "/x",
        "via": "",
        "concept": concept,
        "category": known.category,
        "subject": known.subject,
        "secret": known.secret,
        "documented": True,
        "flags": (),
        "fp": "0123456789abcdef",
        "shape": "text",
        "len": 3,
        "clear": None,
        "field": "x",
        "versions": "1+",
    }
    return Disclosure(**(facts | more))


def manifest(*claims: str) -> Manifest:
    return Manifest.parse(HEAD + "".join(f"[[claim]]\n{claim}\n" for claim in claims), "own.toml")


def test_the_shipped_manifest_has_the_27_rows_of_the_page() -> None:
    assert [claim.id for claim in INTUNE.claims] == [f"S{number:02}" for number in range(1, 28)]
    assert INTUNE.claims[0].direction == "sent"
    assert INTUNE.claims[21].min_protocol == 2


def test_the_shipped_manifest_names_the_table_that_it_was_made_of() -> None:
    page = SEED.read_text(encoding="utf-8")

    assert INTUNE.about["table_sha256"] == table_sha256(page)
    assert [row[1] for row in table_rows(page)[1:]] == [claim.label for claim in INTUNE.claims]


def test_the_digest_of_a_table_ignores_what_readers_do_not_see() -> None:
    one = "| A | B |\n|---|:-:|\n| [x](https://a.example) | **y**  z |\n"
    other = "text\n|A|B|\n|-|-|\n| x|y z|\n"

    assert table_sha256(one) == table_sha256(other)
    assert table_sha256(one) != table_sha256(other.replace("z", "q"))


def test_manifests_are_shipped_by_name() -> None:
    assert "intune-to-apple.toml" in resources.names("manifests")
    assert resources.names("no-such-folder") == []
    with pytest.raises(FileNotFoundError):
        resources.read_text("manifests", "../pyproject.toml")


def test_a_manifest_may_be_a_file(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(HEAD + CLAIM, encoding="utf-8")

    assert load_manifest(str(file)).claims[0].concepts == ("org.name",)


@pytest.mark.parametrize(
    ("name", "about"),
    [("no-such", "intune-to-apple"), ("/no/such.toml", "No such file")],
)
def test_a_manifest_that_is_not_there_is_refused(name: str, about: str) -> None:
    with pytest.raises(ConfigurationError, match=about):
        load_manifest(name)


def test_a_manifest_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_bytes(b"\xff")

    with pytest.raises(ConfigurationError, match="UTF-8"):
        load_manifest(str(file))


@pytest.mark.parametrize(
    ("text", "about"),
    [
        pytest.param("[", "is not TOML", id="no-toml"),
        pytest.param("", r"\[manifest\]: schema", id="no-schema"),
        pytest.param("[manifest]\nschema = 2", "schema", id="other-schema"),
        pytest.param(HEAD + "colour = 1", "colour: no such key", id="key-of-manifest"),
        pytest.param(HEAD + "dated = 'x'", "dated: must be a date", id="date"),
        pytest.param("x = 1\n" + HEAD, "the file: x: no such key", id="key-of-file"),
        pytest.param("claim = 1\n" + HEAD, "claim: must be written", id="no-claims"),
        pytest.param("manifest = 1", "manifest: must be a table", id="no-table"),
        pytest.param(HEAD + "[defaults]\ndirection = 'up'", "direction: must be one of", id="dir"),
        pytest.param(HEAD + CLAIM + "colour = 1", "claim A: colour: no such key", id="key"),
        pytest.param(HEAD + CLAIM + CLAIM, "claim A: id: is taken", id="twice"),
        pytest.param(
            HEAD + CLAIM.replace("org.name", "x"), "claim A: concepts: no concept", id="x"
        ),
        pytest.param(
            HEAD + CLAIM.replace("dep", "x"), "claim A: services: no service", id="service"
        ),
        pytest.param(HEAD + '[[claim]]\nid = "A"', "claim A: services: is missing", id="services"),
        pytest.param(
            HEAD + '[[claim]]\nid = "A"\nservices = ["dep"]', "concepts: is missing", id="nothing"
        ),
        pytest.param(HEAD + "[[claim]]\nlabel = 'x'", "claim number 1: id: is missing", id="no-id"),
        pytest.param(HEAD + "[[claim]]\nid = 1", "claim number 1: id: must be a text", id="id"),
        pytest.param(HEAD + CLAIM + "op = 'x'", "claim A: op: must be an array", id="array"),
        pytest.param(HEAD + CLAIM + "optional = 1", "optional: must be true or false", id="flag"),
        pytest.param(HEAD + CLAIM + "min_protocol = -1", "must be a whole number", id="number"),
        pytest.param(HEAD + CLAIM + "format = 'x'", "format: must be one of", id="format"),
        pytest.param(HEAD + CLAIM + "value_labels = { a = 1 }", "a table of texts", id="labels"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_said_in_one_line(text: str, about: str) -> None:
    with pytest.raises(ConfigurationError, match=about) as caught:
        Manifest.parse(text, "own.toml")

    assert str(caught.value).startswith("own.toml: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "claim"),
    [
        pytest.param("devices", "S24", id="array"),
        pytest.param("device", "S24", id="singular"),
        pytest.param("serial_number", "S11", id="under-its-own-name"),
        pytest.param("odd", "S11", id="first-in-the-file"),
    ],
)
def test_the_claim_whose_label_is_the_name_of_the_field_wins(field: str, claim: str) -> None:
    judged = judge(disclosure("device.serial", field=field), "dep", "dep.assign", INTUNE)

    assert judged.declared == claim


def test_the_claim_that_names_the_operation_then_the_place_wins() -> None:
    own = manifest(
        'id = "label"\nlabel = "x"\nservices = ["dep"]\nconcepts = ["org.name"]',
        'id = "place"\nplace = ["/x"]\nservices = ["dep"]\nconcepts = ["org.name"]',
        'id = "op"\nop = ["dep.define"]\nservices = ["dep"]\nconcepts = ["org.name"]',
    )

    assert judge(disclosure(), "dep", "dep.define", own).declared == "op"
    assert judge(disclosure(), "dep", "dep.other", own).declared == "place"
    assert judge(disclosure(generic="/y"), "dep", "dep.other", own).declared == "label"


@pytest.mark.parametrize(
    ("narrowed", "other"),
    [
        pytest.param('op = ["dep.define"]', {"operation": "dep.other"}, id="operation"),
        pytest.param('place = ["header"]', {}, id="part"),
        pytest.param('place = ["/y"]', {}, id="place"),
        pytest.param('values = ["iOS"]', {"clear": "tvOS"}, id="value"),
        pytest.param('values = ["iOS"]', {}, id="value-not-shown"),
        pytest.param('direction = "received"', {}, id="direction"),
        pytest.param("", {"service": "vpp"}, id="service"),
    ],
)
def test_a_claim_covers_nothing_outside_its_bounds(narrowed: str, other: dict[str, str]) -> None:
    own = manifest(f'id = "A"\nservices = ["dep"]\nconcepts = ["device.os"]\n{narrowed}')
    one = disclosure("device.os", clear=other.get("clear"))

    judged = judge(one, other.get("service", "dep"), other.get("operation", "dep.x"), own)

    assert judged.declared == "-"
    assert judged.flags == ("undeclared",)


def test_a_value_of_another_format_is_still_what_was_declared() -> None:
    judged = judge(disclosure("vpp.client_user_id", shape="email"), "vpp", "", INTUNE)

    assert judged.declared == "S25"


def test_protocol_is_exempt_even_where_nothing_matched() -> None:
    judged = judge(disclosure("protocol"), "", "", INTUNE)

    assert (judged.declared, judged.flags, judged.severity) == ("exempt", (), "ok")


def test_a_secret_that_must_never_travel_is_forbidden() -> None:
    judged = judge(disclosure("dep.consumer_secret"), "dep", "dep.session", INTUNE)

    assert judged.flags == ("forbidden", "undeclared")
    assert judged.severity == "fail"


@pytest.mark.parametrize(
    ("concept", "flags", "gate", "severity"),
    [
        ("support.email", (), False, "ok"),
        ("support.email", ("version<2",), False, "warn"),
        ("support.email", ("value:personal-mailbox",), False, "warn"),
        ("support.email", ("undocumented",), False, "fail"),
        ("support.email", ("misplaced-credential",), False, "fail"),
        ("lock.escrow_key", (), False, "fail"),
        ("dep.org_magic", (), False, "warn"),
        ("dep.org_magic", (), True, "fail"),
        ("net.user_agent", (), True, "warn"),
        ("protocol", ("undocumented",), False, "fail"),
    ],
)
def test_severity_goes_by_category_and_flags(
    concept: str, flags: tuple[str, ...], gate: bool, severity: str
) -> None:
    one = disclosure(concept, flags=flags)

    assert judge(one, "dep", "dep.x", INTUNE, gate=gate).severity == severity


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        ({"shape": "empty"}, "(empty)"),
        ({"shape": "null"}, "(null)"),
        ({"clear": "true"}, "true"),
        ({}, "text[3] fp=0123456789abcdef"),
    ],
)
def test_a_value_is_shown_in_clear_only_if_it_may_be(more: dict[str, Any], shown: str) -> None:
    assert rendered(disclosure(**more)) == shown


def test_the_record_of_the_api_has_the_documented_keys() -> None:
    record = as_json(judge(disclosure(), "dep", "dep.x", INTUNE))

    assert " ".join(record) == (
        "part at generic via concept category subject secret documented declared inherent flags fp "
        "shape len clear field severity value"
    )


SENT = st.builds(
    disclosure,
    st.sampled_from(sorted(CONCEPTS)),
    field=st.sampled_from(["devices", "x"]),
    clear=st.sampled_from([None, "a"]),
)
CLAIMS = st.lists(
    st.builds(
        lambda services, concepts, never, values: (
            f"services = {services}\nconcepts = {concepts}\nnever = {never}\nvalues = {values}"
        ),
        st.lists(st.sampled_from(["dep", "vpp"]), min_size=1, unique=True),
        # No manifest may forbid what it declares.
        st.lists(st.sampled_from(sorted(CONCEPTS)[::2]), min_size=1, unique=True),
        st.lists(st.sampled_from(sorted(CONCEPTS)[1::2]), max_size=2, unique=True),
        st.lists(st.just("a"), max_size=1),
    ),
    max_size=5,
)


@given(st.lists(SENT, max_size=8), CLAIMS)
def test_a_further_claim_never_makes_anything_undeclared(
    sent: list[Disclosure], claims: list[str]
) -> None:
    named = [f'id = "{number}"\n{claim}' for number, claim in enumerate(claims)]
    few, all_of_them = manifest(*named[:-1]), manifest(*named)

    for one in sent:
        before, after = (judge(one, "dep", "dep.x", own).flags for own in (few, all_of_them))
        assert "undeclared" in before or "undeclared" not in after


@given(SENT)
def test_judging_again_gives_the_same(one: Disclosure) -> None:
    assert judge(one, "dep", "dep.x", INTUNE) == judge(replace(one), "dep", "dep.x", INTUNE)
