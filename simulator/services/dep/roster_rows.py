"""Rows of rosters: classes, persons, locations and courses of a school (more.md 4.2).

All of it flows from Apple, and much of it is about minors. A person's record
does not say whether it is a pupil's, so it counts as a pupil's, who deserve
more care; who teaches a class is staff.
"""

from simulator.protocol.fields import Boolean, Field, Object, String, Strings

_WHOSE = "A record does not say whose it is; it counts as a pupil's."
_SOURCES = (
    "LDAP",
    "SIS",
    "CSV",
    "MANUAL",
    "SYSTEM",
    "ENROLLMENT",
    "DEP",
    "FORMULA_GENERATED",
    "SFTP",
)


def _source(concept: str) -> tuple[Field, ...]:
    return (
        String(
            "source",
            "Where the record comes from.",
            concept="roster.source",
            values=_SOURCES,
            source="AD",
        ),
        String(
            "source_system_identifier",
            "Identifier there; not unique, and it may change.",
            concept=concept,
            longest=256,
            source="AD, PR-R",
        ),
    )


def _status(*values: str) -> String:
    return String(
        "status",
        "Active, or no more.",
        versions="3+",
        concept="roster.status",
        values=values,
        source="AD",
    )


_OP_DATE = String(
    "op_date",
    "When it was changed last.",
    versions="3+",
    concept="protocol",
    source="AD",
    inferred="Persons, locations and courses have it from version 3 on, as classes do.",
)


def _named(name: str, about: str, concept: str) -> Object:
    return Object(
        name,
        about,
        source="AD",
        fields=(
            String("unique_identifier", "Its identifier.", concept=concept, longest=256),
            String("name", "Its name.", concept="roster.name", longest=1024),
        ),
    )


CLASS = (
    String(
        "unique_identifier",
        "Key of the class.",
        required=True,
        concept="roster.class_id",
        longest=256,
        source="AD, PR-R",
    ),
    String("name", "Name.", concept="roster.class_name", longest=1024, source="AD, PR-R"),
    String(
        "class_display_name",
        "Nickname, for Classroom and Shared iPad.",
        versions="5+",
        concept="roster.class_name",
        source="AD",
    ),
    String(
        "class_icon_identifier",
        "Its icon.",
        versions="5+",
        concept="roster.class_name",
        source="AD",
    ),
    String(
        "class_number",
        "Number.",
        versions="4+",
        concept="roster.class_name",
        longest=256,
        source="AD",
    ),
    String("room", "Room.", concept="roster.room", longest=512, source="AD, PR-R"),
    *_source("roster.class_id"),
    _named("location", "Where it is taught.", "roster.location_id"),
    _named("course", "What is taught.", "roster.course_id"),
    Strings(
        "instructor_unique_identifiers",
        "Who teaches; null if nobody does.",
        concept="roster.staff_id",
        source="AD, PR-R",
    ),
    Strings(
        "student_unique_identifiers",
        "Who is taught; null if nobody is.",
        concept="roster.pupil_id",
        source="AD, PR-R",
    ),
    _status("Active", "Inactive"),
    _OP_DATE,
)
PERSON = (
    String(
        "unique_identifier",
        "Key of the person.",
        required=True,
        concept="roster.pupil_id",
        longest=256,
        source="AD, PR-R",
        inferred=_WHOSE,
    ),
    String("name", "Full name.", concept="roster.pupil_name", longest=1024, source="AD, PR-R"),
    *(
        String(
            name,
            "Part of it.",
            versions="3+",
            concept="roster.pupil_name",
            longest=1024,
            source="AD",
        )
        for name in ("first_name", "middle_name", "last_name")
    ),
    String(
        "managed_apple_id",
        "Managed Apple Account.",
        concept="roster.pupil_account",
        longest=1024,
        source="AD, PR-R",
    ),
    String(
        "email_address",
        "E-mail address.",
        versions="5+",
        concept="roster.pupil_email",
        source="AD",
    ),
    String(
        "grade", "Grade of a pupil.", concept="roster.pupil_grade", longest=256, source="AD, PR-R"
    ),
    String(
        "person_id",
        "Number of the school's own.",
        versions="4+",
        concept="roster.pupil_number",
        source="AD",
    ),
    String(
        "sis_username",
        "User name in the school's system.",
        versions="5+",
        concept="roster.pupil_username",
        source="AD",
    ),
    Boolean(
        "is_federated_auth",
        "Whether an identity provider logs the person in.",
        versions="6+",
        concept="roster.pupil_login",
        source="AD",
    ),
    String(
        "passcode_type",
        "What the person types to log in.",
        versions="3+",
        concept="roster.pupil_login",
        values=("complex", "four", "six"),
        source="AD",
    ),
    _status("Active", "InActive", "FailedPasswordLocked", "AtoLocked"),
    _OP_DATE,
    *_source("roster.pupil_number"),
)
LOCATION = (
    String(
        "unique_identifier",
        "Key of the location.",
        required=True,
        concept="roster.location_id",
        longest=256,
        source="AD, PR-R",
    ),
    String("name", "Name.", concept="roster.name", longest=1024, source="AD, PR-R"),
    *_source("roster.location_id"),
    _status("Active", "Inactive"),
    _OP_DATE,
)
COURSE = (
    String(
        "unique_identifier",
        "Key of the course.",
        required=True,
        concept="roster.course_id",
        longest=256,
        source="AD, PR-R",
    ),
    String("name", "Name.", concept="roster.name", longest=1024, source="AD, PR-R"),
    String("course_number", "Number.", concept="roster.name", longest=256, source="AD"),
    *_source("roster.course_id"),
    _status("Active", "Inactive"),
    _OP_DATE,
)
