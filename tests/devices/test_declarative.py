"""Declarative management: what the device asks, applies, grades and reports."""

import hashlib
import json
import plistlib
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.devices.declarative.grading import graded
from simulator.devices.declarative.predicates import PredicateError, holds
from simulator.devices.declarative.sync import Channel, synchronise
from simulator.devices.device import VirtualDevice
from simulator.devices.flow import Apple, FlowResponse, Send
from simulator.devices.records import DeviceUser
from tests.devices.mdm import profile
from tests.devices.test_flows import drive, enrolled, world

STATUS = {"device.model.family": "iPhone", "device.operating-system.version": "26.1", "n": 3}


@pytest.mark.parametrize(
    ("predicate", "holding"),
    [
        ("TRUEPREDICATE", True),
        ("@status(device.model.family) == 'iPhone'", True),
        ("@status(device.model.family) != 'iPhone'", False),
        ("@status(device.model.family) IN {'iPad', 'iPhone'}", True),
        ("@status(device.operating-system.version) BEGINSWITH '26'", True),
        ("@status(n) >= 3 AND NOT @status(n) > 3", True),
        ("(@status(n) == 4 OR @status(n) == 3) AND TRUEPREDICATE", True),
        ("FALSEPREDICATE OR @status(nothing) == 'x'", False),
    ],
)
def test_predicates_hold_or_not(predicate: str, holding: bool) -> None:
    assert holds(predicate, STATUS) == holding


@pytest.mark.parametrize(
    "predicate",
    [
        "",
        "ANY x == 1",
        "@status(n)",
        "@status(n) == ",
        "(TRUEPREDICATE",
        "@property(a) == 1",
        "TRUEPREDICATE TRUEPREDICATE",
        "(" * 50,
        "@status(n) < 'text'",
    ],
)
def test_what_is_not_understood_is_never_true(predicate: str) -> None:
    with pytest.raises(PredicateError):
        holds(predicate, STATUS)


