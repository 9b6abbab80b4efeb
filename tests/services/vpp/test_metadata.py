"""What the store says of apps and books."""

from typing import Any
from urllib.parse import quote, urlencode

import pytest

from simulator.services.vpp.domain.products import StoreProduct, put_product
from tests.apple import AGENT, Answer, request
from tests.disclosure.made_up import provider_token
from tests.vpp import APP, BOOK, MAC, Vpp

CUSTOM = "1000000777"
LOOKUP = "/WebObjects/MZStorePlatform.woa/wa/lookup"
APPS = "/v1/catalog/us/stoken-authenticated-apps"


@pytest.fixture
def apple() -> Vpp:
    vpp = Vpp()
    custom = StoreProduct(CUSTOM, "Ours Only", "App", "example.ours", custom=True)
    vpp.run(lambda state: put_product(state, custom))
    vpp.buy(CUSTOM, 1)
    return vpp


def get(
    vpp: Vpp, path: str, *, cookie: str | None = None, bearer: str | None = None, **query: Any
) -> Answer:
    sent = [("Host", "api.ent.apple.com"), ("User-Agent", AGENT)]
    if path == LOOKUP:
        sent[0] = ("Host", "uclient-api.itunes.apple.com")
    if bearer is not None:
        sent.append(("Authorization", f"Bearer {bearer}"))
    if cookie is not None:
        sent.append(("Cookie", f"a=b; itvt={cookie}"))
    return vpp.send(request("GET", f"{path}?{urlencode(query)}", sent))


def look_up(vpp: Vpp, adam_id: str, cookie: str | None = None, **more: str) -> Any:
    query = {"version": "2", "p": "mdm-lockup", "caller": "MDM", "cc": "de", "l": "en"} | more
    return get(vpp, LOOKUP, cookie=cookie, id=adam_id, **query).json


def test_an_app_is_looked_up_by_anybody(apple: Vpp) -> None:
    body = look_up(apple, APP, platform="enterprisestore")

    item = body["results"][APP]
    assert (item["name"], item["bundleId"]) == ("Pages of Nowhere", "example.pages")
    assert item["kind"] == "iosSoftware"
    assert "mac" in item["deviceFamilies"]
    assert body["meta"] == {"storefront": {"id": "143443", "cc": "de"}, "language": {"tag": "en"}}
    assert body["isAuthenticated"] is False
    assert "uId" not in body


@pytest.mark.parametrize(
    ("adam_id", "query"),
    [
        pytest.param("4711", {}, id="unknown"),
        pytest.param("", {}, id="empty"),
        pytest.param("1000000002", {"platform": "macappstore"}, id="not-for-mac"),
        pytest.param(CUSTOM, {}, id="custom"),
    ],
)
def test_what_is_not_found_is_an_empty_result(
    apple: Vpp, adam_id: str, query: dict[str, str]
) -> None:
    assert look_up(apple, adam_id, **query)["results"] == {}


def test_an_item_has_the_form_for_who_asks(apple: Vpp) -> None:
    public = look_up(apple, APP)["results"][APP]
    own = look_up(apple, APP, cookie=apple.stoken)["results"][APP]

    assert (public["id"], own["id"]) == (int(APP), APP)
    assert [set(image) for image in public["artwork"]] == [{"width", "height", "url"}] * 3
    assert own["artwork"]["url"].endswith("/{w}x{h}bb.{f}")
    assert {name for name in public if public[name] != own[name]} == {"id", "artwork"}


def test_with_a_bad_token_nothing_is_found(apple: Vpp) -> None:
    assert look_up(apple, APP, cookie="garbage")["results"] == {}


def test_a_custom_app_is_seen_with_the_token_of_its_location(apple: Vpp) -> None:
    mine = look_up(apple, CUSTOM, cookie=apple.stoken)
    other = look_up(apple, CUSTOM, cookie=apple.place("branch").stoken)
    bad = look_up(apple, CUSTOM, cookie="garbage")

    assert list(mine["results"]) == [CUSTOM]
    assert other["results"] == bad["results"] == {}


