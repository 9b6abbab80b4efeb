"""The life of an MDM server with Apps and Books, over real TLS in both directions."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.harness import MDMSIM, Simulator, environment, run
from tests.clients.vpp import SECRET, Listener, Mdm, connected, listening

pytestmark = pytest.mark.clients

APP, BOOK = "1900000001", "1900000005"
DEVICES = ["C8TJ500QF1MN", "C8TJ500QF1MP"]
TYPES = ["ASSET_MANAGEMENT", "USER_MANAGEMENT", "USER_ASSOCIATED", "ASSET_COUNT"]


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    with listening(tmp_path) as running:
        yield running


@pytest.fixture
def mdm(simulator: Simulator) -> Iterator[Mdm]:
    with connected(simulator) as client:
        yield client


def claim(mdm: Mdm, listener: Listener) -> Any:
    return mdm.post(
        mdm.urls["clientConfig"],
        {
            "mdmInfo": {"id": "mdm-1", "name": "ExampleMDM", "metadata": "1.0"},
            "notificationUrl": listener.url,
            "notificationAuthToken": SECRET,
            "notificationTypes": TYPES,
        },
    )


def done(mdm: Mdm, listener: Listener, started: Any) -> Any:
    """Wait for the notification of an event, and return its status."""
    told = listener.next()["notification"]
    assert told["eventId"] == started["eventId"]
    assert told["result"] == "SUCCESS"
    status = mdm.get(mdm.urls["eventStatus"], eventId=started["eventId"])
    assert status["eventStatus"] == "COMPLETE"
    return status


@pytest.mark.parametrize("flags", [("--manifest", "intune-to-apple")])
def test_the_whole_flow_and_what_it_disclosed(
    simulator: Simulator, mdm: Mdm, listener: Listener
) -> None:
    claimed = claim(mdm, listener)
    assert listener.next()["notificationType"] == "TEST_NOTIFICATION"
    assert claimed["mdmInfo"]["id"] == "mdm-1"
    before = {adam_id: mdm.counts(adam_id) for adam_id in (APP, BOOK)}
    assert before == {APP: (0, 50, 0, 50), BOOK: (0, 50, 0, 50)}

    user = {"clientUserId": "u-1", "email": "anna@school.example"}
    done(mdm, listener, mdm.post(mdm.urls["createUsers"], {"users": [user]}))
    (listed,) = mdm.get(mdm.urls["getUsers"], clientUserId="u-1")["users"]
    assert listed["status"] == "Registered"

    to_devices = {"assets": [{"adamId": APP}], "serialNumbers": DEVICES}
    to_user = {"assets": [{"adamId": APP}, {"adamId": BOOK}], "clientUserIds": ["u-1"]}
    for body, tasks in ((to_devices, 2), (to_user, 2)):
        status = done(mdm, listener, mdm.post(mdm.urls["associateAssets"], body))
        assert (status["numRequested"], status["numCompleted"]) == (tasks, tasks)
    assert mdm.counts(APP) == (3, 47, 0, 50)
    assert mdm.counts(BOOK) == (1, 49, 0, 50)
    found = mdm.get(mdm.urls["getAssignments"], adamId=APP)["assignments"]
    assert {one.get("serialNumber") or one["clientUserId"] for one in found} == {*DEVICES, "u-1"}

    simulator.control("POST", "/vpp-users/accept", {"client_user_id": "u-1", "account": "a@b.se"})
    (linked,) = listener.next()["notification"]["associatedUsers"]
    assert (linked["clientUserId"], linked["status"]) == ("u-1", "Associated")

    done(mdm, listener, mdm.post(mdm.urls["disassociateAssets"], to_devices))
    done(mdm, listener, mdm.post(mdm.urls["retireUsers"], {"users": [{"clientUserId": "u-1"}]}))
    assert mdm.counts(APP) == (0, 50, 0, 50)
    assert mdm.counts(BOOK) == (0, 49, 1, 49)

    item = mdm.get(mdm.urls["contentMetadataLookup"], id=APP, version=2, p="mdm-lockup")
    assert item["results"][APP]["bundleId"]
    _check_disclosures(simulator, mdm)


def _check_disclosures(simulator: Simulator, mdm: Mdm) -> None:
    """What went to whom is on record; no secret is, neither in the report nor on the disk."""
    associated = simulator.judged("vpp2.associate")
    assert associated["device.serial"] == "S27"
    assert associated["vpp.client_user_id"] == "S25"
    assert associated["vpp.adam_id"] == associated["vpp.content_token"] == "-"
    command = [*MDMSIM, "report", "--data", str(simulator.data), "--format", "json"]
    command += ["--manifest", "intune-to-apple"]
    told = run(command, env=environment(), cwd=simulator.data.parent)
    assert told.returncode == 1, told.stderr
    undeclared = {line["concept"] for line in json.loads(told.stdout)["undeclared"]}
    assert {"vpp.adam_id", "server.notify_url", "user.email"} <= undeclared
    for text in (mdm.stoken, SECRET, "anna@school.example", *DEVICES):
        assert text not in told.stdout
    exchanges = json.dumps(
        [simulator.control("GET", f"/exchanges/{one['seq']}") for one in simulator.exchanges()]
    )
    assert mdm.stoken not in exchanges
    assert SECRET not in exchanges


def test_both_generations_are_one(mdm: Mdm) -> None:
    user = mdm.old("registerVPPUserSrv", clientUserIdStr="u-old")["user"]
    given = mdm.old(
        "manageVPPLicensesByAdamIdSrv", adamIdStr=APP, associateClientUserIdStrs=["u-old"]
    )

    assert given["status"] == 0
    (seen,) = mdm.get(mdm.urls["getAssignments"], clientUserId="u-old")["assignments"]
    assert seen == {"adamId": APP, "pricingParam": "STDQ", "clientUserId": "u-old"}
    assert mdm.old("getVPPUserSrv", userId=user["userId"])["user"]["licenses"]


def test_a_listener_that_fails_is_not_taken(mdm: Mdm, listener: Listener) -> None:
    listener.status = 500

    with pytest.raises(AssertionError, match="9728"):
        claim(mdm, listener)

    assert "mdmInfo" not in mdm.get(mdm.urls["clientConfig"])


@pytest.mark.parametrize("flags", [["--vpp-events", "delay", "--vpp-event-delay-s", "1"]])
def test_an_event_completes_while_nobody_asks(
    simulator: Simulator, mdm: Mdm, listener: Listener
) -> None:
    claim(mdm, listener)
    listener.next()
    body = {"assets": [{"adamId": APP}], "serialNumbers": DEVICES}

    started = mdm.post(mdm.urls["associateAssets"], body)

    assert mdm.get(mdm.urls["eventStatus"], eventId=started["eventId"])["eventStatus"] == "PENDING"
    done(mdm, listener, started)


@pytest.mark.parametrize("flags", [["--world", "school"]])
def test_a_large_location_is_synchronised_page_by_page(simulator: Simulator) -> None:
    places = simulator.ready["organisations"][0]["vpp_locations"]
    one = Simulator(
        simulator.ready | {"organisations": [{"vpp_locations": [places[0]]}]},
        simulator.data,
        simulator.process,
    )
    with connected(one) as mdm:
        serials = [f"C{number:011d}" for number in range(1000)]
        for start in range(3):
            body = {
                "assets": [{"adamId": APP}],
                "serialNumbers": [f"{start}{serial[1:]}" for serial in serials],
            }
            mdm.post(mdm.urls["associateAssets"], body)
        pages = [mdm.get(mdm.urls["getAssignments"])]
        while "nextPageIndex" in pages[-1]:
            index = pages[-1]["nextPageIndex"]
            pages.append(mdm.get(mdm.urls["getAssignments"], pageIndex=index))
        users = mdm.get(mdm.urls["getUsers"], pageIndex=1)

    assert [page["size"] for page in pages] == [1000, 1000, 1000]
    assert len({page["versionId"] for page in pages}) == 1
    assert users["totalPages"] == 2
