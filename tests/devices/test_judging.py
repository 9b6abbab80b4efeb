"""What the MDM server sends is held against the documented schemas, and is in the journal."""

import plistlib
from typing import Any

import pytest

from simulator.devices.commands.table import COMMANDS
from simulator.devices.device import VirtualDevice, new_device
from simulator.devices.flow import FlowResponse, Send
from simulator.devices.identity import Identity
from simulator.devices.judging.exchanges import judge
from simulator.devices.judging.schema import read, schemas
from simulator.devices.records import Enrolment
from tests.devices.conftest import Bench
from tests.devices.mdm import profile

TOPIC = "com.apple.mgmt.External.1"


def device(family: str = "iPhone", **enrolment: Any) -> VirtualDevice:
    """Return a supervised device of version 26.1, enrolled with all rights."""
    made = new_device("0ZJUDGED01", {"device_family": family, "model": family})
    made.supervised = enrolment.pop("supervised", True)
    made.enrolment = Enrolment(
        profile="p",
        server_url="https://mdm.test",
        check_in_url="https://mdm.test",
        topic=TOPIC,
        identity=Identity(b"", b""),
        **{"access_rights": 8191, "automated": True} | enrolment,
    )
    made.condition = "enrolled"
    return made


def found(sent: Any, on: VirtualDevice, purpose: str = "connect") -> list[tuple[str, str]]:
    """Return rule and place of what is wrong with a response."""
    body = sent if isinstance(sent, bytes) else plistlib.dumps(sent)
    step = Send(method="PUT", url="https://mdm.test/connect", purpose=purpose)
    received = FlowResponse(200, {"content-type": "application/xml"}, body)
    return [(one.rule, one.at) for one in judge(on, step, received)]


def command(request_type: str, **values: Any) -> Any:
    return {"CommandUUID": "u", "Command": {"RequestType": request_type, **values}}


def asking(query: str) -> Any:
    return command("DeviceInformation", Queries=[query])


@pytest.mark.parametrize(
    ("family", "sent"),
    [
        ("iPhone", command("DeviceInformation", Queries=["UDID", "OSVersion", "SomethingNew"])),
        ("iPhone", command("EraseDevice", ReturnToService={"Enabled": True})),
        ("iPad", command("InstallApplication", iTunesStoreID=1, Options={"PurchaseMethod": 1})),
        ("Mac", command("DeviceLock", PIN="123456", RequestRequiresNetworkTether=False)),
        ("Mac", command("AccountConfiguration", AutoSetupAdminAccounts=[{"shortName": "a"}])),
        ("Mac", command("InstallEnterpriseApplication", Manifest={"anything": ["goes"]})),
        ("AppleTV", command("ScheduleOSUpdate", Updates=[{"InstallAction": "Default"}])),
        ("iPhone", command("RequestMirroring", Whatever=1)),
        ("iPhone", b""),
    ],
)
def test_what_is_documented_is_found_nothing_in(family: str, sent: Any) -> None:
    assert found(sent, device(family)) == []


@pytest.mark.parametrize(
    ("sent", "rule", "at"),
    [
        (command("EraseTheDevice"), "device-command", "/Command/RequestType"),
        (command("SetRecoveryLock", NewPassword=""), "device-platform", "/Command/RequestType"),
        (command("EraseDevice", PIN="123456"), "device-platform", "/Command/PIN"),
        (command("InstallProfile"), "device-missing", "/Command/Payload"),
        (command("InstallProfile", Payload="PD94bWw="), "device-type", "/Command/Payload"),
        (command("DeviceInformation", Queries=[1]), "device-type", "/Command/Queries/0"),
        (command("DeviceLock", message="x"), "device-key", "/Command/message"),
        (
            command("ScheduleOSUpdate", Updates=[{"InstallAction": "Now"}]),
            "device-value",
            "/Command/Updates/0/InstallAction",
        ),
        (
            command("EraseDevice", ReturnToService={"Enabled": 1}),
            "device-type",
            "/Command/ReturnToService/Enabled",
        ),
        (
            command("DeviceInformation", Queries=["ProvisioningUDID"]),
            "device-platform",
            "/Command/Queries/0",
        ),
        ({"Command": {"RequestType": "ProfileList"}}, "device-key", "/CommandUUID"),
        (command("ProfileList") | {"Extra": 1}, "device-key", "/Extra"),
        ({"CommandUUID": "u", "Command": "ProfileList"}, "device-key", "/Command"),
        ({"CommandUUID": "u", "Command": {}}, "device-type", "/Command/RequestType"),
        ({}, "device-type", ""),
        (b"no plist", "device-type", ""),
    ],
)
def test_what_is_not_is_found_with_its_place(sent: Any, rule: str, at: str) -> None:
    assert found(sent, device()) == [(rule, at)]


@pytest.mark.parametrize(
    ("enrolment", "sent", "rule"),
    [
        ({"supervised": False}, command("RestartDevice"), "device-platform"),
        ({"automated": False}, command("DeviceConfigured"), "device-platform"),
        ({"access_rights": 8191 - 8}, command("EraseDevice"), "device-right"),
        (
            {"access_rights": 8191 - 16},
            command("DeviceInformation", Queries=["OSVersion"]),
            "device-right",
        ),
        ({"user_enrolment": True}, command("EraseDevice"), "device-platform"),
        (
            {"user_enrolment": True},
            command("DeviceInformation", Queries=["UDID"]),
            "device-platform",
        ),
    ],
)
def test_supervision_rights_and_kind_of_enrolment_count(
    enrolment: Any, sent: Any, rule: str
) -> None:
    assert [one for one, _ in found(sent, device(**enrolment))] == [rule]


