"""Many purchases, and users that accept, which are ordered all at once: how, and for whom."""

import pytest

from simulator.core.state import State
from simulator.services.vpp.domain import locations, supply, users
from simulator.services.vpp.domain.due import DUE
from tests.vpp import APP, FREE, Vpp

MOST_ROWS = 500
"""Rows of the database that a transaction writes; a tenth of what is ordered is more."""
APPS = [str(1_700_000_000 + number) for number in range(1000)]
CLIENTS = [f"u-{number:04d}" for number in range(450)]


@pytest.fixture
def apple() -> Vpp:
    apple = Vpp()
    apple.at(lambda home, place: users.add_many(home, place, [(one, "", "") for one in CLIENTS]))
    apple.listen()
    return apple


def order(apple: Vpp, bought: dict[str, int], accepting: int) -> None:
    def act(home: State) -> None:
        place = locations.location(home, "hq")
        supply.refuse(home, place, bought)
        supply.order(home, place, list(bought.items()), accepting, now_ms=apple.now_ms)

    apple.acting(act)


def test_it_is_done_piece_by_piece_before_anybody_looks(apple: Vpp) -> None:
    with apple.counting() as rows:
        order(apple, dict.fromkeys(APPS, 3), 400)
        assets = apple.v2("GET", "/assets", pageIndex=0).json

    assert max(rows) <= MOST_ROWS
    assert apple.run(lambda state: state.scan(DUE)) == []
    assert assets["size"] > 0
    assert [apple.asset(one).bought for one in (APPS[0], APPS[-1])] == [3, 3]
    accepted = [apple.user(one).status for one in CLIENTS]
    assert accepted == ["Associated"] * 400 + ["Registered"] * 50


@pytest.mark.parametrize(
    ("bought", "says"),
    [
        pytest.param({APPS[0]: 5, APP: 10_000_000}, "must leave between", id="too-many"),
        pytest.param({APPS[0]: 5, FREE: 1}, "is unlimited", id="unlimited"),
    ],
)
def test_what_cannot_all_be_bought_is_not_begun(
    apple: Vpp, bought: dict[str, int], says: str
) -> None:
    before = apple.v2("GET", "/assets").json

    with pytest.raises(ValueError, match=says):
        order(apple, bought, 1)

    assert apple.v2("GET", "/assets").json == before
    assert apple.user(CLIENTS[0]).status == "Registered"


def test_who_finds_the_account_taken_is_passed_over(apple: Vpp) -> None:
    apple.accept("u-0003", f"u-0001@{supply.DOMAIN}")

    order(apple, {}, 3)

    apple.v2("GET", "/assets")
    accepted = [one for one in CLIENTS if apple.user(one).status == "Associated"]
    assert accepted == ["u-0000", "u-0002", "u-0003", "u-0004"]


def test_users_that_accepted_long_ago_keep_nobody_from_it(apple: Vpp) -> None:
    order(apple, {}, 449)
    apple.v2("GET", "/assets")

    order(apple, {}, 10)

    apple.v2("GET", "/assets")
    assert [apple.user(one).status for one in CLIENTS] == ["Associated"] * 450
