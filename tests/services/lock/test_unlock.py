"""Removal of Activation Lock: the code that opens, and each way in which it does not."""

from typing import Any
from urllib.parse import quote, urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from simulator.core.messages import Peer, Tls
from simulator.pki.push import PushCertificate
from simulator.protocol import quirks
from simulator.services import organisations, push_topics
from simulator.services.fleet import locks
from tests.apple import AGENT, ORG, START_MS, Answer, Apple, request
from tests.vendors import NOW, authorities

TOPIC = "com.apple.mgmt.External.1ea841db-5edf-afe6-075b-5ae0d845d254"
CODE = "3UM43-PUYVY-QYD1-UVCC-HEHJ-FKA4"
HASH = "6ab40d5eabe7218ec04182f461005600c7e3426bddd82cdb405bde9a1e0014b5"
OTHER_CODE = "000H4-0R40M-30F2-0918-5HR3-8F17"
PATH = "/deviceservicesworkers/escrowKeyUnlock"
QUERY = {"serial": "SN1", "productType": "iPad14,1"}
FORM = {"orgName": "Acme", "guid": "admin@acme.example", "escrowKey": CODE}


@pytest.fixture(scope="module")
def certificate() -> PushCertificate:
    return authorities().push.mint(TOPIC, NOW)


def der(made: PushCertificate) -> bytes:
    pem = x509.load_pem_x509_certificate(made.certificate_pem)
    return pem.public_bytes(serialization.Encoding.DER)


class Caller:
    """An MDM server with a push certificate, and an iPad SN1 that DEP has locked."""

    def __init__(self, apple: Apple, shown: bytes) -> None:
        self.apple = apple
        self.shown = shown
        apple.run(lambda state: push_topics.add(state, "acme", TOPIC))
        apple.add("SN1", imei=["35 310116 123456 7"])

    def lock(self, escrow_key: str = HASH) -> None:
        body = {"device": "SN1", "escrow_key": escrow_key, "lost_message": "Call us"}
        answer = self.apple.call(
            "POST", "/device/activationlock", body, session=self.apple.session()
        )
        assert answer.json["response_status"] == "SUCCESS"

    def unlock(
        self, query: Any = QUERY, form: Any = FORM, shown: bytes | None = None, **more: Any
    ) -> Answer:
        content = form if isinstance(form, bytes) else urlencode(form).encode()
        kind = more.pop("kind", "application/x-www-form-urlencoded")
        headers = [("Host", "deviceservices-external.apple.com"), ("User-Agent", AGENT)]
        headers.append(("Content-Type", kind))
        certificate = self.shown if shown is None else shown
        tls = Tls("TLSv1.3", "X", "deviceservices-external.apple.com", "", certificate)
        peer = Peer("127.0.0.1", 50001, 2, tls)
        target = f"{PATH}?{urlencode(query)}" if query else PATH
        method = more.pop("method", "POST")
        return self.apple.send(request(method, target, headers, content, peer=peer))

    def is_locked(self) -> bool:
        return self.apple.home(lambda home: locks.find(home, "SN1")) is not None

    def switch(self, quirk: str) -> None:
        self.apple.run(lambda s: quirks.switch(s, quirk, quirks.EVERYBODY, is_on=True))


@pytest.fixture
def caller(apple: Apple, certificate: PushCertificate) -> Caller:
    return Caller(apple, der(certificate))


def test_the_code_opens_a_device_that_dep_has_locked_once(caller: Caller) -> None:
    caller.lock()

    answer = caller.unlock()
    again = caller.unlock()

    assert (answer.status, answer.text, answer.rules) == (200, "", [])
    assert answer.exchange.client == f"lock:{TOPIC}"
    assert not caller.is_locked()
    assert (again.status, again.exchange.error) == (404, "NOT_LOCKED")
    caller.lock()
    assert caller.is_locked()


