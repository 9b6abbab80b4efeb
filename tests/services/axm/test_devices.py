"""Devices, servers and activities: what they show, and that DEP sees the same."""

import csv
import io
from contextlib import suppress
from typing import Any

import pytest

from simulator.core.state import State
from simulator.faults.faults import Fault, arm
from simulator.protocol import quirks as switches
from simulator.services.axm import devices
from simulator.services.fleet import arrivals, changes, portal
from simulator.services.fleet import devices as fleet
from tests.apple import request
from tests.axm import Axm


def switch(axm: Axm, quirk: str) -> None:
    axm.run(lambda state: switches.switch(state, quirk, "*", is_on=True))


def server_of(axm: Axm, serial: str) -> str | None:
    answer = axm.api("GET", f"/orgDevices/{serial}/relationships/assignedServer")
    if answer.status == 404:
        return None
    identifier: str = answer.json["data"]["id"]
    return identifier


def rows_of(axm: Axm, activity: Any) -> list[list[str]]:
    answer = download(axm, activity["downloadUrl"])
    assert answer.status == 200, answer.text
    return list(csv.reader(io.StringIO(answer.text)))


def download(axm: Axm, url: str) -> Any:
    host, _, path = url.removeprefix("https://").partition("/")
    return axm.send(request("GET", f"/{path}", [("Host", host)]))


def test_a_device_is_shown_with_all_that_clients_insist_on() -> None:
    axm = Axm()
    axm.add("0ZTEST0001")
    data = axm.get("/orgDevices/0ZTEST0001")["data"]

    attributes = data["attributes"]
    assert data["type"] == "orgDevices"
    assert data["id"] == "0ZTEST0001"
    assert attributes["deviceModel"] == "iPad Air"
    assert attributes["productFamily"] == "iPad"
    assert attributes["productType"] == "iPad14,8"
    assert attributes["deviceCapacity"] == "128GB"
    assert attributes["color"] == "BLUE"
    assert attributes["status"] == "ASSIGNED"
    assert attributes["addedToOrgDateTime"] == "2026-03-01T12:00:00.000Z"
    assert attributes["releasedFromOrgDateTime"] is None
    assert attributes["partNumber"].endswith("LL/A")
    assert attributes["orderDateTime"] < attributes["addedToOrgDateTime"]
    assert attributes["purchaseSourceType"] in ("APPLE", "RESELLER")
    assert set(data["relationships"]) == {
        "assignedServer",
        "appleCareCoverage",
        "activationLockStatus",
    }


def test_a_device_names_its_server_in_both_ways() -> None:
    axm = Axm()
    axm.add("SN1", server="b")

    linkage = axm.get("/orgDevices/SN1/relationships/assignedServer")
    server = axm.get("/orgDevices/SN1/assignedServer")
    assert linkage["data"] == {"type": "mdmServers", "id": axm.uuid("b")}
    assert linkage["links"]["related"].endswith("/v1/orgDevices/SN1/assignedServer")
    assert server["data"]["attributes"]["serverName"] == "Server b"


def test_coverage_and_lock_are_shown() -> None:
    axm = Axm()
    axm.add("SN1")
    warranty = axm.get("/orgDevices/SN1/appleCareCoverage")["data"][0]

    assert (warranty["type"], warranty["id"]) == ("appleCareCoverage", "SN1")
    assert warranty["attributes"]["description"] == "Limited Warranty"
    assert warranty["attributes"]["status"] == "ACTIVE"
    assert warranty["attributes"]["agreementNumber"] is None
    lock = axm.get("/orgDevices/SN1/activationLockStatus")["data"]
    assert lock == {
        "type": "activationLockStatus",
        "id": "SN1",
        "attributes": {"isLocked": False, "lockType": "NONE"},
    }


