"""Device tokens, and the one push that waits for each device.

Tokens come from check-in messages, as an MDM server gets them. All functions
take the state as seen from the organisation.
"""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from simulator.core.state import Body, Entity, State
from simulator.services import push_topics

TOKEN = "apns.token"  # noqa: S105 (a kind of entity)
PENDING = "apns.pending"
HEARD = "apns.heard"
RATE = "apns.rate"
SHARER = "apns.sharer"
SHARED_IPAD_USER = "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"
"""UserID of every user of a Shared iPad: UserShortName tells them apart (apns.md 6)."""
STORED_MS = 30 * 24 * 3600 * 1000
"""How long a push without apns-expiration waits: the longest that Apple names (A-SEND)."""
_HEX = re.compile(r"[0-9a-fA-F]*")


class DeviceToken(Struct, frozen=True):
    """One device token and what the check-in told of it."""

    token: str
    """Lower-case hexadecimal."""
    topic: str
    magic: str
    owner: str
    """UDID or EnrollmentID, with the user where it is a user's channel."""
    state: str = "active"
    """``active``, ``unregistered`` or ``expired``."""
    since_ms: int = 0
    """When the state began."""
    throttled_until_ms: int = 0
    environment: str = ""
    """``development`` or ``production``; empty: both."""
    shared: bool = False
    """Whether more devices than one have checked in with it; *owner* is the last."""

    @classmethod
    def of(cls, entity: Entity) -> "DeviceToken":
        """Make it of what is stored."""
        body = entity.body
        # By place, which is twice as fast: every push reads one.
        return cls(
            entity.key,
            body["topic"],
            body["magic"],
            body["owner"],
            body.get("state", "active"),
            body.get("since_ms", 0),
            body.get("throttled_until_ms", 0),
            body.get("environment", ""),
            body.get("shared", False),
        )

    def body(self) -> Body:
        """Return what is stored."""
        return {name: getattr(self, name) for name in self.__struct_fields__ if name != "token"}


def find(state: State, token: str) -> DeviceToken | None:
    """Return a device token, or None if it was never issued."""
    found = state.get(TOKEN, token.lower())
    return None if found is None else DeviceToken.of(found)


def known(state: State, token: str) -> DeviceToken:
    """Return a device token; LookupError if it was never issued."""
    found = find(state, token)
    if found is None:
        raise LookupError("no such device token was checked in")
    return found


def change(state: State, token: str, /, **changes: Any) -> DeviceToken:
    """Set what is known of a token, such as its state."""
    changed = replace(known(state, token), **changes)
    _put(state, changed)
    return changed


def _put(state: State, one: DeviceToken) -> None:
    state.put(TOKEN, one.token, one.body(), {"owner": f"{one.topic}|{one.owner}"})


def check_in(
    state: State,
    message: Mapping[str, Any],
    now_ms: int,
    *,
    environment: str = "",
    share: bool = False,
) -> list[DeviceToken]:
    """Learn from a check-in message; return the tokens that changed.

    TokenUpdate registers the token and retires the owner's former one;
    Authenticate and CheckOut retire it (apns.md 6.2). With *share* a token
    may be that of many devices, as simulated ones have it. ValueError says
    what the message lacks; other messages change nothing.
    """
    if not is_about_tokens(message):
        return []
    kind = message["MessageType"]
    topic, owner = _text(message, "Topic"), _owner(message)
    token = magic = ""
    if kind == "TokenUpdate":
        raw = message.get("Token")
        if not isinstance(raw, bytes) or not raw:
            raise ValueError("TokenUpdate needs Token, as data")
        token, magic = raw.hex(), _text(message, "PushMagic")
    changed = [_left(state, one, owner, now_ms) for one in _former(state, topic, owner, token)]
    if token:
        new = DeviceToken(token, topic, magic, owner, "active", now_ms, environment=environment)
        if share:
            new = _sharing(state, new)
        _put(state, new)
        changed.append(new)
    return changed


def is_about_tokens(message: Mapping[str, Any]) -> bool:
    """Tell whether a check-in message registers or retires tokens; others have no topic."""
    return message.get("MessageType") in ("Authenticate", "TokenUpdate", "CheckOut")


def _former(state: State, topic: str, owner: str, token: str) -> list[DeviceToken]:
    """Return the other active tokens that a device has for the topic."""
    found = state.find(TOKEN, "owner", equals=f"{topic}|{owner}", limit=100)
    sharer = state.get(SHARER, f"{topic}|{owner}")
    if sharer is not None and (shared := state.get(TOKEN, sharer.body["token"])) is not None:
        found += [shared] if shared.key not in [one.key for one in found] else []
    tokens = [DeviceToken.of(one) for one in found]
    return [one for one in tokens if one.token != token and one.state == "active"]


def _sharing(state: State, new: DeviceToken) -> DeviceToken:
    """Let *new* share its token with the device that has it."""
    before = find(state, new.token)
    if before is None or before.state != "active" or before.topic != new.topic:
        return new
    if not before.shared and before.owner == new.owner:
        return new
    for one in (before, new):
        index = {"token": one.token, "magic": f"{one.token}|{one.magic}"}
        body = {"token": one.token, "magic": one.magic, "owner": one.owner}
        state.put(SHARER, f"{one.topic}|{one.owner}", body, index)
    return replace(new, shared=True)


def _left(state: State, one: DeviceToken, owner: str, now_ms: int) -> DeviceToken:
    """Return a token after a device has left it: nobody's, or that of those who share it."""
    left = replace(one, state="unregistered", since_ms=now_ms)
    if one.shared:
        state.delete(SHARER, f"{one.topic}|{owner}")
        for other in state.find(SHARER, "token", equals=one.token, limit=1):
            left = replace(one, owner=other.body["owner"], magic=other.body["magic"])
    _put(state, left)
    return left


