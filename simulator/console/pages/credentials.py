"""Credentials that are handed out: as files, or to curl; never inside a page.

Rule: a page may be looked at over a shoulder, kept by a browser or sent as a
picture. So what is secret leaves only in an answer of its own.
"""

import json
import plistlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from aiohttp import web

from simulator.console import calls
from simulator.console.parts import READY, Page
from simulator.console.rendering import after, back_to
from simulator.control.parts import PARTS, missing
from simulator.control.resources import find
from simulator.core.state import State
from simulator.services.provisioning import Credential, Example, Provisioning, Trying

_PEM_FIELD = "certificate"
T = TypeVar("T")


def download(content: bytes, name: str, kind: str) -> web.Response:
    """Return *content* as a file that is to be saved, and not kept by the browser."""
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Cache-Control": "no-store",
    }
    return web.Response(body=content, content_type=kind, headers=headers)


async def token_file(request: web.Request) -> web.StreamResponse:
    """Answer a credential as the file that Apple's portal gives."""
    kind, identifier = _kind(request, request.match_info["kind"]), request.match_info["id"]
    return await credential_file(request, kind, identifier)


async def credential_file(
    request: web.Request, kind: Credential, identifier: str
) -> web.StreamResponse:
    """Answer the credential of the holder *identifier*, if it is good."""
    parts = request.app[PARTS]
    organisation, held = await find(kind, parts.gateway, identifier)
    if held.state != "active":
        raise missing(f"the {kind.holder} {identifier} has no token that is good: make a new one")
    value = held.entry[kind.value] if kind.value else held.entry
    if held.files:
        value = await parts.hand_out(organisation, held)
    text = value if isinstance(value, str) else json.dumps(value, indent=1) + "\n"
    name, content_type = kind.file
    return download(text.encode(), name.replace("{id}", identifier), content_type)


def kinds(request: web.Request) -> list[Credential]:
    """Return all kinds of credentials."""
    return [kind for one in request.app[PARTS].provisionings for kind in one.credentials]


def _kind(request: web.Request, name: str) -> Credential:
    for kind in kinds(request):
        if kind.name == name:
            return kind
    raise missing(f"there is no kind of credential {name}")


async def sealed_token(request: web.Request) -> web.StreamResponse:
    """Answer a token as the portal does: encrypted to the MDM server's certificate."""
    kind, identifier = _kind(request, request.match_info["kind"]), request.match_info["id"]
    form = await request.post()
    given = form.get(_PEM_FIELD)
    pem = given.file.read() if isinstance(given, web.FileField) else str(given or "").encode()
    content = await calls.call(
        request,
        "POST",
        kind.ready.replace("_", "-"),
        identifier,
        "token",
        query={"regenerate": "true"} if form.get("regenerate") else {},
        body=pem,
        kind="application/x-pem-file",
    )
    return download(content, f"{identifier}_smime.p7m", "application/pkcs7-mime")


def base(ready: Mapping[str, Any]) -> str:
    """Return the URL that clients use."""
    return str((ready["tls"] or [ready["http"]])[0])


async def with_examples(request: web.Request, work: Callable[[Trying], T]) -> T:
    """Return what *work* makes with what examples are made with."""
    parts, ready = request.app[PARTS], request.app[READY]()

    def run(state: State) -> T:
        return work(
            Trying(
                state=state,
                base=base(ready),
                organisations=ready["organisations"],
                now_ms=parts.clock.now_ms(),
                random_hex=parts.random_hex,
            )
        )

    return await parts.gateway.run(run)


async def curl(request: web.Request) -> web.StreamResponse:
    """Answer curl's configuration of an example: of the first one, or of the one with a key."""
    name, key = request.match_info["service"], request.match_info.get("key")
    parts = request.app[PARTS]
    service = next((one for one in parts.provisionings if one.name == name), None)
    if service is None:
        raise missing(f"no service is called {name}")

    def work(trying: Trying) -> Example | None:
        return _example(service, trying, key)

    example = await with_examples(request, work)
    if example is None:
        if key:
            raise missing(f"{key} has no token that is good: make a new one")
        raise missing(f"{service.title} has nothing to be called with: make a token, or enrol one")
    return configuration(**example.secret)


def _example(service: Provisioning, trying: Trying, key: str | None) -> Example | None:
    found = service.examples(trying)
    return next((one for one in found if key in (None, one.key)), None)


def configuration(**options: str) -> web.Response:
    """Return options in the quoting of curl's configuration files."""
    escaped = {
        name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in options.items()
    }
    text = "".join(f'{name} = "{value}"\n' for name, value in escaped.items())
    return web.Response(text=text, headers={"Cache-Control": "no-store"})


async def enrol(request: web.Request) -> web.StreamResponse:
    """Have an invented device check in with a push topic, as an MDM server would pass it on."""
    form, random_hex = await request.post(), request.app[PARTS].random_hex
    message: dict[str, Any] = {
        "MessageType": "TokenUpdate",
        "Topic": str(form.get("topic", "")),
        "UDID": random_hex(32).upper(),
        "Token": bytes.fromhex(random_hex(64)),
        "PushMagic": random_hex(32).upper(),
    }
    content, kind = plistlib.dumps(message), "application/xml"
    await calls.call(request, "POST", "push-tokens", "checkin", body=content, kind=kind)
    return after(request, back_to(form, "/"), f"The device {message['UDID']} has checked in.")


PAGES = (
    Page("POST", "/credentials/{kind}/{id}/token", token_file),
    Page("POST", "/credentials/{kind}/{id}/sealed", sealed_token),
    Page("GET", "/curl/{service}", curl),
    Page("GET", "/curl/{service}/{key}", curl),
    Page("POST", "/push/enrol", enrol),
)
