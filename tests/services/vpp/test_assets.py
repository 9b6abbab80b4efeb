"""What a location owns, who has it, and the arithmetic of licences."""

from typing import Any

import pytest

from tests.vpp import APP, BOOK, BOUGHT, FREE, MAC, SCARCE, USERS_ONLY, Vpp, wanted


def test_assets_have_all_that_clients_need() -> None:
    answer = Vpp().v2("GET", "/assets")

    body = answer.json
    assert answer.status == 200
    assert [one["adamId"] for one in body["assets"]] == sorted({*BOUGHT, FREE})
    assert body["assets"][0] == {
        "adamId": APP,
        "pricingParam": "STDQ",
        "productType": "App",
        "assignedCount": 0,
        "availableCount": 100,
        "retiredCount": 0,
        "totalCount": 100,
        "deviceAssignable": True,
        "revocable": True,
        "supportedPlatforms": ["iOS", "macOS"],
    }
    assert (body["currentPageIndex"], body["size"], body["totalPages"]) == (0, 6, 1)
    assert "nextPageIndex" not in body
    assert "mdmInfo" not in body
    assert body["uId"].isdigit()
    assert not {"errorNumber", "errorMessage"} & body.keys()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param({"adamId": BOOK}, [BOOK], id="adam-id"),
        pytest.param({"productType": "Book"}, [BOOK], id="product-type"),
        pytest.param({"revocable": "false"}, [BOOK], id="irrevocable"),
        pytest.param({"deviceAssignable": "false"}, [BOOK, USERS_ONLY], id="users-only"),
        pytest.param({"maxAvailableCount": 5}, [SCARCE, MAC], id="scarce"),
        pytest.param({"minAvailableCount": 100}, [APP, FREE], id="plenty"),
        pytest.param({"minAssignedCount": 1}, [], id="assigned"),
        pytest.param({"pricingParam": "PLUS"}, [], id="high-quality"),
        pytest.param({"maxAssignedCount": 0, "adamId": APP}, [APP], id="two"),
    ],
)
def test_assets_can_be_chosen(query: dict[str, Any], expected: list[str]) -> None:
    body = Vpp().v2("GET", "/assets", **query).json

    assert [one["adamId"] for one in body["assets"]] == expected
    assert body["size"] == len(expected)


def test_unlimited_assets_stand_apart_or_with_the_others() -> None:
    apple = Vpp()
    with_them = apple.v2("GET", "/assets", adamId=FREE).json["assets"][0]
    apart = apple.v2("GET", "/assets", unlimited="true").json
    without = apple.v2("GET", "/assets", unlimited="false").json

    assert (with_them["totalCount"], with_them["availableCount"]) == (2**31 - 1, 2**31 - 1)
    assert [one["adamId"] for one in apart["unlimitedAssets"]] == [FREE]
    assert "totalCount" not in apart["unlimitedAssets"][0]
    assert FREE not in [one["adamId"] for one in apart["assets"] + without["assets"]]
    assert "unlimitedAssets" not in without


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"pageIndex": "x"}, id="page"),
        pytest.param({"pageIndex": "-1"}, id="negative"),
        pytest.param({"revocable": "yes"}, id="flag"),
        pytest.param({"productType": "Song"}, id="choice"),
        pytest.param({"minAvailableCount": "many"}, id="number"),
    ],
)
def test_a_bad_query_is_an_invalid_argument(query: dict[str, Any]) -> None:
    refused = Vpp().v2("GET", "/assets", **query)
    let_pass = Vpp(strictness="observe").v2("GET", "/assets", **query)

    assert (refused.status, refused.json["errorNumber"]) == (400, 9602)
    assert refused.rules == let_pass.rules == ["field-invalid"]
    assert let_pass.status == 200


def test_pages_are_numbered_from_zero_and_their_version_stays() -> None:
    apple = Vpp(vpp_page_size=4)
    first = apple.v2("GET", "/assets", pageIndex=0).json
    last = apple.v2("GET", "/assets", pageIndex=first["nextPageIndex"]).json
    beyond = apple.v2("GET", "/assets", pageIndex=first["totalPages"])

    assert [first["size"], last["size"], first["totalPages"]] == [4, 2, 2]
    assert "nextPageIndex" not in last
    assert first["versionId"] == last["versionId"]
    assert (beyond.status, beyond.json["errorNumber"]) == (400, 9650)


