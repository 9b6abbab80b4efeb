"""``orgDevices``: the organisation's devices, their servers, coverage and Activation Lock."""

from typing import Any

from simulator.core.state import Body, Entity
from simulator.protocol.fields import Object, String
from simulator.protocol.items import Items
from simulator.protocol.operations import Call, operation
from simulator.services.axm import errors, paging, stale
from simulator.services.axm.device_rows import (
    ATTRIBUTES,
    COVERAGE,
    LOCK,
    RELATIONSHIPS,
    ROWS,
    attributes,
    coverage,
    relationships,
)
from simulator.services.axm.documents import (
    DOCS,
    LINKS,
    Links,
    asked_fields,
    document,
    fields_row,
    identifier_row,
    itself,
    linkage_rows,
    listing,
    names,
    resource,
    resource_rows,
    single,
)
from simulator.services.axm.server_rows import ROWS as SERVER_ROWS
from simulator.services.axm.server_rows import SERVER_FIELDS, show_server
from simulator.services.fleet import devices as fleet
from simulator.services.fleet.devices import Device
from simulator.services.fleet.servers import SERVER

OWN = "axm.device"
"""What the portal was told of a device beside what is made up: ``attributes``, ``coverage``."""
SERIAL = identifier_row("Serial number of the device.", "device.serial")
FIELDS = fields_row("orgDevices", names((*ATTRIBUTES, *RELATIONSHIPS)))


def find(call: Call) -> Device:
    """Return the device of the path, released or not; 404 if the organisation has none such."""
    serial = call.path["id"]
    found = call.state.get(fleet.DEVICE, serial)
    if found is None:
        raise errors.not_found("orgDevices", serial)
    return Device.of(found)


def _managed(call: Call) -> Device:
    """Return the device of the path; 404 too if it was released."""
    device = find(call)
    if device.released:
        raise errors.not_found("orgDevices", device.serial)
    return device


def _own(call: Call, serial: str) -> Body:
    found = call.state.get(OWN, serial)
    return {} if found is None else found.body


def _shown(
    links: Links,
    device: Device,
    own: Body,
    version: int,
    only: frozenset[str] | None,
    *,
    alone: bool = False,
) -> Body:
    link = links.to("orgDevices", device.serial)
    return resource(
        "orgDevices",
        device.serial,
        attributes(device, own.get("attributes", {}), version, alone=alone),
        relationships=relationships(link, version),
        link=link,
        only=only,
    )


@operation(
    "GET /v1/orgDevices",
    "List the organisation's devices.",
    name="axm.devices.list",
    auth="token",
    versions="10+",
    request=(FIELDS, *paging.PAGE),
    response=listing(ROWS),
    docs=f"{DOCS}get-org-devices",
    source="AXM-D",
    inferred="In order of serial number. A device that was released is not listed.",
)
def list_devices(call: Call) -> Body:
    """Return a page of devices."""
    only, links = asked_fields(call, "orgDevices"), Links(call)
    found, last, more = paging.collect(
        lambda after, limit: call.state.scan(fleet.DEVICE, after=after, limit=limit),
        paging.after(call),
        paging.limit(call),
        lambda one: not one.body.get("released"),
    )
    known = call.state.get_many(OWN, [one.key for one in found])
    own = {serial: one.body for serial, one in known.items()}
    version = call.version

    def show(one: Entity) -> Body:
        return _shown(links, Device.of(one), own.get(one.key, {}), version, only)

    return paging.page(call, Items(found, show), last, more=more)


@operation(
    "GET /v1/orgDevices/{id}",
    "Get a device.",
    name="axm.devices.get",
    auth="token",
    versions="10+",
    request=(SERIAL, FIELDS),
    response=document(ROWS),
    docs=f"{DOCS}get-orgdevice-information",
    source="AXM-D, AXM-PS",
    inferred="A device that was released can still be asked for by its serial number.",
)
def get_device(call: Call) -> Body:
    """Return one device; the only way to see when it was released."""
    device = stale.as_read(call, find(call))
    own, only = _own(call, device.serial), asked_fields(call, "orgDevices")
    return single(call, _shown(Links(call), device, own, call.version, only, alone=True))


