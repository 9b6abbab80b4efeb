"""The rows of MDM servers (axm.md 5.2), and what is known of one by those names."""

from typing import Any

from simulator.core.state import Body, State
from simulator.core.timestamps import rfc3339_ms
from simulator.protocol.fields import Boolean, Field, Integer, Object, String, Strings
from simulator.protocol.operations import Call
from simulator.services.axm.documents import (
    RELATED,
    Links,
    asked_fields,
    fields_row,
    names,
    resource,
    resource_rows,
)
from simulator.services.fleet import devices as fleet
from simulator.services.fleet.servers import CONTACT, servers

FAMILIES = ("APPLE_TV", "IPAD", "IPHONE", "IPOD", "MAC", "VISION", "WATCH")


def _text(name: str, about: str, concept: str, since: str = "10+", **more: Any) -> String:
    return String(name, about, concept=concept, versions=since, source="AXM-D", **more)


ATTRIBUTES: tuple[Field, ...] = (
    _text("serverName", "Its name.", "server.name"),
    _text(
        "serverType",
        "What it is.",
        "protocol",
        values=("MDM", "APPLE_CONFIGURATOR", "APPLE_MDM"),
    ),
    _text("createdDateTime", "When it was added.", "server.time"),
    _text("updatedDateTime", "When it was changed last.", "server.time"),
    _text("status", "Whether it is used.", "protocol", "21+", values=("ACTIVE", "INACTIVE")),
    Integer(
        "deviceCount",
        "How many devices are assigned to it.",
        concept="protocol",
        versions="21+",
        source="AXM-D",
    ),
    Boolean(
        "enableMdmDisownFlag",
        "Whether it may release devices.",
        concept="dep.flag",
        versions="21+",
        source="AXM-D",
    ),
    Strings(
        "defaultProductFamilies",
        "Families whose new devices are assigned to it.",
        concept="dep.flag",
        values=FAMILIES,
        versions="21+",
        source="AXM-D",
    ),
    _text("lastConnectedDateTime", "When it used DEP last.", "server.time", "21+"),
    _text("lastConnectedIp", "From which address.", "server.address", "21+"),
)
RELATIONSHIPS = (Object("devices", "Its devices.", fields=RELATED, versions="10+", source="AXM-D"),)
ROWS = resource_rows("mdmServers", ATTRIBUTES, RELATIONSHIPS, "server.uuid")
SERVER_FIELDS = fields_row("mdmServers", names((*ATTRIBUTES, *RELATIONSHIPS)))


def find_server(state: State, uuid: str) -> Body | None:
    """Return the organisation's server of that id of the API, or None."""
    return next((one.body for one in servers(state) if one.body["uuid"] == uuid), None)


def show_server(call: Call, server: Body) -> Body:
    """Return the resource of a server."""
    uuid, links = server["uuid"], Links(call)
    return resource(
        "mdmServers",
        uuid,
        _attributes(call.state, server, call.version),
        relationships={"devices": links.relationship("mdmServers", uuid, "devices")},
        link=links.to("mdmServers", uuid),
        only=asked_fields(call, "mdmServers"),
    )


def _attributes(state: State, server: Body, version: int) -> Body:
    found: Body = {"serverName": server["name"], "serverType": server.get("type", "MDM")}
    for name, key in (("createdDateTime", "created_ms"), ("updatedDateTime", "updated_ms")):
        if at_ms := server.get(key):
            found[name] = rfc3339_ms(at_ms)
    if version < 21:  # noqa: PLR2004 (the version that brought what follows)
        return found
    found |= {
        "status": "ACTIVE",
        "deviceCount": fleet.count(state, server["id"]),
        "enableMdmDisownFlag": server.get("may_release", True),
        "defaultProductFamilies": server.get("families", []),
    }
    contact = state.get(CONTACT, server["id"])
    if contact is not None:
        found["lastConnectedDateTime"] = rfc3339_ms(contact.body["at_ms"])
        found["lastConnectedIp"] = contact.body["address"]
    return found
