"""Calls for what may push: topics with their certificates, and keys of provider tokens."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta

from aiohttp import web
from msgspec.structs import asdict

from simulator.auth.jose import new_key
from simulator.control.api.servers import home
from simulator.control.parts import BODY, PARTS, Parts, Route, bad, json_response, missing
from simulator.control.parts import ORGANISATION as ORGANISATION_ROW
from simulator.core.state import Body, State
from simulator.engine.everywhere import of_all
from simulator.pki.push import ENVIRONMENTS, P12_PASSWORD, PushAuthority, PushCertificate
from simulator.protocol.fields import Integer, Objects, String, Strings
from simulator.services.apns import keys, pushes, registry, topics
from simulator.services.apns.keys import ProviderKey

_ID_DIGITS = 10
_TEN, _TEN_SAYS = r"[0-9A-Za-z]{10}", "10 letters and digits"
_LONGEST_S = 10 * 365 * 24 * 3600


async def list_topics(request: web.Request) -> web.Response:
    """Answer the push topics of each organisation, with counts of what became of pushes."""

    def look(state: State, org: str) -> list[Body]:
        return [
            {
                "topic": topic,
                "organisation": org,
                "revoked": (topics.find(state, topic) or {})["revoked"],
                "pushes": pushes.counters(state.of(org)),
            }
            for topic in topics.names(state, org)
        ]

    return json_response({"push_topics": await of_all(request.app[PARTS].gateway, look)})


async def add_topic(request: web.Request) -> web.Response:
    """Add a push topic, or make another certificate for one.

    All keys are optional: ``topic``, ``organisation``; ``topics`` for a certificate of
    several; ``environments`` that it is for; ``expires_in_s`` from now, less than 0 for one
    that has expired; ``issuer`` ``other`` for one that nobody trusts.
    """
    parts, body = request.app[PARTS], request[BODY]
    several: list[str] = body.get("topics", [])
    topic = str(body.get("topic") or next(iter(several), "") or _new_topic(parts))
    made = await asyncio.to_thread(_mint, parts, topic, several, body)
    names = list(dict.fromkeys((topic, *several)))

    def work(state: State) -> str:
        known = topics.find(state, topic)
        org = known["organisation"] if known else home(state, body.get("organisation"))
        for name in names:
            if topics.find(state, name) is None:
                topics.add(state, org, name)
        return str(org)

    organisation = await parts.gateway.run(work)
    answer = {
        "topic": topic,
        "topics": names,
        "organisation": organisation,
        "serial": f"{made.serial:x}",
        "certificate": made.certificate_pem.decode(),
        "chain": made.chain_pem.decode(),
        "key": made.key_pem.decode(),
        "joined": made.joined_pem.decode(),
        "pkcs12": base64.b64encode(made.p12).decode(),
        "pkcs12_legacy": base64.b64encode(made.legacy_p12).decode(),
        "pkcs12_password": P12_PASSWORD,
    }
    return json_response(answer, status=201)


def _new_topic(parts: Parts) -> str:
    return f"com.apple.mgmt.External.{registry.dashed(parts.random_hex(32))}"


def _mint(parts: Parts, topic: str, several: list[str], body: Body) -> PushCertificate:
    """Make the certificate that *body* asks for."""
    now = datetime.now(UTC)  # noqa: TID251 (TLS checks certificates against the wall clock)
    seconds = body.get("expires_in_s")
    try:
        own = body.get("issuer") != "other"
        authority = parts.push_authority if own else PushAuthority.create(now)
        return authority.mint(
            topic,
            now,
            topics=several,
            environments=body.get("environments", list(ENVIRONMENTS)),
            not_after=None if seconds is None else now + timedelta(seconds=seconds),
        )
    except ValueError as error:
        raise bad(str(error)) from None


async def revoke(request: web.Request) -> web.Response:
    """Revoke the topic's certificates: all, or the one of ``serial``."""
    topic, body = request.match_info["topic"], request[BODY]
    serial = body.get("serial", "*")

    def work(state: State) -> Body | None:
        topics.revoke(state, topic, str(serial).lower())
        return topics.find(state, topic)

    return json_response(await request.app[PARTS].gateway.run(work))


