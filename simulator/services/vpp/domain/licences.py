"""Assets, the licences that a location owns, and who they are assigned to.

Arithmetic: of the licences *bought*, those *retired* are bound to a retired
user for good; the rest is the total, which is what is assigned and what is
available (vpp.md 10.4). Available is computed, so that the sum cannot be wrong.

Longer than 300 lines: the arithmetic is in one place, so that no sum can be changed by halves.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from msgspec import Struct

from simulator.core.state import Body, Entity, State
from simulator.protocol import quirks
from simulator.protocol.lookups import Read
from simulator.services.vpp.domain.locations import Location, locations
from simulator.services.vpp.domain.unit_of_work import UnitOfWork
from simulator.services.vpp.limits import UNLIMITED
from simulator.services.vpp.quirks import LATE_LICENCES
from simulator.services.vpp.v2.versions import touch

ASSET = "asset"
ASSIGNMENT = "assignment"
FREED = "freed"
"""Licences that were given back, by their ids: what a delta of v1 tells of."""
LICENCE = "vpp.licence"
_SEEN = "vpp.licence_seen"
"""Series of the licence ids of v1."""
MANY = 1_000_000


@dataclass(slots=True)
class Asset:
    """One app or book in one quality, as a location owns it."""

    adam_id: str
    pricing: str
    product_type: str
    """``App`` or ``Book``."""
    type_id: int
    """The productTypeId of v1: 7 Mac software, 8 app, 10 book."""
    platforms: tuple[str, ...]
    revocable: bool = True
    device_assignable: bool = True
    unlimited: bool = False
    """Whether it is free and cannot run out."""
    bought: int = 0
    assigned: int = 0
    retired: int = 0
    blocks: tuple[tuple[int, int], ...] = ()
    """First licence id and count of each purchase."""
    taken: int = 0
    """How many ids of the blocks were ever assigned."""
    released: list[int] = field(default_factory=list)
    """Ids that were assigned and are free again."""

    @classmethod
    def of(cls, entity: Entity) -> "Asset":
        """Make it of what is stored."""
        body = dict(entity.body)
        body["platforms"], body["released"] = tuple(body["platforms"]), list(body["released"])
        body["blocks"] = tuple((first, count) for first, count in body["blocks"])
        return cls(**body)

    def body(self) -> Body:
        """Return what is stored."""
        return {name: getattr(self, name) for name in self.__slots__}

    @property
    def key(self) -> str:
        """Its key: both parts name it."""
        return asset_key(self.adam_id, self.pricing)

    @property
    def total(self) -> int:
        """How many licences there are, retired ones aside."""
        return UNLIMITED if self.unlimited else self.bought - self.retired

    @property
    def available(self) -> int:
        """How many licences are free."""
        return self.total - self.assigned

    def free_ids(self, skip: int = 0) -> Iterator[int]:
        """Yield the licence ids that are free, but for the first *skip*.

        Those given back come first, the newest of them before the others.
        """
        yield from islice(reversed(self.released), skip, None)
        left = self.taken + max(skip - len(self.released), 0)
        for first, count in self.blocks:
            if left < count:
                yield from range(first + left, first + count)
            left = max(left - count, 0)


class Holder(Struct, frozen=True):
    """A user's record or a device, as what a licence is assigned to."""

    client: str = ""
    """The clientUserId; empty for a device."""
    user: int = 0
    serial: str = ""

    @property
    def key(self) -> str:
        """What tells it from other holders of the same asset."""
        return f"s{self.serial}" if self.serial else f"u{self.user:012d}"


def asset_key(adam_id: str, pricing: str) -> str:
    """Return the key of an asset."""
    return f"{adam_id}|{pricing}"


def find_asset(state: State, location: Location, adam_id: str, pricing: str) -> Asset | None:
    """Return an asset that the location owns, or None."""
    key = asset_key(adam_id, pricing)
    found = state.get(location.kind(ASSET), key)
    return None if found is None else Asset.of(found)