def test_an_event_does_the_cross_product() -> None:
    apple = Vpp()
    apple.create("u-1", "u-2", "u-3", "u-4")

    status = apple.associate(
        APP, FREE, users=["u-1", "u-2", "u-3", "u-4"], serials=["C1", "C2", "C3", "C4"]
    )

    assert status["eventStatus"] == "COMPLETE"
    assert status["eventType"] == "ASSOCIATE"
    assert (status["numRequested"], status["numCompleted"]) == (16, 16)
    assert "failures" not in status
    assert apple.counts() == (8, 92, 0, 100)
    assert apple.counts(FREE) == (8, 2**31 - 9, 0, 2**31 - 1)


def test_what_fails_leaves_the_rest_done() -> None:
    apple = Vpp()
    apple.create("u-1", "u-2", "u-3")

    status = apple.associate(
        APP, FREE, users=["u-1", "u-2", "u-3", "nobody"], serials=["C1", "C2", "C3", "C4"]
    )

    assert (status["eventStatus"], status["numRequested"]) == ("FAILED", 16)
    assert status["numCompleted"] == 14
    assert status["failures"] == [
        {
            "errorNumber": 9609,
            "errorMessage": "Unable to find the registered user.",
            "errorInfo": {"clientUserIds": ["nobody"]},
        }
    ]


def test_scarce_licences_go_to_the_first_in_the_request() -> None:
    apple = Vpp()
    apple.create("u-1")

    status = apple.associate(SCARCE, users=["u-1"], serials=["C1", "C2"])

    assert (status["eventStatus"], status["numCompleted"]) == ("FAILED", 2)
    assert status["failures"][0]["errorNumber"] == 9709
    assert status["failures"][0]["errorInfo"] == {
        "assets": [{"adamId": SCARCE, "pricingParam": "STDQ"}],
        "serialNumbers": ["C2"],
    }
    assert apple.counts(SCARCE) == (2, 0, 0, 2)


def test_the_last_licence_goes_to_one_only() -> None:
    apple = Vpp()
    apple.associate(SCARCE, serials=["C1"])

    first, second = (apple.associate(SCARCE, serials=[serial]) for serial in ("C2", "C3"))

    assert [first["eventStatus"], second["eventStatus"]] == ["COMPLETE", "FAILED"]
    assert apple.counts(SCARCE) == (2, 0, 0, 2)


def test_an_app_that_is_not_owned_is_not_available() -> None:
    status = Vpp().associate("4711", serials=["C1"])

    assert status["failures"][0]["errorNumber"] == 9709


def test_requests_may_be_repeated() -> None:
    apple = Vpp()

    for _ in range(2):
        assert apple.associate(APP, serials=["C1"])["eventStatus"] == "COMPLETE"
    assert apple.counts() == (1, 99, 0, 100)
    for _ in range(2):
        assert apple.disassociate(APP, serials=["C1"])["eventStatus"] == "COMPLETE"
    assert apple.counts() == (0, 100, 0, 100)


def test_revoking_takes_all_that_can_be_taken() -> None:
    apple = Vpp()
    apple.create("u-1")
    apple.associate(APP, FREE, BOOK, users=["u-1"])
    apple.associate(APP, serials=["C1"])

    status = apple.done(
        apple.v2("POST", "/assets/revoke", {"clientUserIds": ["u-1"], "serialNumbers": ["C1"]})
    )

    assert (status["eventType"], status["eventStatus"]) == ("REVOKE", "COMPLETE")
    assert (status["numRequested"], status["numCompleted"]) == (3, 3)
    left = apple.v2("GET", "/assignments").json["assignments"]
    assert left == [{"adamId": BOOK, "pricingParam": "STDQ", "clientUserId": "u-1"}]


def test_revoking_from_an_unknown_user_fails() -> None:
    apple = Vpp()

    status = apple.done(apple.v2("POST", "/assets/revoke", {"clientUserIds": ["nobody"]}))

    assert (status["eventStatus"], status["failures"][0]["errorNumber"]) == ("FAILED", 9609)
    assert (status["numRequested"], status["numCompleted"]) == (1, 0)


def many(stem: str, count: int) -> list[str]:
    return [f"{stem}{number:06d}" for number in range(count)]


