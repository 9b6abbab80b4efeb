"""CycloneDX 1.6: Apple's services, with the data that flows into and out of them."""

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from simulator.disclosure.formats.material import Material
from simulator.disclosure.report.lines import UNMATCHED, LedgerLine
from simulator.disclosure.report.report import Report

_FLOWS = {"sent": "inbound", "received": "outbound"}
"""Seen from Apple's service."""


def to_cyclonedx(material: Material) -> Iterator[str]:
    """Yield the report as one bill of materials."""
    report = material.report
    services: dict[str, list[LedgerLine]] = {}
    for line in (*report.sent, *report.received):
        services.setdefault(line.service, []).append(line)
    provenance = report.provenance
    digest = hashlib.sha256(f"{provenance.run}{provenance.manifest_sha256}".encode()).digest()
    bom: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.UUID(bytes=digest[:16], version=4)}",
        "version": 1,
        "metadata": _metadata(report),
        "services": [_service(name, lines, material) for name, lines in sorted(services.items())],
    }
    yield json.dumps(bom, indent=1, ensure_ascii=False) + "\n"


def _metadata(report: Report) -> dict[str, Any]:
    provenance = report.provenance
    name, _, version = provenance.tool.partition(" ")
    tool = {"type": "application", "name": name, "version": version}
    metadata: dict[str, Any] = {
        "tools": {"components": [tool]},
        "component": {
            "type": "application",
            "bom-ref": "client",
            "name": provenance.discloser or "MDM server",
        },
        "properties": [
            _property("verdict", report.verdict),
            _property("manifest", provenance.manifest),
            _property("manifest_sha256", provenance.manifest_sha256),
            _property("head_sha256", report.evidence.head_sha256),
        ],
    }
    if provenance.last_seen:
        metadata["timestamp"] = provenance.last_seen
    return metadata


def _service(name: str, lines: list[LedgerLine], material: Material) -> dict[str, Any]:
    known = material.catalogue.services.get(name)
    service: dict[str, Any] = {
        "bom-ref": f"service:{name}",
        "provider": {"name": "Apple Inc." if known else "unknown"},
        "name": name,
        "authenticated": name != UNMATCHED,
        "x-trust-boundary": True,
        "data": [_data(group) for group in _by_meaning(lines)],
        "properties": [
            _property("operations", " ".join(sorted({line.operation for line in lines})))
        ],
    }
    if known:
        service["description"] = known.about
        service["endpoints"] = [f"https://{host}" for host in known.hosts]
    return service


def _by_meaning(lines: Iterable[LedgerLine]) -> list[list[LedgerLine]]:
    """Sort lines into what was sent and received of each concept."""
    groups: dict[tuple[str, str], list[LedgerLine]] = {}
    for line in lines:
        groups.setdefault((line.direction, line.concept), []).append(line)
    return [groups[key] for key in sorted(groups, reverse=True)]


def _data(lines: list[LedgerLine]) -> dict[str, Any]:
    first = lines[0]
    places = sorted({f"{line.operation} {line.part} {line.place}" for line in lines})
    about = (
        f"{first.category} of {first.subject}, secret: {first.secret}, "
        f"claims: {' '.join(sorted({line.declared for line in lines}))}; {'; '.join(places)}"
    )
    return {
        "flow": _FLOWS[first.direction],
        "classification": first.fides or first.category,
        "name": first.concept,
        "description": about,
    }


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": f"mdmsim:{name}", "value": value}
