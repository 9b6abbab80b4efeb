"""The first page: where to point what, whom to trust, with which credentials, and does it live."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator.console import calls, formatting, security
from simulator.console.parts import READY, Page
from simulator.console.rendering import page
from simulator.control.parts import PARTS, Parts
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.operations import Service

NAMES = {"dep": "Device enrolment", "apns": "Push notifications", "vpp": "Apps and Books"}


@dataclass(frozen=True, slots=True)
class Line:
    """One command that can be pasted."""

    service: str
    about: str
    command: str


async def start(request: web.Request) -> web.StreamResponse:
    """Show where everything is."""
    ready, parts = request.app[READY](), request.app[PARTS]
    organisations = (await calls.get(request, "organisations"))["organisations"]
    servers = (await calls.get(request, "dep-servers"))["dep_servers"]
    topics = (await calls.get(request, "push-topics"))["push_topics"]
    locations = (await calls.get(request, "vpp-locations"))["vpp_locations"]
    device = await _device(request, topics)
    return await page(
        request,
        "start.html",
        "start",
        ready=ready,
        services=list(_services(parts.catalogue, ready)),
        organisations=organisations,
        servers=servers,
        topics=topics,
        locations=locations,
        pairs=_pairs(ready),
        lines=list(_lines(request, ready, servers, device, locations)),
        device=device,
        health=await _health(parts),
    )


def _services(catalogue: Catalogue, ready: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    base = (ready["tls"] or [ready["http"]])[0]
    for service in sorted(catalogue.services.values(), key=_rank):
        instead = [f"https://{host}" for host in service.hosts]
        name = NAMES.get(service.name, service.name)
        yield {"name": service.name, "title": name, "instead": instead, "use": base}


def _rank(service: Service) -> int:
    names = list(NAMES)
    return names.index(service.name) if service.name in names else len(names)


def _pairs(ready: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
    """Return by push topic the files of its certificate and its key."""
    return {pair["topic"]: pair for one in ready["organisations"] for pair in one["push_topics"]}


async def _device(request: web.Request, topics: list[Any]) -> Mapping[str, Any] | None:
    """Return a device token that a push would reach, or None."""
    for topic in topics:
        query = {"organisation": topic["organisation"], "limit": "100"}
        for one in (await calls.get(request, "push-tokens", **query))["push_tokens"]:
            if one["state"] == "active" and one["topic"] == topic["topic"]:
                return dict(one)
    return None


def _lines(
    request: web.Request,
    ready: Mapping[str, Any],
    servers: list[Any],
    device: Mapping[str, Any] | None,
    locations: list[Any],
) -> Iterator[Line]:
    """Yield a command for each service.

    What is secret is not in it: curl gets that from the console, as a
    configuration on its standard input.
    """
    base = (ready["tls"] or [ready["http"]])[0]
    ask = ["curl", "-s", *_bearer(request), f"{request.url.origin()}/curl"]
    trust = ["--cacert", ready["ca"]] if base.startswith("https") else []
    server = next((one for one in servers if _usable(one["token"])), None)
    if server is not None:
        give = formatting.shell([*ask[:-1], f"{ask[-1]}/dep/{server['id']}"])
        take = formatting.shell(["curl", "-K", "-", *trust, f"{base}/session"])
        yield Line("dep", "Start a session", f"{give} | {take}")
    pair = _pairs(ready).get(device["topic"]) if device else None
    if device and pair and trust:
        give = formatting.shell([*ask[:-1], f"{ask[-1]}/apns"])
        identity = ["--cert", pair["certificate"], "--key", pair["key"]]
        header = ["-H", f"apns-topic: {pair['topic']}", "-H", "apns-push-type: mdm"]
        take = formatting.shell(["curl", "-K", "-", "-i", "--http2", *trust, *identity, *header])
        yield Line("apns", "Wake a device", f"{give} | {take}")
    location = next((one for one in locations if _usable(one["token"])), None)
    if location is not None:
        give = formatting.shell([*ask[:-1], f"{ask[-1]}/vpp/{location['id']}"])
        take = formatting.shell(["curl", "-K", "-", *trust, f"{base}/mdm/v2/client/config"])
        yield Line("vpp", "Ask for a location's settings", f"{give} | {take}")


def _usable(token: Mapping[str, Any] | None) -> bool:
    return token is not None and token["state"] == "active"


def _bearer(request: web.Request) -> list[str]:
    """Return what a call of the control port needs; the token itself stays in ready.json."""
    if not security.wants_login(request):
        return []
    return ["-H", "Authorization: Bearer CONTROL_TOKEN"]


async def _health(parts: Parts) -> list[tuple[str, str]]:
    await parts.gateway.run(lambda state: state.count("organisation"))
    last = await asyncio.to_thread(parts.journal.last)
    settings = parts.settings
    return [
        ("Journal", formatting.plural(last, "exchange")),
        ("World", f"{settings.world}, seed {settings.seed}"),
        ("Strictness", settings.strictness),
        ("Judged by", parts.manifest.name),
        ("Data", settings.data),
    ]


async def authority(request: web.Request) -> web.StreamResponse:
    """Answer the CA certificate, and nothing else of the file."""
    text = await asyncio.to_thread(Path(request.app[READY]()["ca"]).read_text, "ascii")
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    found = [part.partition(end)[0] for part in text.split(begin)[1:]]
    pem = "".join(f"{begin}{part}{end}\n" for part in found)
    headers = {"Content-Disposition": 'attachment; filename="mdmsim-ca.pem"'}
    return web.Response(text=pem, content_type="application/x-pem-file", headers=headers)


async def described(request: web.Request) -> web.StreamResponse:
    """Answer where everything is, as JSON, without any credential."""
    ready = request.app[READY]()
    names = ("version", "tls", "http", "control", "proxy", "ca", "journal")
    text = json.dumps({name: ready[name] for name in names}, indent=1)
    return web.Response(text=text, content_type="application/json")


PAGES = (
    Page("GET", "/", start),
    Page("GET", "/ca.pem", authority),
    Page("GET", "/start.json", described),
)
