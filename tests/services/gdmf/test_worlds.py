"""Releases in the file of a world: read with their places, dated, and looked up."""

from typing import Any

import pytest

from simulator.core.settings import ConfigurationError
from simulator.worlds.seeding import seed_world
from simulator.worlds.world import parse_world
from tests.apple import Apple
from tests.services.gdmf.test_lookup import look_up
from tests.worlds.test_world import OTHER

HEAD = '[world]\nname = "small"\n'
IOS = """
[[release]]
platform = "iOS"
version = "30.1"
build = "30B1"
posted_in = -25
public_after = 30
expires_after = 180
devices = ["iPhone17,1"]
"""
MAC = """
[[release]]
platform = "macOS"
line = "mac-30"
version = "30.0"
build = "30A9"
posted = 2025-12-24
public = false
devices = ["J413AP"]
"""


def load(apple: Apple, source: str) -> Any:
    """Load a world on 2026-03-01, and return what the look-up says."""
    world = parse_world(HEAD + source + OTHER, "w.toml")
    apple.run(
        lambda state: seed_world(
            state, world, seed=1, generate_secret=apple.random_hex, now_ms=apple.now_ms
        )
    )
    return look_up(apple).json


def test_a_worlds_releases_take_the_place_of_the_invented_ones(apple: Apple) -> None:
    found = load(apple, IOS + MAC)

    assert found["AssetSets"] == {
        "iOS": [
            {
                "ProductVersion": "30.1",
                "Build": "30B1",
                "PostingDate": "2026-02-04",
                "ExpirationDate": "2026-08-03",
                "SupportedDevices": ["iPhone17,1"],
            }
        ],
        "macOS": [
            {
                "ProductVersion": "30.0",
                "Build": "30A9",
                "PostingDate": "2025-12-24",
                "SupportedDevices": ["J413AP"],
            }
        ],
        "visionOS": [],
    }
    assert found["PublicAssetSets"] == {"iOS": [], "macOS": [], "visionOS": []}
    apple.advance(5 * 86_400)
    later = look_up(apple).json["PublicAssetSets"]
    assert [one["PostingDate"] for one in later["iOS"]] == ["2026-03-06"]
    assert later["macOS"] == []


def test_a_world_that_names_none_has_the_invented_ones(apple: Apple) -> None:
    assert len(load(apple, "")["AssetSets"]["iOS"]) > 10


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("posted_in = -25\n", "", "needs either posted or posted_in"),
        ("posted_in = -25", "posted_in = -25\nposted = 2026-01-01", "needs either"),
        ("posted_in = -25", 'posted = "2026-01-01"', "posted must be a date, such as 2026-01-31"),
        ("posted_in = -25", "posted = 9999-12-31", "posted must be in the years 2000 to 2200"),
        ("posted_in = -25", "posted_in = 100000", "must be a whole number from -3650 to 3650"),
        ('"30.1"', '"30.x"', "version must be digits and dots"),
        ('"30B1"', '"30 B"', "build must be letters and digits"),
        ('"iOS"', '"watchOS"', "platform must be one of iOS, macOS, visionOS"),
        ('["iPhone17,1"]', "[]", "devices must name one at least"),
        ('version = "30.1"\n', "", "version is missing: add version = "),
        ("devices", 'prerequisite = "30A1"\ndevices', "prerequisite goes with extra only"),
        ("devices", 'colour = "red"\ndevices', "colour is not known here"),
        ("public_after", "public_later", "public_later is not known here"),
    ],
)
def test_a_release_that_cannot_be_is_named_with_its_place(old: str, new: str, says: str) -> None:
    source = HEAD + MAC + IOS.replace(old, new) + OTHER

    with pytest.raises(ConfigurationError) as caught:
        parse_world(source, "w.toml")

    assert str(caught.value).startswith("w.toml: [[release]] 2: ")
    assert says in str(caught.value)


def test_a_release_stands_once() -> None:
    with pytest.raises(ConfigurationError, match=r"\[\[release\]\] 2: .* is taken by"):
        parse_world(HEAD + IOS + IOS + OTHER, "w.toml")
