"""The catalogue for readers: JSON for tools, Markdown for people. Nothing here is written twice."""

import hashlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import msgspec

from simulator.core.state import Body
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.fields import ErrorCode, Field, Strings, Table, walk
from simulator.protocol.operations import Operation
from simulator.protocol.rules import RULES
from simulator.protocol.service import Service

SOURCES = {
    "A-SEND": "Apple, Sending notification requests to APNs",
    "A-RESP": "Apple, Handling notification responses from APNs",
    "A-TOK": "Apple, Establishing a token-based connection to APNs",
    "A-ARCH": "Apple, archived Local and Remote Notification Programming Guide",
    "APNSwift#229": "Issue 229 of APNSwift: the reason that APNs really sends",
    "A-MDMCMD": "Apple, Sending MDM commands to a device",
    "AD": "Apple's device management documentation, 2026-08",
    "EV": "a mirror of it with response codes",
    "PR": "Apple's MDM Protocol Reference, 4.4.0 of 2018",
    "PR-R": "the same, chapter on class rosters, which have the same host",
    "CM": "cmdmnt/commandment, with its settings for Apple's depsim",
    "ND": "micromdm/nanodep",
    "FL": "fleetdm/fleet",
    "MM": "micromdm/micromdm",
    "PE": "petarov/apple-mdm-clients, with recorded answers",
    "ZE": "zentralopensource/zentral",
    "ZE2": "the same, tests of 2026",
    "D-start": "Apple, Getting started with the management API (Apps and Books)",
    "D-svc2": "Apple, Service Config of Apps and Books",
    "D-cc2": "Apple, Client Config of Apps and Books",
    "D-obj": "Apple, object pages of App and Book Management",
    "D-assets": "Apple, Managing assets, Get Assets, Get Assignments",
    "D-users": "Apple, Managing users, Get Users and the pages of its writes",
    "D-subs": "Apple, Managing subscriptions",
    "D-page": "Apple, Using paginated endpoints",
    "D-notif": "Apple, Subscribing to notifications",
    "D-err": "Apple, Handling error responses of Apps and Books",
    "D-up": "Apple, Upgrading to the new management API",
    "L-main": "Apple, Managing apps and books through web services (legacy)",
    "L-svc": "Apple, Service Configuration (legacy)",
    "L-cc": "Apple, Client Configuration and Protecting your VPP account (legacy)",
    "L-asg": "Apple, Get Assignments (legacy)",
    "L-obj": "Apple, object and endpoint pages of the legacy API",
    "L-batch": "Apple, Retrieving a large record set (legacy)",
    "L-meta": "Apple, Getting app and book information (legacy)",
    "M-req": "Apple, Apps and Books for Organizations: requests, responses and developer tokens",
    "M-apps": "Apple, Get your apps metadata, and its attributes",
    "AB": "GigaionLLC/abcli, with notes of a live check in July 2026",
    "NM": "micromdm/nanomdm, with its OpenAPI document",
    "DC": "a public decompilation of the code of devices: names and order only",
    "XS": "macOS Server's certificate requests, as others have written them again",
    "AY": "Addigy's article on push certificates",
    "DS": "micromdm/apple-device-services, schemas",
    "AXM-D": "Apple, pages of the Apple Business API and the Apple School Manager API, 2.4/1.6",
    "AXM-D5": "the same for 2.5/1.7",
    "AXM-D6": "the same for 2.6",
    "AXM-SG": "Apple, guide: Create an API account",
    "AXM-F1": "Apple developer forums, 818652 and 835954",
    "AXM-HI": "hitoshiichikawa/apple-business-go, checked against a real organisation in 2026",
    "AXM-TF": "neilmartin83/terraform-provider-axm",
    "AXM-NA": "micromdm/nanoaxm",
    "AXM-SD": "deploymenttheory/go-sdk-appleservices, with Apple's samples",
    "AXM-GD": "deploymenttheory/go-apple-dm, and its fake",
    "AXM-AS": "rodchristiansen/asbmutil",
    "AXM-PE": "petarov/apple-mdm-clients, the client of Apple Business",
    "AXM-PX": "pyaxm",
    "AXM-AB": "applebusiness, the Python package",
    "AXM-PS": "powerShellBVK/Apple-Business-API",
    "GH": "a thread on GitHub, named behind it",
    "live": "seen on the real service by the author of a client",
}
"""What the tags in the rows stand for."""


