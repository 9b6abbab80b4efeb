"""Continuation tokens carry their query: the first page has every filter, the next the token alone.

Apple's pages say so of v1 (getVPPLicenses, getVPPUsers); what is passed again is ignored.
"""

from typing import Any

import pytest

from tests.vpp import APP, BOOK, FREE, Vpp


def furnished() -> Vpp:
    """Return a location with users, one retired, and assignments to users and devices."""
    apple = Vpp(vpp_batch_size=1, vpp_page_size=1)
    apple.create("u-1", "u-2", "u-3")
    apple.associate(APP, users=["u-1", "u-2"])
    apple.associate(BOOK, users=["u-1"])
    apple.associate(FREE, users=["u-1", "u-2", "u-3"])
    apple.associate(APP, serials=["C1", "C2"])
    apple.v1("retireVPPUserSrv", {"clientUserIdStr": "u-3"})
    return apple


def whole(apple: Vpp, call: str, key: str, first: dict[str, Any]) -> list[Any]:
    """Return all that one large batch holds, with the filters of *first*."""
    large = Vpp(vpp_batch_size=10_000, store=apple.store, furnish=False)
    found: list[Any] = large.v1(call, first).json[key]
    return found


BATCHED = [
    ("getVPPLicensesSrv", "licenses", {"assignedOnly": True}),
    ("getVPPLicensesSrv", "licenses", {"adamId": APP, "assignedOnly": True}),
    ("getVPPLicensesSrv", "licenses", {"adamId": BOOK, "pricingParam": "STDQ"}),
    ("getVPPLicensesSrv", "licenses", {"userAssignedOnly": True}),
    ("getVPPLicensesSrv", "licenses", {"deviceAssignedOnly": True}),
    ("getVPPLicensesSrv", "licenses", {"serialNumber": "C1"}),
    ("getVPPUsersSrv", "users", {"includeRetired": 1}),
    ("getVPPUsersSrv", "users", {"includeRetiredOnly": True}),
]


@pytest.mark.parametrize(
    "again", [{}, {"adamId": FREE, "includeRetired": 0}], ids=["alone", "more"]
)
@pytest.mark.parametrize(("call", "key", "first"), BATCHED)
def test_a_batch_token_carries_the_filters(
    call: str, key: str, first: dict[str, Any], again: dict[str, Any]
) -> None:
    apple = furnished()
    allowed = {"includeRetired"} if call == "getVPPUsersSrv" else {"adamId"}
    extra = {name: value for name, value in again.items() if name in allowed}

    found, body = [], first
    while True:
        answer = apple.v1(call, body).json
        assert answer["status"] == 0, answer
        found += answer[key]
        if "batchToken" not in answer:
            break
        body = {"batchToken": answer["batchToken"], **extra}

    assert found == whole(apple, call, key, first)
    assert found


def test_a_since_token_carries_the_filters() -> None:
    apple = furnished()
    body: dict[str, Any] = {"adamId": APP, "userAssignedOnly": True}
    while "sinceModifiedToken" not in (answer := apple.v1("getVPPLicensesSrv", body).json):
        body = {"batchToken": answer["batchToken"]}

    apple.create("u-4")
    apple.associate(APP, users=["u-4"])
    apple.associate(BOOK, users=["u-4"])
    apple.associate(APP, serials=["C3"])
    since = {"sinceModifiedToken": answer["sinceModifiedToken"]}
    changed = apple.v1("getVPPLicensesSrv", since).json["licenses"]

    assert [(one["adamIdStr"], one["clientUserIdStr"]) for one in changed] == [(APP, "u-4")]


@pytest.mark.parametrize(
    ("first", "count"),
    [({"adamIdStr": APP}, 4), ({"clientUserIdStr": "u-1"}, 3), ({"serialNumber": "C2"}, 1)],
)
def test_a_request_id_carries_the_filters(first: dict[str, Any], count: int) -> None:
    apple = furnished()

    answer = apple.v1("getAssignments", first).json
    again = {"requestId": answer["requestId"], "pageIndex": 0}
    page = apple.v1("getAssignments", again).json
    ignored = apple.v1("getAssignments", again | {"adamIdStr": FREE}).json
    beyond = apple.v1("getAssignments", again | {"pageIndex": 1}).json

    assert answer["totalAssignments"] == page["totalAssignments"] == count
    assert page["assignments"] == ignored["assignments"] == answer["assignments"]
    assert beyond["errorNumber"] == 9650


def test_a_request_id_is_good_for_a_day_and_for_its_location() -> None:
    apple = furnished()
    answer = apple.v1("getAssignments", {"adamIdStr": APP}).json
    again = {"requestId": answer["requestId"], "pageIndex": 0}
    other = apple.v1("getAssignments", again | {"sToken": apple.place("branch").stoken}).json
    apple.advance(86_401)
    late = apple.v1("getAssignments", again).json

    assert (other["errorNumber"], late["errorNumber"]) == (9602, 9602)