def test_a_lock_that_dep_set_is_the_mdms() -> None:
    axm = Axm()
    axm.add("SN1", device_family="iPhone", os="iOS")
    body = {"device": "SN1", "escrow_key": "", "lost_message": "x"}
    assert axm.call("POST", "/device/activationlock", body, session=axm.session()).status == 200

    lock = axm.get("/orgDevices/SN1/activationLockStatus")["data"]["attributes"]
    assert lock == {"isLocked": True, "lockType": "MDM"}


def test_what_the_portal_was_told_comes_first() -> None:
    axm = Axm()
    axm.add("SN1")
    own = {
        "attributes": {"orderNumber": "PO-7", "purchaseSourceType": "MANUALLY_ADDED"},
        "coverage": [],
        "lock": {"isLocked": True, "lockType": "USER"},
    }
    axm.home(lambda home: home.put(devices.OWN, "SN1", own))

    assert axm.get("/orgDevices/SN1")["data"]["attributes"]["orderNumber"] == "PO-7"
    assert axm.get("/orgDevices")["data"][0]["attributes"]["orderNumber"] == "PO-7"
    assert axm.get("/orgDevices/SN1/appleCareCoverage")["data"] == []
    lock = axm.get("/orgDevices/SN1/activationLockStatus")["data"]["attributes"]
    assert lock["lockType"] == "USER"


def test_one_story_bought_assigned_synced_released() -> None:
    axm = Axm()
    session = axm.session("b")
    fetched = axm.call("POST", "/server/devices", {}, session=session).json
    axm.add("SN1", events=True)

    activity = axm.done(axm.order("ASSIGN_DEVICES", "SN1", server="b"))
    assert activity["subStatus"] == "COMPLETED_WITH_SUCCESS"
    synced = axm.call("POST", "/devices/sync", {"cursor": fetched["cursor"]}, session=session).json
    assert [(one["serial_number"], one["op_type"]) for one in synced["devices"]] == [
        ("SN1", "added")
    ]
    assert [one["id"] for one in axm.pages(f"/mdmServers/{axm.uuid('b')}/relationships/devices")]

    released = axm.done(axm.order("RELEASE_DEVICES", "SN1"))
    assert released["subStatus"] == "COMPLETED_WITH_SUCCESS"
    details = axm.call("POST", "/devices", {"devices": ["SN1"]}, session=session).json
    assert details == {"devices": {"SN1": {"response_status": "NOT_ACCESSIBLE"}}}
    assert axm.call("POST", "/server/devices", {}, session=session).json["devices"] == []
    assert axm.get("/orgDevices")["data"] == []
    left = axm.get("/orgDevices/SN1")["data"]["attributes"]
    assert left["releasedFromOrgDateTime"] == "2026-03-01T12:00:06.000Z"
    assert axm.api("GET", "/orgDevices/SN1/appleCareCoverage").status == 404


def test_an_activity_goes_through_its_steps() -> None:
    axm = Axm(axm_activity_s=100)
    axm.add("SN1")
    created = axm.order("ASSIGN_DEVICES", "SN1", server="b")

    data = created.json["data"]
    assert created.status == 201
    assert created.json["links"]["self"].endswith("/v1/orgDeviceActivities")
    assert data["attributes"] == {
        "status": "IN_PROGRESS",
        "subStatus": "SUBMITTED",
        "createdDateTime": "2026-03-01T12:00:00.000Z",
    }
    steps, shown = [], {}
    for _ in range(5):
        shown = axm.get(f"/orgDeviceActivities/{data['id']}")["data"]["attributes"]
        steps.append((shown["status"], shown["subStatus"], server_of(axm, "SN1") == axm.uuid("b")))
        axm.advance(25)
    assert steps == [
        ("IN_PROGRESS", "SUBMITTED", False),
        ("IN_PROGRESS", "PRE_PROCESSING", False),
        ("IN_PROGRESS", "PROCESSING", True),
        ("IN_PROGRESS", "POST_PROCESSING", True),
        ("COMPLETED", "COMPLETED_WITH_SUCCESS", True),
    ]
    assert shown["completedDateTime"] == "2026-03-01T12:01:40.000Z"


