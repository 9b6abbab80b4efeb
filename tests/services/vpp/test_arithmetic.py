"""Licences always add up, whatever is done in whatever order."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from simulator.services.vpp import limits
from simulator.services.vpp.domain import users
from simulator.services.vpp.domain.licences import ASSIGNMENT, every
from simulator.services.vpp.limits import PIECE
from tests.vpp import APP, BOOK, FREE, SCARCE, Vpp, wanted

CLIENTS = st.lists(st.sampled_from(["u-1", "u-2", "u-3"]), max_size=3, unique=True)
SERIALS = st.lists(st.sampled_from(["C1", "C2", "C3", "C4"]), max_size=3, unique=True)
APPS = st.lists(st.sampled_from([APP, FREE, SCARCE, BOOK]), min_size=1, max_size=3, unique=True)
ONE_APP = st.sampled_from([APP, SCARCE, BOOK])
CLIENT = st.sampled_from(["u-1", "u-2", "u-3"])
ACCOUNT = st.sampled_from(["", "a@acme.example", "b@acme.example"])
MODES = st.sampled_from(["immediate", "delay", "polls", "manual"])


class Licences(RuleBasedStateMachine):
    """Clients of both kinds of targets, the portal, and users who accept invitations."""

    make = Vpp

    @initialize(mode=MODES, piece=st.sampled_from([1, 2, 5, PIECE]))
    def open(self, mode: str, piece: int = PIECE) -> None:
        limits.PIECE = piece
        self.apple = self.make(vpp_events=mode)
        self.events: list[str] = []

    def teardown(self) -> None:
        limits.PIECE = PIECE

    def _start(self, path: str, body: Any) -> None:
        answer = self.apple.v2("POST", path, body)
        assert answer.status in (200, 400), answer.text
        if answer.status == 200:
            self.events.append(answer.json["eventId"])

    @rule(apps=APPS, clients=CLIENTS, serials=SERIALS)
    def associate(self, apps: Any, clients: Any, serials: Any) -> None:
        self._start("/assets/associate", wanted(apps, clients, serials))

    @rule(apps=APPS, clients=CLIENTS, serials=SERIALS)
    def disassociate(self, apps: Any, clients: Any, serials: Any) -> None:
        self._start("/assets/disassociate", wanted(apps, clients, serials))

    @rule(clients=CLIENTS, serials=SERIALS)
    def revoke(self, clients: Any, serials: Any) -> None:
        self._start("/assets/revoke", {"clientUserIds": clients, "serialNumbers": serials})

    @rule(client=CLIENT, account=ACCOUNT)
    def create(self, client: str, account: str) -> None:
        user = {"clientUserId": client} | ({"managedAppleId": account} if account else {})
        self._start("/users/create", {"users": [user]})

    @rule(client=CLIENT)
    def retire(self, client: str) -> None:
        self._start("/users/retire", {"users": [{"clientUserId": client}]})

    @rule(client=CLIENT, account=ACCOUNT)
    def accept(self, client: str, account: str) -> None:
        try:
            self.apple.accept(client, account or "c@example.com")
        except (LookupError, ValueError):
            return

    @rule(app=ONE_APP, quantity=st.integers(-3, 3))
    def buy(self, app: str, quantity: int) -> None:
        try:
            self.apple.buy(app, quantity)
        except ValueError:
            return

    @rule()
    def wait(self) -> None:
        self.apple.advance(2)

    @rule(pick=st.integers(0, 100))
    def poll(self, pick: int) -> None:
        if self.events:
            event = self.events[pick % len(self.events)]
            found = self.apple.v2("GET", "/status", eventId=event).json
            assert found["numCompleted"] <= found["numRequested"]
            assert (found["eventStatus"] == "FAILED") == ("failures" in found)

    @rule(pick=st.integers(0, 100))
    def complete(self, pick: int) -> None:
        if self.events:
            event = self.events[pick % len(self.events)]
            self.apple.complete(event)

    @invariant()
    def adds_up(self) -> None:
        def rows(state: Any, place: Any) -> list[Any]:
            return [one.body for one in every(state, place.kind(ASSIGNMENT))]

        # Asked first: what is due by now is done once somebody asks.
        shown = self.apple.v2("GET", "/assets").json["assets"]
        held = self.apple.at(rows)
        for one in shown:
            mine = [row for row in held if row["adam"] == one["adamId"]]
            assigned = [row for row in mine if not row["retired"]]
            asset = self.apple.asset(one["adamId"])
            assert one["totalCount"] == one["assignedCount"] + one["availableCount"]
            assert min(one["availableCount"], one["retiredCount"]) >= 0
            assert one["assignedCount"] == len(assigned)
            assert one["retiredCount"] == len(mine) - len(assigned)
            if not asset.unlimited:
                free = list(asset.free_ids())
                assert list(asset.free_ids(2)) == free[2:]
                assert len(free) == one["availableCount"]
                ids = [*free, *(row["licence"] for row in mine)]
                assert len(ids) == len(set(ids)) == asset.bought

    @invariant()
    def at_most_one_record_is_active(self) -> None:
        for client in ("u-1", "u-2", "u-3"):
            found = self.apple.v2("GET", "/users", clientUserId=client).json["users"]
            assert sum(one["status"] in users.ACTIVE for one in found) <= 1


def test_an_event_that_has_come_due_in_silence_adds_up() -> None:
    licences = Licences()
    licences.open(mode="delay")
    licences.associate([APP], [], ["C1"])
    for _ in range(5):
        licences.wait()
        licences.adds_up()


TestLicences = Licences.TestCase
TestLicences.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
