"""What devices told their MDM server: kept apart, as none of it is a disclosure to Apple.

The exchanges of simulated devices with the server are in the journal as those of
the service ``device``. This adds up which keys of which message were sent.
"""

import plistlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from simulator.core.messages import Exchange
from simulator.disclosure.judge.manifest import Manifest
from simulator.disclosure.redact.markers import OPENING, named

DEVICE = "device"
"""The service of such exchanges."""
_CONCEPTS: Mapping[str, str] = {
    "Token": "push.token",
    "PushMagic": "push.magic",
    "Topic": "push.topic",
    "SerialNumber": "device.serial",
    "SERIAL": "device.serial",
    "IMEI": "device.imei",
    "MEID": "device.meid",
    "EID": "device.eid",
    "ProductName": "device.model",
    "PRODUCT": "device.model",
    "WiFiMAC": "device.mac_address",
    "BluetoothMAC": "device.mac_address",
    "EthernetMAC": "device.mac_address",
}
"""What keys mean that Apple learns too, once the server passes it on."""
_DEEPEST = 3
_REMEMBERED = 4096


@dataclass(slots=True)
class Told:
    """How often a key was told, and in which exchanges."""

    times: int
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLine:
    """One key that devices told the server."""

    message: str
    """Type of the check-in message, ``MachineInfo``, or ``result`` of a command."""
    key: str
    """Keys inside others are joined by ``/``; ``*`` stands for each item of an array."""
    concept: str
    """What it means, if Apple may learn it too; else empty."""
    claim: str
    """The claim of the manifest that the server passes it on by; empty if there is none."""
    times: int
    first_exchange: int
    last_exchange: int


class DeviceLedger:
    """The messages of devices, added up."""

    def __init__(self) -> None:
        self.told: dict[tuple[str, str], Told] = {}

    def add(self, exchange: Exchange) -> None:
        """Add one exchange of the service ``device``."""
        for where in _keys(exchange.request.body):
            known = self.told.get(where)
            if known is None:
                self.told[where] = Told(1, exchange.seq, exchange.seq)
            else:
                known.times += 1
                known.last = exchange.seq

    def lines(self, manifest: Manifest) -> tuple[DeviceLine, ...]:
        """Return the rows of the report's section, by message and key."""
        return tuple(
            _line(message, key, told, manifest)
            for (message, key), told in sorted(self.told.items())
        )


def _line(message: str, key: str, told: Told, manifest: Manifest) -> DeviceLine:
    concept = _CONCEPTS.get(key.rpartition("/")[2], "")
    claims = [one.id for one in manifest.claims if concept and concept in one.concepts]
    return DeviceLine(
        message=message,
        key=key,
        concept=concept,
        claim=" ".join(claims),
        times=told.times,
        first_exchange=told.first,
        last_exchange=told.last,
    )


@lru_cache(maxsize=_REMEMBERED)
def _keys(body: bytes) -> tuple[tuple[str, str], ...]:
    """Return message and key of all that stands in a property list; nothing if it is none."""
    # What is known to be a secret is sealed as it is written: its marker is no XML.
    content = named(body.decode("utf-8", "replace")).encode() if OPENING.encode() in body else body
    try:
        values = plistlib.loads(content)
    except Exception:  # noqa: BLE001 (plistlib raises what its parsers raise, of many kinds)
        return ()
    if not isinstance(values, dict):
        return ()
    message = values.get("MessageType")
    if not isinstance(message, str):
        message = "result" if "Status" in values else "MachineInfo"
    return tuple(dict.fromkeys((message, key) for key in _paths(values, 1)))


def _paths(values: Mapping[str, Any], depth: int) -> Iterator[str]:
    for name, value in values.items():
        inner, prefix = value, name
        if isinstance(value, list) and value:
            inner, prefix = value[0], f"{name}/*"
        if isinstance(inner, dict) and inner and depth < _DEEPEST:
            yield from (f"{prefix}/{one}" for one in _paths(inner, depth + 1))
        else:
            yield name
