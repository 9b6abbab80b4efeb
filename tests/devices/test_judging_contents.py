"""What commands carry is held against documented fields: settings, payloads, declarations."""

import json
import plistlib
from typing import Any

import pytest

from simulator.devices.flow import FlowResponse, Send
from simulator.devices.judging.exchanges import judge
from tests.devices.mdm import profile
from tests.devices.test_judging import command, device, found


def setting(item: str, **values: Any) -> Any:
    return command("Settings", Settings=[{"Item": item, **values}])


def installing(payload_type: str, **values: Any) -> Any:
    payload = {
        "PayloadType": payload_type,
        "PayloadIdentifier": "a",
        "PayloadUUID": "a",
        "PayloadVersion": 1,
    }
    return command("InstallProfile", Payload=profile("com.example.judged", payload | values))


VPN: Any = {
    "VPNType": "IKEv2",
    "UserDefinedName": "Lab",
    "IKEv2": {
        "RemoteAddress": "vpn.example",
        "LocalIdentifier": "me",
        "RemoteIdentifier": "vpn.example",
        "AuthenticationMethod": "None",
        "OnDemandRules": [{"Action": "Connect", "SSIDMatch": ["Lab"]}],
    },
}
PRIVACY: Any = {
    "Services": {
        "SystemPolicyAllFiles": [
            {
                "Identifier": "com.example.agent",
                "IdentifierType": "bundleID",
                "CodeRequirement": "anchor apple generic",
                "Authorization": "Allow",
            }
        ]
    }
}
MAIL: Any = {
    "EmailAccountType": "EmailTypeIMAP",
    "IncomingMailServerAuthentication": "EmailAuthPassword",
    "IncomingMailServerHostName": "imap.example",
    "OutgoingMailServerAuthentication": "EmailAuthNone",
}


@pytest.mark.parametrize(
    ("family", "sent"),
    [
        ("iPhone", setting("TimeZone", TimeZone="Europe/Paris")),
        ("Mac", setting("HostName", HostName="lab")),
        ("AppleTV", setting("OrganizationInfo", OrganizationInfo={"OrganizationName": "A"})),
        ("iPhone", setting("ApplicationConfiguration", Identifier="a.b", Configuration={"x": 1})),
        ("iPhone", installing("com.apple.wifi.managed", SSID_STR="Lab", EncryptionType="WPA2")),
        ("iPhone", installing("com.example.nobody.knows", Whatever=1)),
        ("iPhone", installing("com.apple.applicationaccess", allowCamera=False, newerKey=1)),
        ("iPhone", installing("com.apple.vpn.managed", **VPN)),
        ("Mac", installing("com.apple.TCC.configuration-profile-policy", **PRIVACY)),
    ],
)
def test_what_is_documented_is_found_nothing_in(family: str, sent: Any) -> None:
    assert found(sent, device(family)) == []


@pytest.mark.parametrize(
    ("sent", "rule", "at"),
    [
        (setting("Brightness"), "device-value", "/Command/Settings/0/Item"),
        (setting("HostName", HostName="x"), "device-platform", "/Command/Settings/0/Item"),
        (setting("AppAnalytics", Enabled=True), "device-platform", "/Command/Settings/0/Item"),
        (setting("DeviceName", Name="x", DeviceName="x"), "device-key", "/Command/Settings/0/Name"),
        (setting("TimeZone"), "device-missing", "/Command/Settings/0/TimeZone"),
        (setting("Wallpaper", Image=b"", Where=4), "device-value", "/Command/Settings/0/Where"),
        (setting("DataRoaming", Enabled="yes"), "device-type", "/Command/Settings/0/Enabled"),
        (
            setting("MDMOptions", MDMOptions={"BootstrapTokenAllowed": True}),
            "device-platform",
            "/Command/Settings/0/MDMOptions/BootstrapTokenAllowed",
        ),
        (
            installing("com.apple.wifi.managed", SSID="Lab"),
            "device-key",
            "/Command/Payload/PayloadContent/0/SSID",
        ),
        (
            installing("com.apple.applicationaccess", allowCamera="no"),
            "device-type",
            "/Command/Payload/PayloadContent/0/allowCamera",
        ),
        (
            installing("com.apple.applicationaccess", allowStartupDiskModification=False),
            "device-platform",
            "/Command/Payload/PayloadContent/0/allowStartupDiskModification",
        ),
        (
            installing("com.apple.vpn.managed", **{**VPN, "VPNType": "PPTP"}),
            "device-value",
            "/Command/Payload/PayloadContent/0/VPNType",
        ),
        (
            installing("com.apple.vpn.managed", **{**VPN, "IKEv2": {**VPN["IKEv2"], "Mtu": 1280}}),
            "device-key",
            "/Command/Payload/PayloadContent/0/IKEv2/Mtu",
        ),
        (
            installing("com.apple.mail.managed", **MAIL),
            "device-missing",
            "/Command/Payload/PayloadContent/0/OutgoingMailServerHostName",
        ),
        (
            installing("com.apple.webClip.managed", URL="https://a.example"),
            "device-missing",
            "/Command/Payload/PayloadContent/0/Label",
        ),
        (
            installing("com.apple.mobiledevice.passwordpolicy", minLength="6"),
            "device-type",
            "/Command/Payload/PayloadContent/0/minLength",
        ),
        (
            installing(
                "com.apple.security.FDERecoveryKeyEscrow", Location="x", EncryptCertPayloadUUID="x"
            ),
            "device-platform",
            "/Command/Payload/PayloadContent/0/PayloadType",
        ),
    ],
)
def test_what_is_not_is_found_with_its_place(sent: Any, rule: str, at: str) -> None:
    assert found(sent, device()) == [(rule, at)]


