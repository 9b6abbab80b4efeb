"""No API account reads or changes what belongs to another organisation, in any call."""

from functools import partial
from typing import Any, cast

import pytest

from simulator import services
from simulator.core.state import State
from simulator.protocol.operations import Operation
from simulator.services import organisations
from simulator.services.axm import seeding
from simulator.services.axm.accounts import Account
from simulator.services.axm.content import MANAGED
from simulator.services.fleet import changes, portal, servers
from simulator.services.provisioning import Seeding
from simulator.store.sqlite.store import SqliteStore
from tests.apple import ORG, hardware
from tests.axm import Axm

MARK = "Rival"
OPERATIONS = [
    pytest.param(one, id=one.name)
    for one in services.load().operations.values()
    if one.service == "axm" and one.auth
]
PROFILE = (
    '<?xml version="1.0"?><plist version="1.0"><dict><key>PayloadContent</key>'
    "<array><string>Rival</string></array></dict></plist>"
)


class Two(Axm):
    """Two organisations with an account each; the other's things have ids that are known."""

    def __init__(self) -> None:
        super().__init__()
        self.add("OURS1")
        self.theirs = self.run(self._add_rival)
        self.ids = self._furnish_rival()

    def _add_rival(self, state: State) -> Account:
        organisations.add_organisation(state, ORG | {"id": "rival", "name": MARK})
        home = state.of("rival")
        servers.add_server(home, "r", f"{MARK} server", random_hex="7".rjust)
        rows = [(hardware("THEIRS1", model=MARK), self.now_ms)]
        portal.add_devices(home, rows, server="r", by=f"{MARK}@x.example", events=True)
        facts = Seeding(
            organisation="rival",
            facts={"email": f"it@{MARK}.example"},
            part=None,
            seed=1,
            generate_secret=self.random_hex,
            now_ms=self.now_ms,
        )
        for step in seeding.people_steps(facts, 3):
            step(state)
        seeding.add_content(state, seeding=facts)
        body = {"attributes": {"serialNumber": "THEIRS1"}, "details": {"deviceName": MARK}}
        home.put(MANAGED, "THEIRS1", body)
        return self.add_account(state, "rival", "rival")

    def _furnish_rival(self) -> dict[str, str]:
        token = self.access_token(self.theirs)
        call = partial(self.api, token=token)
        attributes = {
            "type": "CUSTOM_SETTING",
            "name": MARK,
            "customSettingsValues": {"configurationProfile": PROFILE},
        }
        made = call(
            "POST",
            "/configurations",
            {"data": {"type": "configurations", "attributes": attributes}},
        )
        configuration = made.json["data"]["id"]
        related = {
            "configurations": {"data": [{"type": "configurations", "id": configuration}]},
            "orgDevices": {"data": [{"type": "orgDevices", "id": "THEIRS1"}]},
        }
        data = {"type": "blueprints", "attributes": {"name": MARK}, "relationships": related}
        blueprint = call("POST", "/blueprints", {"data": data}).json["data"]["id"]
        order = {
            "type": "orgDeviceActivities",
            "attributes": {"activityType": "UNASSIGN_DEVICES"},
            "relationships": {"devices": {"data": [{"type": "orgDevices", "id": "THEIRS1"}]}},
        }
        activity = call("POST", "/orgDeviceActivities", {"data": order}).json["data"]["id"]
        return {
            "orgDevices": "THEIRS1",
            "mdmServers": "7".rjust(32),
            "orgDeviceActivities": activity,
            "mdmDevices": "THEIRS1",
            "users": "1000000",
            "userGroups": "1",
            "organizationalUnits": "1",
            "apps": "1000000000",
            "packages": "agent",
            "configurations": configuration,
            "blueprints": blueprint,
        }


