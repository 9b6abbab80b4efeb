"""Provider authentication tokens: the signed JWT that APNs takes instead of a certificate.

Apple documents ES256, ten characters of key and team id, and ``iat`` in whole
seconds. Clients in the field also send ``iat`` as a float or as a string of
digits, and sign in DER as Apple's own sample does; that is taken and noted.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.auth import jose

LIFETIME_S = 3600
"""How far ``iat`` may be from now: older is expired, further ahead is invalid."""

MISSING = "MissingProviderToken"
INVALID = "InvalidProviderToken"
EXPIRED = "ExpiredProviderToken"

Keys = Mapping[str, tuple[str, bytes]]
"""The signing keys that are known: key id to team id and public key, PEM."""

_ALGORITHM = "ES256"

_BEARER = re.compile(r"\s*bearer[ \t]+(\S+)\s*", re.IGNORECASE | re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,18}")
_LARGEST_S = 10**18


@dataclass(frozen=True, slots=True)
class ProviderToken:
    """What a JWT says, before anything about it is checked; what it lacks is empty.

    *issued_s* is ``iat`` in seconds since 1970, None when it is no number of
    seconds. *signed* is what the *signature* is over. *oddities* names what
    Apple documents otherwise: ``iat-float``, ``iat-string``, ``der-signature``, and
    `jose.DEFECTS`, which a JWT must not have.
    """

    key_id: str
    team_id: str
    issued_s: int | None
    algorithm: str
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    oddities: tuple[str, ...] = ()


def read(authorization: str) -> ProviderToken | None:
    """Return the token in the header *authorization*, None when it is not of the bearer scheme.

    Never raise: a token that is no JWT has nothing in it, and so is never valid.
    """
    found = _BEARER.fullmatch(authorization)
    if not found:
        return None
    jwt = jose.read(found[1])
    header, claims, signature = jwt.header, jwt.claims, jwt.signature
    issued_s, encoding = _issued(claims.get("iat"))
    der = len(signature) not in {0, 2 * jose.COORDINATE}
    return ProviderToken(
        key_id=_string(header.get("kid")),
        team_id=_string(claims.get("iss")),
        issued_s=issued_s,
        algorithm=_string(header.get("alg")),
        signed=jwt.signed,
        signature=signature,
        oddities=(
            *((encoding,) if encoding else ()),
            *(("der-signature",) if der else ()),
            *jwt.defects,
        ),
    )


def verifies(token: ProviderToken, public_key_pem: bytes) -> bool:
    """Tell whether *token* was signed by the key of *public_key_pem*.

    What is no P-256 public key verifies nothing.
    """
    return jose.verifies(token.signed, token.signature, public_key_pem)


def age_s(token: ProviderToken, now_ms: int) -> float | None:
    """Return how many seconds ago *token* was issued, negative when that is still to come.

    None when the token does not say.
    """
    return None if token.issued_s is None else now_ms / 1000 - token.issued_s


def validity(token: ProviderToken | None) -> tuple[int, ...]:
    """Return the moments at which `check` changes its mind: from when, and until when.

    Milliseconds since 1970, the second exclusive; none when the token does not say.
    """
    if token is None or token.issued_s is None:
        return ()
    lifetime_ms, issued_ms = LIFETIME_S * 1000, token.issued_s * 1000
    return issued_ms - lifetime_ms, issued_ms + lifetime_ms + 1


def check(token: ProviderToken | None, keys: Keys, now_ms: int) -> str:
    """Return APNs's reason to refuse *token*, what `read` gave, or ``""`` when it is good.

    *now_ms* is milliseconds since 1970.
    """
    if token is None:
        return MISSING
    return next((reason for reason, applies in _REFUSALS if applies(token, keys, now_ms)), "")


def _other_algorithm(token: ProviderToken, _keys: Keys, _now_ms: int) -> bool:
    return token.algorithm != _ALGORITHM


def _unknown_key(token: ProviderToken, keys: Keys, _now_ms: int) -> bool:
    return token.key_id not in keys


def _other_team(token: ProviderToken, keys: Keys, _now_ms: int) -> bool:
    return token.team_id != keys[token.key_id][0]


def _forged(token: ProviderToken, keys: Keys, _now_ms: int) -> bool:
    return not verifies(token, keys[token.key_id][1])


def _undated(token: ProviderToken, _keys: Keys, now_ms: int) -> bool:
    # Milliseconds taken for seconds are thousands of years ahead, so they end here.
    return (age := age_s(token, now_ms)) is None or age < -LIFETIME_S


def _old(token: ProviderToken, _keys: Keys, now_ms: int) -> bool:
    return (age := age_s(token, now_ms)) is not None and age > LIFETIME_S


_REFUSALS: tuple[tuple[str, Callable[[ProviderToken, Keys, int], bool]], ...] = (
    (INVALID, _other_algorithm),
    (INVALID, _unknown_key),
    (INVALID, _other_team),
    (INVALID, _forged),
    (INVALID, _undated),
    (EXPIRED, _old),
)
"""Why a token is refused, in the order of the checks: the later rely on the earlier."""


def _issued(iat: Any) -> tuple[int | None, str]:
    """Return the seconds that *iat* says, and the name of its encoding if that is an odd one."""
    match iat:
        case bool():
            return None, ""
        case int() if abs(iat) <= _LARGEST_S:
            return iat, ""
        case float() if math.isfinite(iat) and abs(iat) <= _LARGEST_S:
            return int(iat), "iat-float"
        case str() if _DIGITS.fullmatch(iat):
            return int(iat), "iat-string"
        case _:
            return None, ""


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""
