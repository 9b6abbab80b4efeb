"""The first page: where to point what, whom to trust, with which credentials, and does it live."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web
from msgspec import Struct

from simulator.console import calls, formatting, security
from simulator.console.pages import credentials
from simulator.console.parts import READY, Page
from simulator.console.rendering import page
from simulator.control.parts import PARTS, Parts
from simulator.core.client_lines import SERVERS, TRUST
from simulator.core.state import State
from simulator.services.organisations import ORGANISATION
from simulator.services.provisioning import Credential, Held, Trying

SHOWN = 20
"""Organisations whose credentials stand on one page."""


class StartCommand(Struct, frozen=True):
    """One command that can be pasted."""

    service: str
    about: str
    command: str


async def start(request: web.Request) -> web.StreamResponse:
    """Show where everything is, and the credentials of some organisations."""
    ready, parts = request.app[READY](), request.app[PARTS]
    prefix, after = (request.query.get(name, "") for name in ("organisation", "after"))
    cards, following = await parts.gateway.run(partial(_cards, parts, ready, prefix, after))
    lines = await credentials.with_examples(request, partial(_lines, request))
    return await page(
        request,
        "start.html",
        "start",
        ready=ready,
        services=list(_services(parts)),
        cards=cards,
        following=following,
        after=after,
        prefix=prefix,
        some=len(ready["organisations"]) > SHOWN,
        base=credentials.base(ready),
        clients=list(_clients(parts, ready)),
        seen=await _seen(request),
        lines=lines,
        topic=_topic(ready) if not any(one.service == "apns" for one in lines) else None,
        health=await _health(parts),
    )


def _services(parts: Parts) -> Iterator[Mapping[str, Any]]:
    for one in parts.provisionings:
        instead = [f"https://{host}" for host in one.service.hosts]
        yield {"name": one.name, "title": one.title, "instead": instead}


def _clients(parts: Parts, ready: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield kinds of clients, each with lines to paste that lead it here."""
    values = {
        "ca": ready["ca"],
        "base": credentials.base(ready),
        "data": parts.settings.data,
        "proxy": ready["proxy"] or "",
    }
    topics = [
        topic
        for one in ready["organisations"]
        for topic in one["push_topics"]
        if topic.get("written", True)
    ]
    values |= {name: topics[0][name] for name in ("certificate", "key") if topics}
    for one in (*SERVERS, *TRUST):
        with suppress(KeyError):  # it wants what this simulator does not have
            yield one.client, one.filled({name: text for name, text in values.items() if text})


async def _seen(request: web.Request) -> Mapping[str, Any]:
    """Return the first exchange, if there is one, and how many there are."""
    page: Mapping[str, Any] = await calls.get(request, "exchanges", limit="1")
    return {"first": next(iter(page["exchanges"]), None), "last": page["last"]}


def _topic(ready: Mapping[str, Any]) -> str | None:
    """Return a push topic that an invented device can check in with."""
    topics = (pair["topic"] for one in ready["organisations"] for pair in one["push_topics"])
    return next(topics, None)


class Card(Struct, frozen=True):
    """One holder of a credential, as a page shows it."""

    kind: Credential
    organisation: str
    held: Held
    paths: Mapping[str, str]
    """The files that go with it, by what they are."""
    is_written: bool
    """Whether these are there; else they are made when they are asked for."""


def _cards(
    parts: Parts, ready: Mapping[str, Any], prefix: str, after: str, state: State
) -> tuple[list[Card], str]:
    """Return what organisations with ids that start with *prefix* hold, some *after* one.

    Also the last of their ids, if others follow.
    """
    chosen = state.of("").scan(ORGANISATION, prefix=prefix, after=after, limit=SHOWN + 1)
    keys = [one.key for one in chosen[:SHOWN]]
    files = {
        (organisation["id"], kind.ready, entry.get("id") or entry.get("topic")): entry
        for organisation in ready["organisations"]
        if organisation["id"] in keys
        for kind in _kinds(parts)
        for entry in organisation.get(kind.ready, ())
    }
    found = []
    for organisation in keys:
        for kind in _kinds(parts):
            for held in kind.held(state, organisation):
                entry = files.get((organisation, kind.ready, held.id), {})
                paths = {one.key: entry[one.key] for one in held.files if one.key in entry}
                found.append(Card(kind, organisation, held, paths, entry.get("written", True)))
    return found, keys[-1] if len(chosen) > SHOWN else ""


def _kinds(parts: Parts) -> list[Credential]:
    return [kind for one in parts.provisionings for kind in one.credentials]


def _lines(request: web.Request, trying: Trying) -> list[StartCommand]:
    """Return a command for each service.

    What is secret is not in it: curl gets that from the console, as a
    configuration on its standard input.
    """
    ready = request.app[READY]()
    ask = ["curl", "-s", *bearer(request)]
    trust = ["--cacert", ready["ca"]] if trying.base.startswith("https") else []
    lines = []
    for one in request.app[PARTS].provisionings:
        example = next(iter(one.examples(trying)), None)
        if example is not None:
            url = "/".join([str(request.url.origin()), "curl", one.name])
            url += f"/{quote(example.key)}" if example.key else ""
            give = formatting.shell([*ask, url])
            take = formatting.shell(["curl", "-K", "-", *trust, *example.arguments])
            lines.append(StartCommand(one.name, example.about, f"{give} | {take}"))
    return lines


def bearer(request: web.Request) -> list[str]:
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
        ("Evaluated by", parts.manifest.name),
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
