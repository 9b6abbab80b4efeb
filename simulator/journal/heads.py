"""Heads that are kept elsewhere: what they prove of a journal, and how they are signed.

The chain alone needs no key, so whoever computes it anew can write other exchanges into it.
A head, the hash of the chain up to one exchange, cannot be reached by another way: as long
as the chain goes through it, all exchanges up to it are those that were recorded. Only a
deletion comes between, as the link that goes on behind it is taken from the list of deletions.
"""

import base64
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

FORMAT = 1
_SIGNED = ("mdmsim_head", "exchange", "sha256", "at", "public_key")
LINK_DIGITS = 64


@dataclass(slots=True)
class _ExchangeRun:
    """Exchanges without a deletion between them."""

    first: int
    last: int
    proved: int = 0
    """Number of the newest exchange of a given head; 0: there is none."""


class GivenHeads:
    """Which exchanges of a chain the heads that were given prove, as the chain is looked at."""

    def __init__(self, links: Collection[bytes] = ()) -> None:
        """Look for the heads with *links*."""
        self._links = frozenset(links)
        self.met: dict[bytes, int] = {}
        """Link of each head that was found -> number of its exchange."""
        self._runs: list[_ExchangeRun] = []

    @property
    def are_given(self) -> bool:
        """Whether there is any head to look for."""
        return bool(self._links)

    def note(self, seq: int, link: bytes | None) -> None:
        """Note exchange *seq*, with its *link* if it fits the link before."""
        if not self._links:
            return
        if not self._runs or seq != self._runs[-1].last + 1:
            self._runs.append(_ExchangeRun(seq, seq))
        run = self._runs[-1]
        run.last = seq
        if link in self._links:
            self.met[link] = run.proved = seq

    def missing(self) -> list[bytes]:
        """Return the heads that the chain does not go through."""
        return sorted(self._links - self.met.keys())

    def unproved(self) -> Iterator[tuple[int, int]]:
        """Yield first and last number of what lies before the newest head and is not proved."""
        newest = max(self.met.values(), default=0)
        for run in self._runs:
            if run.last < newest and run.proved < run.last:
                yield max(run.proved + 1, run.first), run.last


def sign(key: Ed25519PrivateKey, exchange: int, link: bytes, at: str) -> str:
    """Return the head of a journal as one line of JSON, signed by *key*; *at* is a time stamp."""
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    values = (FORMAT, exchange, link.hex(), at, public)
    body = dict(zip(_SIGNED, values, strict=True))
    signature = base64.b64encode(key.sign(_bytes(body))).decode()
    return json.dumps(body | {"signature": signature}, separators=(",", ":"))


def read(text: str) -> list[bytes]:
    """Return the links that *text* names: one head in hex digits, or lines of `sign`.

    ValueError says what is wrong with it.
    """
    if _is_link(text.strip()):
        return [bytes.fromhex(text.strip())]
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise ValueError("holds no head")
    return [_read_line(number, line) for number, line in enumerate(lines, 1)]


def _read_line(number: int, line: str) -> bytes:
    try:
        document = json.loads(line)
        body = {name: document[name] for name in _SIGNED}
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(body["public_key"]))
        key.verify(base64.b64decode(document["signature"]), _bytes(body))
    except InvalidSignature:
        raise ValueError(f"line {number} is not what was signed") from None
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"line {number} is no signed head of mdmsim") from None
    if body["mdmsim_head"] != FORMAT or not _is_link(body["sha256"]):
        raise ValueError(f"line {number} is of another format")
    return bytes.fromhex(body["sha256"])


def _is_link(text: object) -> bool:
    if not isinstance(text, str) or len(text) != LINK_DIGITS or not text.isascii():
        return False
    return all(digit in "0123456789abcdefABCDEF" for digit in text)


def _bytes(body: dict[str, object]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
