"""What APNs remembers of connections, and what it does when there is too much of something."""

import pytest
from msgspec.structs import replace

from simulator.core.messages import Peer
from simulator.pki.push import PushAuthority
from simulator.services.apns import pushes, topics
from tests.apple import Answer
from tests.services.apns.conftest import NOW, OTHER, PEER, TOPIC, Apns, make


def opened(number: int, *, first: bool = True, others: int = 0) -> Peer:
    return Peer("127.0.0.1", 50000 + number, number, first=first, others=others)


def test_a_connection_for_each_push_is_noted_once_it_is_a_habit(apns: Apns) -> None:
    found = [apns.push(peer=opened(number)).rules for number in range(1, 6)]

    assert found == [[], [], *[["push-connections"]] * 3]


def test_connections_side_by_side_are_no_habit(apns: Apns) -> None:
    answers = [apns.push(peer=opened(number, others=number)) for number in range(6)]

    assert {tuple(one.rules) for one in answers} == {()}


def test_a_connection_that_is_used_again_breaks_the_habit(apns: Apns) -> None:
    apns.push(peer=opened(1))
    apns.push(peer=opened(2))
    apns.push(peer=opened(2, first=False))

    assert [apns.push(peer=opened(number)).rules for number in (3, 4)] == [[], []]
    assert apns.push(peer=opened(5)).rules == ["push-connections"]


def test_connections_far_apart_are_no_habit(apns: Apns) -> None:
    for number in range(1, 6):
        assert apns.push(peer=opened(number)).rules == []
        apns.apple.advance(601)


def test_http1_is_served_and_noted(apns: Apns) -> None:
    answer = apns.push(http="1.1")

    assert (answer.status, answer.rules) == (200, ["push-http1"])


def test_a_rate_holds_for_each_token_and_minute(authority: PushAuthority) -> None:
    apns = make(authority, token_rate=2)
    other = "b2" * 32
    apns.check_in(UDID="device-2", Token=bytes.fromhex(other))

    statuses = [apns.push().status for _ in range(3)]

    assert statuses == [200, 200, 429]
    assert apns.push(other).status == 200
    apns.apple.advance(60)
    assert apns.push().status == 200


def refusals(apns: Apns, *answers: Answer) -> list[bool]:
    return [one.response.close for one in answers]


def test_too_many_refusals_end_the_connection(authority: PushAuthority) -> None:
    apns = make(authority, error_budget=3)

    first = apns.push(apns_priority="7")
    second = apns.push("00" * 32)  # counts double
    elsewhere = apns.push(apns_priority="7", peer=replace(PEER, connection=2))

    assert refusals(apns, first, second, elsewhere) == [False, True, False]
    assert second.exchange.error == "BadDeviceToken"


def test_gone_devices_do_not_count(authority: PushAuthority) -> None:
    apns = make(authority, error_budget=1)
    apns.check_in("CheckOut")

    answers = [apns.push() for _ in range(4)]

    assert {one.status for one in answers} == {410}
    assert not any(refusals(apns, *answers))


@pytest.mark.parametrize(
    ("way", "goaway", "silent"),
    [
        ("apple", True, False),
        ("goaway", True, False),
        ("response", False, False),
        ("silence", False, True),
    ],
)
def test_how_a_bad_certificate_is_told_is_a_choice(
    authority: PushAuthority, way: str, goaway: bool, silent: bool
) -> None:
    apns = make(authority, bad_certificate=way)

    answer = apns.push(certificate=authority.mint(OTHER, NOW))

    assert (answer.response.goaway is not None, answer.response.silent) == (goaway, silent)
    assert (answer.status, answer.json) == (403, {"reason": "BadCertificate"})


def test_a_token_of_one_environment_is_bad_in_the_other(apns: Apns) -> None:
    apns.check_in(environment="development")

    assert apns.push().exchange.error == "BadDeviceToken"
    assert apns.push(host="api.sandbox.push.apple.com").status == 200


def test_a_token_that_moves_belongs_to_the_last_device(apns: Apns) -> None:
    apns.check_in(UDID="device-2", PushMagic="second")
    apns.check_in("CheckOut")  # of the first device, which has no token any more

    assert apns.push(body=b'{"mdm":"second"}').rules == []
    assert apns.push().rules == ["push-magic"]


def test_devices_that_share_a_token_have_a_push_each(apns: Apns) -> None:
    apns.check_in(UDID="device-2", PushMagic="second", share=True)
    apns.check_in(UDID="device-3", PushMagic="third", share=True)

    answers = [apns.push(), *(apns.push(body=b'{"mdm":"%s"}' % one) for one in (b"second", b"x"))]
    taken = [one for _ in range(4) if (one := apns.take())]

    assert [one.rules for one in answers] == [[], [], ["push-magic"]]
    assert {(one.magic, one.matches) for one in taken} == {
        ("7E2C1A9B-55D1-4A60-8F0E-7B6C1D2E3F40", True),
        ("second", True),
        ("x", False),
    }


def test_a_shared_token_dies_with_its_last_device(apns: Apns) -> None:
    apns.check_in(UDID="device-2", PushMagic="second", share=True)

    apns.check_in("CheckOut", UDID="device-2")
    assert apns.push().rules == []
    assert apns.push(body=b'{"mdm":"second"}').rules == ["push-magic"]
    apns.check_in("CheckOut")
    assert apns.push().status == 410


def test_a_device_that_checks_in_again_shares_with_nobody(apns: Apns) -> None:
    [again] = apns.check_in(share=True, PushMagic="new")

    assert (again.shared, again.magic) == (False, "new")


def test_topics_do_not_share_a_slot_where_any_token_goes(authority: PushAuthority) -> None:
    apns = make(authority, push_auth="none", unknown_tokens="accept")
    apns.apple.run(lambda state: topics.add(state, "acme", OTHER))

    for topic in (TOPIC, OTHER, OTHER):
        apns.push("00" * 32, shown=False, apns_topic=topic)
    taken = [one for _ in range(3) if (one := apns.take("00" * 32))]

    assert {one.topic for one in taken} == {TOPIC, OTHER}
    assert apns.apple.home(pushes.counters)["coalesced"] == 1


def test_a_client_that_storms_back_is_told_why_after_all(authority: PushAuthority) -> None:
    apns = make(authority, goaway_last_stream="zero")
    stranger = authority.mint(OTHER, NOW)

    def told() -> bool:
        goaway = apns.push(certificate=stranger).response.goaway
        return goaway is not None and goaway.processed

    assert [told() for _ in range(12)] == [False] * 10 + [True] * 2
    apns.apple.advance(11)
    assert not told()
