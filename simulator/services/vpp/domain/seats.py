"""Who has a seat of which subscription, and who administers one (vpp.md 4.9)."""

from collections.abc import Iterable, Sequence

from simulator.core.state import Body, State
from simulator.services.vpp.domain import due
from simulator.services.vpp.domain.licences import having
from simulator.services.vpp.domain.locations import Location
from simulator.services.vpp.domain.unit_of_work import UnitOfWork
from simulator.services.vpp.v2.versions import touch

SUBSCRIPTION = "subscription"
SEAT = "seat"
ADMIN = "subscription-admin"
BY_GROUP = "group"
"""The index value by which the seats that a group has assigned are found: their keys."""
TALLY = "seat-tally"
"""How many seats of a subscription are assigned; without it they are counted."""
LISTS = {SUBSCRIPTION: "subscriptions", SEAT: "seats", ADMIN: "admins"}
"""The list whose version each kind counts in."""


def seat_key(adam_id: int, client: str) -> str:
    """Return the key of a user's seat."""
    return f"{adam_id}|{client}"


class SeatUnitOfWork(UnitOfWork):
    """The seats that one piece of work changes, written at its end with what they add up to."""

    def __init__(self, state: State, location: Location) -> None:
        super().__init__(state, location, SEAT)
        self._tallies: dict[int, Body] = {}

    def read(self, pairs: Iterable[tuple[int, str]]) -> None:
        """Look up all at once what `seat` is going to be asked."""
        self._look_up(seat_key(*pair) for pair in pairs)

    def seat(self, adam_id: int, client: str) -> Body | None:
        """Return a user's seat as this work has left it, or None."""
        return self._left(seat_key(adam_id, client))

    def put(self, seat: Body) -> None:
        """Write a seat: ``adam``, ``client``, ``renewing``, ``renews``, ``deferred``, ``group``.

        ``renewing`` is the assignment's state, ``renews`` that of the seat that it has.
        """
        self._place(seat, seat)

    def drop(self, seat: Body) -> None:
        """Remove a user's seat."""
        self._place(seat, None)

    def _place(self, seat: Body, placed: Body | None) -> None:
        adam_id, client = seat["adam"], seat["client"]
        tally = self.tally(adam_id)
        for one, sign in ((self.seat(adam_id, client), -1), (placed, 1)):
            if one is not None:
                tally["taken"] += sign
                tally["renewing"] += sign * one["renewing"]
                tally["lent"] += sign * one["renews"]
        self._placed[seat_key(adam_id, client)] = placed

    def tally(self, adam_id: int) -> Body:
        """Return what the assigned seats of a subscription add up to, as `tally` does."""
        if adam_id not in self._tallies:
            self._tallies[adam_id] = dict(tally(self._state, self._location, adam_id))
        return self._tallies[adam_id]

    def write(self) -> None:
        """Write what was changed, and note it in the versions."""
        self._write(_index)
        for adam_id, tally in self._tallies.items():
            self._state.put(self._location.kind(TALLY), str(adam_id), tally)
        if self._placed:
            touch(self._state, self._location, LISTS[SEAT], LISTS[SUBSCRIPTION])


def _index(seat: Body) -> dict[str, str]:
    index = {"adam": str(seat["adam"]), "client": seat["client"]}
    return index | ({BY_GROUP: seat_key(seat["adam"], seat["client"])} if seat["group"] else {})


def put_seat(state: State, location: Location, seat: Body) -> None:
    """Write one seat, as a unit of work does."""
    unit = SeatUnitOfWork(state, location)
    unit.put(seat)
    unit.write()


def set_admins(state: State, location: Location, what: Body, most: int) -> int:
    """Add or remove administrators: each of ``clientUserIds`` for each of ``adamIds``.

    Return how many that took; of more than *most* the rest follow before anybody looks.
    """
    pairs, end = crossed(what["adamIds"], what["clientUserIds"], what.get("at", 0), most)
    kind = location.kind(ADMIN)
    rows = {seat_key(*pair): {"adam": pair[0], "client": pair[1]} for pair in pairs}
    if what["how"] == "add":
        state.put_many(kind, ((key, body, None) for key, body in rows.items()))
    else:
        state.delete_many(kind, rows)
    touch(state, location, LISTS[ADMIN])
    if end is not None:
        rest = {"admins": what | {"at": end}}
        due.schedule_rest(state, location, 0, f"admins/{location.uid}", rest)
    return len(pairs)


def crossed(
    adam_ids: Sequence[int], clients: Sequence[str], start: int, most: int
) -> tuple[list[tuple[int, str]], int | None]:
    """Return up to *most* subscriptions with users from a number on, and where the next begin.

    None: those were the last.
    """
    total = len(adam_ids) * len(clients)
    end = min(start + most, total)
    places = (divmod(number, len(clients)) for number in range(start, end))
    found = [(adam_ids[which], clients[who]) for which, who in places]
    return found, end if end < total else None


def tally(state: State, location: Location, adam_id: int) -> Body:
    """Return how many seats are assigned, and of those how many renew and are of those that do."""
    found = state.get(location.kind(TALLY), str(adam_id))
    if found is not None:
        return found.body
    seats = [one.body for one in having(state, location.kind(SEAT), "adam", str(adam_id))]
    return {
        "taken": len(seats),
        "renewing": sum(seat["renewing"] for seat in seats),
        "lent": sum(seat["renews"] for seat in seats),
    }
