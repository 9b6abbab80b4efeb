"""The rows of blueprints (axm.md 5.9), and what their six relationships lead to."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from simulator.core.state import Body, Entity, State
from simulator.protocol.fields import Boolean, Field, Object, Objects, String
from simulator.protocol.lookups import look_up
from simulator.protocol.operations import Call
from simulator.services.axm import errors
from simulator.services.axm.content import APP, PACKAGE
from simulator.services.axm.documents import META, RELATED, linkage_rows, resource_rows
from simulator.services.axm.errors import wrong_entity
from simulator.services.axm.people import GROUP, USER
from simulator.services.axm.stored import any_fits
from simulator.services.fleet import devices as fleet

BLUEPRINT, KIND = "axm.blueprint", "blueprints"
CONFIGURATION = "axm.configuration"
CONTENT = {"apps": APP, "packages": PACKAGE, "configurations": CONFIGURATION}
MEMBERS = {"orgDevices": fleet.DEVICE, "users": USER, "userGroups": GROUP}
RELATIONSHIPS = {**CONTENT, **MEMBERS}
"""Kind of entity by relationship, whose name is also the type of what it holds."""
MOST_HELD = 10_000
"""What a relationship of a blueprint may hold."""
CONCEPTS = {
    "apps": "content.id",
    "packages": "content.id",
    "configurations": "content.id",
    "orgDevices": "device.serial",
    "users": "user.id",
    "userGroups": "user.group",
}


def _text(name: str, about: str, concept: str, **more: Any) -> String:
    return String(name, about, concept=concept, source="AXM-D, AXM-HI", **more)


SENT: tuple[Field, ...] = (
    _text("name", "Name, of letters, digits, dots, dashes and underscores.", "content.name"),
    _text("description", "Description.", "content.description"),
)
ROWS: tuple[Field, ...] = (
    *SENT,
    _text("status", "State.", "protocol", values=("ACTIVE", "TO_BE_DELETED")),
    Boolean(
        "appLicenseDeficient",
        "Whether it lacks licences of an app.",
        concept="dep.flag",
        source="AXM-D",
    ),
    _text("createdDateTime", "When it was made.", "server.time"),
    _text("updatedDateTime", "When it was changed last.", "server.time"),
)


def _relationship(name: str) -> Object:
    data = Objects(
        "data", "Its first ones.", fields=linkage_rows(name, CONCEPTS[name]), source="AXM-D"
    )
    fields = (*RELATED, data, META)
    return Object(name, f"Its {name}.", fields=fields, source="AXM-D")


RESOURCE = resource_rows(
    KIND, ROWS, tuple(_relationship(name) for name in RELATIONSHIPS), "content.id"
)


def absent(name: str, state: State, identifiers: Sequence[str]) -> set[str]:
    """Return those *identifiers* of a relationship that are not there, or no more."""
    if name == "orgDevices":
        return fleet.unmanaged(state, identifiers)
    return state.missing(RELATIONSHIPS[name], identifiers)


def present(state: State, name: str, identifiers: Sequence[str]) -> list[str]:
    """Return those *identifiers* that are there, in their order."""
    gone = absent(name, state, identifiers)
    return [one for one in identifiers if one not in gone]


def all_present(call: Call, one: Entity, name: str) -> list[str]:
    """Return what a blueprint holds and is there, in its order; NeedsPieces if that is much."""
    held = one.body["related"].get(name, ())
    gone = look_up(call, f"{one.key}/{name}", held, partial(absent, name))
    return [each for each in held if each not in gone]


def checked(call: Call, name: str, identifiers: Sequence[str], pointer: str) -> list[str]:
    """Return those *identifiers* that a write names and that are there, in their order.

    *pointer* leads to them, in the refusal of too many.
    """
    refuse_many(call, identifiers, pointer)
    gone = look_up(call, name, identifiers, partial(absent, name))
    return [one for one in identifiers if one not in gone]


def refuse_many(call: Call, identifiers: Sequence[str], pointer: str) -> None:
    """Raise the refusal of more than a relationship may hold."""
    if len(identifiers) > MOST_HELD:
        about = f"a blueprint holds at most {MOST_HELD} of each kind"
        raise wrong_entity(call, errors.RELATIONSHIP_INVALID, pointer, about)


def weight(body: Body) -> int:
    """Return how many members and contents a blueprint holds."""
    return sum(map(len, body["related"].values()))


def is_held(call: Call, name: str, identifier: str) -> bool:
    """Tell whether any blueprint holds something; NeedsPieces if they hold very much."""
    return any_fits(
        call, BLUEPRINT, lambda body: identifier in body["related"].get(name, ()), weight
    )
