"""The composition root: the only module that knows which concrete parts make a simulator.

Longer than 300 lines: it knows all parts, so that no other module has to.
"""

import asyncio
import os
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Self
from urllib.parse import urlsplit

from simulator import __version__, body_process, services
from simulator.console.port import open_control_port
from simulator.control.api import clock
from simulator.control.device_host import DeviceHost, device_authority
from simulator.control.parts import Parts
from simulator.core import ready_file
from simulator.core.clock import Clock
from simulator.core.data_directory import (
    Directory,
    Keys,
    evidence_key_of,
    secret_lines,
    signed,
)
from simulator.core.settings import ConfigurationError, Settings
from simulator.core.state import State, StoreAdmin
from simulator.disclosure.judge.manifest import load_manifest
from simulator.disclosure.observe.observation import Observer
from simulator.disclosure.observe.values import Fingerprinter
from simulator.disclosure.redact.guard import SecretGuard
from simulator.engine.body_reader import BodyLanes, BodyReader
from simulator.engine.engine import Engine
from simulator.engine.gateway import Gateway
from simulator.engine.replica import Replica
from simulator.faults import faults
from simulator.pki.authorities import Authorities
from simulator.pki.push import PushAuthority
from simulator.protocol import quirks
from simulator.services.identity import provisioning as portal_of_push_certificates
from simulator.services.provisioning import Held, Making
from simulator.store.errors import StoreError
from simulator.store.opening import (
    Place,
    check_clock,
    copied,
    named,
    open_store,
    shared_files,
    starting,
)
from simulator.store.protocols import Journal, Store
from simulator.store.shared_files import SharedFiles, sharing
from simulator.transport.callbacks import Callbacks
from simulator.transport.head_publisher import HeadPublisher
from simulator.transport.outbox import OutboxWorker
from simulator.transport.ports import make_certificates, open_ports
from simulator.worlds import credentials
from simulator.worlds.cache import found_cache
from simulator.worlds.issued import IssuedCredentials
from simulator.worlds.loading import chosen_world, generate_secret, is_empty, load_steps
from simulator.worlds.seeding import timeless_steps

Advance = Callable[[int], None]
Bar = Callable[[str, int], AbstractContextManager[Advance]]
"""What shows progress: it takes a title and a total, and is told of each part that is done."""


