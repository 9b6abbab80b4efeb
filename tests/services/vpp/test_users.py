"""The life of users."""

from typing import Any

import pytest

from simulator.services.vpp.domain import locations
from tests.vpp import APP, BOOK, Vpp


def write(apple: Vpp, verb: str, *users: Any) -> Any:
    return apple.done(apple.v2("POST", f"/users/{verb}", {"users": list(users)}))


def listed(apple: Vpp, **query: Any) -> list[Any]:
    found: list[Any] = apple.v2("GET", "/users", **query).json["users"]
    return found


def test_a_new_user_is_registered_and_has_an_invitation() -> None:
    apple = Vpp()

    status = write(apple, "create", {"clientUserId": "u-1", "email": "p@example.com"})

    assert (status["eventType"], status["eventStatus"]) == ("CREATE", "COMPLETE")
    (user,) = listed(apple)
    assert len(user.pop("inviteCode")) == 32
    assert user == {"clientUserId": "u-1", "email": "p@example.com", "status": "Registered"}


def test_a_managed_account_associates_at_once_and_is_never_told() -> None:
    apple = Vpp()
    write(apple, "create", {"clientUserId": "u-1", "managedAppleId": "anna@acme.example"})

    answer = apple.v2("GET", "/users")

    (user,) = answer.json["users"]
    assert user["status"] == "Associated"
    assert len(user["idHash"]) == 28
    assert "inviteCode" not in user
    assert "anna@acme.example" not in answer.text


@pytest.mark.parametrize(
    ("verb", "user", "code"),
    [
        pytest.param("create", {"clientUserId": "u-1"}, 9716, id="exists"),
        pytest.param("update", {"clientUserId": "nobody"}, 9609, id="update-unknown"),
        pytest.param("retire", {"clientUserId": "nobody"}, 9609, id="retire-unknown"),
        pytest.param(
            "create",
            {"clientUserId": "u-2", "managedAppleId": "taken@acme.example"},
            9641,
            id="account-taken",
        ),
        pytest.param(
            "update",
            {"clientUserId": "u-1", "managedAppleId": "x@elsewhere.example"},
            9635,
            id="account-of-others",
        ),
    ],
)
def test_what_cannot_be_done_to_a_user_fails_in_the_event(verb: str, user: Any, code: int) -> None:
    apple = Vpp()
    apple.home(lambda home: locations.change(home, "hq", managed_domains=("acme.example",)))
    write(apple, "create", {"clientUserId": "u-1"})
    write(apple, "create", {"clientUserId": "u-0", "managedAppleId": "taken@acme.example"})
    before = listed(apple)

    status = write(apple, verb, user)

    assert (status["eventStatus"], status["numCompleted"]) == ("FAILED", 0)
    (failure,) = status["failures"]
    assert failure["errorNumber"] == code
    assert failure["errorInfo"] == {"clientUserIds": [user["clientUserId"]]}
    assert listed(apple) == before


@pytest.mark.parametrize("verb", ["create", "update", "retire"])
@pytest.mark.parametrize(
    ("users", "code"),
    [
        pytest.param(None, 9720, id="none"),
        pytest.param([], 9720, id="empty"),
        pytest.param([{"clientUserId": f"u-{n}"} for n in range(101)], 9714, id="many"),
        pytest.param([{"clientUserId": "u-1"}] * 2, 9715, id="twice"),
        pytest.param([{"clientUserId": "u-1", "email": "no address"}], 9717, id="email"),
        pytest.param([{"email": "p@example.com"}], 9602, id="nameless"),
        pytest.param([{"clientUserId": 1}], 9602, id="number"),
        pytest.param({}, 9602, id="object"),
    ],
)
def test_a_bad_list_of_users_is_refused(verb: str, users: Any, code: int) -> None:
    apple = Vpp()

    answer = apple.v2("POST", f"/users/{verb}", {"users": users})

    assert (answer.status, answer.json["errorNumber"]) == (400, code)
    assert listed(apple) == []


def test_an_update_changes_only_what_it_holds() -> None:
    apple = Vpp()
    write(apple, "create", {"clientUserId": "u-1", "email": "old@example.com"})

    write(apple, "update", {"clientUserId": "u-1"})
    assert listed(apple)[0]["email"] == "old@example.com"
    write(apple, "update", {"clientUserId": "u-1", "email": "new@example.com"})
    assert listed(apple)[0]["email"] == "new@example.com"
    write(apple, "update", {"clientUserId": "u-1", "managedAppleId": "a@acme.example"})
    assert listed(apple)[0]["status"] == "Associated"