def test_the_hash_may_be_in_capitals_as_in_apples_sample(caller: Caller) -> None:
    caller.lock(HASH.upper())

    assert caller.unlock().status == 200


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        pytest.param({"escrowKey": OTHER_CODE}, 404, "ESCROW_KEY_MISMATCH", id="other-code"),
        pytest.param({"escrowKey": CODE.lower()}, 404, "ESCROW_KEY_MISMATCH", id="lower-case"),
        pytest.param({"escrowKey": HASH}, 404, "ESCROW_KEY_MISMATCH", id="the-hash"),
        pytest.param({"escrowKey": ""}, 400, "BAD_REQUEST", id="no-code"),
        pytest.param({"guid": ""}, 400, "BAD_REQUEST", id="nobody"),
        pytest.param({"orgName": ""}, 400, "BAD_REQUEST", id="no-organisation"),
    ],
)
def test_a_form_that_does_not_fit_opens_nothing(
    caller: Caller, change: dict[str, str], status: int, error: str
) -> None:
    caller.lock()

    answer = caller.unlock(form=FORM | change)

    assert (answer.status, answer.exchange.error) == (status, error)
    assert caller.is_locked()


@pytest.mark.parametrize(
    ("query", "status", "error"),
    [
        pytest.param(QUERY | {"serial": "SN2"}, 404, "DEVICE_UNKNOWN", id="unknown"),
        pytest.param(QUERY | {"serial": ""}, 400, "BAD_REQUEST", id="no-serial"),
        pytest.param({"serial": "SN1"}, 400, "BAD_REQUEST", id="no-product"),
        pytest.param(QUERY | {"imei": "353101161234568"}, 404, "DEVICE_UNKNOWN", id="imei"),
        pytest.param(QUERY | {"meid": "35310116123456"}, 404, "DEVICE_UNKNOWN", id="meid"),
    ],
)
def test_a_query_that_names_no_device_opens_nothing(
    caller: Caller, query: dict[str, str], status: int, error: str
) -> None:
    caller.lock()

    answer = caller.unlock(query)

    assert (answer.status, answer.exchange.error) == (status, error)
    assert caller.is_locked()


def test_the_right_imei_is_taken_however_it_is_written(caller: Caller) -> None:
    caller.lock()

    assert caller.unlock(QUERY | {"imei": "353101161234567", "imei2": "", "meid": ""}).status == 200


def test_a_client_that_sends_all_in_the_form_is_served_with_a_finding(caller: Caller) -> None:
    caller.lock()

    answer = caller.unlock({}, FORM | QUERY | {"imei": ""})

    assert answer.status == 200
    assert answer.rules.count("field-misplaced") == 2


def test_strictly_the_query_is_where_they_stand(certificate: PushCertificate) -> None:
    caller = Caller(Apple(strictness="strict"), der(certificate))
    caller.lock()

    answer = caller.unlock({}, FORM | QUERY)

    assert (answer.status, answer.exchange.error) == (400, "BAD_REQUEST")
    assert caller.is_locked()
    caller.apple.store.close()


def test_a_lock_without_a_code_is_opened_by_none(caller: Caller) -> None:
    caller.lock("")

    assert caller.unlock().exchange.error == "ESCROW_KEY_MISMATCH"


@pytest.mark.parametrize(
    ("shown", "error"),
    [
        pytest.param(b"", "CERTIFICATE_REQUIRED", id="none"),
        pytest.param(b"no certificate", "CERTIFICATE_REFUSED", id="unreadable"),
    ],
)
def test_who_shows_no_push_certificate_is_refused(caller: Caller, shown: bytes, error: str) -> None:
    caller.lock()

    answer = caller.unlock(shown=shown)

    assert (answer.status, answer.exchange.error) == (403, error)
    assert "auth-refused" in answer.rules
    assert caller.is_locked()


