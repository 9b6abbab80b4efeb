"""Provider tokens: which are taken, and what a connection that began with one is held to."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec.structs import replace

from simulator.core.messages import Tls
from simulator.core.settings import Settings
from simulator.pki.push import PushAuthority
from simulator.services.apns import STREAMS, first_streams, keys, topics
from tests.apple import START_MS, Answer
from tests.auth.test_provider_token import KEY, bearer, public_pem
from tests.services.apns.conftest import PEER, Apns, make

APP = "com.example.app"
APP_TOKEN = "d4" * 32
NOW_S = START_MS // 1000
SECOND = ec.generate_private_key(ec.SECP256R1())
FOREIGN = ec.generate_private_key(ec.SECP256R1())


def knowing(authority: PushAuthority, **settings: Any) -> Apns:
    """Return APNs with an app, two keys of one team, and one of another."""
    apns = make(authority, **settings)

    def work(state: Any) -> None:
        topics.add(state, "acme", APP)
        for key_id, team, key, environment in (
            ("KEYONE0001", "TEAM000001", KEY, ""),
            ("KEYTWO0002", "TEAM000001", SECOND, ""),
            ("KEYSAND003", "TEAM000001", KEY, "development"),
            ("KEYOTHER04", "TEAM000002", FOREIGN, ""),
        ):
            public = public_pem(key).decode()
            keys.add(state, keys.ProviderKey(key_id, team, public, "acme", environment))

    apns.apple.run(work)
    apns.check_in(Topic=APP, Token=bytes.fromhex(APP_TOKEN), UDID="phone")
    return apns


@pytest.fixture
def app(authority: PushAuthority) -> Apns:
    return knowing(authority)


def signed(
    key_id: str = "KEYONE0001", team: str = "TEAM000001", iat: Any = NOW_S, **options: Any
) -> str:
    return bearer({"alg": "ES256", "kid": key_id}, {"iss": team, "iat": iat}, **options)


def push(apns: Apns, authorization: str, **more: Any) -> Answer:
    given: dict[str, Any] = {"apns_topic": APP, "apns_push_type": "alert"} | more
    body = b'{"aps":{"alert":"hello"},"own":1}'
    return apns.push(APP_TOKEN, body, shown=False, authorization=authorization, **given)


def test_a_token_pushes_to_an_app_and_nothing_is_found_wrong(app: Apns) -> None:
    answer = push(app, signed())

    assert (answer.status, answer.rules) == (200, [])
    assert answer.exchange.client == "apns:key:KEYONE0001"


@pytest.mark.parametrize(
    ("choice", "status", "error"),
    [("refuse", 400, "TopicDisallowed"), ("accept", 200, "")],
)
def test_topics_of_mdm_are_for_certificates_unless_told(
    authority: PushAuthority, choice: str, status: int, error: str
) -> None:
    apns = knowing(authority, mdm_by_token=choice)

    answer = apns.push(
        shown=False,
        authorization=signed(),
        apns_topic="com.apple.mgmt.External.5f0e4a52-6d0b-4c8e-9a53-2b7f6c1d8e90",
    )

    assert (answer.status, answer.exchange.error) == (status, error)


@pytest.mark.parametrize(
    ("authorization", "error"),
    [
        pytest.param(signed(iat=NOW_S - 3601), "ExpiredProviderToken", id="old"),
        pytest.param(signed("KEYNONE009"), "InvalidProviderToken", id="unknown-key"),
        pytest.param(signed(team="TEAM000009"), "InvalidProviderToken", id="team"),
        pytest.param(signed("KEYSAND003"), "BadEnvironmentKeyInToken", id="environment"),
        pytest.param("basic eDp5", "MissingProviderToken", id="scheme"),
    ],
)
def test_a_bad_token_is_refused_by_its_reason(app: Apns, authorization: str, error: str) -> None:
    answer = push(app, authorization)

    assert (answer.status, answer.exchange.error) == (403, error)
    assert answer.rules == ["auth-refused"]


def test_without_a_topic_a_token_has_none(app: Apns) -> None:
    assert push(app, signed(), apns_topic="").exchange.error == "MissingTopic"


def test_a_revoked_key_signs_no_more(app: Apns) -> None:
    app.apple.run(lambda state: keys.revoke(state, "KEYONE0001"))

    assert push(app, signed()).exchange.error == "InvalidProviderToken"


def test_a_connection_is_held_to_its_first_key_and_team(app: Apns) -> None:
    push(app, signed())

    assert push(app, signed("KEYTWO0002", key=SECOND)).exchange.error == "UnrelatedKeyIdInToken"
    foreign = signed("KEYOTHER04", "TEAM000002", key=FOREIGN)
    assert push(app, foreign).exchange.error == "InvalidProviderToken"
    assert push(app, foreign, peer=replace(PEER, connection=2)).status == 200


def test_a_token_may_not_change_within_twenty_minutes(app: Apns) -> None:
    first, second = signed(), signed(iat=NOW_S - 1)
    push(app, first)

    app.apple.advance(1199)
    early, again = push(app, second), push(app, first)
    app.apple.advance(1)
    late = push(app, second)

    assert (early.status, early.exchange.error) == (429, "TooManyProviderTokenUpdates")
    assert "push-token-churn" in early.rules
    assert (again.status, late.status, late.rules) == (200, 200, [])


def test_a_new_token_for_a_new_connection_is_noted_only(app: Apns) -> None:
    push(app, signed())

    answer = push(app, signed(iat=NOW_S - 1), peer=replace(PEER, connection=2, port=50001))

    assert (answer.status, answer.rules) == (200, ["push-token-churn"])


def test_the_interval_can_be_switched_off(authority: PushAuthority) -> None:
    apns = knowing(authority, token_update_s=0)
    push(apns, signed())

    answer = push(apns, signed(iat=NOW_S - 1))

    assert (answer.status, answer.rules) == (200, [])


def test_odd_writing_is_taken_and_noted(app: Apns) -> None:
    answer = push(app, signed(iat=f"{NOW_S}", der=True))

    assert (answer.status, answer.rules) == (200, ["push-token-odd"] * 2)


def test_a_token_never_stands_in_what_is_stored(app: Apns) -> None:
    authorization = signed()

    answer = push(app, authorization)

    assert authorization.rpartition(".")[2] not in repr(answer.exchange)


@pytest.mark.parametrize(
    ("sni", "shown", "choice", "streams"),
    [
        pytest.param("api.push.apple.com", False, "documented", 1, id="no-credential-yet"),
        pytest.param("api.push.apple.com", True, "documented", STREAMS, id="certificate"),
        pytest.param("", False, "documented", STREAMS, id="no-name"),
        pytest.param("mdmenrollment.apple.com", False, "documented", STREAMS, id="dep"),
        pytest.param("api.push.apple.com", False, "fixed", STREAMS, id="fixed"),
    ],
)
def test_a_connection_without_certificate_begins_with_one_stream(
    sni: str, shown: bool, choice: Any, streams: int
) -> None:
    tls = Tls("TLSv1.3", "x", sni, "h2", b"der" if shown else b"")

    assert first_streams(Settings(push_streams=choice), tls) == streams
    assert first_streams(Settings(), None) == STREAMS


@pytest.mark.parametrize(
    ("choice", "accepted", "refused"),
    [("documented", STREAMS, None), ("historic", STREAMS, 1), ("fixed", None, None)],
)
def test_streams_follow_what_was_answered(
    authority: PushAuthority, choice: str, accepted: int | None, refused: int | None
) -> None:
    apns = knowing(authority, push_streams=choice)

    assert push(apns, signed()).response.streams == accepted
    assert push(apns, "bearer x").response.streams == refused
