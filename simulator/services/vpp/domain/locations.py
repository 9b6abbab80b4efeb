"""Locations, which own the licences, and the content tokens that open them.

A location is Apple's "organizational unit". Each has its own users, assets and
assignments, kept as kinds of their own, so that what changed in one is found
without looking at the others. State is seen from the organisation throughout.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from simulator.core.state import Body, Entity, State

LOCATION = "vpp.location"
TOKEN = "vpp.token"  # noqa: S105 (a kind of entity)
SERVICE_STATE = "vpp.service"
V2_CONTEXT = "token being used in v2"
"""What v1 shows as clientContext of a location that is used through v2 (D-up)."""


class Location(Struct, frozen=True):
    """One location."""

    id: str
    organisation: str
    name: str
    number: int
    """The locationId of v1."""
    uid: str
    """The uId: digits; all tokens of a location have the same."""
    org_name: str
    """The orgName in its tokens."""
    salt: str
    """What invitation codes and account hashes are made of."""
    country: str = "US"
    platform: str = "enterprisestore"
    website: str = "https://business.apple.com"
    manager: str = "manager@example.com"
    """Account of the content manager, whose token it is."""
    managed_domains: tuple[str, ...] = ()
    """Domains of the Managed Apple Accounts that users may have; empty: any."""
    mdm: Mapping[str, str] | None = None
    """The mdmInfo: who uses it."""
    notify_url: str = ""
    notify_token: str = ""
    notify_types: tuple[str, ...] = ()
    context: str = ""
    """The clientContext of v1."""
    push_token: str = ""
    """The apnToken of v1."""
    notification_token: str = ""
    """The notificationToken of v1."""
    subscriptions: bool = False
    """Whether subscriptions were enabled."""
    stoken: str = ""
    """The newest token; empty before the first."""

    @classmethod
    def of(cls, entity: Entity) -> "Location":
        """Make it of what is stored."""
        body = dict(entity.body)
        for name in ("managed_domains", "notify_types"):
            body[name] = tuple(body[name])
        return cls(**body)

    def body(self) -> Body:
        """Return what is stored."""
        return asdict(self)

    def kind(self, name: str) -> str:
        """Return the kind under which the location's things of *name* are kept."""
        return f"vpp.{name}/{self.id}"

    @property
    def shown_context(self) -> str:
        """The clientContext as v1 shows it."""
        return V2_CONTEXT if self.mdm is not None else self.context


def location(state: State, identifier: str) -> Location:
    """Return a location of the organisation; LookupError if there is none."""
    found = state.get(LOCATION, identifier)
    if found is None:
        raise LookupError(f"no location has the id {identifier}")
    return Location.of(found)


def locations(state: State) -> list[Location]:
    """Return the locations of the organisation."""
    return [Location.of(one) for one in state.scan(LOCATION, limit=10_000)]


def everywhere(state: State) -> Iterator[Location]:
    """Yield the locations of all organisations, which may be thousands."""
    for home in state.organisations_with(LOCATION):
        yield from locations(state.of(home))


def find_location(state: State, identifier: str) -> Location | None:
    """Return the location of that id, whosever it is."""
    for home in state.organisations_with(LOCATION, identifier):
        return location(state.of(home), identifier)
    return None


def put(state: State, changed: Location) -> Location:
    """Write a location and return it."""
    state.put(LOCATION, changed.id, changed.body())
    return changed


def change(state: State, identifier: str, /, **changes: Any) -> Location:
    """Set facts of a location and return it."""
    return put(state, replace(location(state, identifier), **changes))


def token(state: State, stoken: str) -> Body | None:
    """Return what is known of a token, or None."""
    found = state.of("").get(TOKEN, stoken.strip()) if stoken.strip() else None
    return None if found is None else found.body


def service_state(state: State) -> Body:
    """Return what is wrong with the service as a whole: ``maintenance``."""
    found = state.of("").get(SERVICE_STATE, "all")
    return {"maintenance": False} if found is None else found.body


def apple_time(now_ms: int) -> str:
    """Return a time as VPP writes it: UTC, whole seconds, an offset without a colon."""
    return f"{datetime.fromtimestamp(now_ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}+0000"
