import json
import re
from datetime import timedelta
from typing import Any

import pytest

from simulator.pki.push import PushAuthority
from simulator.services.apns import PUSH_TYPES, pushes, registry, topics
from simulator.services.apns.push import CHECKS
from tests.services.apns.conftest import MAGIC, NOW, OTHER, TOKEN, TOPIC, Apns, make


def test_a_push_as_nanomdm_sends_it_is_accepted_and_waits(apns: Apns) -> None:
    answer = apns.push(content_type="application/json")

    assert (answer.status, answer.response.body) == (200, b"")
    assert [name for name, value in answer.response.headers if value] == ["apns-id"]
    assert re.fullmatch(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", answer.header("apns-id"))
    assert answer.exchange.organisation == "acme"
    assert answer.response.notify_topic == TOKEN
    waiting = apns.take()
    assert waiting is not None
    assert (waiting.magic, waiting.matches, waiting.topic) == (MAGIC, True, TOPIC)
    assert apns.take() is None


def test_a_full_set_of_headers_is_accepted_and_the_id_echoed(apns: Apns) -> None:
    identifier = "0f8fad5b-d9cb-469f-a165-70867728950e"

    answer = apns.push(
        apns_topic=TOPIC,
        apns_push_type="mdm",
        apns_priority="10",
        apns_id=identifier,
        apns_expiration=str(apns.apple.now_ms // 1000 + 60),
        apns_collapse_id="x" * 64,
    )

    assert (answer.status, answer.header("apns-id"), answer.rules) == (200, identifier, [])


def test_development_answers_with_a_unique_id(apns: Apns) -> None:
    answer = apns.push(host="api.sandbox.push.apple.com")

    assert re.fullmatch(r"[0-9a-f-]{36}", answer.header("apns-unique-id"))


@pytest.mark.parametrize("kind", PUSH_TYPES)
def test_every_push_type_is_known(apns: Apns, kind: str) -> None:
    answer = apns.push(apns_push_type=kind)

    assert answer.status == 200
    assert answer.rules == ([] if kind == "mdm" else ["push-type"])


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        pytest.param({"method": "GET"}, 405, "MethodNotAllowed", id="method"),
        pytest.param(
            {"method": "GET", "path": "/4/device/"},
            405,
            "MethodNotAllowed",
            id="method-before-path",
        ),
        pytest.param(
            {"path": "/4/device/", "shown": False}, 404, "BadPath", id="path-before-credential"
        ),
        pytest.param(
            {"shown": False, "token": "zz", "apns_id": "x"},
            403,
            "MissingProviderToken",
            id="credential-before-headers",
        ),
        pytest.param(
            {"apns_id": "x", "apns_topic": OTHER}, 400, "BadMessageId", id="headers-before-topic"
        ),
        pytest.param(
            {"apns_topic": OTHER, "token": ""}, 400, "TopicDisallowed", id="topic-before-token"
        ),
        pytest.param({"token": "zz", "body": b""}, 400, "BadDeviceToken", id="token-before-body"),
        pytest.param(
            {"token": "00" * 32, "body": b""}, 400, "PayloadEmpty", id="body-before-registry"
        ),
        pytest.param({"shown": False}, 403, "MissingProviderToken", id="no-credential"),
        pytest.param(
            {"shown": False, "authorization": "bearer x.y.z"},
            403,
            "InvalidProviderToken",
            id="bad-token",
        ),
        pytest.param({"path": "/4/device/"}, 404, "BadPath", id="path"),
        pytest.param({"token": f"{TOKEN}/x"}, 404, "BadPath", id="long-path"),
        pytest.param({"apns_id": "no uuid"}, 400, "BadMessageId", id="id"),
        pytest.param({"apns_expiration": "soon"}, 400, "BadExpirationDate", id="expiration"),
        pytest.param({"apns_expiration": "-1"}, 400, "BadExpirationDate", id="past"),
        pytest.param({"apns_priority": "7"}, 400, "BadPriority", id="priority"),
        pytest.param({"apns_push_type": "MDM"}, 400, "InvalidPushType", id="type"),
        pytest.param({"apns_collapse_id": "x" * 65}, 400, "BadCollapseId", id="collapse"),
        pytest.param({"apns_topic": OTHER}, 400, "TopicDisallowed", id="topic"),
        pytest.param({"apns_topic": "no topic"}, 400, "BadTopic", id="no-topic"),
        pytest.param({"token": ""}, 400, "MissingDeviceToken", id="no-token"),
        pytest.param({"token": "zz"}, 400, "BadDeviceToken", id="no-hex"),
        pytest.param({"token": "a1" * 14}, 400, "BadDeviceToken", id="short"),
        pytest.param({"token": "a1" * 101}, 400, "BadDeviceToken", id="long"),
        pytest.param({"token": "00" * 32}, 400, "BadDeviceToken", id="unknown"),
        pytest.param({"body": b""}, 400, "PayloadEmpty", id="empty"),
        pytest.param({"body": b"x" * 4097}, 413, "PayloadTooLarge", id="large"),
    ],
)
def test_each_reason_by_its_cause(
    apns: Apns, changes: dict[str, Any], status: int, reason: str
) -> None:
    answer = apns.push(**changes)

    assert answer.status == status
    assert answer.response.body == json.dumps({"reason": reason}, separators=(",", ":")).encode()
    assert answer.header("content-type") == "application/json"
    assert answer.header("apns-id")
    assert answer.exchange.error == reason


