"""The look-up on several days, its irregularities, and its quirks."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.protocol import quirks
from simulator.services.gdmf import defaults, releases
from simulator.services.gdmf.releases import Release
from tests.apple import AGENT, Answer, Apple, request

DAY_S = 86_400
SETS = ("PublicAssetSets", "AssetSets", "PublicBackgroundSecurityImprovements")


def look_up(apple: Apple, method: str = "GET", path: str = "/v2/pmv", **more: Any) -> Answer:
    headers = [("Host", "gdmf.apple.com"), ("User-Agent", AGENT)]
    return apple.send(request(method, path, headers, **more))


def versions(document: Any, name: str, platform: str) -> set[tuple[str, str]]:
    return {(one["ProductVersion"], one.get("Build", "")) for one in document[name][platform]}


def test_releases_appear_and_expire_by_the_clock(apple: Apple) -> None:
    # The world begins on 2026-03-01.
    first = look_up(apple).json
    apple.advance(20 * DAY_S)
    second = look_up(apple).json
    apple.advance(25 * DAY_S)
    third = look_up(apple).json

    assert ("27.1", "24B82") in versions(first, "PublicAssetSets", "iOS")
    assert ("27.1.1", "24B91") not in versions(first, "AssetSets", "iOS")
    assert ("27.1.1", "24B91") in versions(second, "PublicAssetSets", "iOS")
    assert ("27.1", "24B82") not in versions(second, "PublicAssetSets", "iOS")
    assert ("27.1", "24B82") in versions(second, "AssetSets", "iOS")
    assert ("27.2", "24C52") in versions(third, "PublicAssetSets", "iOS")


def test_an_expired_release_stays_for_mdm_and_goes_for_the_public(apple: Apple) -> None:
    found = look_up(apple).json

    old = next(one for one in found["AssetSets"]["iOS"] if one["Build"] == "23G80")
    assert (old["PostingDate"], old["ExpirationDate"]) == ("2025-10-22", "2026-01-22")
    assert ("26.6", "23G80") not in versions(found, "PublicAssetSets", "iOS")


def test_the_list_is_as_irregular_as_the_real_one(apple: Apple) -> None:
    found = look_up(apple).json
    mdm = found["AssetSets"]

    # Two builds of a version for the same devices, an old major, no date of expiry.
    assert {("16.7.15", "20H380"), ("16.7.15", "20H6380")} <= versions(found, "AssetSets", "iOS")
    assert ("12.5.8", "16H88") in versions(found, "PublicAssetSets", "iOS")
    assert "ExpirationDate" not in next(one for one in mdm["iOS"] if one["Build"] == "24B82")
    # The same build posted twice, and a release with a date of its own in each list.
    again = [one["PostingDate"] for one in mdm["macOS"] if one["Build"] == "20G1443"]
    assert sorted(again) == ["2025-05-25", "2025-09-02"]
    watch = [
        next(one["PostingDate"] for one in found[name]["iOS"] if one["Build"] == "24S80")
        for name in ("PublicAssetSets", "AssetSets")
    ]
    assert watch == ["2026-02-07", "2026-02-04"]
    # Macs are known by their boards, and one device is in several majors at once.
    assert (
        "VMA2MACOSAP" in mdm["macOS"][0]["SupportedDevices"] + mdm["macOS"][1]["SupportedDevices"]
    )
    majors = {
        one["ProductVersion"].split(".")[0]
        for one in mdm["iOS"]
        if "iPad11,1" in one["SupportedDevices"]
    }
    assert majors == {"16", "18", "26"}


def test_an_improvement_names_the_build_that_it_goes_on(apple: Apple) -> None:
    found = look_up(apple).json["PublicBackgroundSecurityImprovements"]

    assert {
        (one["ProductVersion"], one["ProductVersionExtra"], one["Build"], one["PrerequisiteBuild"])
        for one in found["macOS"]
    } == {("27.1", "(a)", "26B6080a", "26B80"), ("27.0.1", "(a)", "26A7320a", "26A320")}


def test_it_answers_without_host_names_of_apple_and_over_http(apple: Apple) -> None:
    answer = apple.send(request("GET", "/v2/pmv", [("Host", "127.0.0.1:8080")], scheme="http"))

    assert answer.status == 200
    assert answer.header("Content-Type") == "application/json"
    assert (answer.exchange.service, answer.exchange.operation) == ("gdmf", "gdmf.lookup")


def switch(apple: Apple, quirk: str) -> None:
    apple.run(lambda state: quirks.switch(state, quirk, quirks.EVERYBODY, is_on=True))


def test_an_empty_document_keeps_its_keys(apple: Apple) -> None:
    switch(apple, "gdmf.empty")

    assert look_up(apple).json == {name: {"iOS": [], "macOS": [], "visionOS": []} for name in SETS}


def test_a_stale_document_is_that_of_a_month_ago(apple: Apple) -> None:
    early = look_up(apple).json
    apple.advance(30 * DAY_S)
    switch(apple, "gdmf.stale")

    assert look_up(apple).json == early


@pytest.mark.parametrize(
    ("quirk", "key"),
    [("gdmf.no-builds", "Build"), ("gdmf.no-expiration", "ExpirationDate")],
)
def test_a_quirk_leaves_a_key_out(apple: Apple, quirk: str, key: str) -> None:
    before = look_up(apple).json["AssetSets"]["macOS"]
    switch(apple, quirk)
    after = look_up(apple).json["AssetSets"]["macOS"]

    assert any(key in one for one in before)
    assert [{k: v for k, v in one.items() if k != key} for one in before] == after


def test_improvements_had_another_name_and_visionos_came_late(apple: Apple) -> None:
    switch(apple, "gdmf.rapid-responses")
    switch(apple, "gdmf.no-visionos")

    found = look_up(apple).json

    assert set(found) == {"PublicAssetSets", "AssetSets", "PublicRapidSecurityResponses"}
    assert set(found["AssetSets"]) == {"iOS", "macOS"}


def test_a_wrong_method_and_path_are_refused_and_recorded(apple: Apple) -> None:
    posted = look_up(apple, "POST")
    lost = look_up(apple, path="/v1/pmv")

    assert (posted.status, posted.rules, posted.exchange.error) == (
        405,
        ["method-unknown"],
        "METHOD_NOT_ALLOWED",
    )
    assert (lost.status, lost.rules, lost.text) == (404, ["path-unknown"], "")


def test_a_release_can_be_written_and_taken_back(apple: Apple) -> None:
    look_up(apple)
    made = Release(
        platform="macOS",
        line="mac-27",
        version="27.9",
        build="26Z1",
        posted="2026-03-01",
        public_from="2026-03-01",
        devices=("J413AP",),
    )

    apple.run(lambda state: releases.write(state, made))
    there = versions(look_up(apple).json, "PublicAssetSets", "macOS")
    gone = apple.run(lambda state: releases.delete(state, "macos-27.9-26Z1-2026-03-01"))
    after = versions(look_up(apple).json, "PublicAssetSets", "macOS")

    assert ("27.9", "26Z1") in there
    assert ("27.1", "26B80") not in there
    assert gone
    assert ("27.1", "26B80") in after


@given(st.integers(-500, 500))
def test_on_any_day_the_list_holds_together(offset: int) -> None:
    begin = date(2026, 3, 1)
    listed = list(defaults._releases(begin))
    day = (begin + timedelta(offset)).isoformat()

    found = releases.document(listed, day)

    for platform in ("iOS", "macOS", "visionOS"):
        assert versions(found, "PublicAssetSets", platform) <= versions(
            found, "AssetSets", platform
        )
    for assets in (one for sets in found.values() for one in sets.values()):
        for one in assets:
            assert one["PostingDate"] <= day
            assert all(part.isdigit() for part in one["ProductVersion"].split("."))
            assert one["SupportedDevices"]
    for one in found["PublicAssetSets"]["iOS"]:
        assert one.get("ExpirationDate", "9999") > day
