"""Calls for what people do in Apple's portal to the tokens of DEP servers."""

from collections.abc import Callable

from aiohttp import web

from simulator.control.api.servers import token_state, with_server
from simulator.control.parts import BODY, PARTS, QUERY, Route, bad, content_of, json_response
from simulator.core.state import Body, State
from simulator.core.timestamps import is_time
from simulator.pki.credentials import ServerToken, given_server_token, seal_server_token
from simulator.protocol.fields import String
from simulator.services.dep import tokens
from simulator.services.fleet import access_tokens

LARGEST = 64 * 1024
"""Bytes of a certificate that are taken."""


async def download_token(request: web.Request) -> web.Response:
    """Answer a new token of the server, encrypted to the certificate in the body (PEM).

    Each download renews it, as Apple's does: the one before is good no more. With
    ``by=another`` another person does it, and the consumer key changes too.
    """
    parts, server_id = request.app[PARTS], request.match_info["id"]
    certificate = await content_of(request, LARGEST, "a certificate")
    by_another = request[QUERY].get("by") == "another"
    now_ms = parts.clock.now_ms()

    def work(state: State) -> tuple[str, ServerToken]:
        org = with_server(state, server_id)
        pem = certificate.decode("ascii", "replace")
        access_tokens.keep_certificate(state.of(org), server_id, pem)
        return org, tokens.issue_token(
            state.of(org),
            org,
            server_id,
            now_ms=now_ms,
            random_hex=parts.random_hex,
            by_another=by_another,
        )

    try:
        seal_server_token(_PROBE, certificate)
    except ValueError as error:
        raise bad(str(error)) from None
    org, token = await parts.gateway.run(work)
    await parts.renew([org])
    return web.Response(
        body=seal_server_token(token, certificate), content_type="application/pkcs7-mime"
    )


TOKEN_ROWS = (
    String("consumer_key", "Consumer key.", required=True, shortest=1),
    String("consumer_secret", "Its secret.", required=True, shortest=1),
    String("access_token", "Access token.", required=True, shortest=1),
    String("access_secret", "Its secret.", required=True, shortest=1),
    String("access_token_expiry", "When it expires; in a year if absent.", check=is_time),
)


_PROBE = ServerToken("", "", "", "", "")
"""Sealed first, so that a bad certificate replaces no token."""


async def set_token(request: web.Request) -> web.Response:
    """Let the server have a token with the values in the body, as other simulators have it."""
    parts, server_id, body = request.app[PARTS], request.match_info["id"], request[BODY]
    now_ms = parts.clock.now_ms()
    try:
        token = given_server_token(body, now_ms)
    except ValueError as error:
        raise bad(str(error)) from None

    def work(state: State) -> tuple[str, Body]:
        org = with_server(state, server_id)
        put = tokens.put_token(state.of(org), org, server_id, token, now_ms=now_ms)
        return org, put.as_dict()

    org, made = await parts.gateway.run(work)
    await parts.renew([org])
    return json_response(made)


async def revoke_token(request: web.Request) -> web.Response:
    """Revoke the server's token."""
    return await _end(request, tokens.revoke_token)


async def orphan_token(request: web.Request) -> web.Response:
    """Let the person who made the server's token leave the portal."""
    return await _end(request, tokens.orphan_token)


async def end_sessions(request: web.Request) -> web.Response:
    """End all sessions of the server."""
    return await _end(request, tokens.end_server_sessions)


async def _end(request: web.Request, change: Callable[[State, str], None]) -> web.Response:
    parts, server_id = request.app[PARTS], request.match_info["id"]

    def work(state: State) -> tuple[str, Body | None]:
        org = with_server(state, server_id)
        change(state.of(org), server_id)
        return org, token_state(state.of(org), server_id)

    org, answer = await parts.gateway.run(work)
    await parts.renew([org])
    return json_response(answer)


ROUTES = (
    Route(
        "POST",
        "/dep-servers/{id}/token",
        "Renew the token and download it (.p7m), encrypted to the PEM certificate in the body.",
        download_token,
        query=(
            String("by", "Who renews it; same if absent.", values=("same", "another")),
            String("regenerate", "Of no effect: each download renews.", values=("true", "false")),
        ),
        takes="text/plain",
        gives="application/pkcs7-mime",
    ),
    Route(
        "PUT",
        "/dep-servers/{id}/token",
        "Set the token to given values, such as the constants of another simulator.",
        set_token,
        query=(),
        body=TOKEN_ROWS,
    ),
    Route("DELETE", "/dep-servers/{id}/token", "Revoke the token.", revoke_token, query=()),
    Route(
        "POST",
        "/dep-servers/{id}/owner-left",
        "Let the person who made the token leave the portal: FORBIDDEN until another renews it.",
        orphan_token,
        query=(),
    ),
    Route("DELETE", "/dep-servers/{id}/sessions", "End all sessions.", end_sessions, query=()),
)
