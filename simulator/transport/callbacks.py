"""Calls to the outside: what Apple sends to an MDM server, to addresses that were allowed only.

A name is resolved once, and the connection goes to an address that was
checked; redirects are not followed, and nothing of the environment (proxies,
credentials) is used.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from simulator import __version__
from simulator.core.settings import ConfigurationError, Settings
from simulator.protocol.operations import OutboundCall

TIMEOUT_S = 5.0
_LOOPBACK = ("127.0.0.0/8", "::1/128")
_ANY = "any"
_OK, _REDIRECT = 200, 300
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Allowed:
    """Which addresses may be called: this machine's own, and the rows given."""

    def __init__(self, rows: Sequence[str]) -> None:
        """Read *rows*; ConfigurationError says which is no network."""
        self.any = _ANY in rows
        self.names: set[str] = set()
        self.networks: list[Network] = [ipaddress.ip_network(row) for row in _LOOPBACK]
        for row in rows:
            if row != _ANY:
                self._read(row)

    def _read(self, row: str) -> None:
        try:
            self.networks.append(ipaddress.ip_network(row))
        except ValueError:
            if "/" in row or ":" in row:
                raise ConfigurationError(
                    f"--callback-allow {row}: is no network: write 10.0.0.0/8, an address, a "
                    "host name, or any"
                ) from None
            self.names.add(row.lower())

    def name(self, host: str) -> bool:
        """Tell whether *host* may be called whatever address it has."""
        return self.any or host.lower() in self.names

    def address(self, text: str) -> bool:
        """Tell whether an address may be called."""
        address: ipaddress.IPv4Address | ipaddress.IPv6Address
        address = ipaddress.ip_address(text.partition("%")[0])
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return self.any or any(address in network for network in self.networks)


class _Resolver(AbstractResolver):
    """Resolves names to the addresses that are allowed."""

    def __init__(self, allowed: Allowed) -> None:
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the allowed addresses of *host*; OSError if there is none."""
        loop = asyncio.get_running_loop()
        rows = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        found = [(kind, str(place[0])) for kind, _, _, _, place in rows]
        kept = [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=kind,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for kind, address in found
            if self._allowed.name(host) or self._allowed.address(address)
        ]
        if not kept:
            raise OSError(_NOT_ALLOWED)
        return kept

    async def close(self) -> None:
        """Do nothing: there is nothing to close."""


_NOT_ALLOWED = "the address is not allowed: name it with --callback-allow"


class Callbacks:
    """Sends what is to be sent: an asynchronous context manager around its connections."""

    def __init__(self, settings: Settings) -> None:
        """Take ``callback_allow`` and ``callback_verify`` of the settings."""
        self._allowed = Allowed(settings.callback_allow)
        self._verify = settings.callback_verify == "yes"
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            resolver=_Resolver(self._allowed), ssl=self._verify, use_dns_cache=False
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            headers={"User-Agent": f"mdmsim/{__version__}"},
            auto_decompress=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, call: OutboundCall) -> str:
        """POST *call*; return an empty text if it got a 2xx, else what went wrong."""
        if self._session is None:
            raise RuntimeError("the callbacks are not open")
        headers = {"Authorization": f"Bearer {call.token}", "Content-Type": "application/json"}
        try:
            url = URL(call.url)
            if not self._literal_is_allowed(url):
                return _NOT_ALLOWED
            async with self._session.post(
                url, data=call.body, headers=headers, allow_redirects=False
            ) as answer:
                if _OK <= answer.status < _REDIRECT:
                    return ""
                return f"answered {answer.status}, and only a 2xx counts"
        except TimeoutError:
            return f"did not answer within {TIMEOUT_S:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
            if _NOT_ALLOWED in str(cause):
                return _NOT_ALLOWED
            return f"could not be reached ({type(error).__name__})"

    def _literal_is_allowed(self, url: URL) -> bool:
        """Tell whether a URL with an address for a host may be called; names are for later.

        The host is read as it will be called: what looks like a name, with the
        digits of another script, can still become an address.
        """
        try:
            return self._allowed.address(url.host or "")
        except ValueError:
            return True