def test_a_command_that_is_too_new_for_the_system_is_found() -> None:
    old = device()
    old.version = "14.8"

    assert found(command("DeclarativeManagement"), old) == [
        ("device-platform", "/Command/RequestType")
    ]


def test_a_finding_names_the_key_that_was_meant_and_no_value() -> None:
    step = Send(method="PUT", url="https://mdm.test", purpose="connect")
    body = plistlib.dumps(command("SetRecoveryLock", newpassword="hunter2"))

    texts = [one.message for one in judge(device("Mac"), step, FlowResponse(200, {}, body))]

    assert "is no documented key: write NewPassword" in texts
    assert not any("hunter2" in one for one in texts)


def test_answers_to_check_ins_are_judged() -> None:
    assert found({"TokenData": b"x"}, device(), "GetToken") == []
    assert found({"TokenData": "x"}, device(), "GetToken") == [("device-type", "/TokenData")]
    assert found({"Token": b"x"}, device(), "GetToken") == [
        ("device-missing", "/TokenData"),
        ("device-key", "/Token"),
    ]
    assert found({"BootstrapToken": "x"}, device(), "GetBootstrapToken") == [
        ("device-type", "/BootstrapToken")
    ]


def test_every_command_of_the_devices_has_a_schema_that_agrees_with_its_row() -> None:
    for name, row in COMMANDS.items():
        schema = schemas()[name]
        assert schema.right == row.right, name
        there = {platform for platform, one in schema.on.items() if one is not None}
        assert there == set(row.on), name
        for platform, available in row.on.items():
            presence = schema.on[platform]
            assert presence is not None
            assert presence.since == available.since, (name, platform)
            assert ("s" in presence.flags) == available.supervised, (name, platform)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (".Key|string", "line 1, .Key: a key stands before the first command"),
        ("A|0\n.Key|text", "line 2, .Key: text is no type"),
        ("A|zero", "line 1, A: "),
        ("A|0\n.B[].C|string", "line 2, .B"),
    ],
)
def test_a_line_that_is_no_schema_is_named(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says.replace("[", r"\[")):
        list(read(text))


async def test_exchanges_and_findings_are_in_the_journal_and_secrets_are_not(bench: Bench) -> None:
    shown = await bench.device("Mac")
    udid, serial = shown["udid"], shown["serial_number"]
    payload = {
        "PayloadType": "com.apple.wifi.managed",
        "PayloadIdentifier": "w",
        "PayloadUUID": "w",
        "PayloadVersion": 1,
        "Password": "hunter2-wifi",
    }
    await bench.run(udid, serial, "InstallProfile", Payload=profile("com.example.wifi", payload))
    await bench.run(udid, serial, "SetRecoveryLock", NewPassword="hunter2-lock", newpassword="x")

    secret = {"Server": {"any": ["hunter2-app"]}}
    await bench.run(udid, serial, "InstallApplication", Identifier="a.b", Configuration=secret)

    listed = await bench.call("GET", "/exchanges?service=device&limit=100")
    whole = [await bench.call("GET", f"/exchanges/{one['seq']}") for one in listed["exchanges"]]
    disclosures = await bench.call("GET", f"/exchanges/{whole[0]['seq']}/disclosures")
    report = await bench.call("GET", "/report?format=json")

    operations = {one["operation"] for one in whole}
    assert {
        "device.enrol",
        "device.authenticate",
        "device.token_update",
        "device.connect",
    } <= operations
    assert {one["client"] for one in whole} == {f"device:{serial}"}
    findings = [one for each in whole for one in each["findings"]]
    assert ("device-key", "/Command/newpassword") in {(one["rule"], one["at"]) for one in findings}
    assert "hunter2" not in str(whole)
    assert str(whole).count("<string>&lt;sealed device.secret ") >= 3  # P12, Wi-Fi, recovery lock
    assert disclosures["disclosures"] == []
    told = {(one["message"], one["key"]): one for one in report["devices"]}
    assert told["TokenUpdate", "PushMagic"]["concept"] == "push.magic"
    assert told["TokenUpdate", "Token"]["times"] == 1
    assert ("MachineInfo", "SERIAL") in told
    assert "device" not in {one["service"] for one in report["outcomes"]}


async def test_the_report_names_the_claim_of_the_seed_by_the_devices_own_check_in(
    bench: Bench,
) -> None:
    await bench.device()

    report = await bench.call("GET", "/report?format=json&manifest=intune-to-apple")

    told = {(one["message"], one["key"]): one["claim"] for one in report["devices"]}
    assert (told["TokenUpdate", "Token"], told["TokenUpdate", "PushMagic"]) == ("S01", "S01")


async def test_a_topic_that_no_certificate_has_is_found(bench: Bench) -> None:
    bench.mdm.mdm["Topic"] = "com.apple.mgmt.External.00000000-0000-4000-8000-000000000000"

    await bench.device()

    found = await bench.call("GET", "/exchanges?finding=device-topic")
    assert {one["operation"] for one in found["exchanges"]} == {
        "device.authenticate",
        "device.token_update",
    }


async def test_the_enrolment_profile_is_judged(bench: Bench) -> None:
    bench.mdm.mdm |= {"AccessRights": None, "SignMessages": True}

    shown = await bench.device()

    findings = [one["about"] for one in shown["life"] if one["what"] == "finding"]
    assert any("AccessRights is required for a device enrolment" in one for one in findings)
    assert any("/SignMessages: is no documented key" in one for one in findings)
    assert any("ServerURL must begin with https:" in one for one in findings)