@operation(
    "GET /v1/orgDevices/{id}/appleCareCoverage",
    "List the AppleCare coverage of a device.",
    name="axm.devices.coverage",
    auth="token",
    versions="13+",
    request=(SERIAL, fields_row("appleCareCoverage", names(COVERAGE), "13+"), *paging.PAGE),
    response=listing(resource_rows("appleCareCoverage", COVERAGE, concept="device.order")),
    docs=f"{DOCS}get-applecare-coverage-for-orgdevice",
    source="AXM-D, AXM-HI",
    inferred="A device without coverage has an empty list.",
)
def list_coverage(call: Call) -> Body:
    """Return what covers the device."""
    device = _managed(call)
    found = coverage(device, _own(call, device.serial).get("coverage"), call.now_ms)
    start = int(paging.after(call) or 0)
    end = start + paging.limit(call)
    only = asked_fields(call, "appleCareCoverage")
    rows = [
        resource("appleCareCoverage", identifier, facts, only=only)
        for identifier, facts in found[start:end]
    ]
    return paging.page(call, rows, str(end), more=end < len(found))


@operation(
    "GET /v1/orgDevices/{id}/activationLockStatus",
    "Get whether Activation Lock is on.",
    name="axm.devices.lock",
    auth="token",
    versions="25+",
    request=(SERIAL, fields_row("activationLockStatus", names(LOCK), "25+")),
    response=document(resource_rows("activationLockStatus", LOCK, concept="device.serial")),
    docs=f"{DOCS}get-activation-lock-status-for-orgdevice",
    source="AXM-D5",
    inferred="A lock that DEP has set is the MDM's.",
)
def get_lock(call: Call) -> Body:
    """Return the lock of the device."""
    device = _managed(call)
    facts: Body = {"isLocked": device.locked, "lockType": "MDM" if device.locked else "NONE"}
    facts |= _own(call, device.serial).get("lock", {})
    only = asked_fields(call, "activationLockStatus")
    return single(call, resource("activationLockStatus", device.serial, facts, only=only))


def _assigned(call: Call) -> tuple[str, Body | None]:
    """Return the serial number of the device and its server as it is to be seen, or None.

    404 if it has none, unless the quirk answers that otherwise.
    """
    device = stale.as_read(call, _managed(call))
    found = call.state.get(SERVER, device.server) if device.server else None
    if found is None and not stale.has_empty_server(call):
        serial = device.serial
        raise errors.refused(
            errors.NOT_FOUND, f"There is no resource of type 'mdmServers' for device '{serial}'"
        )
    return device.serial, None if found is None else found.body


@operation(
    "GET /v1/orgDevices/{id}/relationships/assignedServer",
    "Get the id of the server that a device is assigned to.",
    name="axm.devices.server-id",
    auth="token",
    versions="10+",
    request=(SERIAL,),
    response=(
        Object("data", "The server.", fields=linkage_rows("mdmServers", "server.uuid")),
        Object(
            "links",
            "Links.",
            fields=(
                String("self", "Link to it.", concept="protocol"),
                String("related", "Link to the server.", concept="protocol"),
            ),
        ),
    ),
    docs=f"{DOCS}get-the-assigned-server-id-for-an-orgdevice",
    source="AXM-D, AXM-GD",
    inferred="Without a server it is 404; an empty id was seen too, which is a quirk.",
)
def get_server_id(call: Call) -> Body:
    """Return the server as a resource identifier."""
    serial, server = _assigned(call)
    identifier = server["uuid"] if server is not None else ""
    related = Links(call).to("orgDevices", serial, "assignedServer")
    return {
        "data": {"type": "mdmServers", "id": identifier},
        "links": {"self": itself(call), "related": related},
    }


@operation(
    "GET /v1/orgDevices/{id}/assignedServer",
    "Get the server that a device is assigned to.",
    name="axm.devices.server",
    auth="token",
    versions="10+",
    request=(SERIAL, SERVER_FIELDS),
    response=(Object("data", "The server.", fields=SERVER_ROWS, source="AXM-D"), LINKS),
    docs=f"{DOCS}get-the-assigned-server-information-for-an-orgdevice",
    source="AXM-D",
)
def get_server(call: Call) -> Body:
    """Return the server."""
    _, server = _assigned(call)
    empty: Any = {"type": "mdmServers", "id": "", "attributes": {}}
    return single(call, empty if server is None else show_server(call, server))
