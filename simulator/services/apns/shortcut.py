"""The short way for pushes that nothing is wrong with, which are nearly all of them.

What the whole line found out of a set of header fields is remembered, so that
only what differs from push to push is looked at: the token, the payload, the
id and the time. A push is left to the whole line as soon as anything else is
to be said of it; what is answered, recorded and kept is the same either way.
"""

import re

from msgspec import Struct

from simulator.core.messages import Exchange, Headers, Request, Response, Tls
from simulator.core.settings import Settings
from simulator.core.state import State
from simulator.protocol.operations import Call
from simulator.protocol.wire import Decoded
from simulator.services.apns import accepted, connections, new_id, registry, topics
from simulator.services.apns.credentials import environment, validity

_KNOWN = 1024
"""Sets of header fields that are remembered: clients repeat them."""
_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_DATE = re.compile(r"[0-9]{1,15}")
_PLAIN = re.compile(r"[0-9A-Za-z-]+")
"""A magic that JSON writes as it is; Apple's is a UUID."""
_SHORTEST = 64
"""Digits of a token that is right whatever the settings say."""
_LONGEST = 200


class _Known(Struct, frozen=True):
    """What the whole line found out of a connection's certificate and a set of header fields."""

    organisation: str
    client: str
    topic: str
    rows: tuple[tuple[str, str, int], ...]
    """The entities on which that rests: kind, key and revision."""
    environment: str
    begins_ms: int
    ends_ms: int
    """While the certificate is valid."""
    streams: int | None
    """What the answer says of the limit of streams."""


class PushShortcut:
    """Answers the pushes that are like an earlier one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._is_open = settings.token_rate == 0
        self._known: dict[tuple[Headers, Tls | None], _Known] = {}

    def take(self, request: Request, root: State, now_ms: int) -> tuple[Exchange, Decoded] | None:
        """Answer *request*, or return None if the whole line has to look at it.

        *root* is the state seen from no organisation. Nothing is recorded yet,
        and with None nothing is written.
        """
        known, identifier, until = self._look_up(request)
        if known is None or not self._holds(known, request, root, now_ms):
            return None
        home, token = root.of(known.organisation), request.target.rpartition("/")[2]
        magic = _magic(home, token, known, now_ms)
        if magic is None or request.body not in (b'{"mdm":"%b"}' % magic, b'{"mdm": "%b"}' % magic):
            return None
        name = identifier or new_id(root, self._settings.seed)
        expires_ms = registry.expiry_ms(until, now_ms)
        payload, text = request.body.decode(), magic.decode()
        waiting = registry.Push(name, known.topic, payload, text, True, now_ms, expires_ms)
        registry.store(home, None, token, waiting)
        exchange = Exchange(
            now_ms,
            request,
            organisation=known.organisation,
            client=known.client,
            service="apns",
            operation="apns.push",
            route="POST /3/device/{token}",
        )
        headers = accepted(name, known.environment)
        exchange.response = Response(200, headers, wakes=token, streams=known.streams)
        return exchange, Decoded(request.body, {"mdm": text})

    def _holds(self, known: _Known, request: Request, root: State, now_ms: int) -> bool:
        """Tell whether what is *known* holds for *request* too, at this time."""
        peer = request.peer
        if peer.first or request.problem or request.http != "2" or request.method != "POST":
            return False
        if not known.begins_ms <= now_ms <= known.ends_ms:
            return False
        for kind, key, revision in known.rows:
            found = root.get(kind, key)
            if found is None or found.revision != revision:
                return False
        return not connections.is_news(root, known.client, peer.connection)

    def _look_up(self, request: Request) -> tuple[_Known | None, str, str]:
        """Return what is known of the header fields, and those that differ: id and expiration."""
        headers, tls = request.headers, request.peer.tls
        known = self._known.get((headers, tls))
        if known is not None:
            return known, "", ""
        rest, identifier, until = _without(headers)
        if rest is headers:
            return None, "", ""
        if identifier and not _ID.fullmatch(identifier):
            return None, "", ""
        if until and not _DATE.fullmatch(until):
            return None, "", ""
        return self._known.get((rest, tls)), identifier, until

    def learn(self, call: Call, response: Response) -> None:
        """Remember of a push that the whole line has accepted what holds for those like it."""
        request = call.request
        topic = call.principal.id
        if not self._is_open or call.exchange.session or not topic or "\n" in topic:
            return
        rows = [(topics.TOPIC, topic)]
        if not request.header("apns-topic"):
            rows.append((topics.ONLY, topics.TOPIC))
        der = request.peer.tls.client_certificate if request.peer.tls is not None else b""
        found = [(kind, key, call.state.of("").get(kind, key)) for kind, key in rows]
        begins_ms, ends_ms = validity(der)
        if len(self._known) >= _KNOWN:
            self._known.clear()
        self._known[_without(request.headers)[0], request.peer.tls] = _Known(
            call.exchange.organisation,
            call.exchange.client,
            topic,
            tuple((kind, key, one.revision) for kind, key, one in found if one is not None),
            environment(call),
            begins_ms,
            ends_ms,
            response.streams,
        )


def _without(headers: Headers) -> tuple[Headers, str, str]:
    """Return *headers* without the first apns-id and apns-expiration, and what those say."""
    identifier = until = ""
    rest = []
    for pair in headers:
        name, value = pair
        if name == "apns-id" and value and not identifier:
            identifier = value
        elif name == "apns-expiration" and value and not until:
            until = value
        else:
            rest.append(pair)
    return (tuple(rest) if len(rest) != len(headers) else headers), identifier, until


def _magic(home: State, token: str, known: _Known, now_ms: int) -> bytes | None:
    """Return the magic of an active device of its own, or None."""
    found = home.get(registry.TOKEN, token)
    if found is None:
        return None
    body = found.body
    if (
        body["state"] != "active"
        or body["topic"] != known.topic
        or body["shared"]
        or body["throttled_until_ms"] > now_ms
        or body["environment"] not in ("", known.environment)
        or not _SHORTEST <= len(token) <= _LONGEST
        or not _PLAIN.fullmatch(body["magic"])
    ):
        return None
    magic: str = body["magic"]
    return magic.encode()