def every(state: State, kind: str, chunk: int = 1000) -> Iterator[Entity]:
    """Yield all entities of a kind in order of key."""
    after = ""
    while rows := state.scan(kind, after=after, limit=chunk):
        yield from rows
        after = rows[-1].key


def having(state: State, kind: str, name: str, value: str, chunk: int = 1000) -> Iterator[Entity]:
    """Yield all entities of a kind whose index value *name* is *value*, in order of key."""
    after = ""
    while rows := state.find(kind, name, equals=value, after=after, limit=chunk):
        yield from rows
        after = rows[-1].key


def all_of(kind: str) -> Read:
    """Return what reads all entities of a kind in order of key."""
    return lambda state, last, most: state.scan(kind, after=last.key if last else "", limit=most)


def all_having(kind: str, name: str, value: str) -> Read:
    """Return what reads those whose index value *name* is *value*, in order of key."""
    return lambda state, last, most: state.find(
        kind, name, equals=value, after=last.key if last else "", limit=most
    )


def all_changed(kind: str, since: int, until: int) -> Read:
    """Return what reads those that were written after one revision and up to another, in order."""

    def read(state: State, last: Entity | None, most: int) -> list[Entity]:
        found = state.changes(kind, last.revision if last else since, most)
        return [one for one in found if one.revision <= until]

    return read


def seen_by_device(state: State, organisation: str, serial: str) -> list[str]:
    """Return the store ids that a device finds a licence for, as it asks before it installs an app.

    With the quirk for late licences, one is not there when it is asked for first.
    """
    found = {
        str(one.body["adam"])
        for location in locations(state)
        for one in having(state, location.kind(ASSIGNMENT), "serial", serial)
    }
    if quirks.on(state, LATE_LICENCES.id, organisation):
        late = {one for one in found if state.get(_SEEN, f"{serial}/{one}") is None}
        for one in late:
            state.put(_SEEN, f"{serial}/{one}", {})
        found -= late
    return sorted(found)


