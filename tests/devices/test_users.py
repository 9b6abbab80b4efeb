"""The user channel of Macs and Shared iPads: who logs in is managed too, if the server wants it."""

from typing import Any

import pytest

from tests.devices.conftest import Bench
from tests.devices.mdm import profile
from tests.devices.test_life import push

PER_USER = ["com.apple.mdm.per-user-connections"]


@pytest.fixture
async def mac(bench: Bench) -> Any:
    bench.mdm.mdm["ServerCapabilities"] = PER_USER
    return await bench.device("Mac")


def by_user(bench: Bench) -> list[Any]:
    return [one for one in bench.mdm.results if "UserID" in one]


async def test_a_user_who_logs_in_gets_a_channel_of_its_own(bench: Bench, mac: Any) -> None:
    shown = await bench.act(mac["serial_number"], "log-in", user="anna")

    device, user = (one for one in bench.mdm.check_ins if one["MessageType"] == "TokenUpdate")
    assert shown["users"] == ["anna"]
    assert (user["UDID"], user["UserShortName"], user["NotOnConsole"]) == (
        mac["udid"],
        "anna",
        False,
    )
    assert user["Token"] != device["Token"]
    assert user["PushMagic"] != device["PushMagic"]
    assert by_user(bench)[-1]["Status"] == "Idle"


async def test_a_push_to_the_user_makes_its_channel_ask(bench: Bench, mac: Any) -> None:
    await bench.act(mac["serial_number"], "log-in", user="anna")
    user = bench.mdm.check_ins[-1]
    before = len(by_user(bench))

    status = await push(bench, user["Token"].hex(), user["PushMagic"])
    await bench.until(lambda: len(by_user(bench)) > before)

    assert status == 200


async def test_the_profiles_of_a_user_are_its_own(bench: Bench, mac: Any) -> None:
    serial, udid = mac["serial_number"], mac["udid"]
    await bench.act(serial, "log-in", user="anna")
    users = bench.mdm.queue[f"{udid}/anna"]

    async def run(request_type: str, **values: Any) -> Any:
        uuid = bench.mdm.queue_command(f"{udid}/anna", request_type, **values)
        await bench.act(serial, "poll")
        return bench.mdm.result(uuid)

    installed = await run("InstallProfile", Payload=profile("com.example.dock"))
    listed = await run("ProfileList")
    shown = await bench.run(udid, serial, "ProfileList")
    lock = await run("DeviceLock")
    removed = await run("RemoveProfile", Identifier="com.example.dock")
    findings = await bench.call("GET", "/exchanges?finding=device-platform")

    assert installed["Status"] == removed["Status"] == "Acknowledged"
    names = [one["PayloadIdentifier"] for one in listed["ProfileList"]]
    assert names == ["com.example.dock"]
    assert "com.example.dock" not in [one["PayloadIdentifier"] for one in shown["ProfileList"]]
    assert lock["Status"] == "Error"
    assert len(findings["exchanges"]) == 1
    assert not users


async def test_a_server_that_does_not_manage_users_keeps_its_device(bench: Bench, mac: Any) -> None:
    bench.mdm.status["TokenUpdate"].append(410)

    shown = await bench.act(mac["serial_number"], "log-in", user="anna")

    assert (shown["state"], shown["users"]) == ("enrolled", ["anna"])
    assert by_user(bench) == []
    assert "the MDM does not manage the user anna" in [one["about"] for one in shown["life"]]


async def test_without_the_capability_there_is_no_channel(bench: Bench) -> None:
    device = await bench.device("Mac")

    await bench.act(device["serial_number"], "log-in", user="anna")

    assert not any("UserID" in one for one in bench.mdm.check_ins)


async def test_only_a_mac_or_shared_ipad_is_logged_in_to_and_by_somebody(bench: Bench) -> None:
    device = await bench.device("iPad")
    path = f"/simulated-devices/{device['serial_number']}/log-in"

    status, problem = await bench.ask("POST", path, {"user": "anna"})
    nobody, _ = await bench.ask("POST", path, {})

    assert (status, nobody) == (409, 400)
    assert "is no Mac and no Shared iPad" in problem["detail"]
    assert "is_multi_user" in problem["detail"]


async def test_the_users_channel_ends_with_the_enrolment(bench: Bench, mac: Any) -> None:
    await bench.act(mac["serial_number"], "log-in", user="anna")

    shown = await bench.act(mac["serial_number"], "unenrol")

    assert (shown["state"], shown["users"]) == ("activated", [])


