"""Performs the steps of a device's flow: HTTP by aiohttp's client, waiting, making keys."""

import asyncio
import ssl
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from typing import Any, Self, TypeVar, assert_never
from urllib.parse import urlsplit

import aiohttp
from cryptography.hazmat.primitives.asymmetric import rsa
from msgspec import Struct
from msgspec.structs import replace
from yarl import URL

from simulator.core.clock import Clock
from simulator.core.timers import sleep_until
from simulator.devices.device import VirtualDevice
from simulator.devices.enrolment.check_in import MILESTONES
from simulator.devices.flow import (
    Apple,
    Compute,
    Flow,
    FlowResponse,
    NewKey,
    Pause,
    Save,
    Send,
    Step,
)
from simulator.devices.hosting.connections import (
    TIMEOUT_S,
    TooManyRedirectsError,
    make_context,
    why_unanswered,
)
from simulator.devices.hosting.hosted import Keeper
from simulator.devices.judging.exchanges import judge
from simulator.devices.plists import MAX_BYTES

T = TypeVar("T")
AGENT = "mdmsim-device/1"
CONNECTIONS = 100
"""Connections that all devices together have open."""
_MOST_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)
_WEB = ("", "http", "https")
_APPLE = ".apple.com"
_SIGN_IN = "sign-in"
"""The purpose of requests that are not kept: their URLs hold codes and tokens."""
_FETCHES = frozenset({"asset", "enrol", "manifest", "web"})
"""Purposes of what a device downloads."""
_SHARED_KEYS = 16
_CONTEXTS = 256
"""TLS contexts that are kept: each set of trusted certificates has one, and each client's."""
_SAME_LABELS = 2


class ControlAddress(Struct, frozen=True):
    """Where the simulator's control API is."""

    url: str
    token: str
    services: str = ""
    """Where Apple's hosts are, plain HTTP; empty: nowhere."""