def knows(state: State, device: DeviceToken, magic: str) -> bool:
    """Tell whether *magic* is that of a device with this token."""
    if magic == device.magic:
        return True
    wanted = f"{device.token}|{magic}"
    return device.shared and bool(state.find(SHARER, "magic", equals=wanted, limit=1))


def _text(message: Mapping[str, Any], key: str) -> str:
    value = message.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"the check-in message needs {key}, as a string")
    return value


def _owner(message: Mapping[str, Any]) -> str:
    device = message.get("UDID") or message.get("EnrollmentID")
    if not isinstance(device, str):
        raise ValueError(  # noqa: TRY004 (it is the message's fault, like what else it lacks)
            "the check-in message needs UDID or EnrollmentID, as a string"
        )
    user = message.get("UserID") or message.get("EnrollmentUserID") or ""
    if user == SHARED_IPAD_USER:
        user = _text(message, "UserShortName")
    return f"{device}|{user}" if user else device


class Push(Struct, frozen=True):
    """What waits for a device: the newest push to its token."""

    apns_id: str
    topic: str
    payload: str
    """The JSON as it was sent."""
    magic: str
    """The payload's ``mdm``; empty if it has none."""
    matches: bool
    """Whether it is the device's own magic: else the device stays silent."""
    stored_ms: int
    expires_ms: int
    """Until when it waits; 0: it is only for who listens when it comes."""


def store(state: State, device: DeviceToken | None, token: str, push: Push) -> None:
    """Keep *push* for the device; it takes the place of one that waits for the same topic."""
    slot = f"{token}/{push.topic}"
    if device is not None and device.shared:
        slot += f"/{push.magic}"
    if state.has(PENDING, slot):
        state.reserve("apns.coalesced")
    number = state.reserve("apns.stored")
    body = asdict(push)
    body["number"] = number
    state.put(PENDING, slot, body)


def expiry_ms(sent: str | None, now_ms: int) -> int:
    """Return until when a push waits that has *sent* as its apns-expiration, if any.

    0 if it is not to be stored, which is what 0 and a time that has passed mean (A-SEND).
    """
    if not sent:
        return now_ms + STORED_MS
    expires_ms = int(sent) * 1000
    return expires_ms if expires_ms > now_ms else 0


class Waiting(Struct, frozen=True):
    """A push that waits, and where."""

    organisation: str
    slot: str
    """Key of its entity."""
    number: int
    """Which of the organisation's stored pushes it is, from 1."""
    token: str
    push: Push


def waiting(
    state: State, organisation: str, prefix: str, now_ms: int, since: int = 0
) -> list[Waiting]:
    """Return the pushes that wait for tokens beginning with *prefix*; forget what is too late.

    A push that is not to be stored is only for streams that were open when it came: for
    those that began with *since* stored pushes.
    """
    found = []
    for one in state.scan(PENDING, prefix=prefix, limit=100):
        number, push = one.body.get("number", 0), Push(**_push(one.body))
        if is_late(push, now_ms) or (not push.expires_ms and number <= since):
            state.delete(PENDING, one.key)
            state.reserve("apns.expired")
        else:
            token = one.key.partition("/")[0]
            found.append(Waiting(organisation, one.key, number, token, push))
    return found


def delivered(state: State, push: Waiting, now_ms: int) -> None:
    """Note that a device has got a push; a newer one that has taken its place goes on waiting."""
    found = state.get(PENDING, push.slot)
    if found is not None and found.body.get("number", 0) == push.number:
        state.delete(PENDING, push.slot)
    state.put(HEARD, push.token, asdict(push.push) | {"delivered_ms": now_ms})
    state.reserve("apns.delivered" if push.push.matches else "apns.magic_mismatch")


def is_late(push: Push, now_ms: int) -> bool:
    """Tell whether the time of *push* is over."""
    return bool(push.expires_ms) and now_ms > push.expires_ms


def _push(body: Body) -> Body:
    return {name: value for name, value in body.items() if name != "number"}


def pushes_of(state: State, token: str, now_ms: int) -> list[Body]:
    """Return the pushes that wait for a device, by topic, then the last that it got.

    Each is what `Push` holds but its payload, with ``status``: ``waiting``, ``expired``,
    ``delivered``, or ``ignored`` where the magic was not the device's.
    """
    found = []
    for one in state.scan(PENDING, prefix=f"{token}/", limit=100):
        push = Push(**_push(one.body))
        status = "waiting" if push.expires_ms and not is_late(push, now_ms) else "expired"
        found.append({"status": status, **asdict(push), "delivered_ms": None})
    if heard := state.get(HEARD, token):
        status = "delivered" if heard.body["matches"] else "ignored"
        found.append({"status": status, **heard.body})
    return [{name: value for name, value in one.items() if name != "payload"} for one in found]


def is_too_many(state: State, token: str, now_ms: int, rate: int) -> bool:
    """Count a push to *token*; tell whether there were more than *rate* in this minute."""
    minute = now_ms // 60_000
    found = state.get(RATE, token)
    count = found.body["count"] if found is not None and found.body["minute"] == minute else 0
    state.put(RATE, token, {"minute": minute, "count": count + 1})
    return bool(count >= rate)


COUNTERS = ("stored", "delivered", "coalesced", "expired", "magic_mismatch")


def counters(state: State) -> dict[str, int]:
    """Return how often each thing has happened to pushes of the organisation."""
    return {name: state.reserve(f"apns.{name}", 0) - 1 for name in COUNTERS}


def is_hex(token: str) -> bool:
    """Tell whether *token* is whole bytes in hexadecimal."""
    return len(token) % 2 == 0 and _HEX.fullmatch(token) is not None


dashed = push_topics.dashed
