"""OAuth 1.0a signatures (RFC 5849 section 3.4), as DEP's ``GET /session`` wants them."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, urlsplit

Pairs = Iterable[tuple[str, str]]
_UNSIGNED = ("realm", "oauth_signature")


def encode(text: str) -> str:
    """Percent-encode *text* as RFC 5849 section 3.6 says."""
    return quote(text, safe="-._~")


def base_string(method: str, url: str, parameters: Pairs) -> str:
    """Return the signature base string; ``realm`` and ``oauth_signature`` are no part of it."""
    signed = sorted(
        (encode(name), encode(value)) for name, value in parameters if name not in _UNSIGNED
    )
    joined = "&".join(f"{name}={value}" for name, value in signed)
    return f"{method.upper()}&{encode(url)}&{encode(joined)}"


def sign(
    method: str, url: str, parameters: Pairs, *, consumer_secret: str, token_secret: str
) -> str:
    """Return the HMAC-SHA1 signature, base64."""
    key = f"{encode(consumer_secret)}&{encode(token_secret)}".encode()
    base = base_string(method, url, parameters).encode()
    return base64.b64encode(hmac.digest(key, base, hashlib.sha1)).decode()


def authorization(
    method: str, url: str, token: Mapping[str, str], *, now_s: int, nonce: str
) -> str:
    """Return the Authorization header of a signed request; *token* is a server token."""
    values = {
        "oauth_consumer_key": token["consumer_key"],
        "oauth_token": token["access_token"],
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(now_s),
        "oauth_nonce": nonce,
        "oauth_version": "1.0",
    }
    values["oauth_signature"] = sign(
        method,
        url,
        values.items(),
        consumer_secret=token["consumer_secret"],
        token_secret=token["access_secret"],
    )
    pairs = (f'{name}="{encode(value)}"' for name, value in values.items())
    return f"OAuth {', '.join(pairs)}"


def urls(scheme: str, host: str, path: str, forwarded: Pairs = ()) -> Iterator[str]:
    """Yield the URLs that the client may have signed, likeliest first.

    *scheme* is the listener's, *host* the Host header. A TLS terminator in
    front shows itself in *forwarded*: ``x-forwarded-proto`` and
    ``x-forwarded-host``. RFC 5849 leaves a default port out; some clients sign
    the URL as it was configured, so both forms are tried.
    """
    told = dict(forwarded)
    schemes = dict.fromkeys((told.get("x-forwarded-proto", scheme), scheme))
    hosts = dict.fromkeys((host, told.get("x-forwarded-host", host)))
    seen: dict[str, None] = {}
    for one in schemes:
        for name in hosts:
            bare = name.lower()
            default = {"https": ":443", "http": ":80"}.get(one, "")
            short = bare.removesuffix(default) if default else bare
            port = urlsplit(f"//{short}").netloc.rpartition("]")[2].partition(":")[1]
            longer = f"{short}{default}" if not port else short
            for authority in (short, name, longer):
                seen[f"{one}://{authority}{path}"] = None
    yield from seen


def verifies(
    signature: str,
    method: str,
    candidates: Iterable[str],
    parameters: Pairs,
    *,
    consumer_secret: str,
    token_secret: str,
) -> bool:
    """Tell whether *signature* is right for one of the *candidates*, compared in constant time."""
    pairs = list(parameters)
    good = False
    for url in candidates:
        expected = sign(
            method, url, pairs, consumer_secret=consumer_secret, token_secret=token_secret
        )
        good |= hmac.compare_digest(expected.encode(), signature.encode())
    return good
