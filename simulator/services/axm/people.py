"""``users``, ``userGroups`` and ``organizationalUnits``: the people, whom no call changes."""

from typing import Any

from simulator.core.state import Body
from simulator.protocol.fields import Boolean, Field, Integer, Object, Objects, String
from simulator.protocol.operations import Call, Operation, operation
from simulator.services.axm import paging
from simulator.services.axm.documents import (
    DOCS,
    RELATED,
    Links,
    identifier_row,
    linkage_rows,
    listing,
)
from simulator.services.axm.read_only import ReadOnly
from simulator.services.axm.stored import Relate, find_stored, list_linked

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


def _related(kind: str) -> Relate:
    def relate(links: Links, identifier: str) -> Body:
        own = links.to(kind, identifier, "relationships", "users")
        return {"users": {"links": {"self": own}}}

    return relate


def _members(of: ReadOnly, name: str, about: str, identifier: str, page: str) -> Operation:
    @operation(
        f"GET /v1/{of.kind}/{{id}}/relationships/users",
        about,
        name=name,
        auth="business",
        versions=of.versions,
        request=(identifier_row(identifier), *paging.PAGE),
        response=listing(linkage_rows(USERS, "user.id")),
        docs=DOCS + page,
        source="AXM-D",
    )
    def list_members(call: Call) -> Body:
        """Return a page of resource identifiers."""
        return list_linked(call, USERS, find_stored(call, of.entity, of.kind).body["users"])

    return list_members


_USERS = ReadOnly(entity=USER, kind=USERS, rows=USER_ROWS, concept="user.id")
list_users = _USERS.list_all("axm.people.users", "List the users.", "get-users")
get_user = _USERS.get_one(
    "axm.people.user", "Get a user.", "Id of the user.", "get-user-information"
)
_GROUPS = ReadOnly(
    entity=GROUP,
    kind=GROUPS,
    rows=GROUP_ROWS,
    relationships=_MEMBERS,
    relate=_related(GROUPS),
)
list_groups = _GROUPS.list_all("axm.people.groups", "List the groups of users.", "get-user-groups")
get_group = _GROUPS.get_one(
    "axm.people.group", "Get a group of users.", "Id of the group.", "get-user-group-information"
)
list_group_users = _members(
    _GROUPS,
    "axm.people.group_users",
    "List the ids of a group's users.",
    "Id of the group.",
    "get-all-user-ids-for-a-usergroup",
)
_UNITS = ReadOnly(
    entity=UNIT,
    kind=UNITS,
    rows=UNIT_ROWS,
    versions="22+",
    relationships=_MEMBERS,
    relate=_related(UNITS),
)
list_units = _UNITS.list_all(
    "axm.people.units", "List the organisational units.", "get-organizational-units"
)
get_unit = _UNITS.get_one(
    "axm.people.unit",
    "Get an organisational unit.",
    "Id of the unit.",
    "get-organizational-unit-information",
)
list_unit_users = _members(
    _UNITS,
    "axm.people.unit_users",
    "List the ids of a unit's users.",
    "Id of the unit.",
    "get-all-user-ids-for-an-organizationalunit",
)
