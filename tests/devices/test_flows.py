"""The devices' core without any network: whatever comes, there is an answer."""

import plistlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.random_hex import seeded_hex
from simulator.devices.commands.rows import Execution
from simulator.devices.commands.table import COMMANDS, execute
from simulator.devices.connect import session
from simulator.devices.device import VirtualDevice, new_device, restored
from simulator.devices.device_ca import DeviceAuthority
from simulator.devices.flow import (
    Apple,
    Compute,
    Flow,
    FlowResponse,
    NewKey,
    Pause,
    Save,
    Send,
    Step,
)
from simulator.devices.identity import Identity
from simulator.devices.life import resume
from simulator.devices.records import Enrolment, EnrolmentAttempt
from simulator.devices.world import DeviceEnvironment

NOW = datetime(2026, 6, 1, tzinfo=UTC)
T = TypeVar("T")
FAMILIES = ("iPhone", "iPad", "Mac", "AppleTV", "Vision")
STATUSES = {"Acknowledged", "Error", "CommandFormatError", "NotNow"}
VALUES = st.recursive(
    st.none().map(lambda _: True)
    | st.text(max_size=9)
    | st.binary(max_size=9)
    | st.integers(0, 99),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("Item", "Enabled", "InstallAction", "ProductKey", "shortName")), inner
        )
    ),
    max_leaves=6,
)
KEYS = st.sampled_from(
    (
        *("Payload", "Identifier", "Queries", "Settings", "Options", "iTunesStoreID", "PIN"),
        *("ManifestURL", "Manifest", "Updates", "UnlockToken", "ReturnToService", "Message"),
        *("AutoSetupAdminAccounts", "NewPassword", "Password", "Identifiers", "Configuration"),
    )
)


@cache
def authority() -> DeviceAuthority:
    return DeviceAuthority.create(NOW)


@cache
def identity() -> Identity:
    key = rsa.generate_private_key(65537, 2048)
    return authority().issue("device", key, 5, NOW)


def world() -> DeviceEnvironment:
    return DeviceEnvironment(
        lambda: 1_780_000_000_000, seeded_hex(1, "devices"), authority(), lambda: NOW
    )


def enrolled(family: str) -> VirtualDevice:
    device = new_device("0ZTEST", {"device_family": family, "model": "Some", "imei": ["00 1"]})
    device.enrolment = Enrolment(
        "com.example.enrolment",
        "https://mdm.example/connect",
        "https://mdm.example/checkin",
        "com.apple.mgmt.x",
        identity(),
        sign_message=True,
        access_rights=8191,
        magic="magic",
        automated=True,
    )
    device.condition, device.supervised, device.push_token = "enrolled", True, "00" * 32
    return device


def drive(flow: Flow[T], respond: Callable[[Send | Apple], FlowResponse]) -> T:
    """Perform the steps of a flow, with *respond* in place of all servers."""
    result: Any = None
    try:
        while True:
            step: Step = flow.send(result)
            match step:
                case Send() | Apple():
                    result = respond(step)
                case NewKey():
                    result = rsa.generate_private_key(65537, step.bits)
                case Pause() | Save():
                    result = None
                case Compute():
                    result = step.work()
    except StopIteration as end:
        value: T = end.value
        return value


def unreachable(_: Send | Apple) -> FlowResponse:
    return FlowResponse(problem="nothing is there")


@given(
    st.sampled_from(FAMILIES),
    st.sampled_from((*COMMANDS, "Unknown")),
    st.dictionaries(KEYS, VALUES, max_size=4),
)
def test_every_command_gets_an_answer_that_is_a_plist(
    family: str, name: str, values: dict[str, Any]
) -> None:
    device = enrolled(family)
    enrolment = device.enrolment
    assert enrolment is not None
    execution = Execution(device, enrolment, world(), {"RequestType": name, **values})

    status, done = drive(execute(execution), unreachable)

    assert status in STATUSES
    plistlib.dumps({"Status": status, **done.keys})
    if done.then is not None:
        drive(done.then(), unreachable)
    assert restored(device.kept()) == device


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_command_is_refused_where_it_does_not_exist(name: str, family: str) -> None:
    device = enrolled(family)
    enrolment = device.enrolment
    assert enrolment is not None
    execution = Execution(device, enrolment, world(), {"RequestType": name})

    status, done = drive(execute(execution), unreachable)

    there = COMMANDS[name].on.get(device.platform)
    exists = there is not None and not there.shared
    codes = [one["ErrorCode"] for one in done.keys.get("ErrorChain", [])]
    assert (codes == [12021]) == (not exists)
    assert (status == "Error") >= (not exists)


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_a_session_ends_whatever_the_server_sends(bodies: list[bytes]) -> None:
    device = enrolled("iPhone")
    waiting = list(bodies)

    def respond(step: Send | Apple) -> FlowResponse:
        return FlowResponse(200, {}, waiting.pop(0) if waiting and isinstance(step, Send) else b"")

    drive(session(device, world()), respond)

    assert device.condition == "enrolled"


def test_an_enrolment_that_goes_on_after_a_restart_and_fails_is_over() -> None:
    device = enrolled("iPhone")
    device.enrolment, device.condition = None, "activated"
    device.assigned = {"url": "https://mdm.example/enrol"}
    device.enrolling = EnrolmentAttempt("00" * 32)

    drive(resume(device, world()), unreachable)
    life = len(device.life)
    drive(resume(device, world()), unreachable)

    assert "nothing is there" in device.trouble
    assert device.kept()["enrolling"] is None
    assert len(device.life) == life


def test_a_command_put_off_again_and_again_ends_the_session() -> None:
    device = enrolled("iPhone")
    device.options.busy = 1000
    command = {"CommandUUID": "u", "Command": {"RequestType": "ProfileList"}}
    sent: list[bytes] = []

    def respond(step: Send | Apple) -> FlowResponse:
        assert isinstance(step, Send)
        sent.append(step.body)
        return FlowResponse(200, {}, plistlib.dumps(command))

    assert drive(session(device, world()), respond) is True
    assert [plistlib.loads(one)["Status"] for one in sent] == ["Idle", *["NotNow"] * 3]


def test_a_rotated_recovery_key_is_encrypted_to_the_certificate() -> None:
    device = enrolled("Mac")
    device.recovery_key = "OLD"
    enrolment = device.enrolment
    assert enrolment is not None
    certificate, key = identity().loaded()
    values = {
        "RequestType": "RotateFileVaultKey",
        "KeyType": "personal",
        "FileVaultUnlock": {"Password": "OLD"},
        "ReplyEncryptionCertificate": certificate.public_bytes(Encoding.DER),
    }

    status, done = drive(execute(Execution(device, enrolment, world(), values)), unreachable)

    assert isinstance(key, rsa.RSAPrivateKey)
    sealed = done.keys["RotateResult"]["EncryptedNewRecoveryKey"]
    opened = pkcs7.pkcs7_decrypt_der(sealed, certificate, key, [])
    assert (status, opened.decode()) == ("Acknowledged", device.recovery_key)
    assert device.recovery_key != "OLD"