class Simulator:
    """A running simulator: an asynchronous context manager around all its parts."""

    def __init__(
        self, settings: Settings, bar: Bar | None = None, further: Sequence[ModuleType] = ()
    ) -> None:
        """Take the settings; *bar* shows how far the loading of a world has got.

        *further* are packages of services beside those that ship.
        """
        self.settings = settings
        self._further = tuple(further)
        self._bar = bar or (lambda _about, _total: nullcontext(_unseen))
        self.clock = Clock()
        self.ready: dict[str, Any] = {}
        """What ``ready.json`` holds, once it runs."""
        self._stack = AsyncExitStack()
        self._path = Path()
        self._shared: SharedFiles | None = None
        self._devices: DeviceHost | None = None

    async def __aenter__(self) -> Self:
        """Start everything; ConfigurationError says what keeps it from starting."""
        try:
            async with AsyncExitStack() as stack:
                await self._start(stack)
                self._stack = stack.pop_all()
        except StoreError as error:
            raise ConfigurationError(self._unusable(str(error), error.advice)) from error
        except OSError as error:
            why = f"{error.strerror}: {error.filename}" if error.filename else f"{error.strerror}"
            raise ConfigurationError(self._unusable(why, "make room on its disk")) from error
        return self

    def _unusable(self, why: str, advice: str) -> str:
        settings = self.settings
        where = "the store" if settings.store else f"the data directory {settings.data}"
        return f"{where} cannot be used ({why}): {advice}"

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Take no more connections, answer what is in flight, commit and close, within 5 s."""
        await self._stack.aclose()

    async def drain(self) -> None:
        """Go on for ``drain_s`` seconds in which /readyz has clients sent elsewhere."""
        if self.settings.drain_s:
            self.gateway.leaving = True
            await asyncio.sleep(self.settings.drain_s)

    @property
    def control_token(self) -> str:
        """The bearer token of the control API."""
        return str(self.ready["control_token"])

    @property
    def urls(self) -> tuple[str, ...]:
        """Where the services are: HTTPS, then HTTP."""
        http = self.ready["http"]
        return (*self.ready["tls"], *([http] if http else []))

    async def _start(self, stack: AsyncExitStack) -> None:
        settings = self.settings
        directory = await asyncio.to_thread(
            partial(
                Directory,
                settings.data,
                shared=bool(settings.store),
                keyless=bool(settings.store_key),
            )
        )
        stack.push_async_callback(asyncio.to_thread, directory.release)
        place = settings.store or directory.database
        # What the first replica makes, such as keys and the world, the others find.
        alone = starting(place)
        await asyncio.to_thread(alone.__enter__)
        try:
            await self._start_alone(directory, place, stack)
        finally:
            await asyncio.to_thread(alone.__exit__, None, None, None)
        await self._resume_devices(stack)

    async def _start_alone(self, directory: Directory, place: Place, stack: AsyncExitStack) -> None:
        """Start everything but the simulated devices, while no other replica starts."""
        settings = self.settings
        self._shared = await asyncio.to_thread(
            _fetched, settings, directory.path, self.clock.now_ms
        )
        keys = await asyncio.to_thread(directory.keys, settings.fingerprint_key)
        now = _wall_clock()
        authority = await asyncio.to_thread(directory.authority, _sans(settings), now)
        if settings.public_dir:
            await asyncio.to_thread(directory.publish, settings.public_dir)
        self.catalogue = await asyncio.to_thread(services.load, *self._further)
        self.provisionings = await asyncio.to_thread(services.provisionings, *self._further)
        fingerprinter = Fingerprinter(keys.fingerprint)
        observer = Observer(self.catalogue, fingerprinter)
        known, names = self.catalogue.services.values(), self.catalogue.long_names
        guard = SecretGuard(known, fingerprinter, names)
        self._guard = guard
        manifest = await asyncio.to_thread(load_manifest, settings.manifest)
        store = await asyncio.to_thread(
            partial(
                open_store,
                place,
                fsync=settings.synchronous == "full",
                keep=settings.journal_keep,
                guard=guard,
                mark=keys.mark(authority.certificate_pem),
                index_texts=settings.text_search == "index",
            )
        )
        stack.push_async_callback(asyncio.to_thread, store.close)
        journal = await asyncio.to_thread(store.journal)
        stack.push_async_callback(asyncio.to_thread, journal.close)
        push_authority = await asyncio.to_thread(credentials.push_authority, directory.path, now)
        authorities = await asyncio.to_thread(
            _authorities, settings, directory.path, push_authority, now, self._shared
        )
        await asyncio.to_thread(_show_secrets, keys, directory.path, guard)
        engine = Engine(self.catalogue, settings, keys.secret, observer, authorities)
        callbacks = await stack.enter_async_context(Callbacks(settings))
        replica = None if store.peers is None else Replica(store.peers, self.clock)
        further = tuple(one.__name__ for one in self._further)
        reader = partial(BodyReader, body_process.MODULE, (settings, keys.fingerprint, further))
        self.gateway = Gateway(
            store,
            engine,
            self.clock,
            callbacks.post,
            preparer=BodyLanes(*(reader(guard.look_through) for _ in range(2))),
            serve_unjournalled=settings.unrecorded == "serve",
            replica=replica,
        )
        self.gateway.start()
        stack.push_async_callback(self.gateway.close)
        await self._publish_heads(directory, journal, stack)
        if (setting := await self.gateway.run(clock.restore)) is not None:
            self.clock.resume(*setting)
        await self._seed(store)
        self._issued = IssuedCredentials(
            directory.path,
            Making(now=now, push_authority=push_authority),
            settings.credential_files,
            partial(sharing, self._shared, directory.path),
        )
        organisations = await self._describe()
        await self.gateway.run(_set_baseline)
        parts = Parts(
            settings=settings,
            catalogue=self.catalogue,
            provisionings=self.provisionings,
            gateway=self.gateway,
            bodies=reader(),
            clock=self.clock,
            journal=journal,
            observer=observer,
            manifest=manifest,
            random_hex=generate_secret,
            push_authority=push_authority,
            authorities=authorities,
            token=keys.control_token,
            key_id=fingerprinter.key_id,
            sign=partial(signed, directory.path),
            renew=self._describe,
            hand_out=self._hand_out,
        )
        self._devices = await open_control_port(
            parts, directory.path, lambda: self.ready, _wall_clock, stack
        )
        # A CA that is kept covers the names that it was made for, and no others.
        hosts = [one for one in services.hosts(self.catalogue) if authority.covers(one)]
        push_ca = push_authority.certificate_pem
        certificates = await asyncio.to_thread(
            make_certificates, settings, authority, push_ca, hosts, now
        )
        tls, http, proxy = await open_ports(
            self.gateway,
            self.clock,
            settings,
            (*hosts, *authority.names),
            certificates,
            stack,
            0 if store.peers is None else store.peers.number,
        )
        self._run_outbox(callbacks, replica, stack)
        self.ready = {
            "version": __version__,
            "pid": os.getpid(),
            "tls": _public("https", settings) or tls,
            "http": next(iter(_public("http", settings)), http),
            "control": None if self._devices is None else self._devices.url,
            "proxy": proxy,
            "control_token": keys.control_token,
            "ca": str(directory.path / "ca.pem"),
            "journal": await asyncio.to_thread(named, place),
            "organisations": organisations,
        }
        self._path = Path(settings.ready_file or directory.path / ready_file.NAME)
        path = self._path
        await asyncio.to_thread(ready_file.write, path, self.ready)
        stack.push_async_callback(asyncio.to_thread, ready_file.remove, path, self.ready)

    def _run_outbox(
        self, callbacks: Callbacks, replica: Replica | None, stack: AsyncExitStack
    ) -> None:
        """Send from now on what the services have to say by themselves."""
        notifier = self.gateway.notifier
        if replica is not None:
            replica.listen(notifier)
            stack.push_async_callback(asyncio.to_thread, replica.close)
            following = replica.follow_clock(notifier, self.gateway.catch_up)
            stack.push_async_callback(_ended, asyncio.ensure_future(following))
        outboxes = [one.outbox for one in self.provisionings if one.outbox is not None]
        works = [one.work for one in self.provisionings if one.work is not None]
        worker = OutboxWorker(outboxes, self.gateway, self.clock, callbacks, works)
        stack.push_async_callback(_ended, asyncio.ensure_future(worker.run()))

    async def _publish_heads(
        self, directory: Directory, journal: Journal, stack: AsyncExitStack
    ) -> None:
        """Write the journal's head elsewhere from now on, if that is wanted."""
        settings = self.settings
        if settings.publish_head:
            key = await asyncio.to_thread(directory.evidence_key)
            publisher = HeadPublisher(
                settings.publish_head, settings.publish_head_s, journal, key, _wall_clock
            )
            stack.push_async_callback(_ended, asyncio.ensure_future(publisher.run()))

    async def _resume_devices(self, stack: AsyncExitStack) -> None:
        """Let the simulated devices go on, now that all ports are open."""
        if self._devices is not None:
            self._devices.services = self.ready["http"] or ""
            if self.settings.store:
                following = asyncio.ensure_future(self._devices.follow())
                stack.push_async_callback(_ended, following)
            else:
                await self._devices.resume()

    async def _describe(self, changed: Collection[str] | None = None) -> list[dict[str, Any]]:
        """Make what organisations need beside the state, all or those that *changed*.

        Return all of them with their credentials.
        """
        issued = self._issued

        def work(state: State) -> dict[str, credentials.HeldByList]:
            faults.prepare(state)
            quirks.prepare(state)
            if changed is None:
                credentials.complete(self.provisionings, state, self.settings.seed)
            return credentials.holders(self.provisionings, state, changed)

        held = await self.gateway.run(work)
        if due := await asyncio.to_thread(partial(issued.due, held, is_all=changed is None)):
            with self._bar("making keys and certificates", len(due)) as advance:
                await self._make_files(due, advance)
        is_new = await asyncio.to_thread(partial(issued.take, held, is_all=changed is None))
        certificates = await asyncio.to_thread(
            credentials.push_certificates,
            [one for one in issued.organisations if one["id"] in held],
        )
        await self.gateway.run(partial(_register, certificates, self.clock.now_ms()))
        if self.ready and is_new:
            self.ready["organisations"] = issued.organisations
            await asyncio.to_thread(ready_file.write, self._path, self.ready)
        return issued.organisations

    async def _make_files(self, holders: Sequence[Held], advance: Advance) -> None:
        for line in await asyncio.to_thread(self._issued.make, holders, advance):
            self._guard.add("net.private_key", line)

    async def _hand_out(self, organisation: str, held: Held) -> dict[str, Any]:
        """Make the files of a holder that are missing; return its entry of ``ready.json``."""
        if await asyncio.to_thread(self._issued.is_due, held):
            await self._make_files([held], _unseen)
            await self._describe([organisation])
        return await asyncio.to_thread(credentials.entry, self._issued.path, held)

    async def _seed(self, store: Store) -> None:
        """Load the world of the settings into an empty database."""
        if not await self.gateway.run(is_empty):
            return
        world = await asyncio.to_thread(chosen_world, self.settings, self.provisionings)
        seed, now_ms = self.settings.seed, self.clock.now_ms()
        cached = await asyncio.to_thread(found_cache, self.settings, world, copied(store))
        loading = load_steps(
            world, seed, now_ms, provisionings=self.provisionings, timeless=cached is None
        )
        with self._bar(f"loading the world {world.name}", world.size()) as advance:
            if cached is not None and await asyncio.to_thread(cached.read):
                advance(cached.devices)
            elif cached is not None:
                for piece in timeless_steps(world, seed):
                    advance(await self.gateway.load(piece))
                await asyncio.to_thread(cached.write)
            for piece in loading:
                advance(await self.gateway.load(piece))