def as_json(catalogue: Catalogue) -> Body:
    """Return the whole catalogue as plain values."""
    return {
        "services": [
            {
                "name": service.name,
                "about": service.about,
                "hosts": list(service.hosts),
                "docs": service.docs,
                "newest_version": service.newest,
                "headers": [field_as_json(row) for row in service.headers],
                "errors": [_error(row) for row in service.errors],
                "errors_on_demand": [_error(row) for row in service.on_demand],
                "quirks": [msgspec.to_builtins(one) for one in service.quirks],
                "operations": [_operation(one) for one in _of(catalogue, service)],
            }
            for service in catalogue.services.values()
        ],
        "rules": [msgspec.to_builtins(rule) for rule in RULES.values()],
        "sources": SOURCES,
    }


@lru_cache(maxsize=4)
def digest(catalogue: Catalogue) -> str:
    """Return the SHA-256 of the catalogue: which rows a report was judged by."""
    return hashlib.sha256(msgspec.json.encode(as_json(catalogue), order="sorted")).hexdigest()


def _of(catalogue: Catalogue, service: Service) -> Iterator[Operation]:
    return (one for one in catalogue.operations.values() if one.service == service.name)


def _operation(one: Operation) -> Body:
    return {
        "name": one.name,
        "methods": list(one.methods),
        "path": one.path,
        "about": one.about,
        "versions": one.versions,
        "auth": one.auth or None,
        "request": [field_as_json(row) for row in one.request],
        "response": [field_as_json(row) for row in one.response],
        "errors": [_error(row) for row in one.errors],
        "docs": one.docs,
        "source": one.source,
        "inferred": one.inferred or None,
    }


def field_as_json(row: Field) -> Body:
    """Return a row as plain values."""
    shown: Body = {
        "name": row.name,
        "type": row.type,
        "place": row.place,
        "about": row.about,
        "required": row.required,
        "versions": row.versions,
        "concept": row.concept or None,
        "source": row.source,
        "inferred": row.inferred or None,
        "deprecated": row.deprecated or None,
        "error_when_missing": row.missing.code if row.missing else None,
        "error_when_invalid": row.invalid.code if row.invalid else None,
    }
    if row.older:
        shown["older"] = {
            value: {"since": since, "before": old} for value, (since, old) in row.older.items()
        }
    for name in ("values", "longest", "least", "most", "default"):
        value = getattr(row, name, None)
        if value not in (None, (), 0):
            shown[name] = list(value) if isinstance(value, tuple) else value
    inner: tuple[Field, ...] = getattr(row, "fields", ())
    if isinstance(row, Table) and row.value is not None:
        inner = (row.value,)
    if inner:
        shown["fields"] = [field_as_json(one) for one in inner]
    return {name: value for name, value in shown.items() if value is not None}


def _error(row: ErrorCode) -> Body:
    shown = {
        "code": row.code,
        "status": row.status,
        "body": row.code if row.body is None else row.body,
        "about": row.about,
        "source": row.source,
        "inferred": row.inferred or None,
    }
    return {name: value for name, value in shown.items() if value is not None}


def as_markdown(catalogue: Catalogue) -> str:
    """Return the reference as Markdown."""
    lines = ["# Reference", "", "Made from the rows that the simulator runs on.", ""]
    for service in catalogue.services.values():
        lines += _service_page(catalogue, service)
    lines += ["## Rules", "", "| rule | about | refused |", "|---|---|---|"]
    lines += [f"| `{rule.id}` | {rule.about} | {rule.refused} |" for rule in RULES.values()]
    lines += ["", "## Sources", "", "| tag | source |", "|---|---|"]
    lines += [f"| {tag} | {about} |" for tag, about in SOURCES.items()]
    return "\n".join([*lines, ""])