def test_unassigning_leaves_a_device_without_a_server() -> None:
    axm = Axm()
    axm.add("SN1")
    axm.done(axm.order("UNASSIGN_DEVICES", "SN1", server="a"))

    assert server_of(axm, "SN1") is None
    assert axm.api("GET", "/orgDevices/SN1/assignedServer").status == 404
    assert axm.get("/orgDevices/SN1")["data"]["attributes"]["status"] == "UNASSIGNED"


@pytest.mark.parametrize(
    ("kind", "server", "reason"),
    [
        ("ASSIGN_DEVICES", "a", "ALREADY_ASSIGNED"),
        ("UNASSIGN_DEVICES", "b", "NOT_ASSIGNED"),
        ("CANCEL_MDM_MIGRATION", None, "NO_MIGRATION_IN_PROGRESS"),
    ],
)
def test_what_does_not_fit_fails_for_that_device_in_the_log(
    kind: str, server: str | None, reason: str
) -> None:
    axm = Axm()
    axm.add("SN1")
    activity = axm.done(axm.order(kind, "SN1", server=server))

    assert (activity["status"], activity["subStatus"]) == ("COMPLETED", "COMPLETED_WITH_ERROR")
    assert rows_of(axm, activity)[-1] == ["SN1", "FAILED", reason]


def test_a_fault_fails_the_devices_that_it_names() -> None:
    axm = Axm()
    axm.add("SN1", "SN2")
    fault = Fault("", outcome="axm.OPERATION_FAILED", given={"items": ["SN2"]})
    axm.run(lambda state: arm(state, fault))
    activity = axm.done(axm.order("ASSIGN_DEVICES", "SN1", "SN2", server="b"))

    assert rows_of(axm, activity)[2:] == [
        ["serial_number", "operation_status", "operation_substatus"],
        ["SN1", "SUCCESS", ""],
        ["SN2", "FAILED", "OPERATION_FAILED"],
    ]
    assert server_of(axm, "SN2") == axm.uuid("a")


def test_activities_of_one_moment_are_done_in_the_order_in_which_they_came() -> None:
    axm = Axm()
    axm.add("SN1")
    ordered = [axm.order("ASSIGN_DEVICES", "SN1", server=server) for server in "bababa"]

    ended = [axm.done(one)["subStatus"] for one in ordered]

    assert ended == ["COMPLETED_WITH_SUCCESS"] * 6
    assert server_of(axm, "SN1") == axm.uuid("a")


def test_a_log_has_rows_of_another_width_before_its_header_and_a_file_name() -> None:
    axm = Axm()
    axm.add("SN1")
    activity = axm.done(axm.order("UNASSIGN_DEVICES", "SN1"))
    url = activity["downloadUrl"]

    assert url.startswith("https://store.blobstore.apple.com/")
    assert "filename%3D%22ABM-ActivityLog_March-1-2026_12-00-03.csv%22" in url
    answer = download(axm, url)
    assert answer.header("Content-Type") == "application/octet-stream"
    assert answer.header("Content-Disposition").startswith("attachment;filename=")
    assert rows_of(axm, activity)[:2] == [["Activity Log"], []]
    axm.advance(59)
    assert download(axm, url).status == 200
    axm.advance(1)
    assert download(axm, url).status == 403


def test_a_changed_link_is_refused() -> None:
    axm = Axm()
    axm.add("SN1")
    url = axm.done(axm.order("UNASSIGN_DEVICES", "SN1"))["downloadUrl"]

    for changed in (
        url.replace("Expires=1", "Expires=2"),
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url.replace("ABM-", "XYZ-"),
        url.replace("/activity-logs/", "/activity-logs/0"),
        url.partition("?")[0],
        url.replace("Expires=", "Expires=x"),
    ):
        assert axm.error(download(axm, changed))[:2] == (403, "FORBIDDEN_ERROR")


