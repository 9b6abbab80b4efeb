"""Manifests made of Microsoft's page, in the languages that it is known in."""

import html
import json
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.commands.manifests import _concept_of_field
from simulator.core.settings import ConfigurationError
from simulator.disclosure.judge.importing import TEMPLATES, import_page, written
from simulator.disclosure.judge.manifest import Manifest, load_manifest
from simulator.disclosure.judge.tables import table_rows, table_sha256

FIXTURES = Path(__file__).parents[2] / "fixtures" / "disclosure"
SEED = (FIXTURES / "seed.md").read_text("utf-8")
OURS = load_manifest(TEMPLATES[3])
VALUES = "Values: **empty**, **assigned**, **pushed** or **removed**."
ENGLISH = [claim.label for claim in OURS.claims]
OLDER = [claim.label for claim in OURS.claims if claim.id != "S28"]
FRENCH = {
    "Token, PushMagic": "Jeton, PushMagic",
    "Server token": "Jeton de serveur",
    "server_name": "nom_serveur",
    "devices": "périphériques",
    "department": "du service",
    "Intune UserId guid": "GUID de l\u2019ID utilisateur Intune",  # a typographic apostrophe
    "Managed AppleId UPN": "UPN de l\u2019ID Apple géré",
    "Serial Number": "Numéro de série",
}
JAPANESE = {
    "Token, PushMagic": "トークン、PushMagic",
    "Server token": "サーバー トークン",
    "model": "対象となるのは、モデル",
    "devices": "デバイス",
    "Managed AppleId UPN": "管理対象 AppleId UPN",
    "Serial Number": "シリアル番号",
}


LABELS = json.loads((FIXTURES / "page_labels.json").read_text("utf-8"))
"""The printed labels of the page's 27 rows, in order, by language."""


def service(label: str) -> str:
    (claim,) = [one for one in OURS.claims if one.label == label]
    return {"apns": "APNS", "dep": "ASM/DEP", "vpp": "VPP"}[claim.services[0]]


def page(
    labels: list[str],
    words: dict[str, str] | None = None,
    values: str = VALUES,
    language: str = "xx-XX",
) -> str:
    rows = [
        f"| {service(one)} | {(words or {}).get(one, one)} | "
        f"{values if one == 'profile_status' else 'why'} |"
        for one in labels
    ]
    head = f"---\ntitle: 'A page'\nms.date: 04/08/2022\nms.contentlocale: {language}\n---\n\n"
    return "\n".join((head, "| Service | Data | Used for |", "|---|---|---|", *rows)) + "\n"


def imported(text: str) -> Manifest:
    made = import_page(text, "page.md", load_manifest, _concept_of_field)
    return Manifest.parse(made, "imported")


def test_the_seed_gives_the_manifest_that_ships() -> None:
    shipped, made = load_manifest("intune-to-apple"), imported(SEED)

    assert made.claims == shipped.claims
    assert made.about == shipped.about


@pytest.mark.parametrize(
    ("labels", "words", "count"),
    [
        pytest.param(ENGLISH, {}, 28, id="english"),
        pytest.param(OLDER, {}, 27, id="english-before"),
        pytest.param(OLDER, FRENCH, 27, id="french"),
        pytest.param(OLDER, JAPANESE, 27, id="japanese"),
    ],
)
def test_each_language_gives_the_same_claims(
    labels: list[str], words: dict[str, str], count: int
) -> None:
    made = imported(page(labels, words))

    facts = [(one.id, one.services, one.concepts) for one in made.claims]
    ours = [(one.id, one.services, one.concepts) for one in OURS.claims if one.label in labels]
    assert facts == ours
    assert len(facts) == count
    assert [one.label for one in made.claims] == [words.get(one, one) for one in labels]
    translated = {one.label_en: one.label for one in made.claims if one.label_en}
    assert translated == words


@pytest.mark.parametrize("language", LABELS)
def test_each_published_language_is_imported(language: str) -> None:
    words = dict(zip(OLDER, LABELS[language], strict=True))

    made = imported(page(OLDER, words, language=language))

    assert [one.id for one in made.claims] == [f"S{number:02}" for number in range(1, 28)]
    assert [one.label for one in made.claims] == LABELS[language]
    assert [one.concepts for one in made.claims] == [
        one.concepts for one in OURS.claims if one.id != "S28"
    ]