MANAGE = ("/assets/associate", "/assets/disassociate")


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        pytest.param(path, body, code, id=f"{code}-{path.rpartition('/')[2]}-{case}")
        for path in MANAGE
        for case, body, code in (
            ("none", {}, 9718),
            ("empty", {"assets": [], "serialNumbers": ["C1"]}, 9718),
            ("null", {"assets": None, "serialNumbers": ["C1"]}, 9718),
            ("no-targets", wanted([APP], (), ()), 9719),
            ("empty-targets", wanted([APP], (), ()) | {"clientUserIds": []}, 9719),
            ("assets", wanted(many("1", 26), (), ["C1"]), 9700),
            ("users", wanted([APP], many("u", 1001), ()), 9701),
            ("serials", wanted([APP], (), many("C", 1001)), 9702),
            ("both", wanted([APP, APP], (), many("C", 1001)), 9702),
            ("same-assets", wanted([APP, APP], (), ["C1"]), 9703),
            ("same-users", wanted([APP], ["u-1", "u-1"], ()), 9704),
            ("same-serials", wanted([APP], (), ["C1", "C1"]), 9705),
            ("book-to-device", wanted([BOOK], (), ["C1"]), {True: 9706, False: 9707}),
            ("app-to-user-only", wanted([USERS_ONLY], (), ["C1"]), 9707),
            ("integer", {"assets": [{"adamId": 1}], "serialNumbers": ["C1"]}, 9602),
            ("no-adam-id", {"assets": [{}], "serialNumbers": ["C1"]}, 9602),
            (
                "quality",
                {"assets": [{"adamId": APP, "pricingParam": "BEST"}], "serialNumbers": ["C1"]},
                9602,
            ),
            ("empty-serial", wanted([APP], (), ["C1", ""]), 9602),
            ("text", wanted([APP], (), ()) | {"serialNumbers": "C1"}, 9602),
        )
    ]
    + [
        pytest.param("/assets/revoke", {}, 9719, id="9719-revoke"),
        pytest.param("/assets/revoke", {"serialNumbers": many("C", 101)}, 9702, id="9702-revoke"),
        pytest.param("/assets/revoke", {"clientUserIds": many("u", 101)}, 9701, id="9701-revoke"),
        pytest.param("/assets/revoke", {"serialNumbers": ["C1", "C1"]}, 9705, id="9705-revoke"),
    ],
)
def test_a_request_that_cannot_be_is_refused_and_changes_nothing(
    path: str, body: Any, code: Any
) -> None:
    apple = Vpp()
    before = apple.v2("GET", "/assets").text

    answer = apple.v2("POST", path, body)

    expected = code["disassociate" in path] if isinstance(code, dict) else code
    assert (answer.status, answer.json["errorNumber"]) == (400, expected)
    assert "eventId" not in answer.json
    assert any(finding.refused for finding in answer.exchange.findings)
    assert apple.v2("GET", "/assets").text == before


def test_sizes_are_those_of_the_service_config() -> None:
    apple = Vpp()
    limits = apple.v2("GET", "/service/config").json["limits"]
    body = wanted(many("1", limits["maxAssets"]), (), many("C", limits["maxSerialNumbers"]))

    assert apple.v2("POST", "/assets/associate", body).status == 200


def test_observe_lets_sizes_pass() -> None:
    apple = Vpp(strictness="observe")

    answer = apple.v2("POST", "/assets/associate", wanted(many("1", 26), (), ["C1000000"]))

    assert answer.status == 200
    assert answer.rules == ["field-invalid"]


def test_a_nonsense_serial_is_accepted_unless_strict() -> None:
    status = Vpp().associate(APP, serials=["no such thing!"])
    strict = Vpp(strictness="strict").v2(
        "POST", "/assets/associate", wanted([APP], (), ["no such thing!"])
    )

    assert status["eventStatus"] == "COMPLETE"
    assert (strict.status, strict.json["errorNumber"]) == (400, 9602)
    assert strict.rules == ["serial-shape"]


def test_assignments_can_be_chosen() -> None:
    apple = Vpp()
    apple.create("u-1", managedAppleId="a@acme.example")
    apple.create("u-2")
    apple.associate(APP, BOOK, users=["u-1", "u-2"])
    apple.associate(APP, MAC, serials=["C1"])

    def ask(**query: Any) -> list[Any]:
        found: list[Any] = apple.v2("GET", "/assignments", **query).json["assignments"]
        return found

    assert len(ask()) == 6
    assert [one["adamId"] for one in ask(serialNumber="C1")] == [APP, MAC]
    assert [one["adamId"] for one in ask(clientUserId="u-1")] == [APP, BOOK]
    assert [one.get("clientUserId") for one in ask(adamId=BOOK)] == ["u-1", "u-2"]
    assert len(ask(adamId=APP, serialNumber="C1")) == 1
    assert ask(pricingParam="PLUS") == []
    states = {one["clientUserId"]: one for one in ask(adamId=BOOK, includeUserState="true")}
    assert states["u-1"]["userStatus"] == "Associated"
    assert len(states["u-1"]["idHash"]) == 28
    assert states["u-2"]["userStatus"] == "Registered"
    assert "idHash" not in states["u-2"]


