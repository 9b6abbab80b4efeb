"""What says which release it is: rows for the control API and for the files of worlds."""

from datetime import date, timedelta
from typing import Any

from simulator.protocol.documents import Place, read_list, refuse_duplicates
from simulator.protocol.fields import Boolean, Day, Field, Integer, Objects, String, Strings
from simulator.services.gdmf.releases import PLATFORMS, Release
from simulator.services.provisioning import Rows

_MOST_DAYS = 3_650
_YEARS = (2000, 2200)


def _is_version(value: str, _: object) -> str:
    parts = value.split(".")
    right = all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts)  # noqa: PLR2004 (no huge integers)
    return "" if right else "must be digits and dots, such as 27.1"


def _is_any(value: list[str], _: object) -> str:
    return "" if value else "must name one at least"


def _is_near(value: date, _: object) -> str:
    first, last = _YEARS
    return "" if first <= value.year <= last else f"must be in the years {first} to {last}"


def _is_build(value: str, _: object) -> str:
    return "" if value.isascii() and value.isalnum() else "must be letters and digits"


PLATFORM = String("platform", "Platform.", required=True, values=PLATFORMS, example="iOS")
RELEASE: tuple[Field, ...] = (
    PLATFORM,
    String(
        "line",
        "Releases of one line replace each other for the public; the platform if absent.",
        shortest=1,
        longest=64,
        example="mac-27",
    ),
    String(
        "version",
        "Version.",
        required=True,
        shortest=1,
        longest=40,
        check=_is_version,
        example="27.1",
    ),
    String(
        "build",
        "Build.",
        required=True,
        shortest=1,
        longest=40,
        check=_is_build,
        example="24B90",
    ),
    Strings(
        "devices",
        "Product names, or board ids of Macs.",
        required=True,
        check=_is_any,
        example=["J413AP"],
    ),
    String("extra", "Such as (a): a background security improvement.", longest=20, example="(a)"),
    String("prerequisite", "Build that an improvement goes on.", longest=40, example="24B82"),
)
_PLANNED: tuple[Field, ...] = (
    *RELEASE,
    Day("posted", "Day of posting.", check=_is_near, example="2026-03-01"),
    Integer(
        "posted_in",
        "Day of posting, in days from the day on which the world is loaded, instead.",
        least=-_MOST_DAYS,
        most=_MOST_DAYS,
        example=-25,
    ),
    Boolean("public", "Whether the public is offered it.", default=True, example=False),
    Integer(
        "public_after",
        "Days from posting until the public is offered it.",
        least=0,
        most=_MOST_DAYS,
        default=0,
        example=3,
    ),
    Integer(
        "expires_after",
        "Days from posting until its signing ends; if absent, that is not said.",
        least=0,
        most=_MOST_DAYS,
        example=180,
    ),
)
IN_WORLD = (
    Objects(
        "release",
        "Releases of the software look-up; if absent, a list that is dated from the loading.",
        fields=_PLANNED,
    ),
)

Plan = tuple[dict[str, Any], ...]
"""Releases as a world says them, with days that may be relative to its loading."""


def read_plan(rows: Rows) -> Plan | None:
    """Return the releases of a world; None if it says nothing of any.

    ConfigurationError says what is wrong, where, and how to mend it.
    """
    if rows.values["release"] is None:
        return None
    found = read_list(rows.values["release"], "release", _PLANNED, rows.place)
    for place, values in found:
        _refuse_wrong(place, values)
    names = [(place, f"{one['platform']} {one['build']} {_day(one)}") for place, one in found]
    refuse_duplicates("platform, build and day", names)
    return tuple(values for _, values in found)


def _refuse_wrong(place: Place, values: dict[str, Any]) -> None:
    if (values["posted"] is None) == (values["posted_in"] is None):
        raise place.error("needs either posted or posted_in: add posted = 2026-03-01")
    if values["prerequisite"] and not values["extra"]:
        raise place.error('prerequisite goes with extra only: add extra = "(a)", or drop it')


def _day(values: dict[str, Any]) -> str:
    return str(values["posted"] or values["posted_in"])


def releases_of(plan: Plan, today: date) -> list[Release]:
    """Return the releases of *plan*, in a world that is loaded *today*."""
    return [_release(one, today) for one in plan]


def _release(values: dict[str, Any], today: date) -> Release:
    posted = values["posted"] or today + timedelta(values["posted_in"])
    public, expires = values["public_after"], values["expires_after"]
    return Release(
        platform=values["platform"],
        line=values["line"] or values["platform"],
        version=values["version"],
        build=values["build"],
        posted=posted.isoformat(),
        public_from=(posted + timedelta(public)).isoformat() if values["public"] else "",
        expires="" if expires is None else (posted + timedelta(expires)).isoformat(),
        devices=tuple(values["devices"]),
        extra=values["extra"] or "",
        prerequisite=values["prerequisite"] or "",
    )