def test_there_are_thirteen_of_them() -> None:
    assert len(LABELS) == 13


def test_a_row_of_a_known_language_is_known_by_its_place() -> None:
    words = {"Location Token": "Platstoken", "org_name": "organisationens_namn"}
    values = "**tomt**, **getilldelt**, **skickat** eller **bort**"

    made = imported(page(ENGLISH, words, values, language="sv-SE"))

    found = {one.id: one for one in made.claims}
    assert (found["S28"].label, found["S28"].label_en) == ("Platstoken", "Location Token")
    assert (found["S06"].label, found["S06"].concepts) == ("organisationens_namn", ("org.name",))
    assert found["S15"].value_labels == {
        "tomt": "empty",
        "getilldelt": "assigned",
        "skickat": "pushed",
        "bort": "removed",
    }


def as_html(markdown: str, language: str, title: str) -> str:
    rows = [
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in table_rows(markdown)
    ]
    return (
        f"<!DOCTYPE html><html lang='{language}'><head><title>{title}</title></head><body>"
        f"<p>Not | a table</p><table><tbody>{''.join(rows)}</tbody></table></body></html>"
    )


def test_a_page_may_be_html() -> None:
    shipped = load_manifest("intune-to-apple")

    made = imported(as_html(SEED, "sv-se", "Data som Intune skickar till Apple"))

    # Which values were translated is known by their emphasis, which is lost here.
    facts = [(one.id, one.label, one.concepts) for one in made.claims]
    assert facts == [(one.id, one.label, one.concepts) for one in shipped.claims]
    assert made.about["source"] == "Data som Intune skickar till Apple (MicrosoftDocs, sv-se)"


def sister(words: dict[str, str] | None = None, language: str = "en-US") -> str:
    rows = [
        f"| {'ASM/DEP' if 'dep' in one.services else one.services[0].upper()} | message | "
        f"{(words or {}).get(one.label, one.label)} | why |"
        for one in load_manifest("apple-to-intune").claims
    ]
    head = f"---\ntitle: Sister\nms.contentlocale: {language}\n---\n\n"
    return "\n".join((head, "| S | M | D | U |", "|:---:|---|---|---|", *rows)) + "\n"


@pytest.mark.parametrize(
    ("words", "language"),
    [
        pytest.param({}, "en-US", id="english"),
        pytest.param({"Serial number": "Серийный номер", "Topic": "Раздел"}, "ru-RU", id="russian"),
    ],
)
def test_the_sister_page_gives_received_claims(words: dict[str, str], language: str) -> None:
    made = imported(sister(words, language))

    assert {one.direction for one in made.claims} == {"received"}
    assert [one.id for one in made.claims] == [f"R{number:02}" for number in range(1, 61)]
    serial = {one.id: one for one in made.claims}["R23"]
    assert (serial.services, serial.concepts) == (("dep", "axm"), ("device.serial",))
    assert serial.label == words.get("Serial number", "Serial number")
    assert made.about["discloser"] == "Apple Inc."


def test_the_sister_page_in_an_unknown_language_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="its language el-GR is not known"):
        imported(sister({"Topic": "Θέμα"}, "el-GR"))


CORTADO = """
<html lang="en"><head><title>Data security and sharing</title></head><body>
<table><tr><th>Name</th><th>Description</th></tr>
<tr><td>PushMagic</td><td>x</td></tr><tr><td>Token</td><td>x</td></tr></table>
<table><tr><td>Name</td><td>Description</td></tr>
<tr><td><p>serial_number</p></td><td>x</td></tr><tr><td>profile_uuid</td><td>x</td></tr></table>
<table><tr><td>Name</td><td>Description</td></tr>
<tr><td>org_magic</td><td>x</td></tr><tr><td>support_email_address</td><td>x</td></tr></table>
<table><tr><td>Name</td><td>Description</td></tr>
<tr><td>serialNumber</td><td>x</td></tr><tr><td>adamId</td><td>x</td></tr></table>
<table><tr><td>Name</td><td>Description</td></tr><tr><td>Google's</td><td>x</td></tr></table>
"""


