"""``users``, ``userGroups`` and ``organizationalUnits``: the people, whom no call changes."""

from typing import Any

from simulator.core.state import Body
from simulator.protocol.fields import Boolean, Field, Integer, Object, Objects, String
from simulator.protocol.operations import Call, operation
from simulator.services.axm import paging
from simulator.services.axm.documents import (
    DOCS,
    RELATED,
    Links,
    document,
    fields_row,
    identifier_row,
    linkage_rows,
    listing,
    names,
    resource_rows,
)
from simulator.services.axm.stored import find_stored, get_stored, list_linked, list_stored

USER, GROUP, UNIT = "axm.user", "axm.group", "axm.unit"
USERS, GROUPS, UNITS = "users", "userGroups", "organizationalUnits"


def _text(name: str, about: str, concept: str, **more: Any) -> String:
    return String(name, about, concept=concept, source="AXM-D, AXM-HI", **more)


_STAMPS = (
    _text("createdDateTime", "When it was made.", "user.time"),
    _text("updatedDateTime", "When it was changed last.", "user.time"),
)
USER_ROWS: tuple[Field, ...] = (
    _text("firstName", "First name.", "user.name"),
    _text("middleName", "Middle name.", "user.name"),
    _text("lastName", "Last name.", "user.name"),
    _text("managedAppleAccount", "Managed Apple Account.", "user.managed_apple_id"),
    _text("email", "E-mail address.", "user.email"),
    _text("employeeNumber", "Number of the employee.", "user.employee"),
    _text("costCenter", "Cost centre.", "user.employee"),
    _text("division", "Division.", "user.employee"),
    _text("department", "Department.", "user.employee"),
    _text("jobTitle", "Job title.", "user.employee"),
    _text(
        "status",
        "State of the account.",
        "protocol",
        values=("NEW", "RELEASED", "ACTIVE", "DEACTIVATED", "LOCKED", "LOCKED_FOR_SHARED_IPAD"),
    ),
    Boolean("isExternalUser", "Whether it is of another organisation.", concept="dep.flag"),
    Objects(
        "roleOuList",
        "Roles, each with its unit.",
        fields=(
            _text("roleName", "Role.", "user.employee"),
            _text("ouId", "Unit.", "org.location"),
        ),
    ),
    Objects(
        "phoneNumbers",
        "Telephone numbers.",
        fields=(
            _text("phoneNumber", "Number.", "user.phone"),
            _text("type", "Kind.", "protocol", values=("WORK", "HOME", "MOBILE")),
        ),
    ),
    _text("startDateTime", "When the person started.", "user.time"),
    *_STAMPS,
)
_MEMBERS = (Object("users", "Its users.", fields=RELATED, source="AXM-D"),)
GROUP_ROWS: tuple[Field, ...] = (
    _text("ouId", "Unit.", "org.location"),
    _text("name", "Name.", "org.department"),
    _text("type", "Kind.", "protocol", values=("STANDARD", "SMART")),
    Integer("totalMemberCount", "How many users it has.", concept="protocol", source="AXM-D"),
    _text("status", "State.", "protocol", values=("ACTIVE",)),
    *_STAMPS,
)
UNIT_ROWS: tuple[Field, ...] = (
    _text("name", "Name.", "org.location"),
    _text("description", "Description.", "org.location"),
    *_STAMPS,
)


def _related(kind: str) -> Any:
    def relate(links: Links, identifier: str) -> Body:
        own = links.to(kind, identifier, "relationships", "users")
        return {"users": {"links": {"self": own}}}

    return relate


@operation(
    "GET /v1/users",
    "List the users.",
    name="axm.people.users",
    auth="business",
    versions="20+",
    request=(fields_row(USERS, names(USER_ROWS), "20+"), *paging.PAGE),
    response=listing(resource_rows(USERS, USER_ROWS, concept="user.id")),
    docs=f"{DOCS}get-users",
    source="AXM-D",
)
def list_users(call: Call) -> Body:
    """Return a page of users."""
    return list_stored(call, USER, USERS)


