"""``POST /roster/...``: lists of classes, persons, locations and courses, and what has changed.

Persons and locations hang below ``/roster/class``, courses do not (PR-R, EV).
"""

from typing import Any

from simulator.core.state import Body
from simulator.core.timestamps import rfc3339
from simulator.protocol.fields import Boolean, Field, Integer, Objects, String
from simulator.protocol.items import Items
from simulator.protocol.operations import ApiError, Call, Handler, Operation, operation
from simulator.services.dep import errors, quirks, roster_rows, rosters
from simulator.services.dep.device_rows import DOCS
from simulator.services.dep.rosters import LISTS, Kind, RosterCursor
from simulator.services.organisations import organisation

PAGE_MAXIMUM = 1000
_DELETED_FROM = 3
"""Protocol version from which on a sync tells of deletions."""
_LIMIT = Integer(
    "limit",
    "Largest number of records in the response; 0 or absent: 1000.",
    concept="protocol",
    least=0,
    most=PAGE_MAXIMUM,
    example=100,
    source="PR-R",
    inferred="Above the maximum it counts as the maximum.",
)
_CURSOR = String(
    "cursor",
    "Where to go on: the cursor of the response before.",
    concept="protocol",
    longest=512,
    source="PR-R",
)
_NEEDED = String(
    "cursor",
    "Cursor of the last list or sync; good for 7 days.",
    concept="protocol",
    required=True,
    missing=errors.CURSOR_REQUIRED,
    invalid=errors.CURSOR_REQUIRED,
    shortest=1,
    longest=512,
    source="PR-R",
    inferred="One page calls it optional, and CURSOR_REQUIRED exists: it is required.",
)
_PAGE: tuple[Field, ...] = (
    String("cursor", "Where to go on.", concept="protocol", longest=512, source="PR-R"),
    Boolean(
        "more_to_follow",
        "Whether there is more to get at once.",
        concept="protocol",
        source="PR-R",
        inferred="Samples print a text; it is a truth value, as for devices, but by a quirk.",
    ),
)
_PATHS: dict[Kind, str] = {
    "class": "/roster/class",
    "person": "/roster/class/person",
    "location": "/roster/class/location",
    "course": "/roster/course",
}
URIS = tuple(path + end for path in _PATHS.values() for end in ("", "/sync"))
"""The paths, as ``GET /account`` advertises them."""
_ROWS: dict[Kind, tuple[Field, ...]] = {
    "class": roster_rows.CLASS,
    "person": roster_rows.PERSON,
    "location": roster_rows.LOCATION,
    "course": roster_rows.COURSE,
}


def offers(call: Call, facts: Body) -> bool:
    """Tell whether the organisation with *facts* is told of rosters."""
    return facts["org_type"] == "edu" or call.has(quirks.ROSTERS_FOR_ALL)


def _refuse_business(call: Call) -> None:
    if not offers(call, organisation(call.state, call.principal.organisation)):
        raise ApiError(errors.ACCESS_DENIED, "rosters are for organisations of School Manager")


def _limit(call: Call) -> int:
    asked: int = call.body.get("limit") or 0
    return min(asked, PAGE_MAXIMUM) if asked > 0 else PAGE_MAXIMUM


def _answer(
    call: Call, kind: Kind, records: list[Body], cursor: RosterCursor, *, more: bool
) -> Body:
    shown: Any = more
    if call.has(quirks.ROSTER_STRINGS):
        shown = "true" if more else "false"
    return {
        LISTS[kind]: Items(records),
        "cursor": rosters.encode(cursor, call.secret, call.principal.id, kind),
        "more_to_follow": shown,
    }


def _known(call: Call, kind: Kind, text: str) -> RosterCursor:
    cursor = rosters.decode(text, call.secret, call.principal.id, kind)
    if cursor is None:
        raise ApiError(errors.INVALID_CURSOR)
    return cursor


def _list(call: Call, kind: Kind) -> Body:
    _refuse_business(call)
    text = call.body.get("cursor") or ""
    at = RosterCursor("fetching", rosters.last_change(call.state), call.now_ms)
    if text:
        at = _known(call, kind, text)
    if at.phase == "syncing":
        raise ApiError(errors.INVALID_CURSOR, "the cursor is that of a sync")
    if at.phase == "fetched":
        return _answer(call, kind, [], at, more=False)
    found, position, more = rosters.page(call.state, kind, at, _limit(call))
    cursor = RosterCursor("fetching" if more else "fetched", at.base, call.now_ms, position)
    return _answer(call, kind, found, cursor, more=more)


def _sync(call: Call, kind: Kind) -> Body:
    _refuse_business(call)
    text = call.body.get("cursor") or ""
    if not text:
        raise ApiError(errors.CURSOR_REQUIRED)
    at = _known(call, kind, text)
    short = call.has(quirks.ROSTER_DAY)
    if call.now_ms - at.issued_ms > (rosters.SHORT_LIFE_MS if short else rosters.LIFE_MS):
        raise ApiError(errors.EXPIRED_CURSOR)
    found, last, more = rosters.changes(
        call.state, kind, at.base, _limit(call), deleted=call.version >= _DELETED_FROM
    )
    cursor = RosterCursor("syncing", last, call.now_ms)
    answer = _answer(call, kind, found, cursor, more=more)
    return answer | {"fetched_until": rfc3339(call.now_ms)}


def _operation(kind: Kind, *, sync: bool) -> Operation:
    """Return the operation of a list, or of its changes."""
    work = _sync if sync else _list

    def handler(call: Call) -> Body:
        return work(call, kind)

    listed = LISTS[kind]
    about = f"Sync: get the {listed} that have changed since the cursor." if sync else ""
    until = String("fetched_until", "Time that the response reaches.", concept="protocol")
    choice = "Deletions come as records whose status is inactive, from version 3 on: one text "
    made: Handler = handler
    return operation(
        f"POST {_PATHS[kind]}{'/sync' if sync else ''}",
        about or f"Get all {listed} of the organisation's roster.",
        name=f"dep.roster_{listed}{'_sync' if sync else ''}",
        auth="session",
        request=(_NEEDED if sync else _CURSOR, _LIMIT),
        response=(
            Objects(listed, "The records.", fields=_ROWS[kind], source="AD, PR-R"),
            *_PAGE,
            *((until,) if sync else ()),
        ),
        errors=(
            errors.INVALID_CURSOR,
            *((errors.CURSOR_REQUIRED, errors.EXPIRED_CURSOR) if sync else ()),
        ),
        json_only=True,
        docs=f"{DOCS}roster-management",
        source="AD, PR-R, EV",
        inferred=(
            f"{choice}says that they come, another that they do not. A cursor is good for 7 days, "
            "though a table says 1."
            if sync
            else "Business organisations get ACCESS_DENIED: what they really get is not known."
        ),
    )(made)


CLASSES = _operation("class", sync=False)
CLASSES_SYNC = _operation("class", sync=True)
PERSONS = _operation("person", sync=False)
PERSONS_SYNC = _operation("person", sync=True)
LOCATIONS = _operation("location", sync=False)
LOCATIONS_SYNC = _operation("location", sync=True)
COURSES = _operation("course", sync=False)
COURSES_SYNC = _operation("course", sync=True)