_QUERIES: tuple[dict[str, Any], ...] = ({}, {"excludeInactiveUsers": "true"})


def test_assignments_of_retired_users_stay_listed_unless_left_out() -> None:
    apple = Vpp()
    apple.create("u-1")
    apple.associate(BOOK, users=["u-1"])
    apple.done(apple.v2("POST", "/users/retire", {"users": [{"clientUserId": "u-1"}]}))

    both = [apple.v2("GET", "/assignments", **query).json["assignments"] for query in _QUERIES]

    assert [len(one) for one in both] == [1, 0]


def test_a_delta_holds_what_changed_since() -> None:
    apple = Vpp()
    apple.associate(APP, serials=["C1"])
    version = apple.v2("GET", "/assignments").json["versionId"]

    unchanged = apple.v2("GET", "/assignments", sinceVersionId=version)
    apple.associate(APP, serials=["C2"])
    changed = apple.v2("GET", "/assignments", sinceVersionId=version).json
    newest = apple.v2("GET", "/assignments", sinceVersionId=changed["versionId"]).json

    assert (unchanged.status, unchanged.json["assignments"]) == (200, [])
    assert [one["serialNumber"] for one in changed["assignments"]] == ["C2"]
    assert changed["versionId"] != version
    assert newest["assignments"] == []


@pytest.mark.parametrize("which", ["nonsense", "other-list", "made-up"])
def test_a_version_of_something_else_is_refused(which: str) -> None:
    apple = Vpp()
    texts = {
        "nonsense": "x",
        "other-list": apple.v2("GET", "/users").json["versionId"],
        "made-up": "00000000-0000-4000-8000-000000000000",
    }

    answer = apple.v2("GET", "/assignments", sinceVersionId=texts[which])

    assert (answer.status, answer.json["errorNumber"]) == (400, 9721)


def test_each_location_has_its_own() -> None:
    apple = Vpp()
    apple.associate(APP, serials=["C1"])
    other = f"Bearer {apple.place('branch').stoken}"

    assert apple.v2("GET", "/assets", token=other).json["assets"] == []
    assert apple.v2("GET", "/assignments", token=other).json["assignments"] == []


def test_buying_and_giving_back_moves_total_and_available_together() -> None:
    apple = Vpp()
    apple.listen()
    apple.associate(SCARCE, serials=["C1"])

    apple.buy(SCARCE, 3)
    assert apple.counts(SCARCE) == (1, 4, 0, 5)
    apple.buy(SCARCE, -4)
    assert apple.counts(SCARCE) == (1, 0, 0, 1)
    with pytest.raises(ValueError, match="0 licences of"):
        apple.buy(SCARCE, -1)
    told = [one for one in apple.messages() if one["notificationType"] == "ASSET_COUNT"]
    assert [one["notification"]["countDelta"] for one in told] == [3, -4]


def test_pages_can_be_asked_for_in_any_order_and_after_a_write() -> None:
    apple = Vpp(vpp_page_size=3)
    apple.associate(APP, serials=[f"C{number:02}" for number in range(10)])

    def page(index: int) -> list[str]:
        rows = apple.v2("GET", "/assignments", pageIndex=index).json["assignments"]
        return [one["serialNumber"] for one in rows]

    assert page(3) == ["C09"]
    assert page(1) == ["C03", "C04", "C05"]
    assert [serial for index in range(4) for serial in page(index)] == [
        f"C{number:02}" for number in range(10)
    ]
    apple.disassociate(APP, serials=["C00"])
    assert page(2) == ["C07", "C08", "C09"]
    assert page(0) == ["C01", "C02", "C03"]


def test_the_licence_that_was_given_back_last_is_the_next_and_none_is_lost() -> None:
    apple = Vpp()
    first = min(apple.asset().free_ids())
    apple.associate(APP, serials=["C1", "C2", "C3"])
    apple.disassociate(APP, serials=["C1"])
    apple.disassociate(APP, serials=["C2"])

    before = list(apple.asset().free_ids())
    apple.associate(APP, serials=["C4"])
    after = list(apple.asset().free_ids())

    never = list(range(first + 3, first + 100))
    assert before == [first + 1, first, *never]
    assert after == [first, *never]
