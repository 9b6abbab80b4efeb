"""A simulator without sockets whose organisation has a location ``hq`` with apps and users."""

import json
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

from simulator.core.state import Body, State
from simulator.services.vpp.domain import events, licences, locations, portal, supply, users
from simulator.services.vpp.domain import notifications as notices
from simulator.services.vpp.domain.licences import Asset
from simulator.services.vpp.domain.locations import Location
from simulator.services.vpp.domain.products import StoreProduct, put_product
from tests.apple import AGENT, Answer, Apple, request

T = TypeVar("T")
APP, FREE, SCARCE, BOOK, MAC, USERS_ONLY = (str(1_000_000_000 + n) for n in range(1, 7))
PRODUCTS = (
    StoreProduct(
        APP, "Pages of Nowhere", "App", "example.pages", platforms=("iOS", "macOS"), price=4.99
    ),
    StoreProduct(FREE, "Free of Charge", "App", "example.free"),
    StoreProduct(SCARCE, "Hardly Any", "App", "example.scarce", price=9.99),
    StoreProduct(BOOK, "Book of Nothing", "Book", platforms=("iOS", "macOS"), price=12.0),
    StoreProduct(MAC, "Desk", "Mac", "example.desk", platforms=("macOS",), price=49.0),
    StoreProduct(USERS_ONLY, "Personal", "App", "example.personal", device_assignable=False),
)
BOUGHT = {APP: 100, SCARCE: 2, BOOK: 10, MAC: 5, USERS_ONLY: 20}
HOOK: dict[str, Any] = {
    "notificationUrl": "https://127.0.0.1:9443/hook",
    "notificationAuthToken": "FAKE-notify-secret",
    "notificationTypes": [
        "ASSET_MANAGEMENT",
        "USER_MANAGEMENT",
        "USER_ASSOCIATED",
        "ASSET_COUNT",
        "SUBSCRIPTION_MANAGEMENT",
        "SUBSCRIPTION_COUNT",
    ],
}
MDM = {"id": "mdm-1", "name": "Test MDM", "metadata": "1.0"}


