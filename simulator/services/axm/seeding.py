"""Test data of the School and Business API: people, and content for blueprints, all made up."""

from collections.abc import Iterator
from functools import partial
from itertools import product

from simulator.core.state import Body, State
from simulator.core.timestamps import rfc3339_ms
from simulator.services.axm.content import APP, PACKAGE
from simulator.services.axm.people import GROUP, UNIT, USER
from simulator.services.provisioning import SINCE_MS, Seeding, Step, TimelessSeeding

_FIRST = ("Alva", "Bo", "Cleo", "Dag", "Ebba", "Finn", "Greta", "Hugo", "Ines", "Jon")
_LAST = ("Ahlgren", "Berg", "Cohen", "Dahl", "Ek", "Falk", "Grahn", "Holm", "Ito", "Juhl")
_JOBS = ("Teacher", "Engineer", "Clerk", "Nurse")
_DEPARTMENTS = ("North", "South", "Office")
_FIRST_USER = 1_000_000
_FIRST_APP = 1_000_000_000
_APPS = ("Pages of Nowhere", "Desk", "Calm", "Ledger", "Plan")
_SINCE = rfc3339_ms(SINCE_MS)
CHUNK = 100
_GROUP_SIZE = 50


def people_steps(seeding: TimelessSeeding, users: int) -> Iterator[Step]:
    """Yield what writes *users* people, each department as a group and as a unit."""
    for start in range(0, users, CHUNK):
        part = range(start, min(start + CHUNK, users))
        yield partial(_add_users, seeding=seeding, part=part)
    if users:
        yield partial(_add_groups, seeding=seeding, users=users)


def _add_users(state: State, *, seeding: TimelessSeeding, part: range) -> int:
    state.of(seeding.organisation).add_many(
        USER, ((str(_FIRST_USER + number), _user(seeding, number)) for number in part)
    )
    return 0


def _user(seeding: TimelessSeeding, number: int) -> Body:
    names = tuple(product(_FIRST, _LAST))
    first, last = names[number % len(names)]
    account = f"{first}.{last}.{number}@appleid.{_domain(seeding)}".lower()
    department = number % len(_DEPARTMENTS)
    return {
        "attributes": {
            "firstName": first,
            "middleName": "",
            "lastName": last,
            "managedAppleAccount": account,
            "email": f"{first}.{last}.{number}@{_domain(seeding)}".lower(),
            "employeeNumber": f"E{number:06d}",
            "costCenter": f"C{department + 1:02d}",
            "division": "Main",
            "department": _DEPARTMENTS[department],
            "jobTitle": _JOBS[number % len(_JOBS)],
            "status": "ACTIVE",
            "isExternalUser": False,
            "roleOuList": [{"roleName": "Staff", "ouId": str(department + 1)}],
            "phoneNumbers": [{"phoneNumber": f"+1-555-01{number % 100:02d}", "type": "WORK"}],
            "startDateTime": _SINCE,
            **_stamps(_SINCE),
        }
    }


def _domain(seeding: TimelessSeeding) -> str:
    return seeding.facts["email"].rpartition("@")[2]


def _stamps(text: str) -> Body:
    return {"createdDateTime": text, "updatedDateTime": text}


def _add_groups(state: State, *, seeding: TimelessSeeding, users: int) -> int:
    own = state.of(seeding.organisation)
    for number, name in enumerate(_DEPARTMENTS):
        members = [str(_FIRST_USER + user) for user in range(number, users, len(_DEPARTMENTS))]
        few, key = members[:_GROUP_SIZE], str(number + 1)
        group: Body = {
            "ouId": key,
            "name": f"{name} staff",
            "type": "STANDARD",
            "totalMemberCount": len(few),
            "status": "ACTIVE",
            **_stamps(_SINCE),
        }
        own.put(GROUP, key, {"attributes": group, "users": few})
        unit: Body = {"name": name, "description": f"Location {name}", **_stamps(_SINCE)}
        own.put(UNIT, key, {"attributes": unit, "users": members})
    return 0


def add_content(state: State, *, seeding: Seeding) -> int:
    """Write a few apps and a package."""
    own = state.of(seeding.organisation)
    for number, name in enumerate(_APPS):
        key = str(_FIRST_APP + number)
        app = {
            "name": name,
            "bundleId": f"example.{name.split()[0].lower()}",
            "websiteUrl": "https://apps.example/",
            "version": "1.0",
            "supportedOS": ["SUPPORTED_OS_IOS", "SUPPORTED_OS_IPADOS"],
            "isCustomApp": False,
            "appStoreUrl": f"https://apps.apple.com/app/id{key}",
        }
        own.put(APP, key, {"attributes": app})
    package = {
        "name": "Agent",
        "url": "https://packages.example/agent.pkg",
        "hash": "0" * 64,
        "bundleIds": ["example.agent"],
        "description": "An agent",
        "version": "1.0",
        **_stamps(rfc3339_ms(seeding.now_ms)),
    }
    own.put(PACKAGE, "agent", {"attributes": package})
    return 0
