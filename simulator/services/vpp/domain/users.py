"""Users of a location: records that are registered, associated, retired, and come back.

One clientUserId may have several records: any number retired, at most one
active (vpp.md 10.1).
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import asdict, replace

from simulator.core.state import Body, Entity, State
from simulator.protocol.operations import ApiError
from simulator.services.vpp import errors, limits
from simulator.services.vpp.domain.due import schedule_rest
from simulator.services.vpp.domain.licences import Asset, Holder, LicenceUnitOfWork, having
from simulator.services.vpp.domain.locations import Location
from simulator.services.vpp.v2.versions import touch

USER = "user"
_FIRST = 100_000
"""v1's userIds have six digits and more."""
ACTIVE = ("Registered", "Associated")


class User(Struct, frozen=True):
    """One record."""

    number: int
    """The userId of v1."""
    client: str
    """The clientUserId."""
    invite_code: str
    status: str = "Registered"
    email: str = ""
    id_hash: str = ""
    """The Apple Account that it is linked to, or was before it was retired."""

    @classmethod
    def of(cls, entity: Entity) -> "User":
        """Make it of what is stored."""
        return cls(**entity.body)

    def body(self) -> Body:
        """Return what is stored."""
        return asdict(self)

    @property
    def active(self) -> bool:
        """Whether licences can be assigned to it."""
        return self.status in ACTIVE

    @property
    def holder(self) -> Holder:
        """It, as the holder of licences."""
        return Holder(self.client, self.number)


def key_of(number: int) -> str:
    """Return the key of the record with that userId."""
    return f"{number:012d}"


def put(state: State, location: Location, user: User) -> User:
    """Write a record, note it in the version of the list, and return it."""
    state.put(location.kind(USER), key_of(user.number), user.body(), _index(user))
    touch(state, location, "users")
    return user


def _index(user: User) -> dict[str, str]:
    index = {"client": user.client, "invite": user.invite_code}
    return index | {"hash": user.id_hash} if user.id_hash else index


def by_number(state: State, location: Location, number: int) -> User | None:
    """Return the record with that userId, or None."""
    found = state.get(location.kind(USER), key_of(number)) if number >= 0 else None
    return None if found is None else User.of(found)


def by_numbers(state: State, location: Location, numbers: Iterable[int]) -> dict[int, User]:
    """Return the records with those userIds, by userId."""
    found = state.get_many(location.kind(USER), map(key_of, numbers))
    return {one.number: one for one in map(User.of, found.values())}


def records(state: State, location: Location, client: str) -> list[User]:
    """Return all records of a clientUserId, oldest first."""
    return [User.of(one) for one in having(state, location.kind(USER), "client", client)]


def active(state: State, location: Location, client: str) -> User | None:
    """Return the active record of a clientUserId, or None."""
    return next((one for one in records(state, location, client) if one.active), None)


def active_ones(state: State, location: Location, clients: Iterable[str]) -> dict[str, User]:
    """Return the active records of many, by clientUserId."""
    found = map(User.of, state.find_many(location.kind(USER), "client", clients))
    return {one.client: one for one in found if one.active}


def by_hash(state: State, location: Location, id_hash: str) -> Iterator[User]:
    """Yield the records that are, or were, linked to an Apple Account."""
    return (User.of(one) for one in having(state, location.kind(USER), "hash", id_hash))


def hash_of(location: Location, account: str) -> str:
    """Return the idHash of an Apple Account: 28 characters for 20 bytes."""
    text = f"{location.salt}|{account.strip().lower()}".encode()
    return base64.b64encode(hashlib.sha1(text, usedforsecurity=False).digest()).decode()


def _linked(state: State, location: Location, user: User, account: str) -> User:
    """Return *user* linked to a Managed Apple Account; ApiError if that cannot be."""
    domain = account.rpartition("@")[2].strip().lower()
    if location.managed_domains and domain not in location.managed_domains:
        raise ApiError(errors.ACCOUNT_REFUSED)
    id_hash = hash_of(location, account)
    if any(one.active and one.number != user.number for one in by_hash(state, location, id_hash)):
        raise ApiError(errors.ACCOUNT_TAKEN)
    return replace(user, status="Associated", id_hash=id_hash)


def register(
    state: State,
    location: Location,
    unit: LicenceUnitOfWork,
    client: str,
    email: str,
    account: str,
) -> User:
    """Register a clientUserId that has no active record, and return its record.

    A record that was retired and never linked comes back; else there is a new
    one. What a retired record holds for good goes to the active one.
    """
    former = [one for one in records(state, location, client) if one.status == "Retired"]
    again = next((one for one in former if not one.id_hash), None)
    if again is None:
        user = _new(location, state.reserve("vpp.user") + _FIRST - 1, client)
    else:
        user = replace(again, status="Registered")
    user = replace(user, email=email or user.email)
    if account:
        user = _linked(state, location, user, account)
    for one in former:
        _pass_all_on(state, location, unit, "revive", one, user)
    return put(state, location, user)


