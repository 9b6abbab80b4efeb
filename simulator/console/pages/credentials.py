"""Credentials that are handed out: as files, or to curl; never inside a page.

Rule: a page may be looked at over a shoulder, kept by a browser or sent as a
picture. So what is secret leaves only in an answer of its own.
"""

import json
import plistlib
from typing import Any
from urllib.parse import quote

from aiohttp import web

from simulator.auth import oauth1
from simulator.console import calls
from simulator.console.parts import READY, Page
from simulator.console.rendering import after, back_to
from simulator.control.api.servers import with_server
from simulator.control.parts import PARTS, missing
from simulator.core.state import Body, State
from simulator.pki.credentials import ServerToken
from simulator.services.dep import portal

_PEM_FIELD = "certificate"


def download(content: bytes, name: str, kind: str) -> web.Response:
    """Return *content* as a file that is to be saved, and not kept by the browser."""
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Cache-Control": "no-store",
    }
    return web.Response(body=content, content_type=kind, headers=headers)


async def _server_token(request: web.Request) -> Body:
    """Return the server token that is good now."""
    server = request.match_info["server"]

    def work(state: State) -> Body | None:
        return portal.current_token(state.of(with_server(state, server)), server)

    token = await request.app[PARTS].gateway.run(work)
    if token is None or token["state"] != "active":
        raise missing(f"the DEP server {server} has no token that is good: make a new one")
    return {name: token[name] for name in ServerToken.__slots__}


async def server_token(request: web.Request) -> web.StreamResponse:
    """Answer a server token as JSON, for MDM servers that take its values."""
    content = json.dumps(await _server_token(request), indent=1).encode() + b"\n"
    return download(content, f"{request.match_info['server']}.json", "application/json")


async def sealed_token(request: web.Request) -> web.StreamResponse:
    """Answer a server token as the portal does: encrypted to the MDM server's certificate."""
    form, server = await request.post(), request.match_info["server"]
    given = form.get(_PEM_FIELD)
    pem = given.file.read() if isinstance(given, web.FileField) else str(given or "").encode()
    fresh = {"regenerate": "true"} if form.get("regenerate") else {}
    content = await calls.call(
        request,
        "POST",
        "dep-servers",
        server,
        "token",
        query=fresh,
        body=pem,
        kind="application/x-pem-file",
    )
    return download(content, f"{server}_smime.p7m", "application/pkcs7-mime")


async def curl_dep(request: web.Request) -> web.StreamResponse:
    """Answer curl's configuration of a signed ``GET /session``."""
    ready = request.app[READY]()
    url = f"{(ready['tls'] or [ready['http']])[0]}/session"
    token, parts = await _server_token(request), request.app[PARTS]
    values = {
        "oauth_consumer_key": token["consumer_key"],
        "oauth_token": token["access_token"],
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(parts.clock.now_ms() // 1000),
        "oauth_nonce": parts.chance(16),
        "oauth_version": "1.0",
    }
    values["oauth_signature"] = oauth1.sign(
        "GET",
        url,
        values.items(),
        consumer_secret=token["consumer_secret"],
        token_secret=token["access_secret"],
    )
    said = ", ".join(f'{name}="{oauth1.encode(value)}"' for name, value in values.items())
    return configuration(header=f"Authorization: OAuth {said}")


async def curl_push(request: web.Request) -> web.StreamResponse:
    """Answer curl's configuration of a push to a device that has checked in."""
    base = request.app[READY]()["tls"][0]
    for topic in (await calls.get(request, "push-topics"))["push_topics"]:
        query = {"organisation": topic["organisation"], "limit": "100"}
        for one in (await calls.get(request, "push-tokens", **query))["push_tokens"]:
            if one["state"] == "active":
                data = json.dumps({"mdm": one["magic"]})
                return configuration(url=f"{base}/3/device/{one['token']}", data=data)
    raise missing("no device has checked in: enrol one")


def configuration(**options: str) -> web.Response:
    """Return options in the quoting of curl's configuration files."""
    escaped = {
        name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in options.items()
    }
    text = "".join(f'{name} = "{value}"\n' for name, value in escaped.items())
    return web.Response(text=text, headers={"Cache-Control": "no-store"})


async def enrol(request: web.Request) -> web.StreamResponse:
    """Have an invented device check in with a push topic, as an MDM server would pass it on."""
    form, chance = await request.post(), request.app[PARTS].chance
    message: dict[str, Any] = {
        "MessageType": "TokenUpdate",
        "Topic": str(form.get("topic", "")),
        "UDID": chance(32).upper(),
        "Token": bytes.fromhex(chance(64)),
        "PushMagic": chance(32).upper(),
    }
    content, kind = plistlib.dumps(message), "application/xml"
    await calls.call(request, "POST", "push-tokens", "checkin", body=content, kind=kind)
    return after(request, back_to(form, "/"), f"The device {message['UDID']} has checked in.")


PAGES = (
    Page("POST", "/credentials/dep/{server}/token", server_token),
    Page("POST", "/credentials/dep/{server}/sealed", sealed_token),
    Page("GET", "/curl/dep/{server}", curl_dep),
    Page("GET", "/curl/apns", curl_push),
    Page("POST", "/push/enrol", enrol),
)