async def list_keys(request: web.Request) -> web.Response:
    """Answer the keys of provider tokens, without what signs."""
    found = await request.app[PARTS].gateway.run(keys.every)
    return json_response({"push_keys": [_told(one) for one in found]})


def _told(key: ProviderKey) -> Body:
    told = asdict(key)
    return told | {"team_id": told.pop("team")}


async def add_key(request: web.Request) -> web.Response:
    """Make a key that signs provider tokens: ``key_id``, ``team_id``, ``environment``, optional.

    What signs is told this once, as the ``.p8`` file that Apple's portal gives.
    """
    parts, body = request.app[PARTS], request[BODY]
    key_id = body.get("key_id", parts.random_hex(_ID_DIGITS).upper())
    team_id = body.get("team_id", parts.random_hex(_ID_DIGITS).upper())
    private, public = await asyncio.to_thread(new_key)

    def work(state: State) -> ProviderKey:
        org = home(state, body.get("organisation"))
        key = ProviderKey(key_id, team_id, public, org, body.get("environment", ""))
        keys.add(state, key)
        return key

    key = await parts.gateway.run(work)
    return json_response(_told(key) | {"private_key": private}, status=201)


async def revoke_key(request: web.Request) -> web.Response:
    """Revoke a key: its tokens are InvalidProviderToken from now on."""
    key_id = request.match_info["key"]
    if not await request.app[PARTS].gateway.run(lambda state: keys.revoke(state, key_id)):
        raise missing("there is no such key")
    return web.Response(status=204)


ROUTES = (
    Route(
        "GET",
        "/push-topics",
        "List push topics.",
        list_topics,
        query=(),
        answer=(Objects("push_topics", "All of them.", required=True),),
    ),
    Route(
        "POST",
        "/push-topics",
        "Add a topic, or a certificate for it.",
        add_topic,
        query=(),
        body=(
            String("topic", "Its name; made if absent.", shortest=1),
            Strings("topics", "Topics of a certificate for several.", shortest=1),
            Strings("environments", "What it is for; both if absent.", values=tuple(ENVIRONMENTS)),
            Integer(
                "expires_in_s",
                "When it ends, seconds from now; below 0 it has ended.",
                least=-_LONGEST_S,
                most=_LONGEST_S,
            ),
            String("issuer", "other: from an authority nobody trusts.", values=("own", "other")),
            ORGANISATION_ROW,
        ),
        status=201,
    ),
    Route(
        "POST",
        "/push-topics/{topic}/revoke",
        "Revoke certificates.",
        revoke,
        query=(),
        body=(String("serial", "Serial number of one of them; all if absent."),),
    ),
    Route(
        "GET",
        "/push-keys",
        "List keys of provider tokens.",
        list_keys,
        query=(),
        answer=(Objects("push_keys", "All of them.", required=True),),
    ),
    Route(
        "POST",
        "/push-keys",
        "Make a key for provider tokens.",
        add_key,
        query=(),
        body=(
            String(
                "key_id",
                "Its id; made if absent.",
                pattern=_TEN,
                says=_TEN_SAYS,
                example="ABCDE12345",
            ),
            String(
                "team_id",
                "Its team; made if absent.",
                pattern=_TEN,
                says=_TEN_SAYS,
                example="ABCDE12345",
            ),
            String("environment", "What it is for; all if absent.", values=tuple(ENVIRONMENTS)),
            ORGANISATION_ROW,
        ),
        status=201,
    ),
    Route("DELETE", "/push-keys/{key}", "Revoke a key.", revoke_key, query=(), status=204),
)