def test_the_newer_service_answers_what_fleet_reads(apple: Vpp) -> None:
    query = {
        "platform": "iphone",
        "additionalPlatforms": "ipad,mac",
        "extend[apps]": "latestVersionInfo",
        "ids": f"{APP},{MAC},{BOOK},4711",
    }
    answer = get(apple, APPS, cookie=apple.stoken, bearer=provider_token(), **query)

    first, second = answer.json["data"]
    assert (answer.status, first["id"], first["type"]) == (200, APP, "apps")
    assert first["attributes"]["name"] == "Pages of Nowhere"
    platforms = first["attributes"]["platformAttributes"]
    assert set(platforms) == {"ios", "osx"}
    assert platforms["ios"]["bundleId"] == "example.pages"
    assert platforms["ios"]["latestVersionInfo"] == {"versionDisplay": "1.0.0"}
    assert "{w}x{h}" in platforms["ios"]["artwork"]["url"]
    assert set(second["attributes"]["platformAttributes"]) == {"osx"}
    assert set(answer.json) == {"data"}


def test_books_and_all_together(apple: Vpp) -> None:
    facts = {"cookie": apple.stoken, "bearer": provider_token()}

    books = get(apple, f"{APPS[:-4]}books", ids=f"{BOOK},{APP}", **facts).json["data"]
    query = {"ids[apps]": APP, "ids[books]": BOOK}
    both = get(apple, f"{APPS[:-4]}purchases", **facts, **query).json["data"]

    assert [one["type"] for one in books] == ["books"]
    assert [one["id"] for one in both] == [APP, BOOK]


@pytest.mark.parametrize(
    ("facts", "query", "status", "code"),
    [
        pytest.param({}, {"ids": APP}, 401, "40100", id="nothing"),
        pytest.param({"bearer": "x"}, {"ids": APP}, 403, "40300", id="no-cookie"),
        pytest.param({"bearer": "x", "cookie": "y"}, {"ids": APP}, 403, "40300", id="bad-cookie"),
        pytest.param({"bearer": "x", "cookie": "good"}, {}, 403, "40300", id="no-ids"),
        pytest.param(
            {"bearer": "x", "cookie": "good"},
            {"ids": ",".join(map(str, range(151)))},
            400,
            "40005",
            id="many-ids",
        ),
    ],
)
def test_errors_have_a_form_of_their_own(
    apple: Vpp, facts: dict[str, str], query: dict[str, str], status: int, code: str
) -> None:
    if facts.get("cookie") == "good":
        facts = facts | {"cookie": apple.stoken}

    answer = get(apple, APPS, **facts, **query)

    (error,) = answer.json["errors"]
    assert (answer.status, error["status"], error["code"]) == (status, str(status), code)
    assert all(isinstance(value, str) for value in error.values())


def test_a_token_of_a_vendors_proxy_is_noted_and_refused_by_strict(apple: Vpp) -> None:
    strict = Vpp(strictness="strict")

    taken = get(apple, APPS, cookie=apple.stoken, bearer="opaque", ids=APP)
    refused = get(strict, APPS, cookie=strict.stoken, bearer="opaque", ids=APP)

    assert (taken.status, taken.rules) == (200, ["developer-token"])
    assert refused.status == 401


def test_an_unknown_path_has_the_same_form(apple: Vpp) -> None:
    answer = get(apple, "/v1/catalog/us/nothing")

    assert (answer.status, answer.json["errors"][0]["code"]) == (404, "40400")


def test_both_tokens_are_taken_apart_and_kept_nowhere(apple: Vpp) -> None:
    bearer = provider_token()

    answer = get(apple, APPS, cookie=quote(apple.stoken), bearer=bearer, ids=APP)

    stored = str(answer.exchange.request)
    assert apple.stoken not in stored
    assert bearer not in stored
    service, operation = apple.catalogue.services["vpp"], apple.catalogue.operations["vpp.apps"]
    found = apple.observer.observe(answer.exchange.request, operation, service)
    assert {(one.part, one.at): one.concept for one in found} == {
        ("path", "{cc}"): "vpp.storefront",
        ("query", "ids"): "vpp.adam_id",
        ("header", "user-agent"): "net.user_agent",
        ("header", "authorization"): "vpp.developer_token",
        ("header", "authorization#/kid"): "push.key_id",
        ("header", "authorization#/iss"): "push.team_id",
        ("header", "authorization#/iat"): "protocol",
        ("header", "authorization#/alg"): "protocol",
        ("cookie", "a"): "net.cookie",
        ("cookie", "itvt"): "vpp.content_token",
        ("cookie", "itvt#/orgName"): "org.name",
        ("cookie", "itvt#/expDate"): "vpp.content_token.expiry",
    }
