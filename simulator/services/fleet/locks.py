"""Activation Lock: which devices are locked, by whom, and what opens them.

A device is locked by the MDM server (through DEP), or by a person (through
Find My). Whichever came first holds. All functions take the state as seen from
the organisation.
"""

import hashlib
from typing import Literal

from msgspec import Struct
from msgspec.structs import asdict, replace

from simulator.auth import bypass_code
from simulator.core.state import State

LOCK = "device.lock"
CODE = "device.bypass_code"
Source = Literal["dep", "findmy"]


class DeviceLock(Struct, frozen=True, kw_only=True):
    """One lock that is on."""

    source: Source
    since_ms: int
    mark: str = ""
    """SHA-256 of the hash of the code that opens it; empty: none does. The hash itself is a
    secret, and is kept nowhere."""
    message: str = ""


def find(state: State, serial: str) -> DeviceLock | None:
    """Return the lock of a device, or None if it is open."""
    found = state.get(LOCK, serial)
    return None if found is None else DeviceLock(**found.body)


def turn_on(
    state: State, serial: str, source: Source, *, escrow_key: str, message: str, now_ms: int
) -> None:
    """Lock a device; *escrow_key* is the hash of the code that opens it, empty: none does."""
    mark = mark_of(escrow_key) if escrow_key else ""
    one = DeviceLock(source=source, since_ms=now_ms, mark=mark, message=message)
    state.put(LOCK, serial, asdict(one))


def page(state: State, after: str, limit: int) -> list[tuple[str, DeviceLock]]:
    """Return up to *limit* devices that are locked, by serial number, those after *after*."""
    found = state.scan(LOCK, after=after, limit=limit)
    return [(one.key, DeviceLock(**one.body)) for one in found]


def turn_off(state: State, serial: str) -> bool:
    """Open a device; return whether it was locked."""
    return state.delete(LOCK, serial)


def forget_code(state: State, serial: str) -> None:
    """Let the device have made no code since it was set up; a lock that is on stays as it is."""
    state.delete(CODE, serial)


def hand_over(state: State, serial: str) -> bool:
    """Void what the server before could lock and open, as a migration does (more.md 3.4).

    Its own lock goes, and a person's stays with no code that opens it. Return
    whether the device was opened.
    """
    forget_code(state, serial)
    lock = find(state, serial)
    if lock is not None and lock.source == "dep":
        return turn_off(state, serial)
    if lock is not None:
        state.put(LOCK, serial, asdict(replace(lock, mark="")))
    return False


def mark_of(escrow_key: str) -> str:
    """Return what is kept of the hash of a code."""
    return hashlib.sha256(escrow_key.strip().lower().encode()).hexdigest()


def opens(lock: DeviceLock, text: str) -> bool:
    """Tell whether the bypass code *text* opens *lock*."""
    code = bypass_code.from_text(text)
    return code is not None and bool(lock.mark) and lock.mark == mark_of(bypass_code.hash_of(code))


def own_code(state: State, serial: str) -> bytes | None:
    """Return the code that the device has made itself, as it tells its MDM server."""
    found = state.get(CODE, serial)
    return None if found is None else bytes.fromhex(found.body["code"])


def make_code(state: State, serial: str, code: bytes) -> None:
    """Let the device have made the code *code*, in place of an earlier one."""
    state.put(CODE, serial, {"code": code.hex()})