@operation(
    "GET /v1/users/{id}",
    "Get a user.",
    name="axm.people.user",
    auth="business",
    versions="20+",
    request=(
        identifier_row("Id of the user.", "user.id"),
        fields_row(USERS, names(USER_ROWS), "20+"),
    ),
    response=document(resource_rows(USERS, USER_ROWS, concept="user.id")),
    docs=f"{DOCS}get-user-information",
    source="AXM-D",
)
def get_user(call: Call) -> Body:
    """Return one user."""
    return get_stored(call, USER, USERS)


@operation(
    "GET /v1/userGroups",
    "List the groups of users.",
    name="axm.people.groups",
    auth="business",
    versions="20+",
    request=(fields_row(GROUPS, [*names(GROUP_ROWS), "users"], "20+"), *paging.PAGE),
    response=listing(resource_rows(GROUPS, GROUP_ROWS, _MEMBERS)),
    docs=f"{DOCS}get-user-groups",
    source="AXM-D",
)
def list_groups(call: Call) -> Body:
    """Return a page of groups."""
    return list_stored(call, GROUP, GROUPS, _related(GROUPS))


@operation(
    "GET /v1/userGroups/{id}",
    "Get a group of users.",
    name="axm.people.group",
    auth="business",
    versions="20+",
    request=(
        identifier_row("Id of the group."),
        fields_row(GROUPS, [*names(GROUP_ROWS), "users"], "20+"),
    ),
    response=document(resource_rows(GROUPS, GROUP_ROWS, _MEMBERS)),
    docs=f"{DOCS}get-user-group-information",
    source="AXM-D",
)
def get_group(call: Call) -> Body:
    """Return one group."""
    return get_stored(call, GROUP, GROUPS, _related(GROUPS))


@operation(
    "GET /v1/userGroups/{id}/relationships/users",
    "List the ids of a group's users.",
    name="axm.people.group_users",
    auth="business",
    versions="20+",
    request=(identifier_row("Id of the group."), *paging.PAGE),
    response=listing(linkage_rows(USERS, "user.id")),
    docs=f"{DOCS}get-all-user-ids-for-a-usergroup",
    source="AXM-D",
)
def list_group_users(call: Call) -> Body:
    """Return a page of resource identifiers."""
    return list_linked(call, USERS, find_stored(call, GROUP, GROUPS).body["users"])


@operation(
    "GET /v1/organizationalUnits",
    "List the organisational units.",
    name="axm.people.units",
    auth="business",
    versions="22+",
    request=(fields_row(UNITS, [*names(UNIT_ROWS), "users"], "22+"), *paging.PAGE),
    response=listing(resource_rows(UNITS, UNIT_ROWS, _MEMBERS)),
    docs=f"{DOCS}get-organizational-units",
    source="AXM-D",
)
def list_units(call: Call) -> Body:
    """Return a page of units."""
    return list_stored(call, UNIT, UNITS, _related(UNITS))


@operation(
    "GET /v1/organizationalUnits/{id}",
    "Get an organisational unit.",
    name="axm.people.unit",
    auth="business",
    versions="22+",
    request=(
        identifier_row("Id of the unit."),
        fields_row(UNITS, [*names(UNIT_ROWS), "users"], "22+"),
    ),
    response=document(resource_rows(UNITS, UNIT_ROWS, _MEMBERS)),
    docs=f"{DOCS}get-organizational-unit-information",
    source="AXM-D",
)
def get_unit(call: Call) -> Body:
    """Return one unit."""
    return get_stored(call, UNIT, UNITS, _related(UNITS))


@operation(
    "GET /v1/organizationalUnits/{id}/relationships/users",
    "List the ids of a unit's users.",
    name="axm.people.unit_users",
    auth="business",
    versions="22+",
    request=(identifier_row("Id of the unit."), *paging.PAGE),
    response=listing(linkage_rows(USERS, "user.id")),
    docs=f"{DOCS}get-all-user-ids-for-an-organizationalunit",
    source="AXM-D",
)
def list_unit_users(call: Call) -> Body:
    """Return a page of resource identifiers."""
    return list_linked(call, USERS, find_stored(call, UNIT, UNITS).body["users"])