def _service_page(catalogue: Catalogue, service: Service) -> list[str]:
    operations = list(_of(catalogue, service))
    lines = [f"## {service.name}: {service.about}", ""]
    lines += [f"Hosts: {', '.join(service.hosts)}. [Apple's pages]({service.docs}).", ""]
    lines += ["Header fields that all operations know:", "", *_table(service.headers)]
    for one in operations:
        lines += _operation_page(one)
    lines += ["### Errors that all operations can give", "", *_errors(service.errors)]
    if service.on_demand:
        lines += ["### Errors that only a fault gives", "", *_errors(service.on_demand)]
    if service.quirks:
        lines += [
            "### Quirks that can be switched on",
            "",
            "| quirk | about | source |",
            "|---|---|---|",
        ]
        lines += [f"| `{one.id}` | {one.about} | {one.source} |" for one in service.quirks] + [""]
    lines += ["### Differences from the real service", "", "Choices of ours, and why:", ""]
    lines += [f"- {line}" for line in differences(service, operations)]
    return [*lines, ""]


def differences(service: Service, operations: Iterable[Operation]) -> Iterator[str]:
    """Yield what is inferred or chosen in the rows of a service, in sentences."""
    for place, row in _rows(service, operations):
        if row.inferred:
            yield f"{place}: {row.inferred}"


def _rows(
    service: Service, operations: Iterable[Operation]
) -> Iterator[tuple[str, Field | ErrorCode | Operation]]:
    """Yield every row of a service with where it stands."""
    yield from ((f"`{row.name}`", row) for row in service.headers)
    yield from ((f"`{row.code}`", row) for row in (*service.errors, *service.on_demand))
    for one in operations:
        yield one.route, one
        yield from ((f"{one.route} `{row.name}`", row) for row in walk(one.request))
        yield from ((f"{one.route} `{row.name}`", row) for row in walk(one.response))
        yield from ((f"{one.route} `{row.code}`", row) for row in one.errors)


def _operation_page(one: Operation) -> list[str]:
    methods = " or ".join(one.methods)
    lines = [f"### {methods} {one.path}", "", f"`{one.name}`: {one.about}"]
    lines += [f"Protocol versions {one.versions}. Source: {one.source}. [Apple]({one.docs})", ""]
    if one.request:
        lines += ["Request:", "", *_table(one.request)]
    if one.response:
        lines += ["Answer:", "", *_table(one.response)]
    if one.errors:
        lines += _errors(one.errors)
    return lines


def _table(rows: Iterable[Field]) -> list[str]:
    head = ["| field | place | type | versions | concept | about | source |", "|---" * 7 + "|"]
    return [*head, *(_line(row, "") for row in rows), *_inner(rows), ""]


def _inner(rows: Iterable[Field]) -> Iterator[str]:
    for row in rows:
        for one in getattr(row, "fields", ()):
            yield _line(one, f"{row.name}.")
            for deeper in getattr(one, "fields", ()):
                yield _line(deeper, f"{row.name}.{one.name}.")


def _line(row: Field, prefix: str) -> str:
    about = row.about + (f" Deprecated: {row.deprecated}." if row.deprecated else "")
    values: Any = getattr(row, "values", ())
    few = 8
    if values and not isinstance(row, Strings) and len(values) <= few:
        about += f" One of {', '.join(f'`{value}`' for value in values)}."
    cells = (
        f"`{prefix}{row.name}`{' *' if row.required else ''}",
        row.place,
        row.type,
        row.versions,
        row.concept,
        about,
        row.source,
    )
    return f"| {' | '.join(cells)} |"


def _errors(rows: Iterable[ErrorCode]) -> list[str]:
    head = ["| error | status | about | source |", "|---|---|---|---|"]
    lines = [f"| `{row.code}` | {row.status} | {row.about} | {row.source} |" for row in rows]
    return [*head, *lines, ""]
