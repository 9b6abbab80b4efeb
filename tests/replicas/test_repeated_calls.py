"""A call that is sent again does nothing twice, whichever replica gets it, and when.

A client that had no response sends its call once more, and a balancer may give that to another
replica. So each sort of call that may be repeated goes to two, one after the other and at once.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Barrier
from typing import Any

import pytest

from simulator.store.opening import open_store
from tests.apple import Answer
from tests.postgres import PostgresServer
from tests.vpp import APP, Vpp, wanted


@pytest.fixture(scope="module")
def replicas(postgres: PostgresServer) -> Iterator[tuple[Vpp, Vpp]]:
    url = postgres.new()
    with ExitStack() as stack:
        one = stack.enter_context(Vpp(store=open_store(url)))
        other = stack.enter_context(Vpp(store=open_store(url), furnish=False))
        one.add("SN-after", "SN-at-once")
        yield one, other


@dataclass(frozen=True, slots=True)
class Case:
    """A call that is sent twice, and what is to be seen of it."""

    call: Callable[[Vpp, str], Callable[[Vpp], Answer]]
    """Takes a name that no other call has; what it returns is sent by both."""
    shown: Callable[[Vpp, str, list[Answer]], object]
    expected: object


def v2(path: str, body: Callable[[str], Any]) -> Callable[[Vpp, str], Callable[[Vpp], Answer]]:
    return lambda _, name: lambda one: one.v2("POST", path, body(name))


def registered(name: str) -> dict[str, Any]:
    return {"users": [{"clientUserId": name}]}


def with_user(path: str, body: Callable[[str], Any], *, has_app: bool = False) -> Any:
    def prepare(first: Vpp, name: str) -> Callable[[Vpp], Answer]:
        first.create(name)
        if has_app:
            first.associate(APP, users=[name])
        return lambda one: one.v2("POST", path, body(name))

    return prepare


def given_by_v1(_: Vpp, name: str) -> Callable[[Vpp], Answer]:
    body = {"adamIdStr": APP, "pricingParam": "STDQ", "associateSerialNumbers": [name]}
    return lambda one: one.v1("manageVPPLicensesByAdamIdSrv", body)


def logged_in(first: Vpp, _: str) -> Callable[[Vpp], Answer]:
    header = first.oauth()
    return lambda one: one.log_in(header)


def assigned(first: Vpp, name: str) -> Callable[[Vpp], Answer]:
    session = first.session()
    profile = {"profile_name": name, "url": "https://mdm.example.com/enroll"}
    made = first.call("POST", "/profile", profile, session=session).json["profile_uuid"]
    body = {"profile_uuid": made, "devices": [f"SN-{name}"]}
    return lambda one: one.call("POST", "/profile/devices", body, session=session)


def records(one: Vpp, name: str, _: list[Answer]) -> list[str]:
    found = one.v2("GET", "/users", clientUserId=name, includeRetired="true").json["users"]
    return [user["status"] for user in found]


def licences(one: Vpp, name: str, answers: list[Answer]) -> object:
    """Return how many the user or device has, and whether the asset's counts add up."""
    queries: list[Any] = [{"clientUserId": name}, {"serialNumber": name}]
    rows = [
        row
        for query in queries
        for row in one.v2("GET", "/assignments", **query).json["assignments"]
    ]
    held, available, retired, total = one.counts()
    return len(rows), held + available + retired == total, [each.status for each in answers]


CASES = {
    "create": Case(v2("/users/create", registered), records, ["Registered"]),
    "retire": Case(with_user("/users/retire", registered), records, ["Retired"]),
    "associate": Case(
        with_user("/assets/associate", lambda name: wanted((APP,), [name], ())),
        licences,
        (1, True, [200, 200]),
    ),
    "disassociate": Case(
        with_user("/assets/disassociate", lambda name: wanted((APP,), [name], ()), has_app=True),
        licences,
        (0, True, [200, 200]),
    ),
    "register-v1": Case(
        lambda _, name: lambda one: one.v1("registerVPPUserSrv", {"clientUserIdStr": name}),
        lambda _one, _name, answers: len({each.json["user"]["userId"] for each in answers}),
        1,
    ),
    "associate-v1": Case(given_by_v1, licences, (1, True, [200, 200])),
    "log-in": Case(
        logged_in,
        lambda _one, _name, answers: sorted(each.status for each in answers),
        [200, 401],  # a nonce is good once
    ),
    "assign": Case(
        assigned,
        lambda _one, _name, answers: [list(each.json["devices"].values()) for each in answers],
        [["SUCCESS"], ["SUCCESS"]],
    ),
}


@pytest.mark.parametrize("when", ["after", "at-once"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_sent_again_is_done_once(
    replicas: tuple[Vpp, Vpp], case: Case, when: str, request: pytest.FixtureRequest
) -> None:
    name = when if case.call is assigned else request.node.callspec.id
    send = case.call(replicas[0], name)
    start = Barrier(2)

    def sent(one: Vpp) -> Answer:
        start.wait(10)
        return send(one)

    if when == "after":
        answers = [send(one) for one in replicas]
    else:
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(sent, replicas))

    for one in replicas:
        assert case.shown(one, name, answers) == case.expected
