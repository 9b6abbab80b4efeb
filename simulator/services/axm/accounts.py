"""API accounts and their keys, as people make them in Apple's portal (axm.md 2.1).

An account is seen from no organisation, as a token request names it before anybody is known.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct, field
from msgspec.structs import asdict

from simulator.auth import jose
from simulator.core.state import Body, Entity, State
from simulator.pki.credentials import RandomHex
from simulator.services.audit import Actor, record
from simulator.services.organisations import organisation

ACCOUNT = "axm.account"
MOST = 50
"""Accounts of an organisation (AXM-SG)."""
PRODUCTS = {"school": ("SCHOOLAPI", "school.api"), "business": ("BUSINESSAPI", "business.api")}
"""How client ids begin, and the scope."""
ROLES: dict[str, frozenset[str]] = {
    "ADMINISTRATOR": frozenset(("devices", "servers", "people", "content", "audit")),
    "DEVICE_MANAGER": frozenset(("devices", "servers", "content")),
    "PEOPLE_MANAGER": frozenset(("people",)),
    "AUDITOR": frozenset(("audit",)),
}
"""What each role may use. Apple's roles are finer, and which needs which is not documented."""


class Account(Struct, frozen=True):
    """One API account."""

    id: str
    """As a world, ``ready.json`` and the control API name it."""
    organisation: str
    name: str
    client_id: str
    scope: str
    role: str = "ADMINISTRATOR"
    keys: dict[str, Body] = field(default_factory=dict)
    """By key id: ``public``, ``private`` (both PEM), ``created_ms`` and ``state``."""
    current: str = ""
    """Id of the newest key."""

    @property
    def is_school(self) -> bool:
        """Whether it belongs to School Manager."""
        return self.scope == "school.api"

    @property
    def actor(self) -> Actor:
        """Who it is in the audit trail."""
        return Actor("API_USER", self.client_id, self.name)

    def key(self, key_id: str) -> Body | None:
        """Return a key that is still good, or None."""
        found = self.keys.get(key_id)
        return found if found is not None and found["state"] == "active" else None

    def body(self) -> Body:
        """Return what is stored."""
        return asdict(self)


def add(
    state: State,
    org: str,
    identifier: str,
    name: str,
    *,
    now_ms: int,
    random_hex: RandomHex,
    role: str = "ADMINISTRATOR",
    product: str = "",
    actor: Actor | None = None,
) -> Account:
    """Add an account with a key; ValueError if it is there, or one too many.

    *product* is ``school`` or ``business``; empty: what the organisation is.
    """
    if role not in ROLES:
        raise ValueError(f"there is no role {role}: there are {', '.join(ROLES)}")
    if find_by_id(state, identifier) is not None:
        raise ValueError(f"an API account has the id {identifier} already")
    if len(of(state, org)) >= MOST:
        raise ValueError(f"an organisation has at most {MOST} API accounts")
    is_school = organisation(state, org)["org_type"] == "edu"
    prefix, scope = PRODUCTS[product or ("school" if is_school else "business")]
    client_id = f"{prefix}.{_uuid(random_hex)}"
    made = Account(identifier, org, name, client_id, scope, role)
    return add_key(
        state,
        made,
        now_ms=now_ms,
        random_hex=random_hex,
        actor=actor,
        event="API_ACCOUNT_CREATED_WITH_KEY",
    )


def add_key(
    state: State,
    account: Account,
    *,
    now_ms: int,
    random_hex: RandomHex,
    actor: Actor | None = None,
    event: str = "API_ACCOUNT_KEY_GENERATED",
) -> Account:
    """Generate a key beside those that the account has."""
    private, public = jose.new_key()
    key_id = _uuid(random_hex)
    key = {"public": public, "private": private, "created_ms": now_ms, "state": "active"}
    made = _kept(state, account, {**account.keys, key_id: key}, key_id)
    _note(state, made, event, {"keyId": key_id}, actor, now_ms)
    return made


def revoke_key(
    state: State, account: Account, key_id: str, *, now_ms: int, actor: Actor | None = None
) -> Account:
    """Revoke a key; ValueError if there is no such key that is good."""
    found = account.key(key_id)
    if found is None:
        raise ValueError(f"the API account {account.id} has no key {key_id or 'that is good'}")
    keys = {**account.keys, key_id: found | {"state": "revoked"}}
    made = _kept(state, account, keys, account.current)
    _note(state, made, "API_ACCOUNT_KEY_REVOKED", {"keyId": key_id}, actor, now_ms)
    return made


def remove(state: State, account: Account, *, now_ms: int, actor: Actor | None = None) -> None:
    """Delete an account; its tokens are good no more."""
    state.of("").delete(ACCOUNT, account.client_id)
    _note(state, account, "API_ACCOUNT_DELETED", {}, actor, now_ms)


def change_role(state: State, account: Account, role: str) -> Account:
    """Give an account another role; ValueError if there is none of that name."""
    if role not in ROLES:
        raise ValueError(f"there is no role {role}: there are {', '.join(ROLES)}")
    body = account.body() | {"role": role}
    state.of("").put(ACCOUNT, account.client_id, body)
    return Account(**body)


def _kept(state: State, account: Account, keys: dict[str, Body], current: str) -> Account:
    body = account.body() | {"keys": keys, "current": current}
    index = {"id": account.id, "organisation": account.organisation}
    state.of("").put(ACCOUNT, account.client_id, body, index)
    return Account(**body)


def _note(
    state: State, account: Account, event: str, payload: Body, actor: Actor | None, now_ms: int
) -> None:
    own = state.of(account.organisation)
    record(own, event, account.client_id, account.name, payload, actor=actor, now_ms=now_ms)


def find(state: State, client_id: str) -> Account | None:
    """Return the account of a client id, or None."""
    found = state.of("").get(ACCOUNT, client_id)
    return None if found is None else Account(**found.body)


def find_by_id(state: State, identifier: str) -> Account | None:
    """Return the account of that id, or None."""
    return next(_all(state.of("").find(ACCOUNT, "id", equals=identifier, limit=1)), None)


def of(state: State, org: str) -> list[Account]:
    """Return the accounts of an organisation."""
    return list(_all(state.of("").find(ACCOUNT, "organisation", equals=org, limit=MOST)))


def every(state: State) -> list[Account]:
    """Return the accounts of all organisations, in order of these."""
    found: list[Account] = []
    after = ""
    while page := state.of("").scan(ACCOUNT, after=after, limit=1000):
        found += _all(page)
        after = page[-1].key
    return sorted(found, key=lambda one: one.organisation)


def _all(found: Iterable[Entity]) -> Iterator[Account]:
    return (Account(**one.body) for one in found)


def _uuid(random_hex: RandomHex) -> str:
    digits = random_hex(32)
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
