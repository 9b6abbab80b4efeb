"""The composition root: the only place that knows which concrete parts make a simulator."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack, nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Self

from simulator import __version__, body_process, services
from simulator.app.opening import opened_with
from simulator.console.port import open_control_port
from simulator.control.api import clock
from simulator.control.device_host import DeviceHost
from simulator.control.parts import Parts
from simulator.core import ready_file
from simulator.core.clock import Clock
from simulator.core.data_directory import Directory, signed
from simulator.core.settings import ConfigurationError, Settings
from simulator.core.state import StoreAdmin
from simulator.engine.body_reader import BodyLanes, BodyReader
from simulator.engine.engine import Engine
from simulator.engine.gateway import Gateway
from simulator.engine.replica import Replica
from simulator.services.provisioning import Making
from simulator.store.errors import StoreError
from simulator.store.opening import Place, named, starting
from simulator.store.protocols import Journal
from simulator.store.shared_files import sharing
from simulator.transport.callbacks import Callbacks
from simulator.transport.head_publisher import HeadPublisher
from simulator.transport.outbox import OutboxWorker
from simulator.transport.ports import make_certificates, open_ports
from simulator.worlds.describing import Bar, DescribedOrganisations, unseen
from simulator.worlds.issued import IssuedCredentials
from simulator.worlds.loading import generate_secret


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
        self._bar = bar or (lambda _about, _total: nullcontext(unseen))
        self.clock = Clock()
        self.ready: dict[str, Any] = {}
        """What ``ready.json`` holds, once it runs."""
        self._stack = AsyncExitStack()
        self._path = Path()
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
        files = ExitStack()
        stack.push_async_callback(asyncio.to_thread, files.close)
        now_ms = self.clock.now_ms
        opened = await asyncio.to_thread(
            opened_with, settings, directory, place, _wall_clock(), now_ms, self._further, files
        )
        self.catalogue, self.provisionings = opened.catalogue, opened.provisionings
        store, keys, guard = opened.store, opened.keys, opened.guard
        engine = Engine(self.catalogue, settings, keys.secret, opened.observer, opened.authorities)
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
            look=guard.looks_through,
        )
        self.gateway.start()
        stack.push_async_callback(self.gateway.close)
        await self._publish_heads(directory, opened.journal, stack)
        if (setting := await self.gateway.run(clock.restore)) is not None:
            self.clock.resume(*setting)
        self._organisations = DescribedOrganisations(
            settings,
            self.gateway,
            self.clock,
            self.provisionings,
            IssuedCredentials(
                directory.path,
                Making(
                    now=opened.now,
                    push_authority=opened.push_authority,
                    topic_key=opened.topic_key,
                ),
                settings.credential_files,
                partial(sharing, opened.shared, directory.path),
            ),
            guard,
            self._bar,
            self._write_ready,
        )
        await self._organisations.load(opened.beginning)
        organisations = await self._organisations.describe()
        await self.gateway.run(_set_baseline)
        parts = Parts(
            settings=settings,
            catalogue=self.catalogue,
            provisionings=self.provisionings,
            gateway=self.gateway,
            bodies=reader(),
            clock=self.clock,
            journal=opened.journal,
            observer=opened.observer,
            manifest=opened.manifest,
            random_hex=generate_secret,
            push_authority=opened.push_authority,
            authorities=opened.authorities,
            token=keys.control_token,
            key_id=opened.observer.key_id,
            sign=partial(signed, directory.path),
            renew=self._organisations.describe,
            hand_out=self._organisations.hand_out,
        )
        self._devices = await open_control_port(
            parts, directory.path, lambda: self.ready, _wall_clock, stack
        )
        # A CA that is kept covers the names that it was made for, and no others.
        authority, push_ca = opened.authority, opened.push_authority.certificate_pem
        hosts = [one for one in services.hosts(self.catalogue) if authority.covers(one)]
        certificates = await asyncio.to_thread(
            make_certificates, settings, authority, push_ca, hosts, opened.now
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
        self._path = path = Path(settings.ready_file or directory.path / ready_file.NAME)
        await asyncio.to_thread(ready_file.write, path, self.ready)
        stack.push_async_callback(asyncio.to_thread, ready_file.remove, path, self.ready)

    async def _write_ready(self) -> None:
        """Tell in ``ready.json`` of other credentials, if it is there."""
        if self.ready:
            self.ready["organisations"] = self._organisations.shown
            await asyncio.to_thread(ready_file.write, self._path, self.ready)

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


def _public(scheme: str, settings: Settings) -> list[str]:
    """Return where clients reach the services by *scheme*, if that was said."""
    return [url.rstrip("/") for url in settings.public_url if url.startswith(f"{scheme}://")]


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