def _public(scheme: str, settings: Settings) -> list[str]:
    """Return where clients reach the services by *scheme*, if that was said."""
    return [url.rstrip("/") for url in settings.public_url if url.startswith(f"{scheme}://")]


def _sans(settings: Settings) -> list[str]:
    """Return the names that the CA has to sign for."""
    names = list(settings.san)
    for url in settings.public_url:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigurationError(f"--public-url: {url!r} is no URL such as https://HOST:8443")
        names.append(parts.hostname)
    return list(dict.fromkeys(names))


def _unseen(_done: int) -> None:
    """Show nothing."""


def _register(issued: list[tuple[str, str, bytes]], now_ms: int, state: State) -> None:
    """Let the portal know the certificates that the world came with."""
    for organisation, topic, pem in issued:
        portal_of_push_certificates.register(state, organisation, topic, pem, now_ms)


def _fetched(settings: Settings, path: Path, now_ms: Callable[[], int]) -> SharedFiles | None:
    """Put what the store keeps of a data directory into *path*; return where it is kept.

    Before, it is checked that the clock *now_ms* is that of the store.
    """
    check_clock(settings.store or None, now_ms)
    files = shared_files(settings.store, settings.store_key)
    if files is not None:
        files.fetch(path)
    return files


def _authorities(
    settings: Settings,
    path: Path,
    push_authority: PushAuthority,
    now: datetime,
    files: SharedFiles | None,
) -> Authorities:
    """Return the authorities of the data directory *path*.

    What else waits until it is needed is made if the store is to keep it: later, each replica would
    make its own.
    """
    authorities = credentials.authorities(path, push_authority, now)
    if files is not None and settings.store_key:
        credentials.vendor(path, now, authorities.developer)
        evidence_key_of(path)
        device_authority(path, now)
        files.share(path)
    return authorities


def _show_secrets(keys: Keys, path: Path, guard: SecretGuard) -> None:
    """Let *guard* know the secrets of the data directory *path*, and its private keys."""
    for secret in keys.texts().values():
        guard.add("net.authorization", secret)
    for line in secret_lines(path).values():
        guard.add("net.private_key", line)


def _set_baseline(state: StoreAdmin) -> None:
    """Note where the world began, the first time that it is served."""
    if not state.has_baseline():
        state.set_baseline()


async def _ended(task: asyncio.Future[None]) -> None:
    """End *task*, and wait until it has."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _wall_clock() -> datetime:
    """Return the time that clients check certificates by, whatever time is simulated."""
    return datetime.now(UTC)  # noqa: TID251 (clients have no other clock)
