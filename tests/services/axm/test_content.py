"""People, configurations, blueprints and the audit trail."""

from functools import partial
from typing import Any

import pytest

from simulator.services import audit
from simulator.services.axm import provisioning, seeding
from simulator.services.axm.content import MANAGED
from simulator.services.fleet import portal
from simulator.services.provisioning import Seeding
from tests.axm import Axm

PROFILE = (
    '<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict><key>PayloadContent</key>'
    "<array><dict><key>SSID</key><string>Guests</string></dict></array></dict></plist>"
)


@pytest.fixture
def axm() -> Axm:
    """A Business organisation with 7 people, apps and a package."""
    axm = Axm()
    facts = Seeding(
        organisation="acme",
        facts={"email": "it@acme.example"},
        part=None,
        seed=1,
        generate_secret=axm.random_hex,
        now_ms=axm.now_ms,
    )
    for step in seeding.people_steps(facts, 7):
        axm.run(step)
    axm.run(partial(seeding.add_content, seeding=facts))
    axm.add("SN1", "SN2")
    return axm


def configuration(axm: Axm, profile: Any = PROFILE, **more: Any) -> Any:
    values: dict[str, Any] = {"configurationProfile": profile}
    attributes = {"type": "CUSTOM_SETTING", "name": "Wi-Fi [1]", "customSettingsValues": values}
    body = {"data": {"type": "configurations", "attributes": attributes | more}}
    return axm.api("POST", "/configurations", body)


def blueprint(axm: Axm, name: str = "kiosk", **related: list[str]) -> Any:
    relationships = {
        kind: {"data": [{"type": kind, "id": one} for one in ids]} for kind, ids in related.items()
    }
    data = {
        "type": "blueprints",
        "attributes": {"name": name},
        "relationships": relationships,
    }
    return axm.api("POST", "/blueprints", {"data": data})


def test_people_are_listed_with_all_attributes(axm: Axm) -> None:
    users = axm.pages("/users", limit=3)

    assert [one["id"] for one in users] == [str(1_000_000 + number) for number in range(7)]
    attributes = users[0]["attributes"]
    assert attributes["managedAppleAccount"] == "alva.ahlgren.0@appleid.acme.example"
    assert attributes["roleOuList"] == [{"roleName": "Staff", "ouId": "1"}]
    assert attributes["phoneNumbers"] == [{"phoneNumber": "+1-555-0100", "type": "WORK"}]
    assert axm.get("/users/1000003")["data"]["attributes"]["department"] == "North"
    assert axm.api("GET", "/users/5").status == 404


@pytest.mark.parametrize("kind", ["userGroups", "organizationalUnits"])
def test_groups_and_units_list_their_users(axm: Axm, kind: str) -> None:
    rows = axm.get(f"/{kind}")["data"]

    assert [one["id"] for one in rows] == ["1", "2", "3"]
    link = rows[0]["relationships"]["users"]["links"]["self"]
    members = axm.pages(link.partition("/v1")[2], limit=2)
    assert members == [{"type": "users", "id": one} for one in ("1000000", "1000003", "1000006")]
    assert axm.get(f"/{kind}/2")["data"]["id"] == "2"
    assert axm.api("GET", f"/{kind}/9").status == 404
    assert axm.api("GET", f"/{kind}/9/relationships/users").status == 404


def test_apps_and_packages_are_listed(axm: Axm) -> None:
    apps = axm.get("/apps")["data"]
    assert apps[0]["attributes"]["supportedOS"] == ["SUPPORTED_OS_IOS", "SUPPORTED_OS_IPADOS"]
    assert axm.get(f"/apps/{apps[0]['id']}")["data"] == apps[0]
    assert axm.get("/packages/agent")["data"]["attributes"]["bundleIds"] == ["example.agent"]


def test_devices_of_the_built_in_mdm_have_details(axm: Axm) -> None:
    body = {"attributes": {"serialNumber": "SN1"}, "details": {"serialNumber": "SN1"}}
    axm.home(lambda home: home.put(MANAGED, "SN1", body))

    row = axm.get("/mdmDevices")["data"][0]
    link = row["relationships"]["details"]["links"]["related"]
    details = axm.get(link.partition("/v1")[2])["data"]
    assert (details["type"], details["id"]) == ("mdmDeviceDetails", "SN1")
    assert axm.api("GET", "/mdmDevices/SN2/details").status == 404


