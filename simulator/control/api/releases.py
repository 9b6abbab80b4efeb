"""Calls for what the software look-up lists: Apple posts a release, and lets it expire."""

from datetime import date
from typing import Any

from aiohttp import web
from msgspec.structs import asdict, replace

from simulator.control.parts import BODY, PARTS, Parts, Route, bad, json_response, missing
from simulator.core.state import Body, State
from simulator.core.timestamps import rfc3339
from simulator.protocol.fields import Field, Objects, String
from simulator.services.gdmf import defaults, releases
from simulator.services.gdmf.releases import Release
from simulator.services.gdmf.rows import RELEASE


def _today(parts: Parts) -> str:
    return rfc3339(parts.clock.now_ms())[:10]


def _shown(one: Release, today: str) -> Body:
    state = "coming" if one.posted > today else "posted"
    if "" < one.expires <= today:
        state = "expired"
    return asdict(one) | {"id": one.key, "state": state}


async def list_releases(request: web.Request) -> web.Response:
    """Answer all releases, those to come and those that have expired too."""
    parts = request.app[PARTS]
    now_ms, today = parts.clock.now_ms(), _today(parts)

    def work(state: State) -> list[Body]:
        defaults.ensure(state, now_ms)
        return [_shown(one, today) for one in releases.all_of(state)]

    return json_response({"releases": await parts.gateway.run(work)})


async def post_release(request: web.Request) -> web.Response:
    """Post a release, from today on unless the body names another day."""
    parts, body = request.app[PARTS], request[BODY]
    now_ms, today = parts.clock.now_ms(), _today(parts)
    posted = body.get("posted", today)
    facts = {"posted": posted, "public_from": posted, "line": body["platform"]} | body
    made = Release(**(facts | {"devices": tuple(body["devices"])}))

    def work(state: State) -> Body:
        defaults.ensure(state, now_ms)
        if releases.find(state, made.key) is not None:
            raise bad(f"there is a release {made.key}: change that, or delete it first")
        releases.write(state, made)
        return _shown(made, today)

    return json_response(await parts.gateway.run(work), status=201)


async def change_release(request: web.Request) -> web.Response:
    """Move the day from which the public gets a release, or on which it expires."""
    parts, body = request.app[PARTS], request[BODY]
    today, key = _today(parts), request.match_info["id"]

    def work(state: State) -> Body:
        changed = replace(_known(state, key), **body)
        releases.write(state, changed)
        return _shown(changed, today)

    return json_response(await parts.gateway.run(work))


async def delete_release(request: web.Request) -> web.Response:
    """Take a release out of the list, as if it had never been posted."""
    parts, key = request.app[PARTS], request.match_info["id"]
    today = _today(parts)

    def work(state: State) -> Body:
        gone = _known(state, key)
        releases.delete(state, key)
        return _shown(gone, today)

    return json_response(await parts.gateway.run(work))


def _known(state: State, key: str) -> Release:
    found = releases.find(state, key)
    if found is None:
        raise missing(f"no release has the id {key}: GET /releases lists them")
    return found


def _is_day(value: Any, _: object) -> str:
    try:
        right = not value or date.fromisoformat(value).isoformat() == value
    except ValueError:
        right = False
    return "" if right else "must be a day such as 2026-03-01"


_PUBLIC = String(
    "public_from",
    "Day from which on the public is offered it; empty: never. The day of posting if absent.",
    check=_is_day,
    example="2026-03-01",
)
_EXPIRES = String(
    "expires",
    "Day on which its signing ends; empty: not said.",
    check=_is_day,
    example="2026-09-01",
)
_BODY: tuple[Field, ...] = (
    *RELEASE,
    String(
        "posted",
        "Day of posting; today if absent.",
        shortest=1,
        check=_is_day,
        example="2026-03-01",
    ),
    _PUBLIC,
    _EXPIRES,
)
_SHOWN: tuple[Field, ...] = (
    String("id", "Its name.", required=True),
    *(replace(row, required=True) for row in _BODY),
    String("state", "By today.", required=True, values=("coming", "posted", "expired")),
)
ROUTES = (
    Route(
        "GET",
        "/releases",
        "List the releases of the software look-up.",
        list_releases,
        query=(),
        answer=(Objects("releases", "All of them.", required=True, fields=_SHOWN),),
    ),
    Route(
        "POST",
        "/releases",
        "Post a release.",
        post_release,
        query=(),
        body=_BODY,
        answer=_SHOWN,
        status=201,
    ),
    Route(
        "PATCH",
        "/releases/{id}",
        "Move the day on which a release goes public or expires.",
        change_release,
        query=(),
        body=(_PUBLIC, _EXPIRES),
        answer=_SHOWN,
    ),
    Route(
        "DELETE",
        "/releases/{id}",
        "Take a release out of the list.",
        delete_release,
        query=(),
        answer=_SHOWN,
    ),
)
