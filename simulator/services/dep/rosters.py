"""Records of rosters, in the order of their lists and in the order of their changes.

A record has a number for when it was made and one for when it was changed
last. A list is a snapshot: what was made after its first page is not in it. A
sync gives each record that was changed since, as it is now.
"""

import base64
import binascii
import hashlib
import hmac
import re
from typing import Literal

from msgspec import Struct

from simulator.core.state import Body, Entity, State
from simulator.core.timestamps import rfc3339

Kind = Literal["class", "person", "location", "course"]
KINDS: tuple[Kind, ...] = ("class", "person", "location", "course")
LISTS = {"class": "classes", "person": "persons", "location": "locations", "course": "courses"}
"""Name of the list of each kind in an answer."""
Phase = Literal["fetching", "fetched", "syncing"]
_SERIES = "roster.change"
_TEXT = re.compile(r"(fetching|fetched|syncing)\|(\d{1,15})\|(\d{1,15})\|(.*)", re.DOTALL)
_CODE_BYTES = 8
LIFE_MS = 7 * 24 * 3600 * 1000
"""How long a cursor is good for a sync, by the texts; the table of errors says a day (AD)."""
SHORT_LIFE_MS = 24 * 3600 * 1000


def _kind(kind: Kind) -> str:
    return f"roster.{kind}"


class RosterCursor(Struct, frozen=True):
    """Where a client stands in the list of one kind, or in its changes."""

    phase: Phase
    base: int
    """Number of the last change when the list began, or that was delivered."""
    issued_ms: int
    position: str = ""
    """Place of the last record delivered."""


def write(state: State, kind: Kind, records: list[Body], now_ms: int) -> None:
    """Write new or changed records, each of them whole, as changed now."""
    known = state.get_many(_kind(kind), [one["unique_identifier"] for one in records])
    first = state.reserve(_SERIES, len(records))
    state.put_many(
        _kind(kind),
        (
            _row(one, known.get(one["unique_identifier"]), first + n, now_ms)
            for n, one in enumerate(records)
        ),
    )


def _row(
    record: Body, old: Entity | None, number: int, now_ms: int
) -> tuple[str, Body, dict[str, str]]:
    key = record["unique_identifier"]
    made = number if old is None or old.body.get("deleted") else old.body["made"]
    body = {
        "record": record | {"op_date": rfc3339(now_ms)},
        "made": made,
        "changed": number,
    }
    place = f"{record.get('source_system_identifier') or ''}\x1f{key}"
    return key, body, {"place": place, "changed": _number(number)}


def delete(state: State, kind: Kind, key: str, now_ms: int) -> Body:
    """Delete a record: a sync reports it as inactive; LookupError if there is none."""
    found = state.get(_kind(kind), key)
    if found is None or found.body.get("deleted"):
        raise LookupError(f"no {kind} has the unique_identifier {key}")
    number = state.reserve(_SERIES)
    status = "InActive" if kind == "person" else "Inactive"
    record: Body = found.body["record"] | {"status": status, "op_date": rfc3339(now_ms)}
    body = found.body | {"record": record, "changed": number, "deleted": True}
    place = f"{record.get('source_system_identifier') or ''}\x1f{key}"
    state.put(_kind(kind), key, body, {"place": place, "changed": _number(number)})
    return record


def find(state: State, kind: Kind, key: str) -> Body | None:
    """Return a record that is not deleted, or None."""
    found = state.get(_kind(kind), key)
    return None if found is None or found.body.get("deleted") else found.body["record"]


def records(state: State, kind: Kind, *, after: str = "", limit: int = 100) -> list[Body]:
    """Return records that are not deleted, by key."""
    found = state.scan(_kind(kind), after=after, limit=limit)
    return [one.body["record"] for one in found if not one.body.get("deleted")]


def last_change(state: State) -> int:
    """Return the number of the newest change of any kind."""
    return state.reserve(_SERIES, 0) - 1


def page(state: State, kind: Kind, at: RosterCursor, limit: int) -> tuple[list[Body], str, bool]:
    """Return the next records of a list, the place of the last, and whether more follow."""
    taken: list[Body] = []
    position = at.position
    while True:
        found = state.find(_kind(kind), "place", after=position, limit=limit + 1)
        for one in found:
            if one.body.get("deleted") or one.body["made"] > at.base:
                position = _place(one)
            elif len(taken) == limit:
                return taken, position, True
            else:
                taken.append(one.body["record"])
                position = _place(one)
        if len(found) <= limit:
            return taken, position, False


def _place(one: Entity) -> str:
    return f"{one.body['record'].get('source_system_identifier') or ''}\x1f{one.key}"


def changes(
    state: State, kind: Kind, since: int, limit: int, *, deleted: bool
) -> tuple[list[Body], int, bool]:
    """Return records changed since, the number of the last, and whether more follow."""
    found = state.find(_kind(kind), "changed", after=_number(since), limit=limit + 1)
    taken = found[:limit]
    last = taken[-1].body["changed"] if taken else since
    shown = [one.body["record"] for one in taken if deleted or not one.body.get("deleted")]
    return shown, last, len(found) > limit


def _number(number: int) -> str:
    return f"{number:015d}"


def encode(cursor: RosterCursor, secret: bytes, server: str, kind: Kind) -> str:
    """Return a cursor as it stands on the wire."""
    text = f"{cursor.phase}|{cursor.base}|{cursor.issued_ms}|{cursor.position}".encode()
    return base64.urlsafe_b64encode(_code(text, secret, server, kind) + text).decode().rstrip("=")


def decode(text: str, secret: bytes, server: str, kind: Kind) -> RosterCursor | None:
    """Return the cursor that *text* stands for; None if *server* never got it for *kind*."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        plain = raw[_CODE_BYTES:].decode()
    except (binascii.Error, ValueError):
        return None
    match = _TEXT.fullmatch(plain)
    code = _code(raw[_CODE_BYTES:], secret, server, kind)
    if match is None or not hmac.compare_digest(code, raw[:_CODE_BYTES]):
        return None
    phase: Phase = "fetching" if match[1] == "fetching" else "fetched"
    phase = "syncing" if match[1] == "syncing" else phase
    return RosterCursor(phase, int(match[2]), int(match[3]), match[4])


def _code(text: bytes, secret: bytes, server: str, kind: Kind) -> bytes:
    begin = f"roster.cursor|{server}|{kind}|".encode()
    return hmac.digest(secret, begin + text, hashlib.sha256)[:_CODE_BYTES]