def test_a_configuration_is_made_changed_and_deleted(axm: Axm) -> None:
    made = configuration(axm)
    identifier = made.json["data"]["id"]
    path = f"/configurations/{identifier}"

    assert made.status == 201
    values = axm.get(path)["data"]["attributes"]["customSettingsValues"]
    assert values == {
        "configurationProfile": PROFILE,
        "filename": f"{identifier}.mobileconfig",
    }
    assert axm.get("/configurations")["data"][0]["attributes"]["customSettingsValues"] is None
    axm.advance(10)
    change = {
        "data": {"type": "configurations", "id": identifier, "attributes": {"name": "Renamed"}}
    }
    changed = axm.api("PATCH", path, change).json["data"]["attributes"]
    assert changed["name"] == "Renamed"
    assert changed["customSettingsValues"] == values
    assert changed["updatedDateTime"] > changed["createdDateTime"]
    assert axm.api("DELETE", path).status == 204
    assert axm.api("GET", path).status == 404


def test_a_page_of_configurations_ends_once_their_profiles_have_a_million_characters(
    axm: Axm,
) -> None:
    large = PROFILE.replace("Guests", "x" * 600_000)
    made = [configuration(axm, profile).json["data"]["id"] for profile in [large] * 3]

    first = axm.get("/configurations")

    assert [one["id"] for one in first["data"]] == sorted(made)[:2]
    assert [one["id"] for one in axm.pages("/configurations")] == sorted(made)


@pytest.mark.parametrize(
    ("more", "status", "at"),
    [
        ({"type": "WIFI"}, 409, "type"),
        ({"type": None}, 400, "type"),
        ({"name": None}, 400, "name"),
        ({"name": " "}, 409, "name"),
        ({"customSettingsValues": None}, 400, "customSettingsValues"),
        ({"configuredForPlatforms": ["PLATFORM_DOS"]}, 409, "configuredForPlatforms"),
    ],
)
def test_a_wrong_configuration_is_refused(
    axm: Axm, more: dict[str, Any], status: int, at: str
) -> None:
    answer = configuration(axm, **more)

    assert axm.error(answer)[::2] == (status, {"pointer": f"/data/attributes/{at}"})
    assert axm.get("/configurations")["data"] == []


@pytest.mark.parametrize(
    "profile",
    [
        "PD94bWwgdmVyc2lvbj0iMS4wIj8+",
        PROFILE.replace("PayloadContent", "Other"),
        '<plist version="1.0"><dict><key>PayloadContent</key><array/></dict></plist>',
        "<plist><dict>",
        '<plist version="1.0"><array/></plist>',
        "",
    ],
)
def test_what_is_no_profile_as_xml_text_is_refused(axm: Axm, profile: str) -> None:
    answer = configuration(axm, profile)

    assert axm.error(answer) == (
        400,
        "PARAMETER_ERROR.INVALID",
        {"pointer": "/data/attributes/customSettingsValues/configurationProfile"},
    )
    # By its row, which is looked at beside the writer: a large profile takes a quarter of a second.
    assert answer.rules == ["field-invalid"]


def test_what_is_no_profile_is_taken_where_nothing_is_refused() -> None:
    with Axm(strictness="observe") as axm:
        answer = configuration(axm, "<plist><dict>")

    assert (answer.status, answer.rules) == (201, ["field-invalid"])


def test_a_profile_is_not_on_record(axm: Axm) -> None:
    made = configuration(axm).json["data"]["id"]
    blueprint(axm, configurations=[made], orgDevices=["SN1"])
    axm.get(f"/configurations/{made}")
    axm.get("/blueprints", include="configurations")

    assert "Guests" not in "".join(map(repr, axm.recorded))


def test_a_profile_is_looked_into_as_it_comes_and_not_as_it_goes_back(axm: Axm) -> None:
    exchange = configuration(axm, PROFILE.replace("Guests", "at 10.1.2.3")).exchange

    assert exchange.response is not None
    sent, answered = exchange.request.body, exchange.response.body
    assert (b"value:ip-address" in sent, b"value:ip-address" in answered) == (True, False)
    assert (b"10.1.2.3" in sent, b"10.1.2.3" in answered) == (False, False)


def test_a_blueprint_needs_content_and_members(axm: Axm) -> None:
    made = configuration(axm).json["data"]["id"]

    assert axm.error(blueprint(axm))[:2] == (409, "MISSING_RESOURCES")
    assert axm.error(blueprint(axm, orgDevices=["SN1"]))[:2] == (409, "MISSING_RESOURCES")
    assert axm.error(blueprint(axm, configurations=[made]))[:2] == (409, "MISSING_MEMBERS")
    unknown = blueprint(axm, configurations=[made], orgDevices=["NOPE"])
    assert axm.error(unknown)[:2] == (409, "MISSING_MEMBERS")
    assert blueprint(axm, configurations=[made], users=["1000001"]).status == 201


