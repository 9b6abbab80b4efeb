"""``mdmServers``: the MDM servers of the organisation, which are DEP's servers too."""

from typing import Any

from simulator.core.state import Body
from simulator.pki.servers import certificate_problem
from simulator.protocol.fields import Boolean, Object, String, Strings
from simulator.protocol.items import Items
from simulator.protocol.operations import Call, operation
from simulator.services.axm import errors, paging
from simulator.services.axm.documents import (
    DOCS,
    Links,
    document,
    identifier_row,
    linkage_rows,
    listing,
    single,
    uuid_of,
)
from simulator.services.axm.entities import WriteEntity, entity_rows
from simulator.services.axm.server_rows import (
    FAMILIES,
    ROWS,
    SERVER_FIELDS,
    find_server,
    show_server,
)
from simulator.services.fleet import devices as fleet
from simulator.services.fleet.servers import add_server, change_server, remove_server, servers

ID = identifier_row("Id of the server.", "server.uuid")
_ONE_SINCE = 21
_CERTIFICATE = Object(
    "serverCertificate",
    "Certificate whose key the server token is encrypted to.",
    versions="21+",
    source="AXM-D",
    fields=(
        String("name", "Name of its file.", concept="server.cert_name", source="AXM-D"),
        String(
            "data",
            "X.509 certificate in base64, of DER or of PEM.",
            concept="server.certificate",
            source="AXM-D, AXM-TF",
            inferred="Both are taken, as the clients' documents differ.",
        ),
    ),
)
_WRITABLE = (
    String("serverName", "Its name.", concept="server.name", source="AXM-D"),
    Boolean(
        "enableMdmDisownFlag",
        "Whether it may release devices.",
        concept="dep.flag",
        source="AXM-D",
    ),
    _CERTIFICATE,
)
_DEFAULTS = Strings(
    "defaultProductFamilies",
    "Families whose new devices are assigned to it.",
    concept="dep.flag",
    values=FAMILIES,
    source="AXM-D",
)
_CHANGED = (
    errors.PARAMETER_INVALID,
    errors.STATE_ERROR,
    *errors.ENTITY,
)


@operation(
    "GET /v1/mdmServers",
    "List the organisation's MDM servers.",
    name="axm.servers.list",
    auth="token",
    versions="10+",
    request=(SERVER_FIELDS, *paging.PAGE),
    response=listing(ROWS),
    docs=f"{DOCS}get-mdm-servers",
    source="AXM-D",
    inferred="The published schema has devices under `included`; no parameter asks for them and no "
    "sample shows them, so they are left out.",
)
def list_servers(call: Call) -> Body:
    """Return a page of servers."""
    found = sorted(servers(call.state), key=lambda one: str(one.body["uuid"]))
    after, size = paging.after(call), paging.limit(call)
    rest = [one.body for one in found if one.body["uuid"] > after]
    page = rest[:size]
    last = page[-1]["uuid"] if page else after
    shown = [show_server(call, one) for one in page]
    return paging.page(call, shown, last, more=len(rest) > size)


@operation(
    "GET /v1/mdmServers/{id}",
    "Get an MDM server.",
    name="axm.servers.get",
    auth="token",
    versions="10+",
    request=(ID, SERVER_FIELDS),
    response=document(ROWS),
    docs=f"{DOCS}get-mdmserver-information",
    source="AXM-D, AXM-HI",
    inferred="Before 2.1 it was answered FORBIDDEN_ERROR, as every resource has its path.",
)
def get_server(call: Call) -> Body:
    """Return one server."""
    if call.version < _ONE_SINCE:
        raise errors.not_allowed("mdmServers", "GET_INSTANCE", "GET_COLLECTION")
    return single(call, show_server(call, _find(call)))


def _find(call: Call) -> Body:
    found = find_server(call.state, call.path["id"])
    if found is None:
        raise errors.not_found("mdmServers", call.path["id"])
    return found


@operation(
    "GET /v1/mdmServers/{id}/relationships/devices",
    "List the serial numbers of the devices that are assigned to a server.",
    name="axm.servers.devices",
    auth="token",
    versions="10+",
    request=(ID, *paging.PAGE),
    response=listing(linkage_rows("orgDevices", "device.serial")),
    docs=f"{DOCS}get-all-device-ids-for-a-mdmserver",
    source="AXM-D",
    inferred="In order of assignment.",
)
def list_devices(call: Call) -> Body:
    """Return a page of resource identifiers."""
    server, after = _find(call), int(paging.after(call) or 0)
    found, more = fleet.page(call.state, server["id"], after, paging.limit(call))
    items = Items(found, lambda one: {"type": "orgDevices", "id": one.serial})
    last = found[-1].place if found else after
    return paging.page(call, items, str(last), more=more)


@operation(
    "GET /v1/mdmServers/{id}/devices",
    "The devices of a server, which links name and the service does not give.",
    name="axm.servers.related",
    auth="token",
    versions="10+",
    request=(ID,),
    docs=f"{DOCS}get-all-device-ids-for-a-mdmserver",
    source="AXM-HI",
)
def related_devices(call: Call) -> Body:
    """Refuse, as seen live."""
    _find(call)
    raise errors.not_allowed("mdmServers.devices", "GET_RELATED", "GET_RELATIONSHIP")


