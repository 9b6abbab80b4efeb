"""The canary: the simulator knows every secret that it minted, so it can look for them.

None may stand in the journal or in anything that is written from it, in no
spelling: as it is, in base64 or base64url at any offset, in hexadecimal, in
UTF-16, percent-encoded, or with the escapes of JSON and XML.
"""

import base64
import sys
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from msgspec import Struct

_LEAST = 8
"""Shorter secrets stand anywhere by chance. As many bytes are a number of the type ``Q``."""


class CanaryHit(Struct, frozen=True):
    """A secret where none may be. It names the secret and does not hold it."""

    secret: str
    """Which: ``dep.access_secret of AT_…``."""
    spelling: str
    where: str


def spellings(secret: str) -> dict[str, bytes]:
    """Return *secret* in the spellings that are looked for, by name."""
    raw = secret.encode()
    found = {"raw": raw, "hex": raw.hex().encode(), "HEX": raw.hex().upper().encode()}
    for offset in range(3):
        # What stands before it in a larger text shifts the letters, and spoils the first and last.
        padded = base64.b64encode(b"\0" * offset + raw)
        start, end = -(-offset * 4 // 3), (offset + len(raw)) * 4 // 3
        core = padded[start:end]
        found[f"base64+{offset}"] = core
        found[f"base64url+{offset}"] = core.translate(bytes.maketrans(b"+/", b"-_"))
    found["url"] = quote(secret, safe="").encode()
    found["url-lower"] = quote(secret, safe="").lower().encode()
    found["utf-16-le"], found["utf-16-be"] = secret.encode("utf-16-le"), secret.encode("utf-16-be")
    found["json"] = "".join(f"\\u{byte:04x}" for byte in raw).encode()
    found["JSON"] = "".join(f"\\u{byte:04X}" for byte in raw).encode()
    found["json-slashes"] = secret.replace("/", "\\/").encode()
    found["xml-hex"] = "".join(f"&#x{byte:x};" for byte in raw).encode()
    found["xml-decimal"] = "".join(f"&#{byte};" for byte in raw).encode()
    found["url-every"] = "".join(f"%{byte:02X}" for byte in raw).encode()
    return {name: text for name, text in found.items() if name == "raw" or text != raw}


class Canary:
    """Look for secrets in whatever is handed over."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        """Take *secrets*, each by the name that it is called by if it is seen."""
        self._needles: dict[int, list[tuple[str, str, bytes]]] = {}
        """What is looked for, by its first bytes as a number: a look-up for each place in the
        data costs less than a search for each needle."""
        for name, secret in secrets.items():
            for spelling, needle in spellings(secret).items() if len(secret) >= _LEAST else ():
                start = int.from_bytes(needle[:_LEAST], sys.byteorder)
                self._needles.setdefault(start, []).append((name, spelling, needle))
        self.secrets = sum(len(secret) >= _LEAST for secret in secrets.values())

    def look(self, location: str, data: bytes) -> Iterator[CanaryHit]:
        """Yield each secret that stands in *data*, once per spelling."""
        whole, starts = memoryview(data), set[int]()
        for offset in range(_LEAST):
            end = len(data) - (len(data) - offset) % _LEAST
            starts.update(self._needles.keys() & whole[offset:end].cast("Q"))
        for start in starts:
            for name, spelling, needle in self._needles[start]:
                if needle in data:
                    yield CanaryHit(name, spelling, location)


def canary_lines(canary: Canary, places: int, hits: Iterable[CanaryHit]) -> Iterator[str]:
    """Yield the outcome in lines."""
    count = 0
    for count, one in enumerate(hits, 1):  # noqa: B007 (counted on purpose)
        yield f"canary: {one.secret} stands in {one.where} ({one.spelling})\n"
    state = f"{count} SEEN" if count else "none seen"
    yield f"canary: looked for {canary.secrets} secrets in {places} places: {state}\n"