@pytest.mark.parametrize("name", ["two words", "a[1]", "ü"])
def test_a_blueprint_has_a_plain_name(axm: Axm, name: str) -> None:
    answer = blueprint(axm, name, apps=["1000000000"], orgDevices=["SN1"])

    pointer = {"pointer": "/data/attributes/name"}
    assert axm.error(answer) == (409, "ENTITY_ERROR.ATTRIBUTE.INVALID", pointer)


def test_a_blueprint_shows_what_include_and_limit_ask_for(axm: Axm) -> None:
    made = blueprint(axm, apps=["1000000000", "1000000001"], orgDevices=["SN1", "SN2"]).json
    path = f"/blueprints/{made['data']['id']}"

    plain = axm.get(path)
    assert "included" not in plain
    assert set(plain["data"]["relationships"]["apps"]) == {"links"}
    query: dict[str, Any] = {"include": "apps,orgDevices", "limit[apps]": "1"}
    shown = axm.get(path, **query)
    assert shown["data"]["relationships"]["apps"]["data"] == [{"type": "apps", "id": "1000000000"}]
    kinds = [(one["type"], one["id"]) for one in shown["included"]]
    assert kinds == [("apps", "1000000000"), ("orgDevices", "SN1"), ("orgDevices", "SN2")]
    wrong: list[dict[str, Any]] = [{"include": "owners"}, {"limit[apps]": "51"}]
    for bad in wrong:
        assert axm.error(axm.api("GET", path, **bad))[1] == "PARAMETER_ERROR.INVALID"


def test_relationships_grow_and_shrink(axm: Axm) -> None:
    made = blueprint(axm, apps=["1000000000"], orgDevices=["SN1"]).json["data"]["id"]
    path = f"/blueprints/{made}/relationships/orgDevices"

    def ids(*serials: str) -> dict[str, Any]:
        return {"data": [{"type": "orgDevices", "id": one} for one in serials]}

    assert axm.api("POST", path, ids("SN2", "NOPE")).status == 204
    assert axm.get(path)["data"] == ids("SN1", "SN2")["data"]
    assert axm.api("DELETE", path, ids("SN1")).status == 204
    assert axm.get(path)["data"] == ids("SN2")["data"]
    assert axm.error(axm.api("DELETE", path, ids("SN2")))[:2] == (409, "MISSING_MEMBERS")
    wrong = axm.api("POST", path, {"data": [{"type": "users", "id": "1"}]})
    assert axm.error(wrong)[:2] == (409, "ENTITY_ERROR.RELATIONSHIP.INVALID")
    replaced = axm.api("PATCH", path, ids("SN1"))
    assert axm.error(replaced)[:2] == (403, "FORBIDDEN_ERROR")
    assert "'REPLACE'" in replaced.json["errors"][0]["detail"]
    assert axm.api("GET", path.replace("orgDevices", "owners")).status == 404


def test_a_released_device_leaves_its_blueprints(axm: Axm) -> None:
    made = blueprint(axm, apps=["1000000000"], orgDevices=["SN1", "SN2"]).json["data"]["id"]
    axm.done(axm.order("RELEASE_DEVICES", "SN1"))

    left = axm.get(f"/blueprints/{made}/relationships/orgDevices")["data"]
    assert left == [{"type": "orgDevices", "id": "SN2"}]


def test_a_blueprint_is_changed_and_deleted(axm: Axm) -> None:
    config = configuration(axm).json["data"]["id"]
    made = blueprint(axm, configurations=[config], orgDevices=["SN1"]).json["data"]["id"]
    data = {"type": "blueprints", "id": made, "attributes": {"description": "For the hall"}}

    held = axm.api("DELETE", f"/configurations/{config}")
    assert axm.error(held)[:2] == (409, "STATE_ERROR")
    changed = axm.api("PATCH", f"/blueprints/{made}", {"data": data}).json["data"]["attributes"]
    assert (changed["name"], changed["description"]) == ("kiosk", "For the hall")
    assert axm.api("DELETE", f"/blueprints/{made}").status == 204
    assert axm.api("GET", f"/blueprints/{made}").status == 404
    assert axm.api("DELETE", f"/configurations/{config}").status == 204


def events(axm: Axm, start: str = "2026-03-01T00:00:00Z", **more: str) -> list[Any]:
    query: dict[str, Any] = {
        "filter[startTimestamp]": start,
        "filter[endTimestamp]": "2026-04-01T00:00:00Z",
    }
    return axm.pages(
        "/auditEvents", **query, limit=2, **{f"filter[{k}]": v for k, v in more.items()}
    )


