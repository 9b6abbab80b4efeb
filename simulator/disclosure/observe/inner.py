"""Inner values: what can be read inside a secret.

A content token is base64 of JSON with the organisation's name beside the
secret proper, a provider token is signed, not encrypted. The secret is sealed
as a whole, but what it carries is disclosed too: it is kept with the marker, in
the form that `pack` gives.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from msgspec import Struct

from simulator.disclosure.concepts import PROTOCOL
from simulator.protocol.wire import pairs_of, parse_json

_SEGMENTS = 3
"""Header, claims and signature of a JSON web token."""


class Inner(Struct, frozen=True):
    """One value inside a secret."""

    at: str
    """JSON pointer."""
    generic: str
    """The same with ``*`` for indices."""
    value: Any

    @property
    def key(self) -> str:
        """The key that it stands under."""
        return self.at.rpartition("/")[2].replace("~1", "/").replace("~0", "~")

    @property
    def nested(self) -> bool:
        """Whether it stands deeper than the keys that are documented."""
        return self.at.count("/") > 1


class Carrier(Struct, frozen=True):
    """How to read one kind of secret."""

    via: str
    """Name of the decoder."""
    read: Callable[[str], list[dict[str, Any]]]
    """Returns the objects inside; ValueError if it is none of its kind."""
    concepts: Mapping[str, str]
    """Concept by documented key, in the order of their records; other keys follow."""
    core: str = ""
    """Key of the secret proper, which is the whole's value and no record of its own."""


def _base64_json(value: str) -> list[dict[str, Any]]:
    tree = parse_json(_unbase64(unquote(value.strip())))  # cookies may be escaped
    return [tree] if isinstance(tree, dict) else []


def _jwt(value: str) -> list[dict[str, Any]]:
    segments = value.strip().split(".")
    if len(segments) != _SEGMENTS:
        raise ValueError("a JSON web token has three segments")
    trees = [parse_json(_unbase64(segment)) for segment in segments[:-1]]
    return [tree for tree in trees if isinstance(tree, dict)]


def _unbase64(text: str) -> bytes:
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


_CLAIMS = {
    "kid": "push.key_id",
    "iss": "push.team_id",
    "iat": PROTOCOL,
    "alg": PROTOCOL,
    "typ": PROTOCOL,
}
"""Key and team of a developer are the same whatever the token is for."""
CARRIERS: Mapping[str, Carrier] = {
    "vpp.content_token": Carrier(
        "base64-json",
        _base64_json,
        {"orgName": "org.name", "expDate": "vpp.content_token.expiry"},
        core="token",
    ),
    "push.provider_token": Carrier("jwt", _jwt, _CLAIMS),
    "axm.client_assertion": Carrier(
        "jwt",
        _jwt,
        {
            "kid": "axm.key_id",
            "iss": "axm.client_id",
            "sub": "axm.client_id",
            **dict.fromkeys(("aud", "iat", "exp", "jti", "alg", "typ"), PROTOCOL),
        },
    ),
    "vpp.developer_token": Carrier("jwt", _jwt, {**_CLAIMS, "exp": PROTOCOL}),
}
"""By the concept of the secret."""


def look_inside(concept: str, value: str) -> tuple[tuple[Inner, ...], tuple[str, ...]]:
    """Return what stands inside a secret, and the texts that are as secret as the whole.

    Both are empty if it cannot be read. *concept* is one of `CARRIERS`. The
    same token comes with many requests, so the latest results are kept, of short ones.
    """
    return (_known_inside if len(value) <= _SHORT else _look_inside)(concept, value)


def _look_inside(concept: str, value: str) -> tuple[tuple[Inner, ...], tuple[str, ...]]:
    carrier = CARRIERS[concept]
    try:
        trees = carrier.read(value)
    except ValueError:
        return (), ()
    pairs = [pair for tree in trees for pair in pairs_of(tree)]
    order = list(carrier.concepts)
    shown = [pair for pair in pairs if pair[0] != carrier.core]
    shown.sort(key=lambda pair: order.index(pair[0]) if pair[0] in order else len(order))
    hidden = [value for key, value in pairs if key == carrier.core]
    secrets = [one.value for value in hidden for one in _values(value, "", "")]
    return (
        tuple(one for key, value in shown for one in _values(value, step(key), step(key))),
        tuple(text for text in secrets if isinstance(text, str)),
    )


_SHORT = 4096
"""Characters of a secret, or of what stands inside one, that is kept with its result."""
_known_inside = lru_cache(maxsize=256)(_look_inside)


def step(key: str) -> str:
    """Return *key* as a step of a JSON pointer."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _values(node: Any, at: str, generic: str) -> Iterator[Inner]:
    if isinstance(node, dict) and node:
        for key, value in pairs_of(node):
            yield from _values(value, at + step(key), generic + step(key))
    elif isinstance(node, list) and node:
        for index, value in enumerate(node):
            yield from _values(value, f"{at}/{index}", f"{generic}/*")
    else:
        yield Inner(at, generic, node)


def pack(values: Iterable[Inner]) -> str:
    """Write inner values as text that stands unchanged in JSON, headers, paths and queries."""
    rows = [(one.at, one.generic, one.value) for one in values]
    written = json.dumps(rows, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(written).decode().rstrip("=") if rows else ""


def unpack(text: str) -> tuple[Inner, ...]:
    """Read what `pack` wrote."""
    return (_known_packed if len(text) <= _SHORT else _unpack)(text)


def _unpack(text: str) -> tuple[Inner, ...]:
    return tuple(Inner(*row) for row in json.loads(_unbase64(text))) if text else ()


_known_packed = lru_cache(maxsize=256)(_unpack)