async def test_people_of_a_shared_ipad_take_turns_under_one_id(bench: Bench) -> None:
    bench.mdm.mdm["ServerCapabilities"] = PER_USER
    ipad = await bench.device("iPad", is_multi_user=True)
    serial, udid = ipad["serial_number"], ipad["udid"]
    anna, ben = "anna@school.example", "ben@school.example"

    await bench.act(serial, "log-in", user=anna)
    await bench.act(serial, "log-in", user=ben)
    of_anna = bench.mdm.queue_command(f"{udid}/{anna}", "ProfileList")
    of_ben = bench.mdm.queue_command(f"{udid}/{ben}", "InstallProfile", Payload=profile("com.x"))
    late = bench.mdm.queue_command(f"{udid}/{ben}", "CertificateList")
    await bench.act(serial, "poll")
    before = list(bench.mdm.results)
    await bench.act(serial, "log-in", user=anna)
    shared = await bench.run(udid, serial, "DeviceInformation", Queries=["IsMultiUser"])
    configured = await bench.run(
        udid, serial, "Settings", Settings=[{"Item": "AppAnalytics", "Enabled": True}]
    )
    findings = await bench.call("GET", "/exchanges?finding=device-platform")

    device, *updates = [one for one in bench.mdm.check_ins if one["MessageType"] == "TokenUpdate"]
    assert "UnlockToken" not in device
    assert [one["UserShortName"] for one in updates] == [anna, ben, anna]
    assert {one["UserID"] for one in updates} == {"FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"}
    assert not {"UserLongName", "NotOnConsole"} & set(updates[0])
    assert updates[0]["Token"] == updates[2]["Token"] != updates[1]["Token"]
    assert bench.mdm.result(of_ben)["Status"] == "Acknowledged"
    assert bench.mdm.result(late)["Status"] == "Error"  # not for this channel
    assert of_anna not in [one.get("CommandUUID") for one in before]
    assert bench.mdm.result(of_anna)["ProfileList"] == []
    assert shared["QueryResponses"] == {"IsMultiUser": True}
    assert [one["Status"] for one in configured["Settings"]] == ["Acknowledged"]
    assert [one["at"] for each in findings["exchanges"] for one in each["findings"]] == [
        "/Command/RequestType"
    ]


CHALLENGE = 'Digest realm="school", nonce="n-1"'
ANSWER = (
    'Digest username="anna", realm="school", nonce="n-1", uri="/checkin", '
    'response="1177fc218cbfd847c6114043d48981d1"'
)
"""By hand: MD5 of anna:school:pass, n-1 and PUT:/checkin, as RFC 2617 has it."""


async def test_the_password_of_a_network_account_is_checked_by_the_mdm(
    bench: Bench, mac: Any
) -> None:
    bench.mdm.answers["UserAuthenticate"] = [{"DigestChallenge": CHALLENGE}, {"AuthToken": "t-1"}]

    await bench.act(mac["serial_number"], "log-in", user="anna", password="pass")

    first, second, update = bench.mdm.check_ins[-3:]
    listed = await bench.call("GET", "/exchanges?operation=device.user_authenticate")
    whole = [await bench.call("GET", f"/exchanges/{one['seq']}") for one in listed["exchanges"]]
    assert set(first) == {"MessageType", "UDID", "UserID"}
    assert second == first | {"DigestResponse": ANSWER}
    assert (update["UserID"], update["AuthToken"]) == (first["UserID"], "t-1")
    assert by_user(bench)[-1]["AuthToken"] == "t-1"
    assert len(whole) == 2
    assert not any(secret in str(whole) for secret in (CHALLENGE, ANSWER[-33:-1], "t-1<"))


@pytest.mark.parametrize(
    ("answers", "said", "has_channel"),
    [
        ([{"DigestChallenge": ""}], "", True),
        ([410], "the MDM does not manage the user anna", False),
        ([401], "the MDM does not manage the user anna", False),
        ([500], "UserAuthenticate was answered with 500", False),
        ([{}], "UserAuthenticate was answered wrongly: DigestChallenge is missing", False),
        (
            [{"DigestChallenge": 1}],
            "UserAuthenticate was answered wrongly: DigestChallenge is an integer",
            False,
        ),
        (
            [{"DigestChallenge": "n"}, {"AuthToken": ""}],
            "the MDM refuses the password of anna",
            False,
        ),
    ],
)
async def test_an_mdm_may_want_no_token_or_refuse_the_account(
    bench: Bench, mac: Any, answers: list[Any], said: str, *, has_channel: bool
) -> None:
    for one in answers:
        where = bench.mdm.status if isinstance(one, int) else bench.mdm.answers
        where["UserAuthenticate"].append(one)

    shown = await bench.act(mac["serial_number"], "log-in", user="anna", password="wrong")

    assert shown["state"] == "enrolled"
    assert bool(by_user(bench)) == has_channel
    assert not any("AuthToken" in one for one in bench.mdm.check_ins)
    assert said in ["", *(one["about"] for one in shown["life"])]