def test_neither_link_nor_signature_is_on_record() -> None:
    axm = Axm()
    axm.add("SN1")
    url = axm.done(axm.order("UNASSIGN_DEVICES", "SN1"))["downloadUrl"]
    download(axm, url)

    written = "".join(map(repr, axm.recorded))
    assert url.rpartition("Signature=")[2] not in written


def test_a_link_leads_to_us_where_no_host_of_apple_was_asked() -> None:
    axm = Axm()
    axm.add("SN1")
    made = axm.order("UNASSIGN_DEVICES", "SN1").json["data"]["id"]
    axm.advance(3)
    axm.get("/orgDeviceActivities/" + made)
    answer = axm.api("GET", f"/orgDeviceActivities/{made}", host="127.0.0.1:9")
    assert answer.json["data"]["attributes"]["downloadUrl"].startswith("https://127.0.0.1:9/")


DEADLINE: dict[str, Any] = {
    "activityTypeMetadata": {"mdmMigrationDeadlineDateTime": "2026-05-01T00:00:00Z"}
}


def test_a_migration_is_asked_for_changed_and_called_off() -> None:
    axm = Axm()
    axm.add("SN1")
    session = axm.session("b")
    axm.done(axm.order("ASSIGN_DEVICES_WITH_MDM_MIGRATION_DEADLINE", "SN1", server="b", **DEADLINE))
    asked = axm.get("/orgDevices/SN1")["data"]["attributes"]
    assert asked["mdmMigrationStatus"] == "REQUESTED"
    assert asked["mdmMigrationDeadlineDateTime"] == "2026-05-01T00:00:00Z"
    record = axm.call("POST", "/devices", {"devices": ["SN1"]}, session=session).json["devices"]
    assert record["SN1"]["mdm_migration_deadline"] == "2026-05-01T00:00:00Z"

    earlier: dict[str, Any] = {
        "activityTypeMetadata": {"mdmMigrationDeadlineDateTime": "2026-01-01T00:00:00Z"}
    }
    axm.done(axm.order("UPDATE_MDM_MIGRATION_DEADLINE", "SN1", **earlier))
    changed = axm.get("/orgDevices/SN1")["data"]["attributes"]
    assert changed["mdmMigrationDeadlineDateTime"] == "2026-01-01T00:00:00Z"
    axm.done(axm.order("CANCEL_MDM_MIGRATION", "SN1"))
    left = axm.get("/orgDevices/SN1")["data"]["attributes"]
    assert "mdmMigrationStatus" not in left
    assert "mdmMigrationDeadlineDateTime" not in left


MANY = [f"SN{number:05d}" for number in range(10_001)]
BAD = {
    "no-server": (("ASSIGN_DEVICES", "SN1"), {}, 400, "/data/relationships/mdmServer"),
    "no-devices": (("UNASSIGN_DEVICES",), {}, 400, "/data/relationships/devices"),
    "unknown-device": (
        ("UNASSIGN_DEVICES", "SN1", "NOPE"),
        {},
        409,
        "/data/relationships/devices/data/1/id",
    ),
    "too-many": (("UNASSIGN_DEVICES", *MANY), {}, 409, "/data/relationships/devices/data"),
    "unknown-type": (("BUY_DEVICES", "SN1"), {}, 409, "/data/attributes/activityType"),
    "no-deadline": (
        ("UPDATE_MDM_MIGRATION_DEADLINE", "SN1"),
        {},
        400,
        "/data/attributes/activityTypeMetadata/mdmMigrationDeadlineDateTime",
    ),
    "late-deadline": (
        ("UPDATE_MDM_MIGRATION_DEADLINE", "SN1"),
        {"activityTypeMetadata": {"mdmMigrationDeadlineDateTime": "2026-06-01T00:00:00Z"}},
        409,
        "/data/attributes/activityTypeMetadata/mdmMigrationDeadlineDateTime",
    ),
    "no-time": (
        ("UPDATE_MDM_MIGRATION_DEADLINE", "SN1"),
        {"activityTypeMetadata": {"mdmMigrationDeadlineDateTime": "soon"}},
        409,
        "/data/attributes/activityTypeMetadata/mdmMigrationDeadlineDateTime",
    ),
    "unknown-attribute": (
        ("UNASSIGN_DEVICES", "SN1"),
        {"speed": 1},
        400,
        "/data/attributes/speed",
    ),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD)
