"""What runs once the store is open: the engine, the ports, and all that is sent from here.

This module's imports take as long as to copy a world, so it is imported meanwhile.
"""

import asyncio
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack, nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from simulator import __version__, body_process, services
from simulator.app.opening import OpenedStore
from simulator.console.port import open_control_port
from simulator.control.api import clock as clocks
from simulator.control.device_host import DeviceHost
from simulator.control.parts import Parts
from simulator.core import ready_file
from simulator.core.clock import Clock
from simulator.core.data_directory import Directory, signed
from simulator.core.settings import Settings
from simulator.core.state import StoreAdmin
from simulator.engine.body_reader import BodyLanes, BodyReader
from simulator.engine.engine import Engine
from simulator.engine.gateway import Gateway
from simulator.engine.replica import Replica
from simulator.services.provisioning import Making, Provisioning
from simulator.store.opening import Place, named
from simulator.store.protocols import Journal
from simulator.store.shared_files import sharing
from simulator.transport.callbacks import Callbacks
from simulator.transport.head_publisher import HeadPublisher
from simulator.transport.outbox import OutboxWorker
from simulator.transport.ports import make_certificates, open_ports
from simulator.worlds.describing import Bar, DescribedOrganisations, unseen
from simulator.worlds.issued import IssuedCredentials
from simulator.worlds.loading import generate_secret


class Running:
    """The parts around an open store; they are closed by the stack that they were started with."""

    gateway: Gateway

    def __init__(
        self, settings: Settings, clock: Clock, bar: Bar | None, further: Sequence[ModuleType]
    ) -> None:
        """Take what `simulator.app.Simulator` was made with, and its clock."""
        self._settings = settings
        self._clock = clock
        self._bar = bar or (lambda _about, _total: nullcontext(unseen))
        self._further = further
        self.ready: dict[str, Any] = {}
        """What ``ready.json`` holds, once it runs."""
        self._path = Path()
        self._devices: DeviceHost | None = None

    async def start(
        self, opened: OpenedStore, directory: Directory, place: Place, stack: AsyncExitStack
    ) -> None:
        """Start everything over *opened*, the store at *place*, but the simulated devices."""
        settings = self._settings
        store, keys, guard = opened.store, opened.keys, opened.guard
        catalogue, provisionings = opened.catalogue, opened.provisionings
        engine = Engine(catalogue, settings, keys.secret, opened.observer, opened.authorities)
        callbacks = await stack.enter_async_context(Callbacks(settings))
        replica = None if store.peers is None else Replica(store.peers, self._clock)
        further = tuple(one.__name__ for one in self._further)
        reader = partial(BodyReader, body_process.MODULE, (settings, keys.fingerprint, further))
        self.gateway = Gateway(
            store,
            engine,
            self._clock,
            callbacks.post,
            preparer=BodyLanes(*(reader(guard.look_through) for _ in range(2))),
            serve_unjournalled=settings.unrecorded == "serve",
            replica=replica,
            look=guard.looks_through,
        )
        self.gateway.start()
        stack.push_async_callback(self.gateway.close)
        await self._publish_heads(directory, opened.journal, stack)
        if (setting := await self.gateway.run(clocks.restore)) is not None:
            self._clock.resume(*setting)
        self._organisations = DescribedOrganisations(
            settings,
            self.gateway,
            self._clock,
            provisionings,
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
            catalogue=catalogue,
            provisionings=provisionings,
            gateway=self.gateway,
            bodies=reader(),
            clock=self._clock,
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
        hosts = [one for one in services.hosts(catalogue) if authority.covers(one)]
        certificates = await asyncio.to_thread(
            make_certificates, settings, authority, push_ca, hosts, opened.now
        )
        tls, http, proxy = await open_ports(
            self.gateway,
            self._clock,
            settings,
            (*hosts, *authority.names),
            certificates,
            stack,
            0 if store.peers is None else store.peers.number,
        )
        self._run_outbox(provisionings, callbacks, replica, stack)
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
        self,
        provisionings: Sequence[Provisioning],
        callbacks: Callbacks,
        replica: Replica | None,
        stack: AsyncExitStack,
    ) -> None:
        """Send from now on what the services have to say by themselves."""
        notifier = self.gateway.notifier
        if replica is not None:
            replica.listen(notifier)
            stack.push_async_callback(asyncio.to_thread, replica.close)
            following = replica.follow_clock(notifier, self.gateway.catch_up)
            stack.push_async_callback(_ended, asyncio.ensure_future(following))
        outboxes = [one.outbox for one in provisionings if one.outbox is not None]
        works = [one.work for one in provisionings if one.work is not None]
        worker = OutboxWorker(outboxes, self.gateway, self._clock, callbacks, works)
        stack.push_async_callback(_ended, asyncio.ensure_future(worker.run()))

    async def _publish_heads(
        self, directory: Directory, journal: Journal, stack: AsyncExitStack
    ) -> None:
        """Write the journal's head elsewhere from now on, if that is wanted."""
        settings = self._settings
        if settings.publish_head:
            key = await asyncio.to_thread(directory.evidence_key)
            publisher = HeadPublisher(
                settings.publish_head, settings.publish_head_s, journal, key, _wall_clock
            )
            stack.push_async_callback(_ended, asyncio.ensure_future(publisher.run()))

    async def resume_devices(self, stack: AsyncExitStack) -> None:
        """Let the simulated devices go on, now that all ports are open."""
        if self._devices is not None:
            self._devices.services = self.ready["http"] or ""
            if self._settings.store:
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
