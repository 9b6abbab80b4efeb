"""What stands around Activation Lock: locks of persons, and the codes that devices make."""

from typing import Any

from simulator.auth import bypass_code
from simulator.core.state import Body, State
from simulator.core.timestamps import rfc3339
from simulator.protocol.fields import Boolean, Field, Integer, Objects, String
from simulator.services.fleet import devices, locks
from simulator.services.fleet.locks import DeviceLock
from simulator.services.fleet.portal import device
from simulator.services.lock import SERVICE
from simulator.services.provisioning import ControlCall, Provisioning, Resource

_MOST = 1000
"""Locks of a page."""


def _shown(organisation: str, home: State, serial: str) -> Body:
    code = locks.own_code(home, serial)
    return _row(organisation, serial, locks.find(home, serial), code)


def _row(organisation: str, serial: str, lock: DeviceLock | None, code: bytes | None) -> Body:
    return {
        "serial": serial,
        "organisation": organisation,
        "source": lock.source if lock else None,
        "since": rfc3339(lock.since_ms) if lock else None,
        "message": lock.message if lock else None,
        "bypass_code": bypass_code.as_text(code) if code else None,
    }


def _list(call: ControlCall) -> Body:
    """Answer a page of the locks that are on; codes are shown one by one only."""
    limit, rows = call.query.get("limit", _MOST), list[Body]()
    home, _, last = call.query.get("after", "").partition("/")
    for one in call.state.organisations_with(locks.LOCK):
        if one >= home and len(rows) < limit:
            after, most = last if one == home else "", limit - len(rows)
            found = locks.page(call.state.of(one), after, most)
            rows += [_row(one, serial, lock, None) for serial, lock in found]
    more = f"{rows[-1]['organisation']}/{rows[-1]['serial']}" if len(rows) == limit else None
    return {"locks": rows, "next": more}


def _home(call: ControlCall, serial: str) -> tuple[str, State]:
    for organisation in call.state.organisations_with(devices.DEVICE, serial):
        return organisation, call.state.of(organisation)
    raise LookupError(f"no device has the serial number {serial}")


def _get(call: ControlCall) -> Body:
    serial = call.path["serial"]
    return _shown(*_home(call, serial), serial)


def _change(call: ControlCall) -> Body:
    """Let a person turn Find My on or off, or the device make another code."""
    serial = call.path["serial"]
    organisation, home = _home(call, serial)
    if call.body.get("new_code") or locks.own_code(home, serial) is None:
        locks.make_code(home, serial, bytes.fromhex(call.random_hex(2 * bypass_code.SIZE)))
    wanted: Any = call.body.get("find_my")
    lock = locks.find(home, serial)
    if wanted and lock is None:
        code = locks.own_code(home, serial) or b""
        key = bypass_code.hash_of(code)
        locks.turn_on(home, serial, "findmy", escrow_key=key, message="", now_ms=call.now_ms)
        _write(home, serial, is_locked=True, now_ms=call.now_ms)
    elif wanted and lock is not None and lock.source == "dep":
        raise ValueError(f"{serial} is locked by the MDM server: whichever lock came first holds")
    elif wanted is False and lock is not None and lock.source == "findmy":
        locks.turn_off(home, serial)
        _write(home, serial, is_locked=False, now_ms=call.now_ms)
    return _shown(organisation, home, serial)


def _write(home: State, serial: str, *, is_locked: bool, now_ms: int) -> None:
    changed = device(home, serial).locked_as(is_locked)
    devices.write(home, [changed], (), now_ms)


_ROW: tuple[Field, ...] = (
    String("serial", "Serial number of the device.", required=True),
    String("organisation", "Whose it is.", required=True),
    Field("source", "dep or findmy: who has locked it; null if nobody has.", required=True),
    Field("since", "Since when; null if it is open.", required=True),
    Field("message", "Text on the locked screen; null if it is open.", required=True),
    Field(
        "bypass_code",
        "Code that the device has made, as it tells its MDM server; null if it has not, or in "
        "the list.",
        required=True,
    ),
)
PROVISIONING = Provisioning(
    service=SERVICE,
    title="Activation Lock removal",
    rank=70,
    resources=(
        Resource(
            "GET",
            "/locks",
            "List the devices that are locked.",
            _list,
            query=(
                String("after", "What next was in the response before."),
                Integer("limit", "Most locks in the response.", least=1, most=_MOST, example=100),
            ),
            answer=(
                Objects("locks", "By organisation and serial number.", required=True, fields=_ROW),
                Field("next", "What to pass as after; null at the end.", required=True),
            ),
        ),
        Resource(
            "GET",
            "/locks/{serial}",
            "Get the lock of a device, and the bypass code that it has made.",
            _get,
            answer=_ROW,
        ),
        Resource(
            "PUT",
            "/locks/{serial}",
            "Turn Find My on or off as its user does, or have it make another bypass code.",
            _change,
            body=(
                Boolean("find_my", "Whether the user's lock is to be on."),
                Boolean("new_code", "Whether the device makes another code."),
            ),
            answer=_ROW,
        ),
    ),
)
