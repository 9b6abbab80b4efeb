"""Rosters that a world begins with: every name and number in them is invented."""

from collections.abc import Iterator

from msgspec import Struct

from simulator.core.state import Body
from simulator.services.dep.rosters import Kind

_FIRST = (
    "Ada", "Bodil", "Cem", "Dilan", "Elif", "Fiete", "Greta", "Hugo", "Ines", "Jonne",
    "Kaya", "Levi", "Mila", "Noor", "Oskar", "Pia", "Quin", "Rosa", "Sami", "Tova",
)  # fmt: skip
_LAST = (
    "Almgren", "Beispiel", "Carlén", "Demir", "Exempel", "Fischer", "Grönlund", "Haugen",
    "Iversen", "Jansson", "Kowal", "Lind", "Mäkinen", "Nyberg", "Olsen", "Prøve",
)  # fmt: skip
_SUBJECTS = (
    ("Art", "ART"), ("Biology", "BIO"), ("Chemistry", "CHE"), ("English", "ENG"),
    ("History", "HIS"), ("Mathematics", "MAT"), ("Music", "MUS"), ("Physics", "PHY"),
)  # fmt: skip
_PASSCODES = ("four", "six", "complex")
_GRADES = 12


class RosterPlan(Struct, frozen=True):
    """How much of everything."""

    pupils: int
    staff: int
    classes: int
    locations: int


def records(plan: RosterPlan, domain: str) -> Iterator[tuple[Kind, list[Body]]]:
    """Yield the records of each kind; accounts and addresses end in *domain*."""
    locations = [_location(number) for number in range(plan.locations)]
    courses = [_course(number) for number in range(len(_SUBJECTS))]
    yield "location", locations
    yield "course", courses
    yield (
        "person",
        [
            *(_person(number, domain, staff=True) for number in range(plan.staff)),
            *(_person(number, domain, staff=False) for number in range(plan.pupils)),
        ],
    )
    yield "class", [_class(number, plan, locations, courses) for number in range(plan.classes)]


def _location(number: int) -> Body:
    return {
        "unique_identifier": f"L-{number + 1:03d}",
        "name": f"Example School {number + 1}",
        "source": "CSV",
        "source_system_identifier": f"LOC{number + 1:03d}",
        "status": "Active",
    }


def _course(number: int) -> Body:
    name, short = _SUBJECTS[number]
    return {
        "unique_identifier": f"C-{short}",
        "name": name,
        "course_number": f"{short}-1",
        "source": "CSV",
        "source_system_identifier": None if number == 0 else f"CRS-{short}",
        "status": "Active",
    }


def _person(number: int, domain: str, *, staff: bool) -> Body:
    first = _FIRST[(number * 7 + staff) % len(_FIRST)]
    last = _LAST[(number * 5 + number // len(_LAST) + 3 * staff) % len(_LAST)]
    letter = "T" if staff else "P"
    user = f"{letter.lower()}{number + 1:05d}"
    record: Body = {
        "unique_identifier": f"{letter}-{number + 1:05d}",
        "name": f"{first} {last}",
        "first_name": first,
        "last_name": last,
        "managed_apple_id": f"{user}@appleid.{domain}",
        "email_address": f"{user}@{domain}",
        "grade": None if staff else str(number % _GRADES + 1),
        "person_id": f"{700_000 + number if staff else 100_000 + number}",
        "sis_username": user,
        "is_federated_auth": staff,
        "passcode_type": "complex" if staff else _PASSCODES[number % 3],
        "status": "Active",
        "source": "SIS",
        "source_system_identifier": f"SIS-{letter}{number + 1:05d}",
    }
    if number % 4 == 0:
        record["middle_name"] = _FIRST[(number * 3 + 1) % len(_FIRST)]
    if number % 50 == 49 and not staff:  # noqa: PLR2004 (one of fifty)
        record["status"] = "FailedPasswordLocked"
    return record


def _class(number: int, plan: RosterPlan, locations: list[Body], courses: list[Body]) -> Body:
    course = courses[number % len(courses)]
    location = locations[number % len(locations)] if locations else None
    taught = [f"P-{n + 1:05d}" for n in range(number, plan.pupils, plan.classes)]
    record: Body = {
        "unique_identifier": f"K-{number + 1:04d}",
        "name": f"{course['name']} {number + 1}",
        "class_display_name": f"{course['name']} {number + 1}",
        "class_icon_identifier": f"icon-{number % 20}",
        "class_number": f"{number + 1:04d}",
        "room": f"{number % 30 + 101}",
        "source": "SIS",
        "source_system_identifier": f"SIS-K{number + 1:04d}",
        "course": _part(course),
        "instructor_unique_identifiers": (
            [f"T-{number % plan.staff + 1:05d}"] if plan.staff else None
        ),
        "student_unique_identifiers": taught or None,
        "status": "Active",
    }
    if location is not None:
        record["location"] = _part(location)
    return record


def _part(record: Body) -> Body:
    return {name: record[name] for name in ("unique_identifier", "name")}