def belongings(axm: Axm) -> list[Any]:
    query = (
        "SELECT kind, key, body FROM entity WHERE organisation = 'rival'"
        " OR (organisation = '' AND body LIKE '%rival%') ORDER BY kind, key"
    )
    found: list[Any] = cast("SqliteStore", axm.store)._connection.execute(query).fetchall()
    return found


def body_of(axm: Two, one: Operation, kind: str) -> Any:
    """Return a good body that names what is theirs wherever it can."""
    if not any(row.place == "body" for row in one.request):
        return None
    if "{rel}" in one.path:
        return {"data": [{"type": "orgDevices", "id": "THEIRS1"}]}
    relationships = {
        "devices": {"data": [{"type": "orgDevices", "id": "THEIRS1"}]},
        "mdmServer": {"data": {"type": "mdmServers", "id": axm.ids["mdmServers"]}},
    }
    attributes: dict[str, Any] = {"activityType": "ASSIGN_DEVICES"}
    if kind != "orgDeviceActivities":
        relationships, attributes = {}, {"name": "ours"}
    if kind == "mdmServers":
        attributes = {"serverName": "ours"}
    data: dict[str, Any] = {"type": kind, "attributes": attributes}
    if kind == "blueprints":
        linked = ("configurations", "apps", "orgDevices", "users")
        relationships = {name: {"data": [{"type": name, "id": axm.ids[name]}]} for name in linked}
    if relationships:
        data["relationships"] = relationships
    if "{id}" in one.path:
        data["id"] = axm.ids[kind]
    return {"data": data}


@pytest.mark.parametrize("one", OPERATIONS)
def test_a_call_neither_tells_nor_changes_what_is_theirs(one: Operation) -> None:
    axm = Two()
    before = belongings(axm)
    kind = one.path.split("/")[2]
    path = one.path.removeprefix("/v1").replace("{rel}", "orgDevices")
    path = path.replace("{id}", axm.ids.get(kind, ""))
    query: dict[str, Any] = {}
    if kind == "auditEvents":
        query = {
            "filter[startTimestamp]": "2026-01-01T00:00:00Z",
            "filter[endTimestamp]": "2027-01-01T00:00:00Z",
            "filter[subjectId]": "THEIRS1",
        }

    answer = axm.api(one.methods[0], path, body_of(axm, one, kind), **query)

    assert belongings(axm) == before
    assert MARK not in answer.text
    assert '"THEIRS1"' not in answer.text or answer.status == 404
    assert answer.exchange.organisation == "acme"
    if "{id}" in one.path:
        assert answer.status in (403, 404)


def test_the_key_of_another_organisation_gets_no_token() -> None:
    axm = Two()
    header = {"kid": axm.theirs.current}
    ours, theirs = axm.account.client_id, axm.theirs.client_id

    for assertion in (
        axm.assertion(axm.theirs),
        axm.assertion(axm.theirs, iss=ours, sub=ours),
        axm.assertion(axm.account, header=header),
        axm.assertion(axm.account, iss=theirs, sub=theirs),
    ):
        answer = axm.ask_token(axm.parameters(client_assertion=assertion))
        assert answer.json == {"error": "invalid_client"}


def test_the_cursor_of_another_organisation_is_no_cursor() -> None:
    axm = Two()
    token = axm.access_token(axm.theirs)
    users = axm.api("GET", "/users", token=token, limit=1).json
    cursor = users["meta"]["paging"]["nextCursor"]

    answer = axm.api("GET", "/users", limit=1, cursor=cursor)
    assert axm.error(answer) == (400, "PARAMETER_ERROR.INVALID", {"parameter": "cursor"})


def test_the_work_of_one_is_not_that_of_another() -> None:
    axm = Two()
    axm.advance(10)
    assert axm.home(lambda home: changes.complete_due(home, axm.now_ms))
    activity = axm.ids["orgDeviceActivities"]
    found = axm.run(lambda state: changes.find(state.of("rival"), activity))

    assert found is not None
    assert found.done == 0
