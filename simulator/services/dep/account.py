"""``GET /account``: the server and the organisation that it belongs to."""

import msgspec

from simulator.core.state import Body
from simulator.protocol.fields import Integer, Object, Objects, String, Strings
from simulator.protocol.operations import Call, Operation, operation
from simulator.services.dep import (
    account_driven,
    activation_lock,
    assignment,
    beta_tokens,
    devices,
    profiles,
    replacement,
    roster_lists,
    session,
)
from simulator.services.dep.device_rows import DOCS, PAGE_MAXIMUM
from simulator.services.fleet.servers import server
from simulator.services.organisations import organisation

_LIMIT = {"default": PAGE_MAXIMUM, "maximum": PAGE_MAXIMUM}
"""As advertised live (PE 2025, ZE 2026), although the documented default is 100."""
_ROSTERS = tuple(
    {"uri": uri, "http_method": ["POST"], "limit": _LIMIT} for uri in roster_lists.URIS
)


@operation(
    "GET /account",
    "Get details of the server and the organisation.",
    name="dep.account",
    auth="session",
    response=(
        String("server_name", "Name given in the portal.", concept="server.name", source="AD"),
        String("server_uuid", "Identifier of the server.", concept="server.uuid", source="AD"),
        String(
            "facilitator_id",
            "The same, under its old name.",
            concept="admin.apple_id",
            deprecated="use admin_id",
            source="AD, live 2025",
        ),
        String(
            "admin_id",
            "Apple Account of who made the current token.",
            concept="admin.apple_id",
            source="AD",
        ),
        String("org_name", "Name of the organisation.", concept="org.name", source="AD"),
        String("org_email", "Its e-mail address.", concept="org.email", source="AD"),
        String("org_phone", "Its telephone number.", concept="org.phone", source="AD"),
        String("org_address", "Its postal address.", concept="org.address", source="AD"),
        String("org_id", "Customer id.", versions="3+", concept="org.id", source="AD"),
        String("org_id_hash", "Hash of it.", versions="3+", concept="org.id_hash", source="AD"),
        Objects(
            "urls",
            "What the service offers.",
            versions="3+",
            source="AD",
            fields=(
                String("uri", "Path.", concept="protocol"),
                Strings("http_method", "Methods.", concept="protocol"),
                Object(
                    "limit",
                    "Page size, where there is one.",
                    fields=(
                        Integer("default", "If none is asked for.", concept="protocol"),
                        Integer("maximum", "Largest.", concept="protocol"),
                    ),
                ),
            ),
        ),
        String(
            "org_type",
            "Kind of organisation.",
            versions="3+",
            concept="org.type",
            values=("edu", "org"),
            source="AD",
        ),
        String(
            "org_version",
            "v2: School or Business Manager; v1: the old deployment programs.",
            versions="3+",
            concept="protocol",
            values=("v1", "v2"),
            source="AD",
        ),
    ),
    runs_inline=True,
    docs=f"{DOCS}get-account-detail",
    source="AD, MM, PE",
)
def account(call: Call) -> Body:
    """Return what the portal knows; older versions get less of it."""
    facts = organisation(call.state, call.principal.organisation)
    place = server(call.state, call.principal.id)
    return {
        "server_name": place["name"],
        "server_uuid": place["uuid"],
        "facilitator_id": facts.get("facilitator_id") or facts["admin_id"],
        "admin_id": facts["admin_id"],
        "org_name": facts["org_name"],
        "org_email": facts["org_email"],
        "org_phone": facts["org_phone"],
        "org_address": facts["org_address"],
        "org_id": facts["org_id"],
        "org_id_hash": facts["org_id_hash"],
        "urls": _URLS_WITH_ROSTERS if roster_lists.offers(call, facts) else _URLS,
        "org_type": facts["org_type"],
        "org_version": facts["org_version"],
    }


def _advertised(*operations: Operation) -> tuple[Body, ...]:
    """Return what ``urls`` says of *operations*, in their order; one entry for each path."""
    found: dict[str, Body] = {}
    for one in operations:
        entry = found.setdefault(one.path, {"uri": one.path, "http_method": []})
        entry["http_method"] = sorted({*entry["http_method"], *one.methods})
        if any(row.name == "limit" for row in one.request):
            entry["limit"] = _LIMIT
    return tuple(found.values())


URLS = _advertised(
    session.session,
    account,
    devices.fetch,
    devices.sync,
    devices.details,
    devices.disown,
    profiles.define,
    profiles.get_profile,
    assignment.assign,
    assignment.clear,
    activation_lock.lock,
    replacement.replacement_details,
    beta_tokens.beta_tokens,
    account_driven.get_discovery,
    account_driven.set_discovery,
    account_driven.delete_discovery,
)
"""What every organisation is offered, in the order in which it is advertised live."""
_URLS, _URLS_WITH_ROSTERS = (
    msgspec.Raw(msgspec.json.encode(urls)) for urls in (URLS, (*URLS, *_ROSTERS))
)
"""The same as JSON: it makes most of an answer, and never changes."""