def test_cortados_page_gives_a_claim_a_field_with_its_operation() -> None:
    made = imported(CORTADO)

    assert [(one.label, one.services, one.op, one.concepts) for one in made.claims] == [
        ("PushMagic", ("apns",), ("apns.push",), ("push.magic",)),
        ("Token", ("apns",), ("apns.push",), ("push.token",)),
        ("serial_number", ("dep",), ("dep.assign",), ("device.serial",)),
        ("profile_uuid", ("dep",), ("dep.assign",), ("dep.profile_uuid",)),
        ("org_magic", ("dep",), ("dep.define",), ("dep.org_magic",)),
        ("support_email_address", ("dep",), ("dep.define",), ("support.email",)),
        ("serialNumber", ("vpp",), (), ("device.serial",)),
        ("adamId", ("vpp",), (), ("vpp.adam_id",)),
    ]
    assert made.about["source"] == "Data security and sharing"


def test_a_field_of_cortados_page_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no field of vpp is known as 'shoeSize'"):
        imported(CORTADO.replace("adamId", "shoeSize"))


def test_the_page_is_named_with_its_table() -> None:
    text = page(ENGLISH)

    about = imported(text).about

    assert about["source"] == "A page (MicrosoftDocs, xx-XX)"
    assert about["dated"] == date(2022, 4, 8)
    assert about["table_sha256"] == table_sha256(text)


def test_translated_values_are_led_back_to_those_on_the_wire() -> None:
    made = imported(page(OLDER, JAPANESE, VALUES.replace("empty", "空")))

    (claim,) = [one for one in made.claims if one.label == "profile_status"]
    assert claim.value_labels == {"空": "empty"}
    assert claim.values == ("empty", "assigned", "pushed", "removed")


@pytest.mark.parametrize(
    ("text", "about"),
    [
        pytest.param(
            page(OLDER, {"model": "modello"}, language="en-us"),
            "no row is known as 'modello'",
            id="label",
        ),
        pytest.param(
            page(OLDER, {"Server token": "Token serwera"}, language="pl-PL"),
            "its language pl-PL is not known, nor its row 'Token serwera'",
            id="language",
        ),
        pytest.param(
            page(["model", *OLDER[1:]], {"Server token": "Nyckel"}, language="sv-SE"),
            "no row is known as 'Nyckel'",
            id="out-of-place",
        ),
        pytest.param(
            page(OLDER[:-1], {"Server token": "Nyckel"}, language="sv-SE"),
            "no row is known as 'Nyckel'",
            id="too-few-rows",
        ),
        pytest.param(
            page(OLDER).replace("| VPP |", "| Push |"),
            "no service is known as 'Push'",
            id="service",
        ),
        pytest.param(page(OLDER, values="**vide**"), "no value is known as 'vide'", id="value"),
        pytest.param(
            page(["org_name"]).replace("ASM/DEP", "VPP"), "is under 'VPP'", id="wrong-service"
        ),
        pytest.param("no table", "has none of the tables", id="no-table"),
        pytest.param("| a | b |\n|---|---|\n", "has none of the tables", id="two-columns"),
    ],
)
def test_what_is_not_known_stops_the_import_in_one_line(text: str, about: str) -> None:
    with pytest.raises(ConfigurationError, match=about) as caught:
        imported(text)

    assert str(caught.value).startswith("page.md: ")
    assert "\n" not in str(caught.value)


def test_a_page_without_a_head_is_named_by_its_file() -> None:
    text = page(OLDER).partition("---\n\n")[2]

    assert imported(text).about["source"] == "page.md (MicrosoftDocs, en-US)"


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ROWS = st.dictionaries(
    st.from_regex("[a-z_]{1,8}", fullmatch=True),
    TEXT
    | st.lists(TEXT, max_size=3)
    | st.booleans()
    | st.integers(0, 9999)
    | st.dates()
    | st.dictionaries(TEXT.filter(bool), TEXT, max_size=2),
    max_size=5,
)


@given(ROWS, ROWS, st.lists(ROWS, max_size=3))
def test_what_is_written_as_toml_reads_the_same(
    about: dict[str, Any], defaults: dict[str, Any], claims: list[dict[str, Any]]
) -> None:
    tree = tomllib.loads(written(about, defaults, claims))

    assert (tree["manifest"], tree["defaults"], tree.get("claim", [])) == (about, defaults, claims)