@operation(
    "POST /v1/mdmServers",
    "Add an MDM server; its server token is downloaded in the portal.",
    name="axm.servers.create",
    auth="business",
    versions="21+",
    json_only=True,
    request=entity_rows("mdmServers", _WRITABLE),
    response=document(ROWS),
    errors=_CHANGED,
    docs=f"{DOCS}create-an-mdmserver",
    source="AXM-D, AXM-HI",
    inferred="A name that is taken is STATE_ERROR.",
)
def create_server(call: Call) -> Body:
    """Add a server without a token."""
    entity = WriteEntity(call, "mdmServers")
    name = entity.text("serverName") or ""
    if entity.attributes.get("serverCertificate") is None:
        raise entity.missing("serverCertificate")
    facts = _facts(entity)
    _refuse_taken(call, entity, name, "")
    number = call.state.of("").reserve("axm.server")
    digits = uuid_of(call.secret, "server", number).replace("-", "")
    server = add_server(call.state, "", name, random_hex=lambda _: digits, now_ms=call.now_ms)
    server = change_server(call.state, server["id"], now_ms=call.now_ms, **facts)
    return single(call, show_server(call, server), Links(call).to("mdmServers", server["uuid"]))


def _facts(entity: WriteEntity) -> Body:
    """Return what is to be stored of the attributes that a write may set."""
    facts: Body = {}
    if "enableMdmDisownFlag" in entity.attributes:
        facts["may_release"] = entity.attributes["enableMdmDisownFlag"]
    certificate = entity.attributes.get("serverCertificate")
    if certificate is not None:
        if not certificate.get("name") or not certificate.get("data"):
            raise entity.missing("serverCertificate")
        if why := certificate_problem(certificate["data"]):
            row = errors.PARAMETER_INVALID
            raise entity.wrong("serverCertificate", f"serverCertificate: {why}", row)
        facts["certificate"] = certificate
    return facts


def _refuse_taken(call: Call, entity: WriteEntity, name: str, itself: str) -> None:
    if any(one.body["name"] == name and one.key != itself for one in servers(call.state)):
        raise entity.wrong("serverName", "a server has this name already", errors.STATE_ERROR)


@operation(
    "PATCH /v1/mdmServers/{id}",
    "Change an MDM server: only the attributes that are given.",
    name="axm.servers.update",
    auth="business",
    versions="21+",
    json_only=True,
    request=(ID, *entity_rows("mdmServers", (*_WRITABLE, _DEFAULTS), with_id="server.uuid")),
    response=document(ROWS),
    errors=_CHANGED,
    docs=f"{DOCS}update-an-mdmserver",
    source="AXM-D, AXM-TF",
    inferred="A family of another server is STATE_ERROR.",
)
def update_server(call: Call) -> Body:
    """Change the server."""
    server = _find(call)
    entity = WriteEntity(call, "mdmServers", with_id=server["uuid"])
    changes = _facts(entity)
    name = entity.text("serverName", required=False)
    if name is not None:
        _refuse_taken(call, entity, name, server["id"])
        changes["name"] = name
    families = entity.attributes.get("defaultProductFamilies")
    if families is not None:
        _check_families(call, entity, families, server)
        changes["families"] = families
    if changes:
        server = change_server(call.state, server["id"], now_ms=call.now_ms, **changes)
    return single(call, show_server(call, server))


def _check_families(call: Call, entity: WriteEntity, families: list[str], server: Body) -> None:
    """Refuse families that there are not, that another server has, or none where none was."""
    name = "defaultProductFamilies"
    if strange := [one for one in families if one not in FAMILIES]:
        raise entity.wrong(name, f"there is no family {strange[0][:20]}")
    if not families and not server.get("families"):
        row: Any = errors.PARAMETER_INVALID
        raise entity.wrong(name, "the server is the default of no family", row)
    for one in servers(call.state):
        taken = set(one.body.get("families", ())) & set(families)
        if taken and one.key != server["id"]:
            text = f"{min(taken)} has another default server: take it from that one first"
            raise entity.wrong(name, text, errors.STATE_ERROR)


@operation(
    "DELETE /v1/mdmServers/{id}",
    "Delete an MDM server that has no devices; its server token is good no more.",
    name="axm.servers.delete",
    auth="business",
    versions="21+",
    request=(ID,),
    errors=(errors.PARAMETER_INVALID,),
    docs=f"{DOCS}delete-an-mdmserver",
    source="AXM-D",
    inferred="With devices it is 400, as 409 is not listed. Default families do not keep it.",
)
def delete_server(call: Call) -> None:
    """Delete the server."""
    server = _find(call)
    if fleet.count(call.state, server["id"]):
        text = "The server has devices assigned: unassign or move them first"
        raise errors.refused(errors.PARAMETER_INVALID, text)
    remove_server(call.state, server["id"])
