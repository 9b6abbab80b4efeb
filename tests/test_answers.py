"""A good call of every operation of DEP and of Apps and Books answers documented fields only.

They come in the order of their rows.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from simulator import services
from simulator.protocol.fields import Field, Table, span
from simulator.services.dep import rosters
from simulator.services.fleet import portal
from simulator.services.organisations import change_organisation
from simulator.services.vpp.domain import portal as vpp_portal
from simulator.services.vpp.domain.subscriptions import Subscription
from tests.apple import AGENT, Answer, Apple, hardware, request
from tests.disclosure.made_up import provider_token
from tests.vpp import APP, BOOK, HOOK, MDM, Vpp, wanted

DepCall = Callable[[Apple, int], Answer]
VppCall = Callable[[Vpp], Answer]
CATALOGUE = services.load()
SEATS = 2_000_000_001
DISCOVERY = {"mdm_service_discovery_url": "https://mdm.example.com/discovery"}
PROFILE = {"profile_name": "P", "url": "https://mdm.example.com/enroll", "devices": ["SN1"]}
NO_SUCCESS = {"vpp1.associate_licence", "vpp1.disassociate_licence"}
"""Always refused, as Apple took them out of service."""


def dep_world() -> Apple:
    """Return a DEP server with a device of every kind."""
    apple = Apple()
    facts: dict[str, Any] = {
        "mdm_migration_deadline": "2026-05-01T00:00:00Z",
        "imei": ["1"],
        "eid": "2",
    }
    apple.add("SN1", "SN2", "SN3", **facts)
    swap = hardware("SN4", **facts)
    apple.home(lambda home: portal.replace_device(home, "SN3", swap, by="x@acme.example", now_ms=1))
    apple.run(lambda state: change_organisation(state, "acme", org_type="edu"))
    for kind in rosters.KINDS:
        enrol(apple, kind, "R-1")
    return apple


def enrol(apple: Apple, kind: rosters.Kind, key: str) -> None:
    record = {"unique_identifier": key, "name": "A name", "status": "Active"}
    apple.home(lambda home: rosters.write(home, kind, [record], apple.now_ms))


def vpp_world() -> Vpp:
    """Return a location with something of everything that can be listed."""
    apple = Vpp()
    apple.v2("POST", "/client/config", HOOK | {"mdmInfo": MDM})
    apple.v2("POST", "/subscriptions/enable")
    for client in ("u-1", "u-2"):
        apple.create(client, managedAppleId=f"{client}@acme.example")
    apple.associate(APP, users=["u-1"], serials=["C1"])
    one = Subscription(SEATS, None, "ACTIVE", apple.now_ms + 10**9, 3, 1)
    apple.home(lambda home: vpp_portal.add_subscription(home, "hq", one, now_ms=apple.now_ms))
    for verb in ("associate", "admins/add"):
        seats(verb, "u-1")(apple)
    return apple


def dep(method: str, path: str, body: Any = None) -> DepCall:
    return lambda apple, version: apple.call(
        method, path, body, session=apple.session(), version=version
    )


def with_profile(method: str, path: str, body: Any = None) -> DepCall:
    """Call DEP with the uuid of a profile in place of UUID, and in the body."""

    def call(apple: Apple, version: int) -> Answer:
        uuid = dep("POST", "/profile", PROFILE)(apple, version).json["profile_uuid"]
        named = body and body | {"profile_uuid": uuid}
        return dep(method, path.replace("UUID", uuid), named)(apple, version)

    return call


def with_cursor(apple: Apple, version: int) -> Answer:
    cursor = dep("POST", "/server/devices", {})(apple, version).json["cursor"]
    apple.add("SN5", events=True)
    return dep("POST", "/devices/sync", {"cursor": cursor})(apple, version)


def with_roster(path: str, kind: rosters.Kind) -> DepCall:
    """Sync a roster in which one record came since."""

    def call(apple: Apple, version: int) -> Answer:
        cursor = dep("POST", path, {})(apple, version).json["cursor"]
        enrol(apple, kind, "R-2")
        return dep("POST", f"{path}/sync", {"cursor": cursor})(apple, version)

    return call


def with_discovery(method: str) -> DepCall:
    def call(apple: Apple, version: int) -> Answer:
        dep("POST", "/account-driven-enrollment/profile", DISCOVERY)(apple, version)
        return dep(method, "/account-driven-enrollment/profile")(apple, version)

    return call


def v1(name: str, **body: Any) -> VppCall:
    return lambda apple: apple.v1(name, body)


def v2(method: str, path: str, body: Any = None) -> VppCall:
    return lambda apple: apple.v2(method, path, body)


def seats(verb: str, client: str) -> VppCall:
    body = {"adamIds": [SEATS], "clientUserIds": [client]}
    return v2("POST", f"/subscriptions/{verb}", body)


def with_event(apple: Vpp) -> Answer:
    event = apple.v2("POST", "/users/create", {"users": [{"clientUserId": "u-9"}]}).json["eventId"]
    return apple.v2("GET", "/status", eventId=event)


def catalogued(path: str, **query: str) -> VppCall:
    def call(apple: Vpp) -> Answer:
        headers = [("Host", "api.ent.apple.com"), ("User-Agent", AGENT)]
        headers += [("Authorization", f"Bearer {provider_token()}")]
        headers += [("Cookie", f"itvt={apple.stoken}")]
        sent = "&".join(f"{name}={value}" for name, value in query.items())
        return apple.send(request("GET", f"{path}?{sent}", headers))

    return call


DEP: Mapping[str, DepCall] = {
    "dep.account": dep("GET", "/account"),
    "dep.depsim_token": lambda *_: Apple(dialect="depsim").call("GET", "/token"),
    "dep.discovery_set": dep("POST", "/account-driven-enrollment/profile", DISCOVERY),
    "dep.discovery": with_discovery("GET"),
    "dep.discovery_delete": with_discovery("DELETE"),
    "dep.lock": dep("POST", "/device/activationlock", {"device": "SN1", "lost_message": "Lost"}),
    "dep.assign": with_profile("PUT", "/profile/devices", {"devices": ["SN1", "SN2"]}),
    "dep.clear": with_profile("DELETE", "/profile/devices", {"devices": ["SN1"]}),
    "dep.beta_tokens": dep("GET", "/os-beta-enrollment/tokens"),
    "dep.fetch": dep("POST", "/server/devices", {"limit": 100}),
    "dep.sync": with_cursor,
    "dep.details": dep("POST", "/devices", {"devices": ["SN1", "SN4"]}),
    "dep.disown": dep("POST", "/devices/disown", {"devices": ["SN2"]}),
    "dep.define": dep("POST", "/profile", PROFILE),
    "dep.profile": with_profile("GET", "/profile?profile_uuid=UUID"),
    "dep.replacement": dep("GET", "/device/replacementDetails?device=SN4"),
    "dep.roster_classes": dep("POST", "/roster/class", {}),
    "dep.roster_classes_sync": with_roster("/roster/class", "class"),
    "dep.roster_persons": dep("POST", "/roster/class/person", {}),
    "dep.roster_persons_sync": with_roster("/roster/class/person", "person"),
    "dep.roster_locations": dep("POST", "/roster/class/location", {}),
    "dep.roster_locations_sync": with_roster("/roster/class/location", "location"),
    "dep.roster_courses": dep("POST", "/roster/course", {}),
    "dep.roster_courses_sync": with_roster("/roster/course", "course"),
}
VPP: Mapping[str, VppCall] = {
    "vpp.lookup": catalogued(
        "/WebObjects/MZStorePlatform.woa/wa/lookup",
        version="2",
        p="mdm-lockup",
        caller="MDM",
        cc="de",
        l="en",
        id=APP,
    ),
    "vpp.apps": catalogued("/v1/catalog/us/stoken-authenticated-apps", ids=APP, platform="iphone"),
    "vpp.books": catalogued("/v1/catalog/us/stoken-authenticated-books", ids=BOOK),
    "vpp.purchases": catalogued(
        "/v1/catalog/us/stoken-authenticated-purchases", **{"ids[apps]": APP, "ids[books]": BOOK}
    ),
    "vpp1.get_stoken": lambda _: Vpp(dialect="depsim").send(
        request("GET", "/internal/get_stoken", [("Host", "localhost")])
    ),
    "vpp1.service_config": v1("VPPServiceConfigSrv"),
    "vpp1.config": v1("VPPClientConfigSrv", clientContext="c"),
    "vpp1.licences": v1("getVPPLicensesSrv"),
    "vpp1.assets": v1("getVPPAssetsSrv", includeLicenseCounts=True),
    "vpp1.assignments": v1("getAssignments"),
    "vpp1.manage": v1(
        "manageVPPLicensesByAdamIdSrv",
        adamIdStr=APP,
        pricingParam="STDQ",
        associateSerialNumbers=["C2"],
    ),
    "vpp1.user": v1("getVPPUserSrv", clientUserIdStr="u-1"),
    "vpp1.users": v1("getVPPUsersSrv"),
    "vpp1.register": v1("registerVPPUserSrv", clientUserIdStr="u-3", email="c@acme.example"),
    "vpp1.edit": v1("editVPPUserSrv", clientUserIdStr="u-1", email="d@acme.example"),
    "vpp1.retire": v1("retireVPPUserSrv", clientUserIdStr="u-2"),
    "vpp2.assets": v2("GET", "/assets"),
    "vpp2.assignments": v2("GET", "/assignments"),
    "vpp2.service_config": v2("GET", "/service/config"),
    "vpp2.read_config": v2("GET", "/client/config"),
    "vpp2.config": v2("POST", "/client/config", HOOK),
    "vpp2.associate": v2("POST", "/assets/associate", wanted([BOOK], ["u-1"], ())),
    "vpp2.disassociate": v2("POST", "/assets/disassociate", wanted([APP], (), ["C1"])),
    "vpp2.revoke": v2("POST", "/assets/revoke", {"serialNumbers": ["C1"]}),
    "vpp2.status": with_event,
    "vpp2.associate_subscriptions": seats("associate", "u-2"),
    "vpp2.disassociate_subscriptions": seats("disassociate", "u-1"),
    "vpp2.enable_subscriptions": v2("POST", "/subscriptions/enable"),
    "vpp2.disable_subscriptions": lambda _: Vpp().v2("POST", "/subscriptions/disable"),
    "vpp2.add_subscription_admins": seats("admins/add", "u-2"),
    "vpp2.remove_subscription_admins": seats("admins/remove", "u-1"),
    "vpp2.subscriptions": v2("GET", "/subscriptions"),
    "vpp2.subscription_assignments": v2("GET", "/subscriptions/assignments"),
    "vpp2.subscription_admins": v2("GET", "/subscriptions/admins"),
    "vpp2.users": v2("GET", "/users"),
    "vpp2.create_users": v2("POST", "/users/create", {"users": [{"clientUserId": "u-7"}]}),
    "vpp2.update_users": v2(
        "POST", "/users/update", {"users": [{"clientUserId": "u-1", "email": "e@acme.example"}]}
    ),
    "vpp2.retire_users": v2("POST", "/users/retire", {"users": [{"clientUserId": "u-2"}]}),
}


def undocumented(message: Any, rows: tuple[Field, ...], version: int) -> Iterator[str]:
    """Yield what of *message* no row of that version speaks of, however deep."""
    for one in message if isinstance(message, list) else [message]:
        if not isinstance(one, dict):
            continue
        known = {
            row.name: row
            for row in rows
            if not version or span(row.versions)[0] <= version <= span(row.versions)[1]
        }
        for name, value in one.items():
            if name not in known:
                yield name
                continue
            row = known[name]
            if not isinstance(row, Table):
                inner = getattr(row, "fields", ())
                found = undocumented(value, inner, version) if inner else ()
                yield from (f"{name}/{below}" for below in found)


def test_every_operation_has_a_good_call() -> None:
    both = {one.name for one in CATALOGUE.operations.values() if one.service in ("dep", "vpp")}

    # That of a session is no JSON of rows: tests/services/dep/test_session.py has it.
    assert {*DEP, *VPP} | NO_SUCCESS | {"dep.session"} == both


@pytest.mark.parametrize(
    ("name", "version"),
    [
        pytest.param(name, version, id=f"{name}-{version}")
        for name in DEP
        for version in range(span(CATALOGUE.operations[name].versions)[0], 11)
    ],
)
def test_dep_answers_documented_fields_of_that_version_only(name: str, version: int) -> None:
    check(name, DEP[name](dep_world(), version), version)


@pytest.mark.parametrize("name", VPP)
def test_apps_and_books_answers_documented_fields_only(name: str) -> None:
    check(name, VPP[name](vpp_world()), 0)


def check(name: str, answer: Answer, version: int) -> None:
    assert (answer.status, answer.exchange.operation) == (200, name), answer.text
    assert answer.exchange.error == "", answer.text
    if answer.response.body:
        rows = CATALOGUE.operations[name].response
        assert list(undocumented(answer.json, rows, version)) == []
        assert [*answer.json] == [row.name for row in rows if row.name in answer.json]