def _new(location: Location, number: int, client: str) -> User:
    code = hashlib.sha256(f"{location.salt}|{number}".encode()).hexdigest()[:32]
    return User(number, client, code)


def add_many(state: State, location: Location, people: Sequence[tuple[str, str, str]]) -> None:
    """Register *people*, each a clientUserId without a record, e-mail address and account.

    That is what `register` does of each, but in one piece.
    """
    first = state.reserve("vpp.user", len(people)) + _FIRST - 1
    added = []
    for number, (client, email, account) in enumerate(people, first):
        user = replace(_new(location, number, client), email=email)
        added.append(_linked(state, location, user, account) if account else user)
    rows = ((key_of(one.number), one.body(), _index(one)) for one in added)
    state.put_many(location.kind(USER), rows)
    touch(state, location, "users")


def change(state: State, location: Location, user: User, email: str, account: str) -> User:
    """Set the e-mail address or the Managed Apple Account of a record, where given."""
    changed = replace(user, email=email or user.email)
    if account:
        changed = _linked(state, location, changed, account)
    return put(state, location, changed)


def retire(state: State, location: Location, unit: LicenceUnitOfWork, user: User) -> User:
    """Retire a record: revocable licences are free again, the others stay bound to it."""
    _pass_all_on(state, location, unit, "retire", user, user)
    return put(state, location, replace(user, status="Retired"))


def accept(
    state: State, location: Location, unit: LicenceUnitOfWork, user: User, account: str
) -> User:
    """Let the person of a registered record accept the invitation with an Apple Account.

    Return the record that is associated from now on. With the account of an
    earlier, retired record that one comes back and the new one retires; with
    any other the earlier ones are deleted (both readings of vpp.md 10.1).
    """
    if user.status != "Registered":
        raise ValueError(f"the user is {user.status}, and only a registered one has an invitation")
    id_hash = hash_of(location, account)
    if any(one.active for one in by_hash(state, location, id_hash)):
        raise ValueError("the Apple Account is associated with another user of the location")
    former = [
        one
        for one in records(state, location, user.client)
        if one.status == "Retired" and one.id_hash
    ]
    same = next((one for one in former if one.id_hash == id_hash), None)
    if same is None:
        for one in former:
            put(state, location, replace(one, status="Deleted"))
        return put(state, location, replace(user, status="Associated", id_hash=id_hash))
    _pass_all_on(state, location, unit, "move", user, same)
    put(state, location, replace(user, status="Retired"))
    return put(state, location, replace(same, status="Associated"))


def _retire(unit: LicenceUnitOfWork, asset: Asset, held: Body, _: Holder) -> None:
    if not held["retired"]:
        (unit.revoke if asset.revocable else unit.retire)(asset, held)


def _revive(unit: LicenceUnitOfWork, asset: Asset, held: Body, to: Holder) -> None:
    if held["retired"]:
        unit.revive(asset, held, to)


def _move(unit: LicenceUnitOfWork, asset: Asset, held: Body, to: Holder) -> None:
    unit.revoke(asset, held)
    if unit.assignment_of(asset, to) is None:
        unit.assign(asset, to)


_PASSING = {"retire": _retire, "revive": _revive, "move": _move}
"""What becomes of each licence of a record, by what it is called in what is due."""


def _pass_all_on(
    state: State, location: Location, unit: LicenceUnitOfWork, how: str, one: User, to: User
) -> None:
    """Have all licences of a record pass on: a piece of them now, the rest before anybody looks."""
    what = {"how": how, "client": one.client, "user": one.number, "to": to.number, "after": ""}
    _pass_some_on(state, location, unit, what, limits.PIECE)


def pass_on(state: State, location: Location, what: Body, most: int) -> int:
    """Have more licences of a record pass on, as takes up to *most*; return how much that was."""
    unit = LicenceUnitOfWork(state, location)
    _pass_some_on(state, location, unit, what, most)
    unit.write()
    return unit.size * limits.FREED + 1


def _pass_some_on(
    state: State, location: Location, unit: LicenceUnitOfWork, what: Body, most: int
) -> None:
    client, number = what["client"], what["user"]
    some = max(most // limits.FREED, 1)
    held_by, more = unit.held_by(Holder(client, number), what["after"], some)
    for asset, held in held_by:
        _PASSING[what["how"]](unit, asset, held, Holder(client, what["to"]))
    if more:
        name = f"licences/{location.uid}/{number}"
        schedule_rest(state, location, 0, name, {"licences": what | {"after": more}})


def shown(user: User) -> Body:
    """Return a record as v2 shows it."""
    body = {"clientUserId": user.client, "email": user.email, "status": user.status}
    if user.status == "Registered":
        body["inviteCode"] = user.invite_code
    if user.status in ("Associated", "Retired"):
        body["idHash"] = user.id_hash
    return {name: value for name, value in body.items() if value}