def test_a_voip_payload_may_be_larger(apns: Apns) -> None:
    assert apns.push(body=b"x" * 5120, apns_push_type="voip").status == 200
    assert apns.push(body=b"x" * 5121, apns_push_type="voip").status == 413


def test_a_token_of_either_case_is_the_same(apns: Apns) -> None:
    assert apns.push(TOKEN.upper()).status == 200


def test_checks_come_in_the_order_of_the_table(apns: Apns) -> None:
    wrong: dict[str, Any] = {"apns_id": "x", "apns_priority": "x", "apns_topic": OTHER, "body": b""}

    assert apns.push("zz", **wrong).exchange.error == "BadMessageId"
    assert len(CHECKS) == 19


@pytest.mark.parametrize(
    ("status", "reason"), [("unregistered", "Unregistered"), ("expired", "ExpiredToken")]
)
def test_a_dead_token_is_gone_since_a_time(apns: Apns, status: str, reason: str) -> None:
    since = apns.apple.now_ms
    apns.apple.home(lambda home: registry.change(home, TOKEN, state=status, since_ms=since))
    apns.apple.advance(60)

    answer = apns.push()

    assert answer.status == 410
    assert answer.json == {"reason": reason, "timestamp": since}


def test_a_throttled_token_recovers_by_the_clock(apns: Apns) -> None:
    until = apns.apple.now_ms + 60_000
    apns.apple.home(lambda home: registry.change(home, TOKEN, throttled_until_ms=until))

    assert apns.push().exchange.error == "TooManyRequests"
    apns.apple.advance(60)
    assert apns.push().status == 200


def test_a_token_of_another_topic(apns: Apns) -> None:
    apns.apple.run(lambda state: topics.add(state, "acme", OTHER))
    certificate = apns.authority.mint(OTHER, NOW)

    answer = apns.push(certificate=certificate)

    assert answer.exchange.error == "DeviceTokenNotForTopic"


def test_a_certificate_of_several_topics_needs_one_named(apns: Apns) -> None:
    apns.apple.run(lambda state: topics.add(state, "acme", OTHER))
    certificate = apns.authority.mint(TOPIC, NOW, topics=(TOPIC, OTHER))

    assert apns.push(certificate=certificate).exchange.error == "MissingTopic"
    assert apns.push(certificate=certificate, apns_topic=TOPIC).status == 200


@pytest.mark.parametrize("last_stream", ["current", "zero"])
@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("revoked", "BadCertificate"),
        ("unknown", "BadCertificate"),
        ("expired", "BadCertificate"),
        ("environment", "BadCertificateEnvironment"),
    ],
)
def test_a_bad_certificate_ends_the_connection(
    authority: PushAuthority, case: str, reason: str, last_stream: str
) -> None:
    apns = make(authority, goaway_last_stream=last_stream)
    certificate, host = apns.certificate, "api.push.apple.com"
    if case == "revoked":
        apns.apple.run(lambda state: topics.revoke(state, TOPIC, f"{certificate.serial:x}"))
    elif case == "unknown":
        certificate = authority.mint(OTHER, NOW)
    elif case == "expired":
        apns.apple.advance(366 * 24 * 3600)
    else:
        certificate = authority.mint(TOPIC, NOW, environments=("production",))
        host = "api.development.push.apple.com"

    answer = apns.push(certificate=certificate, host=host)

    goaway = answer.response.goaway
    assert goaway is not None
    assert goaway.debug == b'{"reason":"%s"}' % reason.encode()
    assert goaway.processed == (last_stream == "current")
    assert answer.exchange.error == reason


