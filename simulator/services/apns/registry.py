"""Device tokens, and what the check-in told of the devices.

Tokens come from check-in messages, as an MDM server gets them. All functions
take the state as seen from the organisation.
"""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from simulator.core.state import Body, Entity, State
from simulator.services import push_topics

TOKEN = "apns.token"  # noqa: S105 (a kind of entity)
SHARER = "apns.sharer"
SHARED_IPAD_USER = "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"
"""UserID of every user of a Shared iPad: UserShortName tells them apart (apns.md 6)."""
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


def is_hex(token: str) -> bool:
    """Tell whether *token* is whole bytes in hexadecimal."""
    return len(token) % 2 == 0 and _HEX.fullmatch(token) is not None


dashed = push_topics.dashed