class Performer:
    """Performs the steps of flows; an asynchronous context manager."""

    def __init__(
        self,
        control: ControlAddress,
        clock: Clock,
        keeper: Keeper,
        save: Callable[[VirtualDevice], Awaitable[None]],
    ) -> None:
        """Take where Apple is asked, the clock that waits go by, and who keeps what happens."""
        self._keeper = keeper
        self._save = save
        self._control = control
        self._clock = clock
        self._contexts: OrderedDict[tuple[Any, ...], ssl.SSLContext] = OrderedDict()
        self._keys: defaultdict[int, list[asyncio.Future[rsa.RSAPrivateKey]]] = defaultdict(list)
        self._turns: defaultdict[int, count[int]] = defaultdict(count)

    async def __aenter__(self) -> Self:
        """Open the pool of connections."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            headers={"User-Agent": AGENT},
            auto_decompress=True,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def run(self, flow: Flow[T], device: VirtualDevice) -> T:
        """Perform the steps of *flow* to its end, and return what it returns."""
        try:
            step = flow.send(None)
            while True:
                try:
                    result = await self._perform(step, device)
                except ValueError as error:  # of a computation
                    step = flow.throw(error)
                else:
                    step = flow.send(result)
        except StopIteration as end:
            value: T = end.value
            return value
        finally:
            flow.close()

    async def _perform(self, step: Step, device: VirtualDevice) -> Any:
        match step:
            case Send():
                received = await self._send(step, device)
                await self._record(device, step, received)
                return received
            case Apple():
                return await self._ask(step)
            case Pause():
                until_ms = self._clock.now_ms() + int(step.seconds * 1000)
                return await sleep_until(self._clock, until_ms)
            case Save():
                return await self._save(device)
            case NewKey():
                return await self._key(step)
            case Compute():
                return await asyncio.to_thread(step.work)
            case _:
                assert_never(step)

    async def _record(self, device: VirtualDevice, step: Send, received: FlowResponse) -> None:
        """Judge what the MDM answered, and have the exchange kept."""
        if step.purpose == _SIGN_IN or (urlsplit(step.url).hostname or "").endswith(_APPLE):
            return
        if step.purpose in MILESTONES:
            answer = f"status {received.status}" if received.status else received.problem
            device.happened(self._clock.now_ms(), "check-in", f"{step.purpose}: {answer}")
        findings = judge(device, step, received)
        for one in findings:
            about = f"{one.at or '/'}: {one.message}"
            device.happened(self._clock.now_ms(), "finding", about)
        await self._keeper.record(device, step, received, findings)

    async def _key(self, step: NewKey) -> rsa.RSAPrivateKey:
        """Make a key in a thread; of shared ones so many, also for devices that come at once."""
        make = partial(rsa.generate_private_key, 65537, step.bits)
        if not step.shared:
            return await asyncio.to_thread(make)
        pool, turn = self._keys[step.bits], next(self._turns[step.bits])
        if turn < _SHARED_KEYS:
            pool.append(asyncio.ensure_future(asyncio.to_thread(make)))
        return await asyncio.shield(pool[turn % _SHARED_KEYS])

    async def _ask(self, step: Apple) -> FlowResponse:
        """Ask the control API, which answers for Apple."""
        headers = {"Authorization": f"Bearer {self._control.token}"}
        content: dict[str, Any] = {"json": step.body}
        if isinstance(step.body, bytes):
            content = {"data": step.body}
        elif step.body is None:
            content = {}
        url = f"{self._control.url}/api/v1{step.path}"
        try:
            async with self._session.request(
                step.method, url, headers=headers, **content
            ) as answer:
                return await _received(answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return FlowResponse(problem=f"the simulator cannot be reached ({error})")

    async def _send(self, step: Send, device: VirtualDevice) -> FlowResponse:
        url = step.url
        if device.options.failed_fetches > 0 and step.purpose in _FETCHES:
            device.options.failed_fetches -= 1
            return FlowResponse(problem=f"{url} cannot be reached (option failed_fetches)")
        for origin, instead in device.options.origins.items():
            if url == origin or url.startswith(f"{origin}/"):
                url = instead + url[len(origin) :]
        if url == step.url and (host := urlsplit(url).hostname or "").endswith(_APPLE):
            url = url.replace(f"https://{host}", self._control.services, 1)
            step = replace(step, headers={**step.headers, "Host": host})
        try:
            # Encoded as it is: the MDM signs its URLs, or sends base64 in them.
            target = URL(url, encoded=True)
            if not step.redirects:
                async with await self._request(self._session, step, target, device) as answer:
                    return await _received(answer)
            async with self._followed(step, target, device) as answer:
                if step.purpose == "web" and not _is_same_site(target, answer.url):
                    problem = f"the web page left the site of {target.host} for {answer.url.host}"
                    return FlowResponse(problem=problem)
                return await _received(answer)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return FlowResponse(problem=why_unanswered(error, url))

    @asynccontextmanager
    async def _followed(
        self, step: Send, url: URL, device: VirtualDevice
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send the request and follow redirects, in a session with cookies."""
        async with aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar()
            if device.options.forgets_cookies
            else aiohttp.CookieJar(unsafe=True),  # servers under test have no names
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            headers={"User-Agent": AGENT},
        ) as session:
            for _ in range(_MOST_REDIRECTS):
                async with await self._request(session, step, url, device) as answer:
                    where = answer.headers.get("Location")
                    if (
                        answer.status not in _REDIRECTS
                        or where is None
                        or URL(where).scheme not in _WEB  # a device's own, at the end of a sign-in
                    ):
                        yield answer
                        return
                    url = url.join(URL(where))
                # What the device says of itself goes with the first request only.
                step = Send(method="GET", url=str(url), purpose=step.purpose, roots=step.roots)
        raise TooManyRedirectsError

    async def _request(
        self, session: aiohttp.ClientSession, step: Send, url: URL, device: VirtualDevice
    ) -> aiohttp.ClientResponse:
        tls = await self._context(step, device) if url.scheme == "https" else True
        return await session.request(
            step.method,
            url,
            headers=dict(step.headers),
            data=step.body or None,
            allow_redirects=False,
            ssl=tls,
        )

    async def _context(self, step: Send, device: VirtualDevice) -> ssl.SSLContext:
        """Return the TLS context of who is trusted, and of the client certificate, if any."""
        key = (step.roots, device.options.trust, step.identity)
        if key in self._contexts:
            self._contexts.move_to_end(key)
            return self._contexts[key]
        context = await asyncio.to_thread(
            make_context, step.roots, device.options.trust, step.identity
        )
        self._contexts[key] = context
        if len(self._contexts) > _CONTEXTS:
            self._contexts.popitem(last=False)
        return context


def _is_same_site(start: URL, end: URL) -> bool:
    """Tell whether both hosts share their last two labels, as a web view has to (AD)."""
    first, last = (str(one.host).split(".")[-_SAME_LABELS:] for one in (start, end))
    return first == last


async def _received(answer: aiohttp.ClientResponse) -> FlowResponse:
    """Read a response, up to what a device reads."""
    content = bytearray()
    async for piece in answer.content.iter_any():
        content += piece
        if len(content) > MAX_BYTES:
            answer.close()
            return FlowResponse(problem=f"the response has over {MAX_BYTES // 2**20} MB")
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return FlowResponse(answer.status, headers, bytes(content), url=str(answer.url))
