"""What the traffic disclosed after a moment and did not before."""

from typing import Any

from aiohttp import web

from simulator.console import calls
from simulator.console.parts import Page
from simulator.console.rendering import page
from simulator.control.parts import ApiProblem

_MARKS = {"added": "+", "removed": "\N{MINUS SIGN}", "changed": "~"}


async def moments(request: web.Request) -> web.StreamResponse:
    """Show the form, and the difference if a moment is given."""
    given = {name: request.query.get(name, "").strip() for name in ("from", "at", "until")}
    last = (await calls.get(request, "exchanges", limit="1"))["last"]
    found, query, refused = None, {}, ""
    if given["at"]:
        query = _spans(given)
        try:
            found = await calls.get(request, "diff", **query)
        except ApiProblem as problem:
            refused = str(problem)
    changes = found["changes"] if found else []
    return await page(
        request,
        "moments.html",
        "disclosures",
        status=400 if refused else 200,
        given=given,
        last=last,
        found=found,
        sent=[one for one in changes if one["kind"] != "received"],
        received=[one for one in changes if one["kind"] == "received"],
        query=query,
        refused=refused,
        marks=_MARKS,
    )


def _spans(given: dict[str, str]) -> dict[str, Any]:
    """Return the two parts around a moment; an exchange is the last of the first part."""
    at = given["at"]
    behind = str(int(at[:19]) + 1) if at.isascii() and at.isdecimal() else at
    return {"old": f"{given['from']}..{at}", "new": f"{behind}..{given['until']}"}


PAGES = (Page("GET", "/disclosures/diff", moments),)
