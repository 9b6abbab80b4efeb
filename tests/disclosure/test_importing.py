"""Manifests made of Microsoft's page, in the languages that it is known in."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.settings import ConfigurationError
from simulator.disclosure.judge.importing import TEMPLATE, import_page, written
from simulator.disclosure.judge.manifest import Manifest, load_manifest
from simulator.disclosure.judge.tables import table_sha256

SEED = (Path(__file__).parents[2] / "fixtures" / "disclosure" / "seed.md").read_text("utf-8")
OURS = load_manifest(TEMPLATE)
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


def service(label: str) -> str:
    (claim,) = [one for one in OURS.claims if one.label == label]
    return {"apns": "APNS", "dep": "ASM/DEP", "vpp": "VPP"}[claim.services[0]]


def page(labels: list[str], words: dict[str, str] | None = None, values: str = VALUES) -> str:
    rows = [
        f"| {service(one)} | {(words or {}).get(one, one)} | "
        f"{values if one == 'profile_status' else 'why'} |"
        for one in labels
    ]
    head = "---\ntitle: 'A page'\nms.date: 04/08/2022\nms.contentlocale: xx-XX\n---\n\n"
    return "\n".join((head, "| Service | Data | Used for |", "|---|---|---|", *rows)) + "\n"


def imported(text: str) -> Manifest:
    return Manifest.parse(import_page(text, "page.md", OURS), "imported")


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
        pytest.param(page(OLDER, {"model": "modello"}), "no row is known as 'modello'", id="label"),
        pytest.param(
            page(OLDER).replace("| VPP |", "| Push |"),
            "no service is known as 'Push'",
            id="service",
        ),
        pytest.param(page(OLDER, values="**vide**"), "no value is known as 'vide'", id="value"),
        pytest.param(
            page(["org_name"]).replace("ASM/DEP", "VPP"), "stands under 'VPP'", id="wrong-service"
        ),
        pytest.param("no table", "there is no table with three columns", id="no-table"),
        pytest.param("| a | b |\n|---|---|\n", "there is no table", id="two-columns"),
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
