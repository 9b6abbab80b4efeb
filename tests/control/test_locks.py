"""Locks of devices, by the control API and the MDM server."""

import pytest

from simulator.auth import bypass_code
from tests.control.conftest import Control


async def test_a_user_locks_a_device_and_the_mdm_opens_it_by_the_devices_code(
    control: Control,
) -> None:
    _, found = await control.call("GET", "/devices?limit=1")
    serial = found["devices"][0]["serial_number"]
    await control.call("PUT", "/quirks/lock.no-certificate", {"on": True})

    status, locked = await control.call("PUT", f"/locks/{serial}", {"find_my": True})
    _, listed = await control.call("GET", "/locks")
    path = f"/deviceservicesworkers/escrowKeyUnlock?serial={serial}&productType=iPad14,1"
    form = {"orgName": "Acme", "guid": "admin", "escrowKey": locked["bypass_code"]}
    opened, _ = await control.ask("POST", path, data=form)
    _, after = await control.call("GET", f"/locks/{serial}")

    assert (status, locked["source"]) == (200, "findmy")
    assert bypass_code.from_text(locked["bypass_code"]) is not None
    assert listed["locks"] == [locked | {"bypass_code": None}]
    assert (opened, after["source"]) == (200, None)
    assert after["bypass_code"] == locked["bypass_code"]


async def test_locks_are_listed_page_by_page(control: Control) -> None:
    _, found = await control.call("GET", "/devices?limit=3")
    serials = sorted(one["serial_number"] for one in found["devices"])
    for serial in serials:
        await control.call("PUT", f"/locks/{serial}", {"find_my": True})

    _, first = await control.call("GET", "/locks?limit=2")
    _, rest = await control.call("GET", f"/locks?limit=2&after={first['next']}")

    assert [[one["serial"] for one in page["locks"]] for page in (first, rest)] == [
        serials[:2],
        serials[2:],
    ]
    assert (first["next"], rest["next"]) == (f"demo/{serials[1]}", None)


async def test_a_new_code_does_not_open_what_the_old_one_has_locked(control: Control) -> None:
    _, found = await control.call("GET", "/devices?limit=1")
    serial = found["devices"][0]["serial_number"]
    _, first = await control.call("PUT", f"/locks/{serial}", {"find_my": True})

    _, second = await control.call("PUT", f"/locks/{serial}", {"new_code": True})
    _, off = await control.call("PUT", f"/locks/{serial}", {"find_my": False})

    assert second["bypass_code"] != first["bypass_code"]
    assert (second["source"], off["source"]) == ("findmy", None)


async def test_an_unknown_device_has_no_lock(control: Control) -> None:
    status, problem = await control.call("GET", "/locks/NONE")

    assert (status, problem["detail"]) == (404, "no device has the serial number NONE")


@pytest.mark.parametrize("format", ["json", "text", "har", "csv", "html", "jsonl", "sarif"])
async def test_no_report_of_an_unlock_holds_the_code(control: Control, format: str) -> None:  # noqa: A002 (the API's word)
    _, found = await control.call("GET", "/devices?limit=1")
    serial = found["devices"][0]["serial_number"]
    await control.call("PUT", "/quirks/lock.no-certificate", {"on": True})
    _, locked = await control.call("PUT", f"/locks/{serial}", {"find_my": True})
    path = f"/deviceservicesworkers/escrowKeyUnlock?serial={serial}&productType=iPad14,1"
    form = {"orgName": "Acme", "guid": "anna@school.example", "escrowKey": locked["bypass_code"]}
    await control.ask("POST", path, data=form)
    await control.ask("POST", path, json=form)

    url = f"{control.base}/api/v1/report?format={format}&redact=clear"
    async with control.http.get(url) as answer:
        text = await answer.text()

    assert answer.status == 200
    assert locked["bypass_code"] not in text
    assert "guid" in text


async def test_a_migration_voids_what_the_server_before_could_open(control: Control) -> None:
    _, found = await control.call("GET", "/devices?limit=2")
    serials = [one["serial_number"] for one in found["devices"]]
    codes = []
    for serial in serials:
        _, locked = await control.call("PUT", f"/locks/{serial}", {"find_my": True})
        codes.append(locked["bypass_code"])
        await control.call(
            "POST", f"/devices/{serial}/migrate", {"deadline": "2027-01-01T00:00:00Z"}
        )
    await control.call("PUT", "/quirks/lock.no-certificate", {"on": True})

    await control.call("POST", f"/devices/{serials[0]}/complete-migration", {})

    opened = []
    for serial, code in zip(serials, codes, strict=True):
        path = f"/deviceservicesworkers/escrowKeyUnlock?serial={serial}&productType=iPad14,1"
        form = {"orgName": "Acme", "guid": "admin", "escrowKey": code}
        opened.append((await control.ask("POST", path, data=form))[0])
    _, after = await control.call("GET", f"/locks/{serials[0]}")
    assert opened == [404, 200]
    assert (after["source"], after["bypass_code"]) == ("findmy", None)


async def test_a_device_that_is_set_up_anew_makes_another_code(control: Control) -> None:
    _, found = await control.call("GET", "/devices?limit=1")
    serial = found["devices"][0]["serial_number"]
    _, first = await control.call("PUT", f"/locks/{serial}", {"find_my": True})

    await control.call("POST", f"/devices/{serial}/activate", {})
    _, between = await control.call("GET", f"/locks/{serial}")
    _, second = await control.call("PUT", f"/locks/{serial}", {"find_my": True})

    assert (between["source"], between["bypass_code"]) == ("findmy", None)
    assert second["bypass_code"] not in (None, first["bypass_code"])