class Vpp(Apple):
    """The services with the location ``hq``."""

    def __init__(self, *, furnish: bool = True, **settings: Any) -> None:
        super().__init__(**settings)
        if furnish:
            self.home(self._furnish)

    def _furnish(self, home: State) -> None:
        for product in PRODUCTS:
            put_product(home, product)
        for identifier, name in (("hq", "HQ"), ("branch", "Branch")):
            portal.add_location(home, "acme", identifier, name, random_hex=self.random_hex)
            portal.issue_token(home, identifier, now_ms=self.now_ms, random_hex=self.random_hex)
        for adam_id, quantity in BOUGHT.items():
            supply.buy(home, "hq", adam_id, quantity, now_ms=self.now_ms)
        supply.buy(home, "hq", FREE, 0, unlimited=True, now_ms=self.now_ms)

    def place(self, identifier: str = "hq") -> Location:
        """Return a location as it is now."""
        return self.home(lambda home: locations.location(home, identifier))

    def at(self, work: Callable[[State, Location], T]) -> T:
        """Run *work* with the state and the location ``hq``."""
        return self.home(lambda home: work(home, locations.location(home, "hq")))

    @property
    def stoken(self) -> str:
        """The newest token of ``hq``."""
        return self.place().stoken

    def renew(self, identifier: str = "hq", **facts: Any) -> str:
        """Download a new token."""
        return self.home(
            lambda home: portal.issue_token(
                home, identifier, now_ms=self.now_ms, random_hex=self.random_hex, **facts
            )
        )

    def v2(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = "",
        headers: tuple[tuple[str, str], ...] = (),
        content: bytes | None = None,
        **query: Any,
    ) -> Answer:
        """Call v2 as a good client would; *token* None sends none, a text is sent as it is."""
        sent = [("Host", "vpp.itunes.apple.com"), ("User-Agent", AGENT)]
        if token is not None:
            sent.append(("Authorization", token or f"Bearer {self.stoken}"))
        data = content if content is not None else b""
        if body is not None:
            data = json.dumps(body).encode()
        if data and not any(name.lower() == "content-type" for name, _ in headers):
            sent.append(("Content-Type", "application/json"))
        target = f"/mdm/v2{path}" + (f"?{urlencode(query)}" if query else "")
        return self.send(request(method, target, [*sent, *headers], data))

    def v1(self, name: str, body: Any = None, *, method: str = "POST", **more: Any) -> Answer:
        """Call v1 with the token of ``hq`` in the body, unless *body* has one."""
        sent = [("Host", "vpp.itunes.apple.com"), ("User-Agent", AGENT)]
        sent.append(("Content-Type", "application/json"))
        data = json.dumps({"sToken": self.stoken} | (body or {})).encode()
        return self.send(request(method, f"/mdm/{name}", sent, data, **more))

    def asset(self, adam_id: str = APP, pricing: str = "STDQ") -> Asset:
        """Return an asset of ``hq``."""
        found = self.at(lambda state, place: licences.find_asset(state, place, adam_id, pricing))
        assert found is not None, f"hq has no asset {adam_id} {pricing}"
        return found

    def counts(self, adam_id: str = APP, pricing: str = "STDQ") -> tuple[int, int, int, int]:
        """Return assigned, available, retired and total, as v2 shows them."""
        rows = self.v2("GET", "/assets", adamId=adam_id, pricingParam=pricing).json["assets"]
        assert len(rows) == 1, f"hq has no one asset {adam_id} {pricing}: {rows}"
        (row,) = rows
        names = ("assignedCount", "availableCount", "retiredCount", "totalCount")
        assigned, available, retired, total = (row[name] for name in names)
        return assigned, available, retired, total

    def create(self, *clients: str, **facts: Any) -> Body:
        """Register users and return the status of the event."""
        body = {"users": [{"clientUserId": client, **facts} for client in clients]}
        return self.done(self.v2("POST", "/users/create", body))

    def associate(self, *adam_ids: str, users: Any = (), serials: Any = ()) -> Body:
        """Assign assets and return the status of the event."""
        return self.done(self.v2("POST", "/assets/associate", wanted(adam_ids, users, serials)))

    def disassociate(self, *adam_ids: str, users: Any = (), serials: Any = ()) -> Body:
        """Take assets away and return the status of the event."""
        return self.done(self.v2("POST", "/assets/disassociate", wanted(adam_ids, users, serials)))

    def done(self, answer: Answer) -> Body:
        """Return the status of the event that *answer* started."""
        assert answer.status == 200, answer.text
        found: Body = self.v2("GET", "/status", eventId=answer.json["eventId"]).json
        return found

    def user(self, client: str) -> users.User:
        """Return the active record of a user."""
        found = self.at(lambda state, place: users.active(state, place, client))
        assert found is not None, f"hq has no active user {client}"
        return found

    def acting(self, work: Callable[[State], T]) -> T:
        """Run *work* as the control API does: once all is done that is due."""

        def act(home: State) -> T:
            events.require(home, self.now_ms)
            return work(home)

        return self.home(act)

    def buy(self, adam_id: str, quantity: int, **more: Any) -> Asset:
        """Buy licences into ``hq``."""
        return self.acting(
            lambda home: supply.buy(home, "hq", adam_id, quantity, now_ms=self.now_ms, **more)
        )

    def accept(self, client: str, account: str) -> users.User:
        """Let a user accept the invitation."""
        return self.acting(
            lambda home: supply.accept_invitation(home, "hq", client, account, now_ms=self.now_ms)
        )

    def complete(self, event: str) -> Body:
        """Complete an event by hand."""
        return self.acting(
            lambda home: portal.complete_event(home, "hq", event, now_ms=self.now_ms)
        )

    def listen(self) -> None:
        """Let ``hq`` want all notifications."""
        hook = {
            "notify_url": HOOK["notificationUrl"],
            "notify_token": HOOK["notificationAuthToken"],
            "notify_types": tuple(HOOK["notificationTypes"]),
        }
        self.home(lambda home: locations.change(home, "hq", **hook))

    def messages(self) -> list[Body]:
        """Return the notifications that were queued, oldest first."""
        rows = self.run(lambda state: state.scan(notices.OUTBOX, limit=1000))
        return [one.body["message"] for one in rows]


def wanted(adam_ids: Any, clients: Any, serials: Any) -> Body:
    """Return the body of associate and disassociate."""
    body: Body = {"assets": [{"adamId": adam_id} for adam_id in adam_ids]}
    if clients:
        body["clientUserIds"] = list(clients)
    if serials:
        body["serialNumbers"] = list(serials)
    return body
