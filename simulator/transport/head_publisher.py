"""The worker that writes the journal's signed head to a place elsewhere, at an interval.

Elsewhere is a file that others keep, or a URL that takes one line of JSON by POST. What
cannot be written is tried again the next time; the head grows, so nothing is missed.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from simulator import __version__
from simulator.core.settings import ConfigurationError
from simulator.journal import heads
from simulator.store.errors import StoreError
from simulator.store.protocols import Journal

LOG = logging.getLogger("mdmsim")
TIMEOUT_S = 5.0
_GOOD = range(200, 300)


class HeadPublisher:
    """Writes each head once."""

    def __init__(
        self,
        target: str,
        every_s: int,
        journal: Journal,
        key: Ed25519PrivateKey,
        now: Callable[[], datetime],
    ) -> None:
        """Write to *target*, a path or an HTTP URL, each *every_s* seconds of the wall clock.

        ConfigurationError if it is a URL of another sort, or of no host.
        """
        if "://" in target and not _is_http(target):
            raise ConfigurationError(
                f"--publish-head: {target!r} is no URL such as https://HOST/heads, and no file"
            )
        self._target = target
        self._every_s = every_s
        self._journal = journal
        self._key = key
        self._now = now
        self._published = 0
        self._failing = False

    async def run(self) -> None:
        """Publish until it is cancelled, and then a last time."""
        try:
            while True:
                await self.publish()
                await asyncio.sleep(self._every_s)
        finally:
            await self.publish()

    async def publish(self) -> None:
        """Publish the head if it is new; a failure is logged where a spell of them begins."""
        try:
            head = await asyncio.to_thread(self._journal.head)
            if head is None or head.seq == self._published:
                return
            at = self._now().isoformat(timespec="seconds").replace("+00:00", "Z")
            await self._write(heads.sign(self._key, head.seq, head.link, at))
        except (StoreError, OSError, aiohttp.ClientError, TimeoutError) as error:
            if not self._failing:
                LOG.warning("the journal's head cannot be published to %s: %s", self._place, error)
            self._failing = True
        else:
            self._published, self._failing = head.seq, False

    @property
    def _place(self) -> str:
        """The target without what may be a secret in a URL."""
        return self._target.partition("?")[0].rpartition("@")[2]

    async def _write(self, line: str) -> None:
        if not self._target.startswith(("http://", "https://")):
            await asyncio.to_thread(_append, Path(self._target), line)
            return
        headers = {"Content-Type": "application/json", "User-Agent": f"mdmsim/{__version__}"}
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(
                self._target, data=line.encode(), headers=headers, allow_redirects=False
            ) as response,
        ):
            if response.status not in _GOOD:
                raise OSError(f"it returns {response.status}")


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _append(path: Path, line: str) -> None:
    with path.open("a", encoding="ascii") as file:
        file.write(f"{line}\n")