async def test_a_shared_ipad_knows_no_passwords(bench: Bench) -> None:
    ipad = await bench.device("iPad", is_multi_user=True)
    path = f"/simulated-devices/{ipad['serial_number']}/log-in"

    status, problem = await bench.ask("POST", path, {"user": "anna", "password": "x"})

    assert (status, problem["detail"]) == (
        409,
        "password is for network accounts of Macs: leave it out",
    )


async def test_accounts_are_listed_logged_out_and_deleted(bench: Bench) -> None:
    bench.mdm.mdm["ServerCapabilities"] = PER_USER
    ipad = await bench.device("iPad", is_multi_user=True)
    serial, udid = ipad["serial_number"], ipad["udid"]
    for name in ("anna", "ben"):
        await bench.act(serial, "log-in", user=name)
    token = bench.mdm.check_ins[-1]["Token"].hex()

    async def codes(**values: Any) -> list[int]:
        result = await bench.run(udid, serial, "DeleteUser", **values)
        return [one["ErrorCode"] for one in result.get("ErrorChain", [])]

    listed = await bench.run(udid, serial, "UserList")
    refused = [await codes(UserName="carla"), await codes(UserName="ben")]
    malformed = await bench.run(udid, serial, "DeleteUser")
    await bench.run(udid, serial, "LogOutUser")
    deleted = [await codes(UserName="ben"), await codes(DeleteAllUsers=True)]
    left = await bench.run(udid, serial, "UserList")
    tokens = (await bench.call("GET", "/push-tokens"))["push_tokens"]

    assert listed["Users"] == [
        {"UserName": "anna", "IsLoggedIn": False, "HasDataToSync": False, "DataUsed": 0},
        {"UserName": "ben", "IsLoggedIn": True, "HasDataToSync": False, "DataUsed": 0},
    ]
    assert refused == [[12071], [12072]]
    assert malformed["Status"] == "CommandFormatError"
    assert (deleted, left["Users"]) == ([[], []], [])
    assert next(one for one in tokens if one["token"] == token)["state"] == "unregistered"


async def test_a_mac_lists_its_users_and_their_channel_sleeps_when_they_log_out(
    bench: Bench, mac: Any
) -> None:
    serial, udid = mac["serial_number"], mac["udid"]
    await bench.act(serial, "log-in", user="anna")
    user = bench.mdm.check_ins[-1]
    asked = bench.mdm.queue_command(f"{udid}/anna", "DeviceInformation", Queries=["PushToken"])
    await bench.act(serial, "poll")
    active = await bench.run(udid, serial, "DeviceInformation", Queries=["ActiveManagedUsers"])
    listed = await bench.run(udid, serial, "UserList")
    before = len(by_user(bench))

    await bench.act(serial, "log-out", user="anna")
    gone = await bench.run(udid, serial, "DeviceInformation", Queries=["ActiveManagedUsers"])
    status, problem = await bench.ask(
        "POST", f"/simulated-devices/{serial}/log-out", {"user": "ben"}
    )

    assert bench.mdm.result(asked)["QueryResponses"] == {"PushToken": user["Token"]}
    assert active["QueryResponses"] == {"ActiveManagedUsers": [user["UserID"]]}
    assert listed["Users"] == [
        {
            "UserName": "anna",
            "IsLoggedIn": True,
            "FullName": "Anna",
            "UID": 501,
            "UserGUID": user["UserID"],
            "MobileAccount": False,
            "HasSecureToken": True,
        }
    ]
    assert gone["QueryResponses"] == {"ActiveManagedUsers": []}
    assert len(by_user(bench)) == before
    assert (status, problem["detail"]) == (
        409,
        f"ben has no account on {serial}; there is anna",
    )


async def test_the_password_of_an_administrator_that_setup_made_is_changed(bench: Bench) -> None:
    device = await bench.device("Mac", await_device_configured=True)
    serial, udid = device["serial_number"], device["udid"]
    hash_ = {"passwordHash": b"hash"}

    accounts = [{"shortName": "admin", **hash_}]
    await bench.run(udid, serial, "AccountConfiguration", AutoSetupAdminAccounts=accounts)
    made = await bench.run(udid, serial, "DeviceInformation", Queries=["AutoSetupAdminAccounts"])
    (account,) = made["QueryResponses"]["AutoSetupAdminAccounts"]
    changed = await bench.run(udid, serial, "SetAutoAdminPassword", GUID=account["GUID"], **hash_)
    unknown = await bench.run(udid, serial, "SetAutoAdminPassword", GUID="none", **hash_)

    assert account["shortName"] == "admin"
    assert (changed["Status"], unknown["Status"]) == ("Acknowledged", "Error")