def test_retiring_frees_apps_and_keeps_books() -> None:
    apple = Vpp()
    apple.create("u-1")
    apple.associate(APP, BOOK, users=["u-1"])

    for _ in range(2):
        assert write(apple, "retire", {"clientUserId": "u-1"})["eventStatus"] == "COMPLETE"

    assert apple.counts(APP) == (0, 100, 0, 100)
    assert apple.counts(BOOK) == (0, 9, 1, 9)
    assert [one["status"] for one in listed(apple)] == ["Retired"]


def test_a_user_that_was_never_linked_comes_back_with_its_books() -> None:
    apple = Vpp()
    apple.create("u-1")
    number = apple.user("u-1").number
    apple.associate(BOOK, users=["u-1"])
    write(apple, "retire", {"clientUserId": "u-1"})

    apple.create("u-1")

    assert apple.user("u-1").number == number
    assert apple.counts(BOOK) == (1, 9, 0, 10)
    assert len(listed(apple)) == 1


def linked_again(apple: Vpp) -> None:
    """Link u-1 to an account, give it a book, retire it, and register it anew."""
    apple.create("u-1", managedAppleId="anna@acme.example")
    apple.associate(BOOK, users=["u-1"])
    write(apple, "retire", {"clientUserId": "u-1"})
    apple.create("u-1")


def test_a_user_that_was_linked_gets_a_new_record_and_its_books() -> None:
    apple = Vpp()
    linked_again(apple)

    assert [one["status"] for one in listed(apple)] == ["Retired", "Registered"]
    assert [one["status"] for one in listed(apple, activeOnly="true")] == ["Registered"]
    assert [one["status"] for one in listed(apple, retiredOnly="true")] == ["Retired"]
    assert apple.counts(BOOK) == (1, 9, 0, 10)


@pytest.mark.parametrize(
    ("account", "statuses"),
    [
        pytest.param("anna@acme.example", ["Associated", "Retired"], id="same-account"),
        pytest.param("other@example.com", ["Deleted", "Associated"], id="other-account"),
    ],
)
def test_which_record_an_invitation_brings_back(account: str, statuses: list[str]) -> None:
    apple = Vpp()
    linked_again(apple)
    apple.listen()

    apple.accept("u-1", account)

    assert [one["status"] for one in listed(apple)] == statuses
    assert apple.counts(BOOK) == (1, 9, 0, 10)
    (told,) = apple.messages()
    assert told["notificationType"] == "USER_ASSOCIATED"
    (user,) = told["notification"]["associatedUsers"]
    assert (user["clientUserId"], user["status"]) == ("u-1", "Associated")
    assert user["idHash"]


def test_an_invitation_is_for_registered_users_and_free_accounts() -> None:
    apple = Vpp()
    apple.create("u-1", managedAppleId="anna@acme.example")
    apple.create("u-2")

    with pytest.raises(ValueError, match="only a registered one"):
        apple.accept("u-1", "x@example.com")
    with pytest.raises(ValueError, match="another user of the location"):
        apple.accept("u-2", "Anna@acme.example")
    with pytest.raises(LookupError, match="no active user nobody"):
        apple.accept("nobody", "x@example.com")


def test_users_page_and_have_deltas() -> None:
    apple = Vpp(vpp_page_size=2)
    apple.create("u-1", "u-2", "u-3")
    first = apple.v2("GET", "/users").json

    last = apple.v2("GET", "/users", pageIndex=1).json
    write(apple, "retire", {"clientUserId": "u-2"})
    changed = apple.v2("GET", "/users", sinceVersionId=first["versionId"]).json

    assert [one["clientUserId"] for one in first["users"] + last["users"]] == ["u-1", "u-2", "u-3"]
    assert first["versionId"] == last["versionId"] != changed["versionId"]
    assert [(one["clientUserId"], one["status"]) for one in changed["users"]] == [
        ("u-2", "Retired")
    ]


def test_one_user_can_be_asked_for() -> None:
    apple = Vpp()
    linked_again(apple)
    apple.create("u-2")

    assert len(listed(apple, clientUserId="u-1")) == 2
    assert listed(apple, clientUserId="U-1") == []
