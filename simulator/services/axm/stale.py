"""Reads that lag behind writes, as a quirk: by a number of reads, not by a time.

A lag by time can pass before the first read, so that a client's mistake does not show.
"""

from msgspec.structs import replace

from simulator.protocol.operations import Call
from simulator.services.axm import quirks
from simulator.services.fleet.changes import SEEN
from simulator.services.fleet.devices import Device


def as_read(call: Call, device: Device) -> Device:
    """Return *device* at the server where a read shows it now."""
    if not call.has(quirks.STALE_READS):
        return device
    found = call.state.get(SEEN, device.serial)
    if found is None or found.body["server"] == device.server:
        return device
    if not found.body["left"]:
        call.state.delete(SEEN, device.serial)
        return device
    call.state.put(SEEN, device.serial, found.body | {"left": found.body["left"] - 1})
    return replace(device, server=found.body["server"])


def has_empty_server(call: Call) -> bool:
    """Tell whether a device without a server has one with an empty id."""
    return call.has(quirks.EMPTY_SERVER)
