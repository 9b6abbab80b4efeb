"""What the portal does to locations, by the control API."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from simulator.app import Simulator
from simulator.control.actions import imports
from simulator.control.api.vpp import find
from simulator.core.settings import Settings
from simulator.core.state import State
from simulator.services.vpp.domain import locations, notifications, supply
from tests.apple import KEY
from tests.control.conftest import Control

FIRST = "1900000001"


@pytest.fixture
async def manual() -> AsyncIterator[Control]:
    settings = Settings(
        data=":memory:",
        tls_port=(None,),
        http_port=0,
        control_port=0,
        proxy_port=None,
        fingerprint_key=KEY.decode(),
        vpp_events="manual",
    )
    async with Simulator(settings) as simulator, aiohttp.ClientSession() as session:
        yield Control(simulator, session)


def stoken(control: Control) -> str:
    (place,) = control.simulator.ready["organisations"][0]["vpp_locations"]
    found: str = place["stoken"]
    return found


async def v2(control: Control, method: str, path: str, token: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    async with control.http.request(
        method, f"{control.service}/mdm/v2{path}", headers=headers, json=body
    ) as answer:
        return answer.status, await answer.json()


async def test_ready_holds_a_token_that_works(control: Control) -> None:
    status, body = await v2(control, "GET", "/client/config", stoken(control))

    assert (status, body["locationName"]) == (200, "Example Campus")


async def test_urls_lead_back_to_the_port_that_was_asked(control: Control) -> None:
    async with control.http.get(f"{control.service}/mdm/v2/service/config") as answer:
        body = await answer.json()

    assert body["urls"]["getAssets"] == f"{control.service}/mdm/v2/assets"


async def test_locations_are_listed_without_their_secrets(control: Control) -> None:
    _, body = await control.call("GET", "/vpp-locations?organisation=demo")

    (place,) = body["vpp_locations"]
    assert (place["id"], place["organisation"]) == ("campus", "demo")
    assert place["token"]["state"] == "active"
    assert stoken(control) not in str(body)


async def test_a_token_is_renewed_revoked_and_expires(control: Control) -> None:
    old = stoken(control)
    _, renewed = await control.call("POST", "/vpp-locations/campus/token", {"days": 1})
    status, body = await v2(control, "GET", "/assets", old)
    good, _ = await v2(control, "GET", "/assets", renewed["stoken"])

    assert (status, body["errorNumber"], good) == (401, 9625, 200)
    await control.call("PUT", "/clock", {"mode": "offset", "advance_s": 86_400})
    _, body = await v2(control, "GET", "/assets", renewed["stoken"])
    assert body["errorNumber"] == 9621
    _, listed = await control.call("GET", "/vpp-locations")
    assert listed["vpp_locations"][0]["token"]["state"] == "expired"
    _, revoked = await control.call("POST", "/vpp-locations/campus/revoke")
    assert revoked["token"]["state"] == "revoked"


async def test_a_location_is_added_with_licences_of_its_own(control: Control) -> None:
    status, added = await control.call("POST", "/vpp-locations", {"name": "Lab", "id": "lab"})
    again, _ = await control.call("POST", "/vpp-locations", {"name": "Lab", "id": "lab"})
    _, made = await control.call("POST", "/vpp-locations/lab/token")
    product = {"adam_id": "77", "name": "New", "platforms": ["iOS"], "price": 1}
    bought, asset = await control.call(
        "POST", "/assets", {"location": "lab", "product": product, "quantity": 3}
    )

    assert (status, added["token"], again, bought) == (201, None, 409, 201)
    assert (asset["name"], asset["total"]) == ("New", 3)
    _, body = await v2(control, "GET", "/assets", made["stoken"])
    assert [(one["adamId"], one["totalCount"]) for one in body["assets"]] == [("77", 3)]
    _, listed = await control.call("GET", "/assets?location=lab")
    assert listed["assets"] == [asset]
    _, products = await control.call("GET", "/products?limit=5")
    assert products["next"] == "1900000005"
    ambiguous, problem = await control.call("GET", "/assets")
    assert (ambiguous, problem["detail"]) == (
        400,
        "there are several locations: name one of campus, lab",
    )


async def test_events_complete_by_hand(manual: Control) -> None:
    token = stoken(manual)
    body = {"assets": [{"adamId": FIRST}], "serialNumbers": ["C1"]}
    started = [(await v2(manual, "POST", "/assets/associate", token, body))[1] for _ in range(2)]

    _, pending = await manual.call("GET", "/vpp-locations/campus/events")
    _, one = await manual.call(
        "POST", "/vpp-locations/campus/complete", {"event": started[0]["eventId"]}
    )
    _, rest = await manual.call("POST", "/vpp-locations/campus/complete")

    assert {each["status"] for each in pending["events"]} == {"PENDING"}
    assert [each["status"] for each in one["events"]] == ["COMPLETE"]
    assert [each["id"] for each in rest["events"]] == [started[1]["eventId"]]
    _, who = await manual.call("GET", "/assignments")
    assert who["assignments"] == [{"adamId": FIRST, "pricingParam": "STDQ", "serialNumber": "C1"}]


async def test_users_are_listed_and_accept_invitations(control: Control) -> None:
    _, first = await control.call("GET", "/vpp-users?limit=30")
    _, rest = await control.call("GET", f"/vpp-users?limit=30&after={first['next']}")
    user = first["vpp_users"][1]
    body = {"client_user_id": user["clientUserId"], "account": "anna@example.com"}

    _, linked = await control.call("POST", "/vpp-users/accept", body)
    again, _ = await control.call("POST", "/vpp-users/accept", body)

    assert len(first["vpp_users"]) + len(rest["vpp_users"]) == 40
    assert (user["status"], linked["status"], again) == ("Registered", "Associated", 409)


async def test_another_mdm_steals_the_location(control: Control) -> None:
    info = {"id": "other", "name": "Other MDM", "metadata": "x"}

    await control.call(
        "PATCH", "/vpp-locations/campus", {"mdm_info": info, "managed_domains": ["A.example"]}
    )

    _, body = await v2(control, "GET", "/client/config", stoken(control))
    assert body["mdmInfo"] == info


async def test_maintenance_begins_and_ends(control: Control) -> None:
    statuses = []
    for on in (True, False):
        await control.call("POST", "/vpp-service", {"maintenance": on})
        statuses.append((await v2(control, "GET", "/assets", stoken(control)))[0])

    assert statuses == [503, 200]


async def test_a_subscription_is_bought_where_they_are_enabled(control: Control) -> None:
    body = {"adam_id": 5, "renewing": 2, "period_end": "2030-01-01T00:00:00Z"}
    refused, _ = await control.call("POST", "/vpp-locations/campus/subscriptions", body)
    await v2(control, "POST", "/subscriptions/enable", stoken(control))
    status, made = await control.call("POST", "/vpp-locations/campus/subscriptions", body)

    assert (refused, status, made["renewing"]) == (409, 200, 2)
    _, listed = await v2(control, "GET", "/subscriptions", stoken(control))
    assert listed["subscriptions"][0]["periodEndDate"] == "2030-01-01"


async def test_notifications_can_be_looked_at(control: Control) -> None:
    _, body = await control.call("GET", "/vpp-locations/campus/notifications")

    assert body == {"notifications": []}


PLACE = "/vpp-locations/campus"


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        pytest.param("POST", "/vpp-locations", {}, 400, id="nameless"),
        pytest.param("POST", "/vpp-locations", {"name": "x", "id": "a/b"}, 400, id="slash"),
        pytest.param("POST", "/vpp-locations", {"name": "x", "country": 1}, 400, id="country"),
        pytest.param("PATCH", PLACE, {}, 400, id="nothing"),
        pytest.param("PATCH", PLACE, {"uid": "1"}, 400, id="fixed"),
        pytest.param("PATCH", PLACE, {"mdm_info": {"id": "1"}}, 400, id="half-info"),
        pytest.param("PATCH", PLACE, {"managed_domains": "x"}, 400, id="domains"),
        pytest.param("PATCH", "/vpp-locations/moon", {"name": "x"}, 404, id="moon"),
        pytest.param("POST", f"{PLACE}/token", {"days": "x"}, 400, id="days"),
        pytest.param("POST", f"{PLACE}/token", {"year": 1}, 400, id="year"),
        pytest.param("POST", f"{PLACE}/token", {"keep": 1}, 400, id="keep"),
        pytest.param("POST", f"{PLACE}/token", {"rights": "all"}, 400, id="rights"),
        pytest.param("POST", f"{PLACE}/complete", {"event": "x"}, 404, id="event"),
        pytest.param("POST", f"{PLACE}/subscriptions", {}, 400, id="subscription"),
        pytest.param(
            "POST",
            f"{PLACE}/subscriptions",
            {"adam_id": 1, "status": "GONE", "period_end": "x"},
            400,
            id="status",
        ),
        pytest.param(
            "POST", f"{PLACE}/subscriptions", {"adam_id": 1, "period_end": "x"}, 400, id="end"
        ),
        pytest.param(
            "POST", f"{PLACE}/subscriptions", {"adam_id": 1, "renewing": -1}, 400, id="seats"
        ),
        pytest.param("POST", "/vpp-service", {"maintenance": 1}, 400, id="maintenance"),
        pytest.param("POST", "/assets", {}, 400, id="nothing-to-buy"),
        pytest.param("POST", "/assets", {"adam_id": FIRST, "quantity": "x"}, 400, id="quantity"),
        pytest.param("POST", "/assets", {"adam_id": "1", "quantity": 1}, 404, id="no-product"),
        pytest.param("POST", "/assets", {"adam_id": FIRST, "quantity": -51}, 409, id="too-few"),
        pytest.param("POST", "/assets", {"adam_id": FIRST, "unlimited": 1}, 400, id="unlimited"),
        pytest.param(
            "POST", "/assets", {"adam_id": FIRST, "quantity": 1, "pricing": "PLUS"}, 409, id="plus"
        ),
        pytest.param("POST", "/assets", {"product": 1}, 400, id="product"),
        pytest.param("POST", "/assets", {"product": {"name": "x"}}, 400, id="no-id"),
        pytest.param("POST", "/assets", {"product": {"adam_id": 1}}, 400, id="number"),
        pytest.param(
            "POST", "/assets", {"product": {"adam_id": "a|b", "name": "x"}}, 400, id="no-digits"
        ),
        pytest.param(
            "POST",
            "/assets",
            {"product": {"adam_id": "1", "name": "x", "platforms": ["PC"]}},
            400,
            id="platform",
        ),
        pytest.param(
            "POST",
            "/assets",
            {"product": {"adam_id": "1", "name": "x", "price": -1}},
            400,
            id="price",
        ),
        pytest.param("POST", "/vpp-users/accept", {"account": "x"}, 400, id="nobody"),
        pytest.param(
            "POST",
            "/vpp-users/accept",
            {"account": "x@y.example", "client_user_id": "nobody"},
            404,
            id="unknown-user",
        ),
    ],
)
async def test_what_cannot_be_is_a_problem(
    control: Control, method: str, path: str, body: Any, expected: int
) -> None:
    status, problem = await control.call(method, path, body)

    assert status == expected
    assert problem["detail"]


async def test_a_content_token_is_given(control: Control) -> None:
    place = control.simulator.ready["organisations"][0]["vpp_locations"][0]["id"]
    given = base64.b64encode(b'{"token":"GIVEN","expDate":"2030-01-01T00:00:00+0000"}').decode()

    status, answer = await control.call("POST", f"/vpp-locations/{place}/token", {"stoken": given})
    _, shown = await control.call("GET", f"/vpp-locations/{place}/token")
    headers = {"Authorization": f"Bearer {given}", "User-Agent": "ExampleMDM/1"}
    asked, _ = await control.ask("GET", "/mdm/v2/client/config", headers=headers)

    assert (status, answer["stoken"], shown["stoken"], asked) == (200, given, given, 200)
    ready = control.simulator.ready["organisations"][0]["vpp_locations"][0]
    assert ready["stoken"] == given


async def test_what_was_disclosed_is_shown_at_the_level_that_is_asked_for(control: Control) -> None:
    token = stoken(control)
    await v2(control, "GET", "/client/config", token)
    _, listed = await control.call("GET", "/exchanges?order=newest&limit=1")
    at = f"/exchanges/{listed['exchanges'][0]['seq']}/disclosures"
    found = {}
    for level in ("", "?redact=clear", "?redact=names"):
        _, told = await control.call("GET", f"{at}{level}")
        found[level] = {one["at"]: one["value"] for one in told["disclosures"]}
        assert token not in str(told)

    assert found[""]["authorization#/orgName"].startswith("text[14] fp=")
    assert found["?redact=clear"]["authorization#/orgName"] == "ORG.1000000001"
    assert found["?redact=clear"]["authorization"].startswith("text[")
    assert set(found["?redact=names"].values()) == {""}
    status, said = await control.call("GET", f"{at}?redact=all")
    assert (status, "names, shape, fingerprint, partial, clear" in said["detail"]) == (400, True)


async def test_a_file_of_vppsim_is_done_whole_or_not_at_all(control: Control) -> None:
    def bought(number: int, quantity: int) -> dict[str, Any]:
        return {"license": {"adamId": 1_700_000_000 + number}, "licenses_per_event": quantity}

    many = [bought(number, 2) for number in range(300)]
    before = await control.call("GET", "/assets", params={"limit": 1000})

    refused = await control.call(
        "POST", "/imports", {"document": {"license_insertions": [*many, bought(7, 10_000_000)]}}
    )
    after = await control.call("GET", "/assets", params={"limit": 1000})
    document = {"license_insertions": many, "associate_users": {"users_per_event": 2}}
    status, done = await control.call("POST", "/imports", {"document": document})

    assert refused[0] == 409
    assert "must leave between 0 and 10000000 licences" in refused[1]["detail"]
    assert after == before
    assert status == 201
    assert [(one["adam_id"], one["total"]) for one in done["assets"]] == [
        (str(1_700_000_000 + number), 2) for number in range(300)
    ]
    assert [one["status"] for one in done["vpp_users"]] == ["Associated"] * 2


async def test_an_import_of_assets_that_others_keep_changing_ends(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    refuse = imports._refuse

    def look_and_buy(state: State, **more: Any) -> None:
        refuse(state, **more)
        looks.append(len(looks))
        location = find(state, None)
        supply.buy(state.of(location.organisation), location.id, FIRST, 1, now_ms=0)

    monkeypatch.setattr(imports, "_refuse", look_and_buy)
    document = {"license_insertions": [{"license": {"adamId": int(FIRST)}}]}
    refused, said = await control.call("POST", "/imports", {"document": document})
    _, listed = await control.call("GET", "/assets")

    assert (refused, looks) == (409, list(range(10)))
    assert said["detail"].startswith("nothing was bought, as others keep changing the assets")
    assert [one["total"] for one in listed["assets"] if one["adam_id"] == FIRST] == [50 + 10]


async def test_a_file_of_vppsim_that_is_too_long_is_refused(control: Control) -> None:
    one = {"license": {"adamId": 1}}

    status, answer = await control.call(
        "POST", "/imports", {"document": {"license_insertions": [one] * 10_001}}
    )

    assert (status, answer["detail"].partition(":")[0]) == (
        400,
        "license_insertions holds 10001 objects",
    )


async def test_the_newest_notifications_are_listed_of_however_many(control: Control) -> None:
    def tell(state: State) -> None:
        home = state.of("demo")
        where = locations.change(
            home, "campus", notify_url="https://127.0.0.1:9/hook", notify_types=("ASSET_COUNT",)
        )
        for number in range(120):
            notifications.enqueue_notification(home, where, "ASSET_COUNT", {"n": number}, 0)

    await control.simulator.gateway.run(tell)

    status, body = await control.call(
        "GET", "/vpp-locations/campus/notifications", params={"limit": 70}
    )

    told = [one["message"]["notification"]["n"] for one in body["notifications"]]
    assert (status, told) == (200, list(range(50, 120)))