def test_what_the_api_does_is_in_the_trail(axm: Axm) -> None:
    axm.done(axm.order("ASSIGN_DEVICES", "SN1", server="b"))
    axm.done(axm.order("RELEASE_DEVICES", "SN1"))
    made = configuration(axm).json["data"]["id"]
    blueprint(axm, configurations=[made], orgDevices=["SN2"])

    found = [one["attributes"] for one in events(axm, actorId=axm.account.client_id)]
    assert [one["type"] for one in found] == [
        "DEVICE_ASSIGNED_TO_SERVER",
        "DEVICE_REMOVED_FROM_ORG",
        "CONFIG_SETTINGS_CREATED",
        "COLLECTION_CREATED",
    ]
    assert {one["actorType"] for one in found} == {"API_USER"}
    assert found[0]["eventDataPropertyKey"] == "eventDataDeviceAssignedToServer"
    assert found[0]["eventDataDeviceAssignedToServer"] == {
        "serialNumber": "SN1",
        "targetServerName": "Server b",
    }
    assert found[1]["eventDataDeviceRemovedFromOrg"] == {
        "serialNumber": "SN1",
        "releaseEntityId": axm.account.client_id,
        "releaseEntityType": "API",
    }


def test_what_the_portal_and_dep_do_is_in_the_trail(axm: Axm) -> None:
    axm.add("SN9", events=True)
    axm.home(lambda h: portal.unassign(h, "SN9", now_ms=axm.now_ms, actor=audit.Actor.user("a@b")))
    axm.call("POST", "/devices/disown", {"devices": ["SN1"]}, session=axm.session())

    kinds = {one["attributes"]["type"]: one["attributes"] for one in events(axm)}
    assert kinds["DEVICE_ADDED_TO_ORG"]["actorType"] == "USER"
    assert kinds["DEVICE_UNASSIGNED_FROM_SERVER"]["actorId"] == "a@b"
    gone = kinds["DEVICE_REMOVED_FROM_ORG"]["eventDataDeviceRemovedFromOrg"]
    assert gone["releaseEntityType"] == "MDM"
    assert kinds["API_ACCOUNT_CREATED_WITH_KEY"]["eventDataApiAccountCreatedWithKey"]["keyId"]


def test_filters_narrow_the_trail(axm: Axm) -> None:
    axm.done(axm.order("ASSIGN_DEVICES", "SN1", "SN2", server="b"))

    assert len(events(axm, type="DEVICE_ASSIGNED_TO_SERVER")) == 2
    assert len(events(axm, type="DEVICE_ASSIGNED_TO_SERVER", subjectId="SN2")) == 1
    assert events(axm, subjectId="NOPE") == []
    assert events(axm, start="2026-03-02T00:00:00Z") == []


@pytest.mark.parametrize("name", ["startTimestamp", "endTimestamp"])
def test_a_time_is_required(axm: Axm, name: str) -> None:
    query: dict[str, Any] = {"filter[startTimestamp]": "2026-03-01T00:00:00Z"}
    query["filter[endTimestamp]"] = "2026-03-02T00:00:00Z"
    at = f"filter[{name}]"
    missing = axm.api("GET", "/auditEvents", **{k: v for k, v in query.items() if k != at})
    wrong = axm.api("GET", "/auditEvents", **(query | {at: "yesterday"}))

    assert axm.error(missing) == (400, "PARAMETER_ERROR.REQUIRED", {"parameter": at})
    assert axm.error(wrong) == (400, "PARAMETER_ERROR.INVALID", {"parameter": at})


def test_an_end_before_the_start_gives_nothing(axm: Axm) -> None:
    query: dict[str, Any] = {
        "filter[startTimestamp]": "2026-04-25T00:00:00Z",
        "filter[endTimestamp]": "2025-04-25T00:00:00Z",
    }
    assert axm.get("/auditEvents", **query)["data"] == []


def test_the_world_seeds_what_it_says() -> None:
    part = provisioning.AxmPart((provisioning.AxmAccount("one", "One", "school", "AUDITOR"),), 3)
    axm = Axm()
    facts = Seeding(
        organisation="acme",
        facts={"email": "it@acme.example"},
        part=part,
        seed=1,
        generate_secret=axm.random_hex,
        now_ms=axm.now_ms,
    )
    for seed in (provisioning.PROVISIONING.seed_timeless, provisioning.PROVISIONING.seed):
        for step in seed(facts):
            axm.run(step)

    entries = {
        held.id: held.entry for held in axm.run(lambda s: list(provisioning._held(s, "acme")))
    }
    assert entries["one"]["client_id"].startswith("SCHOOLAPI.")
    assert entries["one"]["scope"] == "school.api"
    assert len(axm.get("/users")["data"]) == 3