class LicenceUnitOfWork(UnitOfWork):
    """The assets and assignments that one piece of work changes, written at its end."""

    def __init__(self, state: State, location: Location) -> None:
        super().__init__(state, location, ASSIGNMENT)
        self._assets: dict[str, Asset | None] = {}
        self._changed: set[str] = set()
        self._freed: dict[int, Body] = {}
        """Of which asset each licence is that became free."""

    def asset(self, adam_id: str, pricing: str) -> Asset | None:
        """Return an asset as this work has left it, or None."""
        key = asset_key(adam_id, pricing)
        if key not in self._assets:
            self._assets[key] = find_asset(self._state, self._location, adam_id, pricing)
        return self._assets[key]

    def read(self, pairs: Iterable[tuple[Asset, Holder]]) -> None:
        """Look up all at once what `assignment_of` is going to be asked."""
        self._look_up(_key(asset, holder) for asset, holder in pairs)

    def assignment_of(self, asset: Asset, holder: Holder) -> Body | None:
        """Return the assignment of *asset* to *holder*, or None."""
        return self._left(_key(asset, holder))

    def held_by(
        self, holder: Holder, after: str = "", limit: int = MANY
    ) -> tuple[list[tuple[Asset, Body]], str]:
        """Return up to *limit* assignments of a holder with their assets, as this work left them.

        Those come *after* a key; return also the key after which there may be more, else "".
        """
        name, value = ("serial", holder.serial) if holder.serial else ("user", str(holder.user))
        stored = self._state.find(self._kind, name, equals=value, after=after, limit=limit)
        found = []
        for one in stored:
            body = self._placed.get(one.key, one.body)
            asset = None if body is None else self.asset(body["adam"], body["pricing"])
            if body is not None and asset is not None:
                found.append((asset, body))
        return found, stored[-1].key if len(stored) == limit else ""

    def assign(self, asset: Asset, holder: Holder) -> Body | None:
        """Assign a free licence of *asset* and return the assignment; None if none is free."""
        if asset.available < 1:
            return None
        body = _assignment(asset, holder, self._take_id(asset))
        asset.assigned += 1
        self._place(asset, holder, body)
        return body

    def _take_id(self, asset: Asset) -> int:
        """Return a free licence id, which is free no more."""
        if asset.unlimited:
            return self._state.reserve(LICENCE)
        licence = next(asset.free_ids())
        if asset.released:
            asset.released.pop()
        else:
            asset.taken += 1
        return licence

    def revoke(self, asset: Asset, assignment: Body) -> None:
        """Take an assignment away; its licence is free again."""
        asset.assigned -= 1
        if not asset.unlimited:
            self._free(asset, assignment)
        self._place(asset, _holder(assignment), None)

    def retire(self, asset: Asset, assignment: Body) -> None:
        """Bind the licence of an assignment to its retired holder for good."""
        asset.assigned -= 1
        asset.retired += 1
        self._place(asset, _holder(assignment), assignment | {"retired": True})

    def revive(self, asset: Asset, assignment: Body, holder: Holder) -> None:
        """Move a licence that was bound to a retired record to the active one.

        If that one has a licence of the asset already, the licence is free again.
        """
        asset.retired -= 1
        has = self.assignment_of(asset, holder)
        self._place(asset, _holder(assignment), None)
        if has is None or has["retired"]:
            asset.assigned += 1
            self._place(asset, holder, _assignment(asset, holder, assignment["licence"]))
        else:
            self._free(asset, assignment)

    def _free(self, asset: Asset, assignment: Body) -> None:
        asset.released.append(assignment["licence"])
        self._freed[assignment["licence"]] = {"adam": asset.adam_id, "pricing": asset.pricing}

    def _place(self, asset: Asset, holder: Holder, body: Body | None) -> None:
        self._changed.add(asset.key)
        self._placed[_key(asset, holder)] = body

    def write(self) -> None:
        """Write what was changed, and note it in the versions."""
        if not self._changed:
            return
        self._write(_index)
        freed = ((str(number), owner, None) for number, owner in self._freed.items())
        self._state.put_many(self._location.kind(FREED), freed)
        changed = (self._assets[key] for key in sorted(self._changed))
        put_assets(self._state, self._location, [one for one in changed if one is not None])
        touch(self._state, self._location, "assets", "assignments")


def put_assets(state: State, location: Location, assets: Iterable[Asset]) -> None:
    """Write assets; the caller touches the version of the list."""
    rows = ((asset.key, asset.body(), {"adam": asset.adam_id}) for asset in assets)
    state.put_many(location.kind(ASSET), rows)


def _assignment(asset: Asset, holder: Holder, licence: int) -> Body:
    return {
        "adam": asset.adam_id,
        "pricing": asset.pricing,
        "client": holder.client,
        "user": holder.user,
        "serial": holder.serial,
        "licence": licence,
        "retired": False,
    }


def _key(asset: Asset, holder: Holder) -> str:
    return f"{asset.key}|{holder.key}"


def _holder(assignment: Body) -> Holder:
    return Holder(assignment["client"], assignment["user"], assignment["serial"])


def _index(body: Body) -> dict[str, str]:
    names = {"adam": body["adam"], "licence": str(body["licence"])}
    if body["serial"]:
        return names | {"serial": body["serial"]}
    return names | {"client": body["client"], "user": str(body["user"])}


def shown(assignment: Body) -> dict[str, Any]:
    """Return an assignment as v2 shows it."""
    who = (
        {"serialNumber": assignment["serial"]}
        if assignment["serial"]
        else {"clientUserId": assignment["client"]}
    )
    return {"adamId": assignment["adam"], "pricingParam": assignment["pricing"], **who}
