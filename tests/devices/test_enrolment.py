"""A device is bought, assigned, turned on, and enrols: seen from the MDM server."""

import base64
import plistlib

from simulator.pki import cms
from tests.devices.conftest import Bench
from tests.devices.mdm import IDENTITY


async def test_from_the_box_to_the_enrolment(bench: Bench) -> None:
    device = await bench.device("iPhone")

    assert (device["state"], device["trouble"]) == ("enrolled", None)
    assert bench.mdm.kinds == ["Authenticate", "TokenUpdate"]
    assert [one["Status"] for one in bench.mdm.results] == ["Idle"]
    _, listed = await bench.ask("GET", f"/devices/{device['serial_number']}")
    assert listed["profile_status"] == "pushed"


async def test_machine_info_is_signed_by_the_device_ca(bench: Bench) -> None:
    device = await bench.device("Mac")

    method, _, headers, body = bench.mdm.requests[0]
    signed = cms.read_signed(body)
    leaf = cms.verify(signed)
    info = plistlib.loads(signed.content or b"")
    assert (method, headers["content-type"]) == ("POST", "application/pkcs7-signature")
    assert (info["SERIAL"], info["UDID"]) == (device["serial_number"], device["udid"])
    assert info["PRODUCT"] == device["product"]
    assert "CN=Apple iPhone Device CA" in leaf.issuer.rfc4514_string()
    assert len(signed.certificates) == 2


async def test_check_in_messages_name_the_device_and_its_token(bench: Bench) -> None:
    device = await bench.device("iPhone")

    authenticate, update = bench.mdm.check_ins
    assert authenticate["SerialNumber"] == device["serial_number"]
    assert authenticate["Topic"] == update["Topic"] == bench.mdm.topic
    assert update["Token"].hex() == device["push_token"]
    assert {"UDID", "PushMagic", "UnlockToken"} <= update.keys()
    tokens = (await bench.call("GET", "/push-tokens"))["push_tokens"]
    known = next(one for one in tokens if one["token"] == device["push_token"])
    assert (known["magic"], known["owner"]) == (update["PushMagic"], device["udid"])


async def test_every_message_carries_a_signature_of_its_body(bench: Bench) -> None:
    await bench.device("iPhone")

    for _, path, headers, body in bench.mdm.requests[1:]:
        signed = cms.read_signed(base64.b64decode(headers["mdm-signature"]))
        signer = cms.verify(signed, body)
        assert (signer, signed.content) == (IDENTITY, None), path


async def test_a_device_without_a_profile_sets_itself_up_unmanaged(bench: Bench) -> None:
    body = {"count": 1, "power_on": True}
    (device,) = (await bench.call("POST", "/simulated-devices", body))["simulated_devices"]

    assert device["state"] == "activated"
    assert [one["what"] for one in device["life"]] == ["activated"]
    assert bench.mdm.requests == []
