import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from tests.certificates import uploaded
from tests.control.conftest import Control
from tests.programs import program


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a certificate and its key, as an MDM would make them."""
    made, key = uploaded()
    folder = tmp_path_factory.mktemp("pair")
    certificate, private = folder / "c.pem", folder / "k.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, private


def decrypt(content: bytes, certificate: Path, key: Path) -> str:
    command = [
        program("openssl"),
        "smime",
        "-decrypt",
        "-inkey",
        str(key),
        "-recip",
        str(certificate),
    ]
    return subprocess.run(command, input=content, capture_output=True, check=True).stdout.decode()


async def first_device(control: Control) -> str:
    _, found = await control.call("GET", "/devices?limit=1")
    serial: str = found["devices"][0]["serial_number"]
    return serial


async def test_the_demo_world_is_there(control: Control) -> None:
    _, organisations = await control.call("GET", "/organisations")
    _, servers = await control.call("GET", "/dep-servers")
    _, devices = await control.call("GET", "/devices?limit=1000")

    assert [one["id"] for one in organisations["organisations"]] == ["demo"]
    assert servers["dep_servers"][0]["token"]["state"] == "active"
    assert "consumer_secret" not in servers["dep_servers"][0]["token"]
    assert len(devices["devices"]) == 25
    assert devices["next"] is None


async def test_lists_page(control: Control) -> None:
    _, first = await control.call("GET", "/devices?limit=20")
    _, rest = await control.call("GET", f"/devices?limit=20&after={first['next']}")

    serials = [one["serial_number"] for one in first["devices"] + rest["devices"]]
    assert len(serials) == len(set(serials)) == 25


async def test_a_token_file_is_encrypted_to_the_certificate(
    control: Control, pair: tuple[Path, Path]
) -> None:
    certificate, key = pair
    server = control.simulator.ready["organisations"][0]["dep_servers"][0]
    url = f"{control.base}/api/v1/dep-servers/{server['id']}/token"

    _, before = await control.call("GET", f"/dep-servers/{server['id']}/token")
    async with control.http.post(url, data=certificate.read_bytes()) as answer:
        renewed = decrypt(await answer.read(), certificate, key)
    _, after = await control.call("GET", f"/dep-servers/{server['id']}/token")
    async with control.http.post(f"{url}?by=another", data=certificate.read_bytes()) as answer:
        by_another = decrypt(await answer.read(), certificate, key)

    assert before == server["token"]
    assert all(value in renewed for value in after.values())
    assert before["consumer_key"] in renewed
    assert before["access_secret"] not in renewed
    assert before["consumer_key"] not in by_another


async def test_a_token_is_given(control: Control) -> None:
    given = {
        "consumer_key": "CK_given",
        "consumer_secret": "CS_given",
        "access_token": "AT_given",
        "access_secret": "AS_given",
    }
    server = control.simulator.ready["organisations"][0]["dep_servers"][0]["id"]
    status, answer = await control.call("PUT", f"/dep-servers/{server}/token", given)
    _, shown = await control.call("GET", f"/dep-servers/{server}/token")
    short, problem = await control.call(
        "PUT", f"/dep-servers/{server}/token", {"access_token": "x"}
    )

    assert (status, answer) == (200, shown)
    assert given.items() <= shown.items()
    assert control.simulator.ready["organisations"][0]["dep_servers"][0]["token"] == shown
    assert short == 400
    assert "consumer_key" in problem["detail"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"hello", id="text"),
        pytest.param(
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", id="private-key"
        ),
    ],
)
async def test_a_bad_certificate_is_refused_and_replaces_no_token(
    control: Control, body: bytes
) -> None:
    before = await control.call("GET", "/dep-servers")
    server = before[1]["dep_servers"][0]["id"]

    status, problem = await control.call("POST", f"/dep-servers/{server}/token", data=body)

    assert (status, problem["title"]) == (400, "Bad request")
    assert await control.call("GET", "/dep-servers") == before


async def test_a_server_is_added_with_a_token_of_its_own(
    control: Control, pair: tuple[Path, Path]
) -> None:
    status, added = await control.call("POST", "/dep-servers", {"name": "Lab", "id": "lab"})
    again, problem = await control.call("POST", "/dep-servers", {"name": "Lab 2", "id": "lab"})
    same, _ = await control.call("POST", "/dep-servers", {"name": "Lab"})

    assert (status, added["token"]) == (201, None)
    assert (again, problem["detail"]) == (409, "a DEP server has the id lab already")
    assert same == 409
    url = f"{control.base}/api/v1/dep-servers/lab/token"
    async with control.http.post(url, data=pair[0].read_bytes()) as answer:
        assert b"smime.p7m" in await answer.read()
    _, revoked = await control.call("DELETE", "/dep-servers/lab/token")
    assert revoked["state"] == "revoked"


async def test_devices_are_invented_or_given(control: Control) -> None:
    given = {
        "serial_number": "C8TJ500QF1MN",
        "model": "iPad Air",
        "description": "IPAD AIR",
        "os": "iPadOS",
        "device_family": "iPad",
    }

    status, invented = await control.call("POST", "/devices", {"count": 30})
    _, added = await control.call("POST", "/devices", {"devices": [given]})
    clash, problem = await control.call("POST", "/devices", {"devices": [given]})
    _, one = await control.call("GET", "/devices/C8TJ500QF1MN")

    assert status == 201
    assert len(set(invented["serial_numbers"])) == 30
    assert added == {"serial_numbers": ["C8TJ500QF1MN"]}
    assert clash == 409
    assert "C8TJ500QF1MN" in problem["detail"]
    assert (one["model"], one["state"]["server"]) == ("iPad Air", "main")


async def test_of_two_who_add_the_same_devices_one_is_refused(control: Control) -> None:
    facts = {"model": "iPad Air", "description": "IPAD AIR", "os": "iPadOS"}
    given = [
        {"serial_number": f"C8TJ50{number:06d}", "device_family": "iPad"} | facts
        for number in range(150)
    ]
    two = [control.call("POST", "/devices", {"devices": given}) for _ in "12"]

    (one, first), (other, second) = await asyncio.gather(*two)
    _, found = await control.call("GET", "/devices?limit=1000&prefix=C8TJ50")

    refusal, answer = (first, second) if one == 409 else (second, first)
    assert {one, other} == {201, 409}
    assert "150 of the serial numbers exist, C8TJ50000000 among them" in refusal["detail"]
    assert answer["serial_numbers"] == [one["serial_number"] for one in given]
    assert len(found["devices"]) == 150


async def test_the_life_of_a_device(control: Control) -> None:
    serial = await first_device(control)
    await control.call("POST", "/dep-servers", {"name": "Lab", "id": "lab"})

    async def act(action: str, body: Any = None) -> tuple[int, Any]:
        return await control.call("POST", f"/devices/{serial}/{action}", body)

    assert (await act("throttle", {"seconds": 60}))[1]["state"]["throttled_until_ms"] > 0
    assert (await act("fail"))[1]["state"]["failing"]
    assert "failing" not in (await act("fail", {"failing": False}))[1]["state"]
    assert (await act("move", {"server": "lab"}))[1]["state"]["server"] == "lab"
    deadline = "2027-01-01T00:00:00Z"
    assert (await act("migrate", {"deadline": deadline}))[1]["mdm_migration_deadline"] == deadline
    new = (await act("replace"))[1]
    assert new["state"]["replaces"] == serial
    assert new["is_replacement_device"]
    assert (await act("assign", {"server": "lab"}))[0] == 409
    new_serial = new["serial_number"]
    _, free = await control.call("POST", f"/devices/{new_serial}/unassign")
    assert "server" not in free["state"]
    _, gone = await control.call("POST", f"/devices/{new_serial}/release")
    assert gone["state"]["released"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "detail"),
    [
        pytest.param("GET", "/devices/NOPE", None, 404, "no device has", id="device"),
        pytest.param("POST", "/devices/NOPE/release", None, 404, "no device has", id="act"),
        pytest.param("POST", "/devices/{serial}/paint", None, 404, "there are assign", id="verb"),
        pytest.param("POST", "/devices/{serial}/assign", None, 400, "needs server", id="no-server"),
        pytest.param(
            "POST", "/devices/{serial}/assign", {"server": "x"}, 404, "no DEP server", id="server"
        ),
        pytest.param(
            "POST", "/devices/{serial}/throttle", {"seconds": -1}, 400, "whole number", id="seconds"
        ),
        pytest.param(
            "POST",
            "/devices/{serial}/migrate",
            {"deadline": "soon"},
            400,
            "deadline",
            id="deadline",
        ),
        pytest.param("POST", "/devices", {}, 400, "count", id="nothing"),
        pytest.param("POST", "/devices", {"count": 10**9}, 400, "100000", id="too-many"),
        pytest.param("POST", "/devices", {"devices": []}, 400, "array", id="no-devices"),
        pytest.param("POST", "/devices", {"devices": [5]}, 400, "[0] must be", id="no-object"),
        pytest.param(
            "POST",
            "/devices",
            {"devices": [{"serial_number": "A"}]},
            400,
            "needs model",
            id="facts",
        ),
        pytest.param(
            "POST", "/devices", {"count": 1, "server": "x"}, 404, "no DEP server", id="for-nobody"
        ),
        pytest.param("GET", "/devices?limit=0", None, 400, "limit must be", id="limit"),
        pytest.param("GET", "/devices?organisation=x", None, 404, "no organisation", id="org"),
        pytest.param("POST", "/dep-servers", {}, 400, "must name", id="no-name"),
        pytest.param("DELETE", "/dep-servers/x/token", None, 404, "no DEP server", id="revoke"),
        pytest.param(
            "POST", "/organisations/x/terms", {"accepted": True}, 404, "no org", id="terms"
        ),
        pytest.param(
            "POST", "/organisations/demo/terms", {"accepted": 1}, 400, "true", id="not-bool"
        ),
        pytest.param("PUT", "/clock", {"mode": "fast"}, 400, "mode must be", id="mode"),
        pytest.param("PUT", "/clock", {"speed": 2}, 400, "advance_s", id="clock-key"),
        pytest.param("PUT", "/clock", {"now": "noon"}, 400, "such as", id="now"),
        pytest.param("PUT", "/clock", {"advance_s": "1"}, 400, "number", id="advance"),
        pytest.param("PUT", "/clock", {"mode": "real", "advance_s": 1}, 400, "cannot", id="real"),
        pytest.param("GET", "/exchanges/999", None, 404, "no exchange", id="exchange"),
        pytest.param("GET", "/exchanges/one", None, 400, "whole number", id="exchange-word"),
        pytest.param("GET", "/exchanges?colour=blue", None, 400, "no filter", id="filter"),
        pytest.param("GET", "/nothing", None, 404, "GET", id="path"),
        pytest.param("PATCH", "/devices", None, 405, "PATCH", id="method"),
    ],
)
async def test_every_mistake_gets_a_problem_that_helps(
    control: Control, method: str, path: str, body: Any, status: int, detail: str
) -> None:
    serial = await first_device(control)

    got, problem = await control.call(method, path.format(serial=serial), body)

    assert got == problem["status"] == status
    assert detail in problem["detail"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"5"])
async def test_a_body_that_is_no_object_is_refused(control: Control, body: bytes) -> None:
    status, _ = await control.call("PUT", "/clock", data=body)

    assert status == 400


async def test_terms_and_apple_seed_change(control: Control) -> None:
    _, terms = await control.call("POST", "/organisations/demo/terms", {"accepted": False})
    _, seed = await control.call("POST", "/organisations/demo/apple-seed", {"on": False})

    assert terms["terms_accepted"] is False
    assert seed["apple_seed"] is False


async def test_time_is_told_and_moved(control: Control) -> None:
    _, now = await control.call("GET", "/clock")
    _, moved = await control.call("PUT", "/clock", {"advance_s": 86400})
    _, set_to = await control.call(
        "PUT", "/clock", {"mode": "frozen", "now": "2026-01-05T10:00:00Z"}
    )
    _, on = await control.call("PUT", "/clock", {"advance_s": 1.5})
    _, offset = await control.call("PUT", "/clock", {"mode": "offset"})
    _, set_running = await control.call("PUT", "/clock", {"now": "2026-01-06T10:00:00Z"})
    _, real = await control.call("PUT", "/clock", {"mode": "real"})

    assert now["mode"] == "real"
    assert moved["mode"] == "offset"
    assert moved["now_ms"] - now["now_ms"] >= 86_400_000
    assert (set_to["mode"], set_to["now"]) == ("frozen", "2026-01-05T10:00:00Z")
    assert on["now_ms"] == set_to["now_ms"] + 1500
    assert offset["mode"] == set_running["mode"] == "offset"
    assert set_running["now"].startswith("2026-01-06T10:00:0")
    assert real["mode"] == "real"
    assert abs(real["now_ms"] - now["now_ms"]) < 60_000


async def test_defined_profiles_are_listed(control: Control) -> None:
    assert await control.call("GET", "/profiles") == (200, {"profiles": [], "next": None})


async def test_facts_are_changed_at_run_time(control: Control) -> None:
    _, listed = await control.call("GET", "/devices?limit=1")
    serial = listed["devices"][0]["serial_number"]
    server = control.simulator.ready["organisations"][0]["dep_servers"][0]["id"]

    status, changed = await control.call("PATCH", f"/devices/{serial}", {"asset_tag": "T-1"})
    unknown, problem = await control.call("PATCH", f"/devices/{serial}", {"colour": "red"})
    _, organisation = await control.call("PATCH", "/organisations/demo", {"org_name": "New Name"})
    _, denied = await control.call("PATCH", f"/dep-servers/{server}", {"may_release": False})
    _, before = await control.call("GET", "/dep-servers")
    _, replaced = await control.call("POST", f"/dep-servers/{server}/replace")

    assert (status, changed["asset_tag"]) == (200, "T-1")
    assert unknown == 400
    assert "colour" in problem["detail"]
    assert (organisation["org_name"], denied["may_release"]) == ("New Name", False)
    former = before["dep_servers"][0]
    assert replaced["uuid"] != former["uuid"]
    assert replaced["token"]["consumer_key"] != former["token"]["consumer_key"]


async def test_all_that_is_missing_of_devices_is_said_at_once(control: Control) -> None:
    body = {"devices": [{"serial_number": "0ZTESTTEST1"}, {"model": "x"}]}

    status, problem = await control.call("POST", "/devices", body)

    assert status == 400
    assert "model, description, os, device_family" in problem["detail"]


async def test_a_device_that_lacks_facts_is_told_all_of_them_at_once(control: Control) -> None:
    status, refused = await control.call("POST", "/devices", {"devices": [{}]})
    names = refused["detail"].removeprefix("devices[0] needs ").split(", ")
    added, answer = await control.call(
        "POST", "/devices", {"devices": [dict.fromkeys(names, "0ZHINT00001")]}
    )

    assert status == 400
    assert names == ["serial_number", "model", "description", "os", "device_family"]
    assert (added, answer) == (201, {"serial_numbers": ["0ZHINT00001"]})
