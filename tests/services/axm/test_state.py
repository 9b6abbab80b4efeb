"""Activities in any order: what their logs say, what the API shows, and what DEP's servers hear."""

import csv
import io
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.apple import request
from tests.axm import Axm

SERIALS = ("SN1", "SN2", "SN3", "SN4")
DEVICES = st.lists(st.sampled_from(SERIALS), min_size=1, max_size=4, unique=True)
SERVERS = ("a", "b")
SERVER = st.sampled_from(SERVERS)
DEADLINE = {"mdmMigrationDeadlineDateTime": "2026-03-20T12:00:00Z"}
MIGRATION = ("ASSIGN_DEVICES_WITH_MDM_MIGRATION_DEADLINE", "UPDATE_MDM_MIGRATION_DEADLINE")


@dataclass
class Known:
    """A device as this test thinks that it is."""

    server: str | None = "a"
    released: bool = False
    migrates: bool = False
    left: set[str] = field(default_factory=set)
    """Servers that were not told that it was released."""


class Activities(RuleBasedStateMachine):
    """One client of the API, two of DEP."""

    make = Axm

    @initialize()
    def open(self) -> None:
        self.apple = self.make()
        self.apple.add(*SERIALS)
        self.devices = {serial: Known() for serial in SERIALS}
        self.ordered: list[tuple[str, str, str | None, list[str]]] = []
        self.sessions = {server: self.apple.session(server) for server in SERVERS}
        self.seen: dict[str, set[str]] = {}
        self.cursors: dict[str, str] = {}
        for server in SERVERS:
            answer = self._dep("/server/devices", server, {})
            self.seen[server] = {one["serial_number"] for one in answer["devices"]}
            self.cursors[server] = answer["cursor"]

    def _dep(self, path: str, server: str, body: Any) -> Any:
        answer = self.apple.call("POST", path, body, session=self.sessions[server])
        assert answer.status == 200, answer.text
        return answer.json

    def _order(self, kind: str, serials: list[str], server: str | None = None) -> None:
        more = {"activityTypeMetadata": DEADLINE} if kind in MIGRATION else {}
        answer = self.apple.order(kind, *serials, server=server, **more)
        if any(self.devices[serial].released for serial in serials):
            assert answer.status == 409, answer.text
        else:
            assert answer.status == 201, answer.text
            self.ordered.append((answer.json["data"]["id"], kind, server, serials))

    @rule(serials=DEVICES, server=SERVER, migrates=st.booleans())
    def assign(self, serials: list[str], server: str, migrates: bool) -> None:
        self._order(MIGRATION[0] if migrates else "ASSIGN_DEVICES", serials, server)

    @rule(serials=DEVICES, server=st.sampled_from([None, *SERVERS]))
    def unassign(self, serials: list[str], server: str | None) -> None:
        self._order("UNASSIGN_DEVICES", serials, server)

    @rule(serials=DEVICES, kind=st.sampled_from([MIGRATION[1], "CANCEL_MDM_MIGRATION"]))
    def migrate(self, serials: list[str], kind: str) -> None:
        self._order(kind, serials)

    @rule(serial=st.sampled_from(SERIALS))
    def release(self, serial: str) -> None:
        self._order("RELEASE_DEVICES", [serial])

    @rule()
    def wait(self) -> None:
        self.apple.advance(3)
        for identifier, kind, server, serials in self.ordered:
            shown = self.apple.get(f"/orgDeviceActivities/{identifier}")["data"]["attributes"]
            while shown["status"] != "COMPLETED":
                shown = self.apple.get(f"/orgDeviceActivities/{identifier}")["data"]["attributes"]
            wanted = [[one, *self._do(kind, server, self.devices[one])] for one in serials]
            assert self._log(shown["downloadUrl"]) == wanted
            how = "ERROR" if any(row[1] == "FAILED" for row in wanted) else "SUCCESS"
            assert shown["subStatus"] == f"COMPLETED_WITH_{how}"
        self.ordered.clear()

    def _log(self, url: str) -> list[list[str]]:
        host, _, path = url.removeprefix("https://").partition("/")
        text = self.apple.send(request("GET", f"/{path}", [("Host", host)])).text
        return list(csv.reader(io.StringIO(text)))[3:]

    def _do(self, kind: str, server: str | None, device: Known) -> tuple[str, str]:
        """Do to *device* what is ordered; return what the log says of it."""
        if device.released:
            return "FAILED", "DEVICE_NOT_FOUND"
        if kind.startswith("ASSIGN"):
            if device.server == server:
                return "FAILED", "ALREADY_ASSIGNED"
            device.server, device.migrates = server, kind == MIGRATION[0]
        elif kind == "UNASSIGN_DEVICES":
            if device.server is None or server not in (None, device.server):
                return "FAILED", "NOT_ASSIGNED"
            device.server, device.migrates = None, False
        elif kind == "RELEASE_DEVICES":
            device.left = {device.server} if device.server else set()
            device.server, device.released, device.migrates = None, True, False
        elif not device.migrates:
            return "FAILED", "NO_MIGRATION_IN_PROGRESS"
        else:
            device.migrates = kind == MIGRATION[1]
        return "SUCCESS", ""

    @invariant()
    def the_api_shows_what_was_done(self) -> None:
        here = {serial: one for serial, one in self.devices.items() if not one.released}
        listed = {one["id"]: one["attributes"] for one in self.apple.pages("/orgDevices")}
        assert listed.keys() == here.keys()
        for serial, device in here.items():
            status = "ASSIGNED" if device.server else "UNASSIGNED"
            migration = "REQUESTED" if device.migrates else None
            assert listed[serial]["status"] == status
            assert listed[serial].get("mdmMigrationStatus") == migration
        for server in SERVERS:
            path = f"/mdmServers/{self.apple.uuid(server)}"
            linked = {one["id"] for one in self.apple.pages(f"{path}/relationships/devices")}
            assert linked == {one for one, device in here.items() if device.server == server}
            assert self.apple.get(path)["data"]["attributes"]["deviceCount"] == len(linked)

    @invariant()
    def a_sync_tells_each_server_its_devices(self) -> None:
        for server in SERVERS:
            seen = self.seen[server]
            answer = self._dep("/devices/sync", server, {"cursor": self.cursors[server]})
            for one in answer["devices"]:
                if one["op_type"] == "deleted":
                    seen.remove(one["serial_number"])
                else:
                    seen.add(one["serial_number"])
            self.cursors[server] = answer["cursor"]
            fetched = self._dep("/server/devices", server, {})["devices"]
            mine = {one for one, device in self.devices.items() if device.server == server}
            unheard = {one for one, device in self.devices.items() if server in device.left}
            assert {one["serial_number"] for one in fetched} == mine
            assert seen == mine | unheard


TestActivities = Activities.TestCase
TestActivities.settings = settings(max_examples=10, stateful_step_count=12, deadline=None)