def test_what_can_be_told_at_once_refuses_the_whole_order(case: Any) -> None:
    (kind, *serials), more, status, pointer = case
    axm = Axm()
    axm.add("SN1")

    answer = axm.order(kind, *serials, **more)

    found = axm.error(answer)
    assert (found[0], found[2]) == (status, {"pointer": pointer})
    assert any(one.refused and one.at == pointer for one in answer.exchange.findings)
    assert axm.home(lambda home: home.scan(changes.CHANGE)) == []


def test_unknown_relationships_and_double_data_are_refused() -> None:
    axm = Axm()
    axm.add("SN1")
    body = {
        "data": {
            "type": "orgDeviceActivities",
            "attributes": {"activityType": "UNASSIGN_DEVICES"},
            "relationships": {
                "devices": {"data": [{"type": "orgDevices", "id": "SN1"}]},
                "owner": {"data": []},
            },
        }
    }
    answer = axm.api("POST", "/orgDeviceActivities", body)
    assert axm.error(answer) == (
        400,
        "ENTITY_ERROR.RELATIONSHIP.UNKNOWN",
        {"pointer": "/data/relationships/owner"},
    )
    double = axm.api("POST", "/orgDeviceActivities", content=b'{"data": {}, "data": {}}')
    assert axm.error(double) == (400, "ENTITY_INVALID", {"pointer": "/data"})


def test_a_release_is_none_of_schools() -> None:
    axm = Axm("edu")
    axm.add("SN1")
    assert axm.order("RELEASE_DEVICES", "SN1").status == 409
    assert Axm(axm_version="2.3").order("RELEASE_DEVICES", "SN1").status == 409


def test_an_old_or_foreign_activity_is_404() -> None:
    axm = Axm()
    axm.add("SN1")
    made = axm.order("UNASSIGN_DEVICES", "SN1").json["data"]["id"]
    axm.advance(31 * 24 * 3600)
    axm._token = ""

    assert axm.api("GET", f"/orgDeviceActivities/{made}").status == 404
    assert axm.api("GET", "/orgDeviceActivities/nope").status == 404


def test_ten_thousand_devices_are_done_piece_by_piece() -> None:
    axm = Axm()
    serials = [f"SN{number:05d}" for number in range(10_000)]
    axm.add(*serials)
    made = axm.order("ASSIGN_DEVICES", *serials, server="b")
    axm.advance(2)

    pieces = 1
    while not axm.home(lambda home: changes.complete_due(home, axm.now_ms)):
        pieces += 1
    assert pieces == 400
    shown = axm.get(f"/orgDeviceActivities/{made.json['data']['id']}")["data"]["attributes"]
    assert shown["subStatus"] == "COMPLETED_WITH_SUCCESS"
    server = axm.get(f"/mdmServers/{axm.uuid('b')}")["data"]["attributes"]
    assert server["deviceCount"] == 10_000
    assert len(rows_of(axm, shown)) == 10_003


def test_a_piece_that_was_not_committed_is_done_again_and_once() -> None:
    axm = Axm()
    serials = [f"SN{number:03d}" for number in range(60)]
    axm.add(*serials)
    made = axm.order("ASSIGN_DEVICES", *serials, server="b").json["data"]["id"]
    axm.advance(2)

    def die(state: State) -> None:
        changes.complete_due(state, axm.now_ms)
        raise ZeroDivisionError  # as if the process had been killed before the commit

    seen = []
    for _ in range(3):
        with suppress(ZeroDivisionError):
            axm.home(die)
        seen.append(axm.get(f"/orgDeviceActivities/{made}")["data"]["attributes"]["status"])

    shown = axm.get(f"/orgDeviceActivities/{made}")["data"]["attributes"]
    added = [
        one.key for one in axm.home(lambda home: home.scan(fleet.EVENT, prefix="b/", limit=999))
    ]
    assert seen == ["IN_PROGRESS", "IN_PROGRESS", "COMPLETED"]
    assert [row[0] for row in rows_of(axm, shown)[3:]] == serials
    assert len(added) == 60


