"""What stands around Apps and Books: locations, their content tokens, and notifications."""

from collections.abc import Iterator, Sequence
from functools import partial

import msgspec

from simulator.core.state import State
from simulator.core.timestamps import rfc3339
from simulator.protocol.documents import identifier, read_list, refuse_duplicates, text
from simulator.protocol.fields import Integer, Objects
from simulator.protocol.operations import OutboundCall
from simulator.services.provisioning import (
    Credential,
    Example,
    Held,
    Issuing,
    Outbox,
    OutgoingMessage,
    Provisioning,
    Rows,
    Seeding,
    Step,
    TimelessSeeding,
    Trying,
    WorldPart,
)
from simulator.services.vpp import SERVICE
from simulator.services.vpp.domain import events, notifications, portal
from simulator.services.vpp.domain.locations import everywhere, location, locations, token
from simulator.services.vpp.seeding import VppLocation, location_steps

VPP_LOCATION = (
    identifier("id", "Id, its own in the whole file.", required=True, example="main"),
    text("name", "Name.", required=True, example="Main Campus"),
    Integer(
        "apps", "How many products it owns, made up.", least=0, most=10_000, default=12, example=12
    ),
    Integer("users", "How many users.", least=0, most=1_000_000, default=0, example=40),
    Integer(
        "licences",
        "Licences of each product that is neither unlimited nor scarce.",
        least=1,
        most=1_000_000,
        default=50,
        example=50,
    ),
    text("country", "Store front.", default="US", example="US"),
    text(
        "stoken",
        "Its content token, its own in the file, if it is to be this; made if absent.",
        default="",
        example="eyJ0b2tlbiI6IkZBS0UifQ==",
    ),
)
KEYS = (Objects("vpp_location", "Its locations in Apps and Books.", fields=VPP_LOCATION),)


def _read(organisations: Sequence[Rows]) -> list[tuple[VppLocation, ...]]:
    name = "organisation.vpp_location"
    listed = [
        read_list(values["vpp_location"], name, VPP_LOCATION, place)
        for place, values in organisations
    ]
    for name in ("id", "stoken"):
        refuse_duplicates(
            name, [(at, row[name]) for rows in listed for at, row in rows if row[name]]
        )
    return [tuple(VppLocation(**row) for _, row in rows) for rows in listed]


def _lines(part: Sequence[VppLocation]) -> Iterator[str]:
    for place in part:
        facts = f"{place.apps} apps, {place.users} users"
        yield f"VPP location {place.id}: {place.name}, {facts}"


def _seed_timeless(seeding: TimelessSeeding) -> Iterator[Step]:
    for place in seeding.part or ():
        yield from location_steps(seeding, place)


def _seed(seeding: Seeding) -> Iterator[Step]:
    for place in seeding.part or ():
        yield partial(_issue_token, seeding=seeding, place=place)


def _issue_token(state: State, *, seeding: Seeding, place: VppLocation) -> int:
    portal.issue_token(
        state.of(seeding.organisation),
        place.id,
        now_ms=seeding.now_ms,
        random_hex=seeding.generate_secret,
        given=place.stoken,
    )
    return 0


def _held(state: State, organisation: str) -> Iterator[Held]:
    for one in locations(state.of(organisation)):
        known = (token(state, one.stoken) if one.stoken else None) or {}
        yield Held(
            id=one.id,
            name=one.name,
            entry={"id": one.id, "name": one.name, "stoken": one.stoken or None},
            state=known.get("state", ""),
            expires=rfc3339(known["expires_ms"]) if known else "",
        )


def _renew(state: State, new: Issuing) -> None:
    own = state.of(new.organisation)
    portal.issue_token(own, new.id, now_ms=new.now_ms, random_hex=new.random_hex)


def _revoke(state: State, old: Issuing) -> None:
    portal.revoke_token(state.of(old.organisation), old.id)


def _due(state: State, now_ms: int) -> list[OutgoingMessage]:
    found = []
    for one in notifications.due(state.of(""), now_ms):
        where = location(state.of(one.body["organisation"]), one.body["location"])
        body = msgspec.json.encode(one.body["message"])
        call = OutboundCall(where.notify_url, where.notify_token, body)
        queue = f"{where.organisation}/{where.id}"
        trouble = "" if call.url else "the location has no notificationUrl any more"
        found.append(OutgoingMessage(key=one.key, queue=queue, call=call, trouble=trouble))
    return found


def _record(state: State, key: str, now_ms: int, trouble: str) -> None:
    root = state.of("")
    notifications.record_attempt(root, key, now_ms, delivered=not trouble, about=trouble)


def _examples(trying: Trying) -> Iterator[Example]:
    for one in everywhere(trying.state):
        known = token(trying.state, one.stoken) if one.stoken else None
        if known and known["state"] == "active" and trying.now_ms < known["expires_ms"]:
            yield Example(
                about="Ask for a location's settings",
                key=one.id,
                arguments=(f"{trying.base}/mdm/v2/client/config",),
                secret={"header": f"Authorization: Bearer {one.stoken}"},
            )


PROVISIONING = Provisioning(
    service=SERVICE,
    title="Apps and Books",
    rank=20,
    world=WorldPart(KEYS, _read, _lines),
    seed_timeless=_seed_timeless,
    seed=_seed,
    complete_due=events.complete_due,
    work=events.complete_due,
    outbox=Outbox(topic=notifications.OUTBOX, due=_due, record=_record),
    credentials=(
        Credential(
            name="vpp",
            title="Content token (sToken)",
            holder="location",
            ready="vpp_locations",
            value="stoken",
            held=_held,
            renew=_renew,
            revoke=_revoke,
            file=("{id}.vpptoken", "application/octet-stream"),
        ),
    ),
    examples=_examples,
)
