"""An app that needs a licence: Apps and Books, the device, and what the MDM server hears of it."""

from typing import Any

from tests.devices.conftest import Bench


async def books(bench: Bench, method: str, path: str, body: Any = None) -> Any:
    """Call Apps and Books as the MDM server does."""
    ready = bench.simulator.ready
    stoken = ready["organisations"][0]["vpp_locations"][0]["stoken"]
    async with bench.http.request(
        method,
        f"{ready['http']}/mdm/v2/{path}",
        json=body,
        headers={"Authorization": f"Bearer {stoken}", "Host": "vpp.itunes.apple.com"},
    ) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def licence(bench: Bench, adam_id: str, serial: str) -> str:
    """Give a device a licence; return what became of the event."""
    body = {
        "assets": [{"adamId": adam_id, "pricingParam": "STDQ"}],
        "serialNumbers": [serial],
    }
    event = (await books(bench, "POST", "assets/associate", body))["eventId"]
    await bench.call("PUT", "/clock", {"advance_s": 60})
    return str((await books(bench, "GET", f"status?eventId={event}"))["eventStatus"])


async def test_a_device_without_a_licence_tells_the_mdm_9610_until_it_has_one(bench: Bench) -> None:
    device = await bench.device()
    udid, serial = device["udid"], device["serial_number"]
    assets = (await books(bench, "GET", "assets?productType=App"))["assets"]
    adam_id = next(one["adamId"] for one in assets if one["availableCount"])
    app = {"iTunesStoreID": int(adam_id), "Options": {"PurchaseMethod": 1}}

    without = await bench.run(udid, serial, "InstallApplication", **app)
    event = await licence(bench, adam_id, serial)
    licensed = await bench.run(udid, serial, "InstallApplication", **app)
    listed = await bench.run(udid, serial, "InstalledApplicationList")
    journal = await bench.call("GET", "/exchanges?service=device&q=9610")

    assert without["Status"] == "Error"
    assert without["ErrorChain"][-1] == {
        "ErrorDomain": "ASDServerErrorDomain",
        "ErrorCode": 9610,
        "LocalizedDescription": "License not found",
        "USEnglishDescription": "License not found",
    }
    assert event == "COMPLETE"
    assert (licensed["Status"], licensed["State"]) == ("Acknowledged", "Installing")
    assert [one["DeviceBasedVPP"] for one in listed["InstalledApplicationList"]] == [True]
    assert len(journal["exchanges"]) == 1


async def test_a_licence_that_is_late_is_found_when_the_mdm_tries_again(bench: Bench) -> None:
    device = await bench.device()
    udid, serial = device["udid"], device["serial_number"]
    await bench.call("PUT", "/quirks/vpp.late-licences", {"on": True})
    assets = (await books(bench, "GET", "assets?productType=App"))["assets"]
    adam_id = next(one["adamId"] for one in assets if one["availableCount"])
    app = {"iTunesStoreID": int(adam_id), "Options": {"PurchaseMethod": 1}}

    event = await licence(bench, adam_id, serial)
    late = await bench.run(udid, serial, "InstallApplication", **app)
    again = await bench.run(udid, serial, "InstallApplication", **app)

    assert event == "COMPLETE"
    assert late["ErrorChain"][-1]["ErrorCode"] == 9610
    assert again["Status"] == "Acknowledged"