@pytest.mark.parametrize("serial", ["SN9", "SN2", "SN1\x00"])
def test_an_activity_is_refused_for_a_device_that_is_not_there_or_was_released(serial: str) -> None:
    axm = Axm()
    axm.add("SN1", "SN2")
    axm.done(axm.order("RELEASE_DEVICES", "SN2"))

    refused = axm.order("UNASSIGN_DEVICES", "SN1", serial)
    place = {"pointer": "/data/relationships/devices/data/1/id"}
    assert axm.error(refused) == (409, "ENTITY_ERROR.RELATIONSHIP.INVALID", place)


def test_reads_lag_by_their_number() -> None:
    axm = Axm()
    axm.add("SN1")
    switch(axm, "axm.stale-reads")
    axm.done(axm.order("ASSIGN_DEVICES", "SN1", server="b"))

    seen = [server_of(axm, "SN1") for _ in range(4)]
    assert seen == [axm.uuid("a"), axm.uuid("a"), axm.uuid("b"), axm.uuid("b")]


def test_a_device_without_a_server_can_have_one_with_an_empty_id() -> None:
    axm = Axm()
    axm.add("SN1")
    axm.home(lambda home: portal.unassign(home, "SN1", now_ms=axm.now_ms))
    switch(axm, "axm.empty-server")

    assert server_of(axm, "SN1") == ""
    assert axm.get("/orgDevices/SN1/assignedServer")["data"]["id"] == ""


@pytest.mark.parametrize(
    ("quirk", "status"),
    [("axm.stuck-activities", "IN_PROGRESS"), ("axm.stopped-activities", "STOPPED")],
)
def test_activities_can_end_otherwise(quirk: str, status: str) -> None:
    axm = Axm()
    axm.add("SN1")
    switch(axm, quirk)
    made = axm.order("ASSIGN_DEVICES", "SN1", server="b").json["data"]["id"]
    axm.advance(3600 * 24)
    axm._token = ""

    shown = axm.get(f"/orgDeviceActivities/{made}")["data"]["attributes"]
    assert shown["status"] == status
    assert "downloadUrl" not in shown
    assert server_of(axm, "SN1") == axm.uuid("a")


@pytest.mark.parametrize("path", ["/orgDevices", "/nothing"])
def test_few_streams_are_open_as_a_quirk_of_business_and_school_alone(path: str) -> None:
    axm = Axm()
    before = axm.api("GET", path).response
    switch(axm, "axm.few-streams")

    after = axm.api("GET", path).response
    dep = axm.log_in().response

    assert (before.streams, dep.streams) == (None, None)
    assert (after.status, after.streams, after.announces_streams) == (before.status, 4, False)


def test_a_429_can_come_without_retry_after() -> None:
    axm = Axm(axm_reads_per_minute=1)
    switch(axm, "axm.no-retry-after")
    axm.api("GET", "/orgDevices")

    limited = axm.api("GET", "/orgDevices")
    assert (limited.status, limited.header("Retry-After")) == (429, "")


def test_arrivals_are_listed_when_they_are_due() -> None:
    axm = Axm()

    def order(home: State) -> None:
        arrivals.order(
            home,
            "a",
            now_ms=axm.now_ms,
            by="x@acme.example",
            count=2,
            every_s=60,
            seed=1,
            starts_ms=axm.now_ms + 60_000,
        )

    axm.home(order)
    assert axm.get("/orgDevices")["data"] == []
    axm.advance(60)
    assert len(axm.get("/orgDevices")["data"]) == 2