@given(st.text(alphabet="@status(n) =<>!'ANDORNOT{}12\"", max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    with suppress(PredicateError):
        assert holds(text, STATUS) in (True, False)


class Server:
    """A server of declarations."""

    def __init__(self) -> None:
        self.token = "one"
        self.declarations: dict[str, tuple[str, dict[str, Any]]] = {}
        """Kind and declaration by identifier."""
        self.files: dict[str, FlowResponse] = {}
        self.asked: list[str] = []
        self.messages: list[dict[str, Any]] = []
        self.reports: list[dict[str, Any]] = []
        self.gone: set[str] = set()

    def put(self, kind: str, identifier: str, payload: dict[str, Any], **more: str) -> None:
        about = {"Type": f"com.apple.{kind}.simple", "ServerToken": f"{identifier}-{self.token}"}
        declaration = {"Identifier": identifier, "Payload": payload} | about | more
        self.declarations[identifier] = (kind, declaration)

    def __call__(self, step: Send | Apple) -> FlowResponse:
        assert isinstance(step, Send)
        if step.method == "GET":
            return self.files[step.url]
        message = plistlib.loads(step.body)
        endpoint = message["Endpoint"]
        self.asked.append(endpoint)
        self.messages.append(message)
        if endpoint == "status":
            self.reports.append(json.loads(message["Data"]))
            return FlowResponse(200)
        if endpoint == "tokens":
            return self._json({"SyncTokens": {"DeclarationsToken": self.token}})
        if endpoint == "declaration-items":
            return self._json(self._manifest())
        identifier = endpoint.rpartition("/")[2]
        if identifier in self.gone:
            return FlowResponse(404)
        return self._json(self.declarations[identifier][1])

    def _manifest(self) -> dict[str, Any]:
        sections: dict[str, Any] = {
            "Activations": [],
            "Assets": [],
            "Configurations": [],
            "Management": [],
        }
        names = {"activation": "Activations", "asset": "Assets", "configuration": "Configurations"}
        for identifier, (kind, one) in self.declarations.items():
            item = {"Identifier": identifier, "ServerToken": one["ServerToken"]}
            sections[names.get(kind, "Management")].append(item)
        return {"Declarations": sections, "DeclarationsToken": self.token}

    @staticmethod
    def _json(body: dict[str, Any]) -> FlowResponse:
        return FlowResponse(200, {}, json.dumps(body).encode())


def synchronised(device: VirtualDevice, server: Server, wanted: str = "") -> None:
    assert device.enrolment is not None
    drive(synchronise(Channel(device, device.enrolment, world()), wanted), server)


def legacy(server: Server) -> None:
    """Give the server an activation of a profile."""
    url = "https://mdm.example/profile"
    server.files[url] = FlowResponse(200, {}, profile("com.example.wifi"))
    server.put("activation", "a", {"StandardConfigurations": ["c"]})
    kind = "com.apple.configuration.legacy"
    server.put("configuration", "c", {"ProfileURL": url}, Type=kind)


def test_a_profile_comes_by_a_declaration_and_goes_with_it() -> None:
    device, server = enrolled("iPhone"), Server()
    legacy(server)

    synchronised(device, server)
    there = list(device.profiles)
    del server.declarations["c"]
    server.token = "two"
    synchronised(device, server)

    assert (there, list(device.profiles)) == (["com.example.wifi"], [])
    assert server.asked[:6] == [
        "tokens",
        "declaration-items",
        "declaration/activation/a",
        "declaration/configuration/c",
        "tokens",
        "status",
    ]


def test_a_users_declarations_are_its_own() -> None:
    device, server = enrolled("Mac"), Server()
    user = device.users["anna"] = DeviceUser("U-1", "anna", "00" * 32)
    legacy(server)
    assert device.enrolment is not None

    drive(synchronise(Channel(device, device.enrolment, world(), user)), server)

    assert list(user.profiles) == ["com.example.wifi"]
    assert (device.profiles.get("com.example.wifi"), device.declarations) == (None, {})
    assert user.declarations["reported"]
    assert {one.get("UserShortName") for one in server.messages} == {"anna"}


def test_the_first_report_tells_of_the_device_later_ones_what_is_subscribed_to() -> None:
    device, server = enrolled("iPhone"), Server()
    legacy(server)
    synchronised(device, server)
    items = [{"Name": "device.operating-system.version"}]
    kind = "com.apple.configuration.management.status-subscriptions"
    server.put("configuration", "s", {"StatusItems": items}, Type=kind)
    server.token = "two"

    synchronised(device, server)

    first, second = server.reports
    assert first["FullReport"] is True
    assert first["StatusItems"]["device"]["identifier"]["serial-number"] == device.serial
    assert "client-capabilities" in first["StatusItems"]["management"]
    assert second["StatusItems"]["device"] == {"operating-system": {"version": device.version}}
    assert first["Errors"] == second["Errors"] == []
    active = {
        one["identifier"]: (one["active"], one["valid"])
        for section in second["StatusItems"]["management"]["declarations"].values()
        for one in section
    }
    assert active == {"a": (True, "valid"), "c": (True, "valid"), "s": (False, "valid")}


def test_nothing_is_asked_where_the_token_is_known() -> None:
    device, server = enrolled("Mac"), Server()
    synchronised(device, server)
    before = len(server.asked)

    synchronised(device, server, wanted="one")

    assert len(server.asked) == before


def test_a_declaration_that_is_gone_is_left_out() -> None:
    device, server = enrolled("iPhone"), Server()
    legacy(server)
    server.gone.add("c")

    synchronised(device, server)

    (activation,) = server.reports[0]["StatusItems"]["management"]["declarations"]["activations"]
    assert activation["valid"] == "invalid"
    assert activation["reasons"][0]["code"] == "Error.MissingConfigurations"


@pytest.mark.parametrize(
    ("reference", "valid"),
    [
        ({}, "valid"),
        ({"Hash-SHA-256": hashlib.sha256(b"data").hexdigest(), "Size": 4}, "valid"),
        ({"Hash-SHA-256": "00"}, "invalid"),
        ({"Size": 5}, "invalid"),
        ({"ContentType": "text/plain"}, "invalid"),
    ],
)
def test_an_asset_is_held_against_its_reference(reference: dict[str, Any], valid: str) -> None:
    device, server = enrolled("iPhone"), Server()
    url = "https://mdm.example/asset"
    server.files[url] = FlowResponse(200, {"content-type": "application/json"}, b"data")
    payload = {"Reference": {"DataURL": url} | reference}
    server.put("asset", "x", payload, Type="com.apple.asset.data")

    synchronised(device, server)

    (asset,) = server.reports[0]["StatusItems"]["management"]["declarations"]["assets"]
    assert asset["valid"] == valid


@pytest.mark.parametrize(
    "answer",
    [
        FlowResponse(500),
        FlowResponse(200, {}, b"junk"),
        FlowResponse(200, {}, b"[]"),
        FlowResponse(200, {}, b"{}"),
        FlowResponse(
            200, {}, json.dumps({"SyncTokens": {"DeclarationsToken": "x" * 257}}).encode()
        ),
        FlowResponse(problem="nothing is there"),
    ],
)
def test_a_server_that_answers_wrongly_is_found(answer: FlowResponse) -> None:
    device = enrolled("iPhone")
    assert device.enrolment is not None

    drive(synchronise(Channel(device, device.enrolment, world())), lambda _: answer)

    assert [one.what for one in device.life] == ["finding"]


def test_a_token_that_always_moves_is_found() -> None:
    device, server = enrolled("iPhone"), Server()

    def moving(step: Send | Apple) -> FlowResponse:
        answer = server(step)
        if server.asked[-1] == "declaration-items":
            server.token += "+"
        return answer

    assert device.enrolment is not None
    drive(synchronise(Channel(device, device.enrolment, world())), moving)

    assert "moved 3 times" in device.life[-1].about


def test_reasons_of_what_is_not_active() -> None:
    items: dict[str, Any] = {
        "odd": {"kind": "configuration", "type": "com.example", "payload": {}, "token": "t"},
        "idle": {
            "kind": "configuration",
            "type": "com.apple.configuration.management.test",
            "payload": {},
            "token": "t",
        },
        "no": {
            "kind": "activation",
            "type": "com.apple.activation.simple",
            "payload": {"StandardConfigurations": [], "Predicate": "FALSEPREDICATE"},
            "token": "t",
        },
        "unread": {
            "kind": "activation",
            "type": "com.apple.activation.simple",
            "payload": {"StandardConfigurations": [], "Predicate": "ANY"},
            "token": "t",
        },
    }

    found = graded(items, STATUS)

    codes = {
        one["identifier"]: one["reasons"][0]["code"]
        for section in found.values()
        for one in section
    }
    assert codes == {
        "odd": "Error.UnknownDeclarationType",
        "idle": "Info.NotReferencedByActivation",
        "no": "Info.Predicate",
        "unread": "Error.UnableToEvaluatePredicate",
    }
