"""Rosters of a world, and what the school's own system does to them: by the control API."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from simulator.core.state import Body, State
from simulator.protocol.documents import read_table
from simulator.protocol.fields import Field, Integer, Object, Objects, String
from simulator.services.dep import roster_seeding, rosters
from simulator.services.dep.roster_seeding import RosterPlan
from simulator.services.dep.rosters import LISTS, Kind
from simulator.services.organisations import ORGANISATION, all_organisations
from simulator.services.provisioning import (
    SINCE_MS,
    ControlCall,
    Resource,
    Rows,
    Step,
    TimelessSeeding,
    WorldPart,
)

_LONGEST = 64
"""Characters of an identifier: a cursor holds two of them, and has 512 at most."""
_ROSTER = (
    Integer("pupils", "How many pupils.", required=True, least=0, most=20_000, example=180),
    Integer("staff", "How many teach.", required=True, least=0, most=2_000, example=14),
    Integer(
        "classes",
        "How many classes; each pupil is in one.",
        required=True,
        least=0,
        most=2_000,
        example=12,
    ),
    Integer("locations", "How many locations.", least=1, most=100, default=1, example=2),
)

_CHUNK = 50
"""Records that one step writes."""


def _read(organisations: Sequence[Rows]) -> list[RosterPlan | None]:
    plans: list[RosterPlan | None] = []
    for place, values in organisations:
        given = values["roster"]
        if given is None:
            plans.append(None)
            continue
        if values["org_type"] != "edu":
            raise place.error('roster goes with a school only: write org_type = "edu", or drop it')
        plans.append(RosterPlan(**read_table(given, _ROSTER, place.part("organisation.roster"))))
    return plans


def _lines(plan: RosterPlan | None) -> Iterator[str]:
    if plan is not None:
        yield (
            f"roster: {plan.pupils} pupils, {plan.staff} staff, {plan.classes} classes, "
            f"{plan.locations} locations"
        )


WORLD = WorldPart(
    keys=(Object("roster", "Its roster, of a school: all of it is invented.", fields=_ROSTER),),
    read=_read,
    lines=_lines,
)


def seed(seeding: TimelessSeeding) -> Iterator[Step]:
    """Yield what writes the roster of an organisation, if it has one."""
    plan = seeding.part
    if not isinstance(plan, RosterPlan):
        return
    domain = seeding.facts["email"].rpartition("@")[2]
    for kind, records in roster_seeding.records(plan, domain):
        for at in range(0, len(records), _CHUNK):
            some = records[at : at + _CHUNK]
            yield partial(_write, seeding=seeding, kind=kind, records=some)


def _write(state: State, *, seeding: TimelessSeeding, kind: Kind, records: list[Body]) -> int:
    rosters.write(state.of(seeding.organisation), kind, records, SINCE_MS)
    return 0


def _home(call: ControlCall) -> State:
    named = call.query.get("organisation") or call.body.get("organisation")
    found = None if named is None else call.state.of("").get(ORGANISATION, str(named))
    if found is not None and found.body["org_type"] == "edu":
        return call.state.of(found.key)
    schools = [one.key for one in all_organisations(call.state) if one.body["org_type"] == "edu"]
    if named is None and len(schools) == 1:
        return call.state.of(schools[0])
    there = ", ".join(schools) or "none: load the world school"
    raise ValueError(f"organisation must be a school; there are {there}")


def _listed(kind: Kind, call: ControlCall) -> Body:
    limit = call.query.get("limit", 100)
    found = rosters.records(_home(call), kind, after=call.query.get("after", ""), limit=limit)
    last = found[-1]["unique_identifier"] if len(found) == limit else None
    return {LISTS[kind]: found, "next": last}


def _put(kind: Kind, call: ControlCall) -> Body:
    home, record = _home(call), dict(call.body["record"])
    key = record.get("unique_identifier")
    source = record.get("source_system_identifier") or ""
    for name, value in (("unique_identifier", key), ("source_system_identifier", source)):
        if not isinstance(value, str) or len(value) > _LONGEST or not value.isprintable():
            raise ValueError(f"record.{name} must be a text of at most {_LONGEST} characters")
    if not key:
        raise ValueError("record.unique_identifier must not be empty")
    rosters.write(home, kind, [{"status": "Active"} | record], call.now_ms)
    return {"record": rosters.find(home, kind, key)}


def _delete(kind: Kind, call: ControlCall) -> Body:
    return {"record": rosters.delete(_home(call), kind, call.path["id"], call.now_ms)}


_ORGANISATION = String("organisation", "Id of a school; not needed if there is one.")
_RECORD: Any = Object("record", "The record as it is sent.", required=True, fields=())


def _resources(kind: Kind) -> Iterator[Resource]:
    listed = LISTS[kind]
    found: tuple[Field, ...] = (
        Objects(listed, "The records.", required=True),
        Field("next", "What to pass as after; null at the end.", required=True),
    )
    page = (
        _ORGANISATION,
        String("after", "What next was in the response before."),
        Integer("limit", "Most records in the response.", least=1, most=1000, example=100),
    )
    path = f"/rosters/{listed}"
    yield Resource(
        "GET", path, f"List the {listed} of a school's roster.", partial(_listed, kind),
        query=page, answer=found,
    )  # fmt: skip
    yield Resource(
        "POST", path, f"Write one of the {listed}, new or changed, as the school's system does.",
        partial(_put, kind), body=(_RECORD, _ORGANISATION), answer=(_RECORD,),
    )  # fmt: skip
    yield Resource(
        "DELETE", f"{path}/{{id}}", f"Delete one of the {listed}: a sync reports it as inactive.",
        partial(_delete, kind), query=(_ORGANISATION,), answer=(_RECORD,),
    )  # fmt: skip


RESOURCES = tuple(one for kind in rosters.KINDS for one in _resources(kind))
