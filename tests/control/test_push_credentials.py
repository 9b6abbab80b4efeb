import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs12

from simulator.pki.push import read_push_certificate
from tests.control.conftest import Control

OTHERS = ["com.example.app", "com.example.app.voip"]


def certificates(added: dict[str, Any]) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(added["chain"].encode())


async def test_a_certificate_comes_in_each_form_that_servers_load(control: Control) -> None:
    status, added = await control.call("POST", "/push-topics", {})

    certificate, issuer = certificates(added)
    key = load_pem_private_key(added["key"].encode(), None)
    password = added["pkcs12_password"].encode()
    packed = [
        pkcs12.load_key_and_certificates(base64.b64decode(added[form]), password)[1]
        for form in ("pkcs12", "pkcs12_legacy")
    ]

    assert status == 201
    certificate.verify_directly_issued_by(issuer)
    assert certificate.public_key() == key.public_key()
    for text in (added["joined"], added["certificate"]):
        assert x509.load_pem_x509_certificates(text.encode()) == [certificate]
    assert packed == [certificate, certificate]
    assert "PRIVATE KEY" in added["joined"]


async def test_a_certificate_may_be_for_several_topics_and_one_environment(
    control: Control,
) -> None:
    body = {"topics": OTHERS, "environments": ["development"]}

    _, added = await control.call("POST", "/push-topics", body)
    _, listed = await control.call("GET", "/push-topics")

    der = certificates(added)[0].public_bytes(Encoding.DER)
    identity = read_push_certificate(der)
    assert (identity.topics, identity.environments) == (tuple(OTHERS), ("development",))
    assert {*OTHERS} <= {one["topic"] for one in listed["push_topics"]}


async def test_a_certificate_may_have_expired_or_be_of_somebody_else(control: Control) -> None:
    _, good = await control.call("POST", "/push-topics", {})

    _, expired = await control.call("POST", "/push-topics", {"expires_in_s": -60})
    _, foreign = await control.call("POST", "/push-topics", {"issuer": "other"})

    now = datetime.now(UTC)  # noqa: TID251 (certificates are made by the wall clock)
    assert certificates(expired)[0].not_valid_after_utc < now
    assert certificates(expired)[1] == certificates(good)[1]
    assert certificates(foreign)[1].public_key() != certificates(good)[1].public_key()


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        pytest.param({"topic": 5}, "must be a string", id="number"),
        pytest.param({"topics": "a"}, "must be an array of strings", id="no-list"),
        pytest.param({"topics": [5]}, "must be an array of strings", id="list-of-numbers"),
        pytest.param({"topic": "no topic!"}, "is no topic", id="no-topic"),
        pytest.param({"environments": ["moon"]}, "must be one of", id="moon"),
        pytest.param({"environments": "development"}, "must be an array of strings", id="text"),
        pytest.param({"expires_in_s": True}, "whole number", id="true"),
        pytest.param({"expires_in_s": 10**10}, "whole number from", id="too-long"),
        pytest.param({"issuer": "apple"}, "must be one of own, other", id="issuer"),
        pytest.param({"tpoic": "x"}, "tpoic is not known", id="misspelt"),
    ],
)
async def test_what_cannot_be_minted_is_refused(
    control: Control, body: dict[str, Any], detail: str
) -> None:
    status, problem = await control.call("POST", "/push-topics", body)

    assert (status, detail in problem["detail"]) == (400, True)


async def test_a_key_is_told_once_listed_without_what_signs_and_revoked(control: Control) -> None:
    body = {"key_id": "ABC123DEFG", "team_id": "DEF123GHIJ", "environment": "production"}

    status, made = await control.call("POST", "/push-keys", body)
    _, listed = await control.call("GET", "/push-keys")
    async with control.http.delete(f"{control.base}/api/v1/push-keys/ABC123DEFG") as answer:
        gone = answer.status
    again, _ = await control.call("DELETE", "/push-keys/ABC123DEFG")

    assert status == 201
    key = load_pem_private_key(made.pop("private_key").encode(), None)
    assert made["public_key"].startswith("-----BEGIN PUBLIC KEY-----")
    assert key.key_size == 256  # type: ignore[union-attr]  # it is one of a curve
    assert listed["push_keys"] == [made]
    assert made | body == made
    assert (gone, again) == (204, 404)


@pytest.mark.parametrize(
    "body",
    [{"key_id": "short"}, {"team_id": 5}, {"environment": "moon"}, {"kid": "x"}],
)
async def test_what_is_no_key_is_refused(control: Control, body: dict[str, Any]) -> None:
    status, _ = await control.call("POST", "/push-keys", body)

    assert status == 400


async def test_a_key_without_wishes_gets_ids_of_ten_characters(control: Control) -> None:
    _, made = await control.call("POST", "/push-keys", {})

    assert len(made["key_id"]) == len(made["team_id"]) == 10