def test_a_foreign_expired_or_revoked_certificate_is_refused(
    caller: Caller, certificate: PushCertificate
) -> None:
    caller.lock()
    other = authorities().push.mint("com.apple.mgmt.External.other", NOW)
    foreign = caller.unlock(shown=der(other))
    caller.apple.now_ms = START_MS + 366 * 86_400_000
    expired = caller.unlock()
    caller.apple.now_ms = START_MS
    caller.apple.run(lambda s: push_topics.revoke(s, TOPIC, f"{certificate.serial:x}"))
    revoked = caller.unlock()

    for one in (foreign, expired, revoked):
        assert (one.status, one.exchange.error) == (403, "CERTIFICATE_REFUSED")
    assert caller.is_locked()


def test_by_a_switch_no_certificate_is_needed(caller: Caller) -> None:
    caller.lock()
    caller.switch("lock.no-certificate")

    assert caller.unlock(shown=b"").status == 200


def test_by_a_switch_a_device_that_is_not_locked_is_fine(caller: Caller) -> None:
    caller.switch("lock.not-locked-is-fine")

    assert caller.unlock().status == 200


def test_another_method_and_another_body_are_refused(caller: Caller) -> None:
    caller.lock()
    json = f'{{"escrowKey": "{CODE}"}}'.encode()

    got = caller.unlock(form=b"", method="GET")
    as_json = caller.unlock(form=json, kind="application/json")
    unlabelled = caller.unlock(form=json)

    assert (got.status, got.exchange.error) == (405, "METHOD_NOT_ALLOWED")
    assert as_json.status == 415
    assert (unlabelled.status, unlabelled.exchange.error) == (400, "BAD_REQUEST")
    for one in (as_json, unlabelled):
        assert CODE.encode() not in one.exchange.request.body
    assert caller.is_locked()


def test_the_ledger_knows_who_asked_and_the_code_is_stored_nowhere(caller: Caller) -> None:
    caller.lock()

    answer = caller.unlock()
    catalogue = caller.apple.catalogue
    records = caller.apple.observer.observe(
        answer.exchange.request, catalogue.operations["lock.unlock"], catalogue.services["lock"]
    )

    found = {(one.part, one.at, one.concept, one.subject) for one in records}
    assert ("body", "/guid", "admin.actor", "administrator") in found
    assert ("body", "/escrowKey", "lock.bypass_code", "device") in found
    assert ("body", "/orgName", "org.name", "organisation") in found
    assert ("query", "serial", "device.serial", "device") in found
    recorded = answer.exchange.request.body
    assert CODE.encode() not in recorded
    assert quote("admin@acme.example").encode() in recorded


def test_a_lock_of_a_person_is_opened_by_the_code_of_the_device(caller: Caller) -> None:
    code = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
    caller.apple.home(lambda home: locks.make_code(home, "SN1", code))
    assert caller.apple.home(lambda home: locks.own_code(home, "SN1")) == code
    key = "c5ced1d0c51459c1a887866a5868dd3e9e6f4fc4a8c244f3f9eb9383c0f8aecb"
    caller.apple.home(
        lambda home: locks.turn_on(
            home, "SN1", "findmy", escrow_key=key, message="", now_ms=START_MS
        )
    )

    wrong = caller.unlock()
    right = caller.unlock(form=FORM | {"escrowKey": OTHER_CODE})

    assert (wrong.status, right.status) == (404, 200)


def test_the_certificate_of_another_organisation_opens_no_device_of_ours(caller: Caller) -> None:
    caller.lock()
    theirs = "com.apple.mgmt.External.rival"
    caller.apple.run(lambda s: organisations.add_organisation(s, ORG | {"id": "rival"}))
    caller.apple.run(lambda s: push_topics.add(s, "rival", theirs))

    answer = caller.unlock(shown=der(authorities().push.mint(theirs, NOW)))

    assert (answer.status, answer.exchange.error) == (404, "DEVICE_UNKNOWN")
    assert answer.exchange.organisation == "rival"
    assert caller.is_locked()
