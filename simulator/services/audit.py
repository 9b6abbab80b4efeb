"""The audit trail of an organisation: what people, API accounts and Apple did (axm.md 5.10).

Whatever changes something that Apple's portal shows writes its event here, in the same
transaction; the School and Business API reads them.
"""

from collections.abc import Iterable

from msgspec import Struct, field

from simulator.core.state import Body, Entity, State

EVENT = "audit.event"
_KEYS = {
    "SUBJECT_HAS_ICLOUD_STORAGE_PURCHASE_ADDED": "SubjectHasICloudStoragePurchaseAdded",
    "SUBJECT_HAS_ICLOUD_STORAGE_PURCHASE_REMOVED": "SubjectHasICloudStoragePurchaseRemoved",
    "SUBJECT_HAS_APPLECARE_PURCHASE_ADDED": "SubjectHasAppleCarePurchaseAdded",
    "SUBJECT_HAS_APPLECARE_PURCHASE_REMOVED": "SubjectHasAppleCarePurchaseRemoved",
}
KINDS: dict[str, tuple[str, str]] = {
    "DEVICE_ADDED_TO_ORG": ("DEVICE_INVENTORY", "DEVICE"),
    "DEVICE_REMOVED_FROM_ORG": ("DEVICE_INVENTORY", "DEVICE"),
    "DEVICE_ASSIGNED_TO_SERVER": ("DEVICE_INVENTORY", "DEVICE"),
    "DEVICE_UNASSIGNED_FROM_SERVER": ("DEVICE_INVENTORY", "DEVICE"),
    "DEVICE_IS_ERASED": ("DEVICE_MANAGEMENT", "DEVICE"),
    "CONFIG_SETTINGS_CREATED": ("DEVICE_MANAGEMENT", "DEVICE_MANAGEMENT_SETTING"),
    "CONFIG_SETTINGS_UPDATED": ("DEVICE_MANAGEMENT", "DEVICE_MANAGEMENT_SETTING"),
    "CONFIG_SETTINGS_DELETED": ("DEVICE_MANAGEMENT", "DEVICE_MANAGEMENT_SETTING"),
    "COLLECTION_CREATED": ("DEVICE_MANAGEMENT", "COLLECTION"),
    "COLLECTION_UPDATED": ("DEVICE_MANAGEMENT", "COLLECTION"),
    "COLLECTION_DELETED": ("DEVICE_MANAGEMENT", "COLLECTION"),
    "ACCOUNT_ADDED": ("ACCOUNT_ACTIVITY", "USER"),
    "ACCOUNT_DELETED": ("ACCOUNT_ACTIVITY", "USER"),
    "API_ACCOUNT_CREATED_WITH_KEY": ("ACCOUNT_ACTIVITY", "API_USER"),
    "API_ACCOUNT_CREATED_WITHOUT_KEY": ("ACCOUNT_ACTIVITY", "API_USER"),
    "API_ACCOUNT_KEY_GENERATED": ("ACCOUNT_ACTIVITY", "API_USER"),
    "API_ACCOUNT_KEY_REVOKED": ("ACCOUNT_ACTIVITY", "API_USER"),
    "API_ACCOUNT_NAME_CHANGED": ("ACCOUNT_ACTIVITY", "API_USER"),
    "API_ACCOUNT_DELETED": ("ACCOUNT_ACTIVITY", "API_USER"),
}
"""Category and kind of subject by type, of those that the simulator writes."""


class Actor(Struct, frozen=True):
    """Who did it."""

    type: str
    """``USER``, ``API_USER`` or ``SYSTEM``."""
    id: str
    name: str

    @classmethod
    def user(cls, email: str) -> "Actor":
        """Return the actor that a person of the portal is."""
        return cls("USER", email, email)


SYSTEM = Actor("SYSTEM", "SYSTEM", "System")


class Event(Struct, frozen=True):
    """One event before it is written."""

    type: str
    subject: str
    subject_name: str
    payload: Body = field(default_factory=dict)


def data_key(kind: str) -> str:
    """Return the name of the property that holds the payload of a *kind* of event."""
    words = _KEYS.get(kind) or "".join(word.capitalize() for word in kind.split("_"))
    return f"eventData{words}"


def record(
    state: State,
    kind: str,
    subject: str,
    subject_name: str,
    payload: Body,
    *,
    actor: Actor | None,
    now_ms: int,
    group: str = "",
) -> None:
    """Write one event; *state* is seen from the organisation."""
    event = Event(kind, subject, subject_name, payload)
    record_many(state, [event], actor=actor, now_ms=now_ms, group=group)


def record_many(
    state: State, events: Iterable[Event], *, actor: Actor | None, now_ms: int, group: str = ""
) -> None:
    """Write *events* that one *actor* (None: the system) caused at once, in their order.

    Events of one action share a *group*.
    """
    listed = list(events)
    if not listed:
        return
    number, who = state.reserve(EVENT, len(listed)), actor or SYSTEM
    state.add_many(
        EVENT,
        (
            (
                f"{now_ms:015d}/{number + offset:012d}",
                {
                    "at_ms": now_ms,
                    "type": one.type,
                    "actor": [who.type, who.id, who.name],
                    "subject": [one.subject, one.subject_name],
                    "group": group or f"{number}",
                    "payload": one.payload,
                },
            )
            for offset, one in enumerate(listed)
        ),
    )


def record_devices(
    state: State,
    kind: str,
    serials: Iterable[str],
    payload: Body,
    *,
    actor: Actor | None,
    now_ms: int,
    group: str = "",
) -> None:
    """Write one event for each device; *payload* is what they share beside the serial number."""
    events = (Event(kind, serial, serial, {"serialNumber": serial} | payload) for serial in serials)
    record_many(state, events, actor=actor, now_ms=now_ms, group=group)


def read(state: State, after: str, limit: int) -> list[Entity]:
    """Return the next *limit* events, oldest first; the key begins with milliseconds."""
    return state.scan(EVENT, after=after, limit=limit)