def test_clients_without_a_credential_can_be_let_in(authority: PushAuthority) -> None:
    apns = make(authority, push_auth="none", token_size="any", unknown_tokens="accept")

    assert apns.push(shown=False).status == 200
    assert apns.push("a1b2", shown=False).status == 200
    assert apns.push(shown=False, apns_topic="com.example").exchange.error == "TopicDisallowed"


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        pytest.param({"body": b'{"mdm":"x"}'}, ["push-magic"], id="magic"),
        pytest.param({"body": b"no json"}, ["body-malformed", "push-magic"], id="no-json"),
        pytest.param(
            {"body": b'{"aps":{},"mdm":"%s"}' % MAGIC.encode()},
            ["field-unknown", "push-aps"],
            id="aps",
        ),
        pytest.param({"apns_push_type": "alert"}, ["push-type"], id="alert"),
        pytest.param(
            {"apns_id": "0F8FAD5B-D9CB-469F-A165-70867728950E"}, ["push-id-case"], id="id-case"
        ),
        pytest.param({"authorization": "bearer x"}, ["push-two-credentials"], id="both"),
    ],
)
def test_what_apns_is_silent_about_is_noted(
    apns: Apns, changes: dict[str, Any], rules: list[str]
) -> None:
    answer = apns.push(**changes)

    assert answer.status == 200
    assert sorted(answer.rules) == rules
    assert not any(finding.refused for finding in answer.exchange.findings)


def test_a_token_in_base64_is_refused_and_explained(apns: Apns) -> None:
    answer = apns.push("obLD1KGyw9Shssg=")

    assert answer.exchange.error == "BadDeviceToken"
    assert "push-token-base64" in answer.rules


def test_the_newest_push_takes_the_place_of_the_one_that_waits(apns: Apns) -> None:
    apns.push(apns_id="0f8fad5b-d9cb-469f-a165-708677289501")
    apns.push(apns_id="0f8fad5b-d9cb-469f-a165-708677289502")

    waiting = apns.take()

    assert waiting is not None
    assert waiting.apns_id.endswith("02")
    assert apns.apple.home(pushes.counters) == {
        "stored": 2,
        "delivered": 1,
        "coalesced": 1,
        "expired": 0,
        "magic_mismatch": 0,
    }


@pytest.mark.parametrize(
    ("expiration_s", "wait_s", "delivered"),
    [
        pytest.param(None, 29 * 86400, True, id="stored"),
        pytest.param(None, 31 * 86400, False, id="stored-too-long"),
        pytest.param(60, 59, True, id="in-time"),
        pytest.param(60, 62, False, id="too-late"),
        pytest.param(0, 0, True, id="at-once"),
    ],
)
def test_expiration_goes_by_the_clock(
    apns: Apns, expiration_s: int | None, wait_s: int, delivered: bool
) -> None:
    headers: dict[str, Any] = {}
    if expiration_s is not None:
        at = apns.apple.now_ms // 1000 + expiration_s if expiration_s else 0
        headers["apns_expiration"] = str(at)
    apns.push(**headers)
    apns.apple.advance(wait_s)

    assert (apns.take() is not None) == delivered


def test_a_new_token_retires_the_old_one_and_a_check_out_the_last(apns: Apns) -> None:
    new = "b2" * 32

    changed = apns.check_in(Token=bytes.fromhex(new))
    apns.check_in("Authenticate", UDID="device-2")

    assert [(one.token, one.state) for one in changed] == [
        (TOKEN, "unregistered"),
        (new, "active"),
    ]
    assert apns.push(TOKEN).status == 410
    assert apns.push(new).status == 200
    apns.apple.advance(1)
    apns.check_in("CheckOut")
    assert apns.push(new).json["timestamp"] == apns.apple.now_ms
    apns.check_in(Token=bytes.fromhex(new))
    assert apns.push(new).status == 200


def test_the_channel_of_a_user_has_a_token_of_its_own(apns: Apns) -> None:
    user = "c3" * 32

    apns.check_in(Token=bytes.fromhex(user), UserID="user-1", PushMagic="another")

    assert apns.push(TOKEN).rules == []
    assert apns.push(user).rules == ["push-magic"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"Token": "base64"}, "needs Token, as data", id="token"),
        pytest.param({"Topic": None}, "needs Topic", id="topic"),
        pytest.param({"PushMagic": ""}, "needs PushMagic", id="magic"),
        pytest.param({"UDID": None}, "needs UDID or EnrollmentID", id="owner"),
    ],
)
def test_a_check_in_that_lacks_something_is_refused(
    apns: Apns, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        apns.check_in(**changes)


def test_other_check_in_messages_change_nothing(apns: Apns) -> None:
    assert apns.check_in("SetBootstrapToken") == []


def test_the_token_never_stands_in_what_is_stored(apns: Apns) -> None:
    answer = apns.push()

    stored = repr(answer.exchange)
    assert TOKEN not in stored
    assert MAGIC not in stored
    assert answer.exchange.route == "POST /3/device/{token}"


def test_an_expired_certificate_was_good_before(apns: Apns) -> None:
    assert (
        apns.push(certificate=apns.authority.mint(TOPIC, NOW - timedelta(days=300))).status == 200
    )
