"""What stands where it does not belong is known all the same."""

import base64
import json
from typing import Any

import pytest

from simulator.core.messages import Exchange, Peer, Request, Response
from simulator.disclosure.judge.claims import NOTHING_DECLARED
from simulator.disclosure.observe.records import Disclosure
from simulator.disclosure.report.ledger import Ledger
from simulator.disclosure.report.origins import known_to
from simulator.disclosure.report.report import Report
from tests.apple import Apple

VPP, DEP, NOWHERE = "vpp.itunes.apple.com", "mdmenrollment.apple.com", "nowhere.example"
STOKEN = base64.b64encode(
    json.dumps({"token": "T" * 40, "expDate": "2027-01-01", "orgName": "Acme"}).encode()
).decode()


def jwt(head: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = (json.dumps(one).encode() for one in (head, claims))
    segments = [base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts]
    return ".".join((*segments, "c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"))


def sent(host: str, target: str, *headers: tuple[str, str], method: str = "GET") -> Request:
    every = (("Host", host), ("User-Agent", "ExampleMDM/1"), *headers)
    return Request(method, target, every, b"", "https", Peer("192.0.2.1", 1, 1))


def observed(request: Request) -> list[Disclosure]:
    """Return what a request disclosed, which is the same on the wire and as it is stored."""
    with Apple() as apple:
        match = apple.catalogue.match(request)
        wire = apple.observer.observe(request, match.operation, match.service, sealed=False)
        stored = apple.observer.seal_request(request, match.operation, match.service)
        assert apple.observer.observe(stored, match.operation, match.service) == wire
        return wire


def test_fields_of_a_body_keep_their_meaning_in_a_query() -> None:
    target = "/mdm/registerVPPUserSrv?clientUserIdStr=u-17&email=anna@b.example"

    records = [one for one in observed(sent(VPP, target)) if one.part == "query"]

    assert [(one.at, one.concept, one.subject) for one in records] == [
        ("clientUserIdStr", "vpp.client_user_id", "user"),
        ("email", "user.email", "user"),
    ]
    assert all(one.flags[:2] == ("undocumented", "misplaced") for one in records)


@pytest.mark.parametrize("host", [DEP, NOWHERE])
def test_a_request_to_no_operation_is_read_as_fully(host: str) -> None:
    target = "/no/such?serial_number=0ZTEST000001&managedAppleIDStr=anna@b.example&key=1"

    records = [one for one in observed(sent(host, target)) if one.part == "query"]

    assert [(one.at, one.concept, "misplaced" in one.flags) for one in records] == [
        ("serial_number", "device.serial", True),
        ("managedAppleIDStr", "user.managed_apple_id", True),
        ("key", "unknown", False),
    ]


@pytest.mark.parametrize(
    ("bearer", "concept"),
    [
        pytest.param(STOKEN, "vpp.content_token", id="content-token"),
        pytest.param(
            jwt({"alg": "ES256", "kid": "K"}, {"iss": "T", "iat": 1}),
            "push.provider_token",
            id="provider",
        ),
        pytest.param(
            jwt({"alg": "ES256", "kid": "K"}, {"iss": "T", "iat": 1, "exp": 2}),
            "vpp.developer_token",
            id="developer",
        ),
        pytest.param(
            jwt({"alg": "ES256", "kid": "K"}, {"iss": "C", "iat": 1, "exp": 2, "aud": "a"}),
            "axm.client_assertion",
            id="assertion",
        ),
        pytest.param(jwt({"alg": "none"}, {"scope": "x"}), "net.authorization", id="stranger"),
        pytest.param("whatever-it-is-0001", "net.authorization", id="opaque"),
    ],
)
@pytest.mark.parametrize("host", [DEP, NOWHERE, "api.push.apple.com"])
def test_a_bearer_on_an_unknown_path_is_what_it_looks_like(
    host: str, bearer: str, concept: str
) -> None:
    records = observed(sent(host, "/no/such", ("Authorization", f"Bearer {bearer}")))

    assert next(one.concept for one in records if one.at == "authorization") == concept


def test_what_the_world_issued_is_known_in_any_field() -> None:
    with Apple() as apple:
        apple.add("0ZAAAAAAAAAA")
        ledger = Ledger(apple.observer, apple.catalogue)
        for seq, value in enumerate(("0ZAAAAAAAAAA", "0ZNOBODYHASIT"), 1):
            request = sent(DEP, f"/account?field{seq}={value}")
            ledger.add(
                Exchange(seq=seq, at_ms=seq, service="dep", operation="dep.account",
                         request=request, response=Response(200))
            )  # fmt: skip
        known = known_to(apple.catalogue, apple.store.journal().scan, apple.observer.stamps)

        report = Report.build(ledger, NOTHING_DECLARED, apple.catalogue, tool="t", known=known)

    found = {line.field: line for line in report.sent if line.part == "query"}
    assert (found["field1"].concept, found["field1"].subject) == ("device.serial", "device")
    assert found["field1"].flags == ("undocumented", "misplaced")
    assert (found["field2"].concept, found["field2"].flags) == ("unknown", ("undocumented",))


@pytest.mark.parametrize(
    ("value", "flags"),
    [
        ("ExampleMDM/1 (ops@b.example)", ("value:email",)),
        ("ExampleMDM/1 (call +46 8 123 45 67)", ("value:phone-in-free-text",)),
        ("ExampleMDM/1 (59.3293, 18.0686)", ("value:coordinates",)),
        ("ExampleMDM/1 (mdm01.corp.internal)", ("value:host-name",)),
        ("ExampleMDM/1 (10.0.0.17)", ("value:ip-address",)),
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0.0.0 v1.2.3", ()),
        ("ExampleMDM/9.4.1 (build 7731; node=mdm-eu-3)", ()),
    ],
)
def test_values_of_header_fields_are_looked_at(value: str, flags: tuple[str, ...]) -> None:
    request = Request(
        "GET", "/account", (("Host", DEP), ("User-Agent", value)), b"", "https",
        Peer("192.0.2.1", 1, 1),
    )  # fmt: skip

    assert [one.flags for one in observed(request) if one.at == "user-agent"] == [flags]
