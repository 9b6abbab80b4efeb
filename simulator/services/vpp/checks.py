"""Checks that rows cannot say: sizes, duplicates, and what may be done to what.

Sizes and duplicates break documented rules, which ``observe`` only notes; what
cannot be done is refused always.
"""

import re
from collections.abc import Sequence
from typing import Any

from simulator.core.messages import Finding
from simulator.core.state import Body
from simulator.protocol.fields import ErrorCode
from simulator.protocol.operations import ApiError, Call
from simulator.protocol.validation import refuses
from simulator.services.vpp import errors, quirks
from simulator.services.vpp.domain import licences
from simulator.services.vpp.domain.locations import Location
from simulator.services.vpp.limits import PRICING

SERIAL = re.compile(r"[0-9A-Z]{8,14}")
"""What real serial numbers look like (vpp.md 14.15)."""
_DIGITS = 10
EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+")


def broken(
    call: Call, row: ErrorCode, at: str, text: str = "", *, rule: str = "field-invalid"
) -> None:
    """Note that the value *at* breaks a rule, and refuse it where that rule is kept."""
    refused = refuses(rule, call.settings.strictness)
    part = "body" if at.startswith("/") else "query"
    finding = Finding(rule, part, at, text or row.about, refused=refused)
    call.note(finding)
    if refused:
        raise ApiError(row)


def forbidden(call: Call, row: ErrorCode, at: str) -> None:
    """Refuse what cannot be done, on record."""
    broken(call, row, at, rule="vpp-semantics")


def size(call: Call, name: str, values: Sequence[Any], most: int, row: ErrorCode) -> None:
    """Refuse more than *most* values."""
    if len(values) > most:
        text = f"{name} holds {len(values)}: send {most} at most, as the service config says"
        broken(call, row, f"/{name}", text)


def distinct(call: Call, name: str, values: Sequence[Any], row: ErrorCode) -> None:
    """Refuse values that stand twice."""
    if len(set(values)) < len(values):
        broken(call, row, f"/{name}", f"{name} holds one value twice: send each once")


def whole(call: Call, name: str) -> int | None:
    """Return a number of the query, or None if it is absent or (where that is let pass) none."""
    text = call.query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else None


def wanted_assets(call: Call) -> list[Body]:
    """Return the assets of a request with the default quality filled in; refuse none at all."""
    found = []
    for index, one in enumerate(call.body.get("assets") or ()):
        adam_id, pricing = one.get("adamId"), one.get("pricingParam") or PRICING[0]
        if not adam_id:
            forbidden(call, errors.INVALID_ARGUMENT, f"/assets/{index}/adamId")
        if pricing not in PRICING:
            forbidden(call, errors.INVALID_ARGUMENT, f"/assets/{index}/pricingParam")
        found.append({"adamId": adam_id, "pricingParam": pricing})
    if not found:
        forbidden(call, errors.NO_ASSETS, "/assets")
    return found


def targets(call: Call) -> tuple[list[str], list[str]]:
    """Return the users and serial numbers of a request; refuse none at all."""
    clients = list(call.body.get("clientUserIds") or ())
    serials = list(call.body.get("serialNumbers") or ())
    if not clients and not serials:
        forbidden(call, errors.NO_TARGETS, "/clientUserIds")
    return clients, serials


def serial_shapes(call: Call, name: str, serials: Sequence[str]) -> None:
    """Note serial numbers that cannot be one, which ``strict`` refuses; refuse an empty one."""
    for index, serial in enumerate(serials):
        if not serial:
            forbidden(call, errors.INVALID_ARGUMENT, f"/{name}/{index}")
        if not SERIAL.fullmatch(serial):
            text = "serial numbers are 8 to 14 capital letters and digits: is it one?"
            at = f"/{name}/{index}"
            if call.has(quirks.NONSENSE_SERIALS):
                call.note(Finding("serial-shape", "body", at, text))
                continue
            broken(call, errors.INVALID_ARGUMENT, at, text, rule="serial-shape")


def assignable(
    call: Call,
    location: Location,
    assets: Sequence[Body],
    serials: Sequence[str],
    *,
    taking: bool = False,
) -> None:
    """Refuse devices for what only users may have, and to take away what is irrevocable."""
    for index, one in enumerate(assets):
        asset = licences.find_asset(call.state, location, one["adamId"], one["pricingParam"])
        if asset is None:
            continue
        if taking and not asset.revocable:
            forbidden(call, errors.NOT_REVOCABLE, f"/assets/{index}")
        if serials and not asset.device_assignable:
            forbidden(call, errors.NOT_DEVICE_ASSIGNABLE, f"/assets/{index}")
