"""Keys of answers come in the order in which others have captured them.

The orders are facts of published captures (PE 2025, MM 2018, ZE, FL); keys of ours that a capture
lacks, and those of a capture that a world has no value for, do not count. That every answer keeps
to the order of its rows is held by tests/test_answers.py.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.apple import AGENT, Apple, request
from tests.test_answers import DEP, PROFILE, VPP, dep_world, vpp_world
from tests.vpp import APP, Vpp

Orders = Mapping[str, str]
_PAGE = "devices fetched_until more_to_follow cursor"
_DEVICE = (
    "serial_number description model os device_family color profile_uuid profile_assign_time "
    "profile_push_time profile_status device_assigned_by device_assigned_date"
)
_LOCATION = "locationName locationId"
_NOTIFICATION = "notification notificationId notificationType uId"
CAPTURED: Mapping[str, Orders] = {
    "dep.account": {
        "": "server_name server_uuid facilitator_id admin_id org_name org_email org_phone "
        "org_address org_id org_id_hash urls org_type org_version",
        "urls": "uri http_method",
    },
    "dep.discovery": {"": "mdm_service_discovery_url last_updated_timestamp"},
    "dep.beta_tokens": {"betaEnrollmentTokens": "token title os"},
    "dep.fetch": {"": _PAGE, "devices": _DEVICE},
    "dep.sync": {"": _PAGE, "devices": f"{_DEVICE} op_type op_date"},
    "dep.details": {
        "devices/*": f"{_DEVICE} response_status bluetooth_mac_address eid ethernet_mac_address "
        "wifi_mac_address imei meid is_replacement_device"
    },
    "dep.lock": {"": "serial_number response_status"},
    "dep.replacement": {"": "serial_number original_device_serial_number replacement_date"},
    "dep.define": {"": "profile_uuid devices"},
    "dep.profile": {
        "": "support_phone_number support_email_address department org_magic url is_supervised "
        "allow_pairing is_mandatory is_mdm_removable await_device_configured is_multi_user "
        "auto_advance_setup skip_setup_items profile_uuid profile_name"
    },
    "dep.assign": {"": "profile_uuid devices retry_after_seconds"},
    "vpp1.assets": {
        "": "uId status assets clientContext expirationMillis totalCount location",
        "assets": "assignedCount productTypeName productTypeId availableCount pricingParam "
        "retiredCount adamIdStr totalCount isIrrevocable deviceAssignable",
        "location": _LOCATION,
    },
    "vpp1.assignments": {
        "": "assignments assignmentsInCurrentPage currentPageIndex clientContext expirationMillis "
        "location requestId status totalAssignments totalPages uId",
        "assignments": "adamIdStr pricingParam serialNumber",
        "location": _LOCATION,
    },
    "vpp1.manage": {
        "": "status uId clientContext expirationMillis location associations disassociations",
        "associations": "clientUserIdStr licenseIdStr",
    },
    "vpp1.config": {
        "": "countryCode clientContext organizationId location email notificationToken uId status "
        "defaultPlatform expirationMillis organizationIdHash appleId apnToken",
        "location": _LOCATION,
    },
    "vpp1.service_config": {
        "": "getLicensesSrvUrl contentMetadataLookupUrl clientConfigSrvUrl registerUserSrvUrl "
        "getAssignmentsSrvUrl disassociateLicenseSrvUrl vppWebsiteUrl retireUserSrvUrl "
        "invitationEmailUrl editUserSrvUrl status maxBatchDisassociateLicenseCount "
        "associateLicenseSrvUrl maxBatchAssociateLicenseCount getUserSrvUrl getVPPAssetsSrvUrl "
        "manageVPPLicensesByAdamIdSrvUrl errorCodes getUsersSrvUrl",
        "errorCodes": "errorNumber errorMessage",
    },
    "vpp2.read_config": {
        "": "countryISO2ACode defaultPlatform locationName mdmInfo notificationAuthToken "
        "notificationUrl subscribedNotificationTypes tokenExpirationDate uId websiteURL",
        "mdmInfo": "id metadata name",
    },
}
FURNISHED = PROFILE | {
    "support_phone_number": "1",
    "support_email_address": "it@acme.example",
    "department": "IT",
    "org_magic": "m",
    "skip_setup_items": ["Siri"],
    "is_supervised": True,
}
"""A profile that has all that the capture has."""


def objects(message: Any, path: str) -> Iterator[Any]:
    """Yield the objects of *message* at *path*; ``*`` is every key, and an array all its items."""
    if isinstance(message, list):
        for one in message:
            yield from objects(one, path)
        return
    step, _, rest = path.partition("/")
    if not step:
        yield message
        return
    for below in message.values() if step == "*" else [message.get(step, [])]:
        yield from objects(below, rest)


def check(message: Any, orders: Orders) -> None:
    for path, captured in orders.items():
        found = list(objects(message, path))
        assert found, f"the answer has nothing at {path!r}"
        names = captured.split()
        for one in found:
            ours = [name for name in one if name in names]
            assert ours == [name for name in names if name in one], path


def dep_answer(name: str) -> Any:
    apple = dep_world()
    apple.call("POST", "/profile", FURNISHED, session=apple.session())
    if name != "dep.profile":
        return DEP[name](apple, 10).json
    made = apple.call("POST", "/profile", FURNISHED, session=apple.session()).json
    path = f"/profile?profile_uuid={made['profile_uuid']}"
    return apple.call("GET", path, session=apple.session()).json


@pytest.mark.parametrize("name", CAPTURED)
def test_keys_come_as_captured(name: str) -> None:
    answer = VPP[name](vpp_world()).json if name in VPP else dep_answer(name)

    check(answer, CAPTURED[name])


def test_every_version_gets_the_same_order() -> None:
    for version in (1, 7, 9):
        answer = DEP["dep.fetch"](dep_world(), version).json
        check(answer, CAPTURED["dep.fetch"])


def test_notifications_come_as_captured() -> None:
    apple = Vpp()
    apple.listen()
    apple.buy(APP, 1)
    apple.associate(APP, serials=["C1"])

    count, managed = apple.messages()
    check(count, {"": _NOTIFICATION, "notification": "adamId countDelta pricingParam"})
    check(
        managed,
        {
            "": _NOTIFICATION,
            "notification": "assignments eventId result type",
            "notification/assignments": "adamId pricingParam serialNumber",
        },
    )


def test_releases_come_as_captured() -> None:
    sent = [("Host", "gdmf.apple.com"), ("User-Agent", AGENT)]

    found = Apple().send(request("GET", "/v2/pmv", sent)).json

    release = (
        "ProductVersion Build ProductVersionExtra PrerequisiteBuild PostingDate ExpirationDate "
        "SupportedDevices"
    )
    orders = {"": "PublicAssetSets AssetSets PublicBackgroundSecurityImprovements"}
    check(found, orders | {f"{name}/*": release for name in orders[""].split()})