DECLARATION = {
    "Type": "com.apple.configuration.math.settings",
    "Identifier": "i",
    "ServerToken": "1",
    "Payload": {},
}
PASSCODE = DECLARATION | {"Type": "com.apple.configuration.passcode.settings"}
ITEMS: Any = {
    "Declarations": {"Activations": [], "Assets": [], "Configurations": [], "Management": []},
    "DeclarationsToken": "1",
}


@pytest.mark.parametrize(
    ("endpoint", "sent", "wrong"),
    [
        ("tokens", {"SyncTokens": {"DeclarationsToken": "1", "Timestamp": "now"}}, []),
        ("tokens", {}, [("device-missing", "/SyncTokens")]),
        (
            "tokens",
            {"SyncTokens": {"DeclarationsToken": 1, "Timestamp": "now"}},
            [("device-type", "/SyncTokens/DeclarationsToken")],
        ),
        ("declaration-items", ITEMS, []),
        (
            "declaration-items",
            {"Declarations": {"Activations": []}, "DeclarationsToken": "1"},
            [
                ("device-missing", "/Declarations/Assets"),
                ("device-missing", "/Declarations/Configurations"),
                ("device-missing", "/Declarations/Management"),
            ],
        ),
        (
            "declaration-items",
            {**ITEMS, "Declarations": {**ITEMS["Declarations"], "Assets": [{"Identifier": "a"}]}},
            [("device-missing", "/Declarations/Assets/0/ServerToken")],
        ),
        ("declaration/configuration/i", DECLARATION, []),
        (
            "declaration/configuration/i",
            DECLARATION | {"Type": "com.apple.configuration.passcode"},
            [("device-value", "/Type")],
        ),
        ("declaration/configuration/i", PASSCODE | {"Payload": {"MinimumLength": 6}}, []),
        (
            "declaration/configuration/i",
            PASSCODE | {"Payload": {"minimumLength": 6, "ChangeAtNextAuth": True}},
            [
                ("device-key", "/Payload/minimumLength"),
                ("device-platform", "/Payload/ChangeAtNextAuth"),
            ],
        ),
        (
            "declaration/configuration/i",
            DECLARATION
            | {
                "Type": "com.apple.configuration.services.configuration-files",
                "Payload": {"ServiceType": "com.apple.sudo", "DataAssetReference": None},
            },
            [("device-platform", "/Type"), ("device-type", "/Payload/DataAssetReference")],
        ),
        (
            "declaration/configuration/i",
            {"Type": 1, "Payload": {}, "Extra": 1},
            [
                ("device-missing", "/Identifier"),
                ("device-missing", "/ServerToken"),
                ("device-type", "/Type"),
                ("device-key", "/Extra"),
            ],
        ),
        ("tokens", b"<plist/>", [("device-type", "")]),
    ],
)
def test_declarative_answers_are_judged(
    endpoint: str, sent: Any, wrong: list[tuple[str, str]]
) -> None:
    body = plistlib.dumps({"MessageType": "DeclarativeManagement", "Endpoint": endpoint})
    step = Send(method="PUT", url="https://mdm.test", body=body, purpose="DeclarativeManagement")
    content = sent if isinstance(sent, bytes) else json.dumps(sent).encode()

    assert [
        (one.rule, one.at) for one in judge(device(), step, FlowResponse(200, {}, content))
    ] == wrong
