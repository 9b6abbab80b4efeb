"""The one push that waits for each device and topic, and the last that it got.

All functions take the state as seen from the organisation.
"""

from msgspec import Struct
from msgspec.structs import asdict

from simulator.core.state import Body, State
from simulator.services.apns.registry import DeviceToken

PENDING = "apns.pending"
HEARD = "apns.heard"
RATE = "apns.rate"
STORED_MS = 30 * 24 * 3600 * 1000
"""How long a push without apns-expiration waits: the longest that Apple names (A-SEND)."""


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


def stored(state: State) -> int:
    """Return how many pushes of the organisation were ever stored."""
    return state.reserve("apns.stored", 0) - 1


def counters(state: State) -> dict[str, int]:
    """Return how often each thing has happened to pushes of the organisation."""
    return {name: state.reserve(f"apns.{name}", 0) - 1 for name in COUNTERS}
