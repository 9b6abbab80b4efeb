"""The organisations of a running simulator: how they are loaded, and what they hold."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from simulator.core.clock import Clock
from simulator.core.settings import Settings
from simulator.core.state import State
from simulator.disclosure.redact.guard import SecretGuard
from simulator.engine.everywhere import MOST, of_all
from simulator.engine.gateway import Gateway
from simulator.faults import faults
from simulator.protocol import quirks
from simulator.services.identity import provisioning as portal_of_push_certificates
from simulator.services.provisioning import Held, Provisioning
from simulator.worlds import credentials
from simulator.worlds.cache import Beginning
from simulator.worlds.issued import IssuedCredentials
from simulator.worlds.loading import chosen_world, is_empty, load_steps
from simulator.worlds.seeding import timeless_steps

Advance = Callable[[int], None]
Bar = Callable[[str, int], AbstractContextManager[Advance]]
"""What shows progress: it takes a title and a total, and is told of each part that is done."""


class DescribedOrganisations:
    """Keeps what is beside the state in step with it: credentials, their files, certificates."""

    def __init__(
        self,
        settings: Settings,
        gateway: Gateway,
        clock: Clock,
        provisionings: Sequence[Provisioning],
        issued: IssuedCredentials,
        guard: SecretGuard,
        bar: Bar,
        on_change: Callable[[], Awaitable[None]],
    ) -> None:
        """Take what it works with.

        *guard* is shown new keys; *on_change* is awaited when something else is *issued*.
        """
        self._settings = settings
        self._gateway = gateway
        self._clock = clock
        self._provisionings = provisionings
        self._issued = issued
        self._guard = guard
        self._bar = bar
        self._on_change = on_change

    @property
    def shown(self) -> list[dict[str, Any]]:
        """As in ``ready.json``."""
        return self._issued.organisations

    async def load(self, beginning: Future[Beginning] | None) -> None:
        """Load the world of the settings into an empty store.

        *beginning* is that of one in memory; of any other it is to be found out.
        """
        if beginning is not None:
            begun = await asyncio.wrap_future(beginning)
        elif await self._gateway.run(is_empty):
            begun = Beginning(
                await asyncio.to_thread(chosen_world, self._settings, self._provisionings)
            )
        else:
            return
        world, keep, devices = begun
        seed, now_ms = self._settings.seed, self._clock.now_ms()
        loading = load_steps(
            world, seed, now_ms, provisionings=self._provisionings, timeless=not (keep or devices)
        )
        with self._bar(f"loading the world {world.name}", world.size()) as advance:
            advance(devices)
            if keep is not None:
                for piece in timeless_steps(world, seed, self._provisionings):
                    advance(await self._gateway.load(piece))
                await asyncio.to_thread(keep)
            for piece in loading:
                advance(await self._gateway.load(piece))

    async def describe(self, changed: Collection[str] | None = None) -> list[dict[str, Any]]:
        """Make what organisations need beside the state, all or those that *changed*.

        Return all of them with their credentials.
        """
        issued = self._issued

        def look(state: State, organisation: str) -> Iterator[tuple[str, credentials.HeldByList]]:
            if changed is None:
                credentials.complete(self._provisionings, state, organisation, self._settings.seed)
            yield organisation, credentials.holders(self._provisionings, state, organisation)

        await self._gateway.run(_prepare)
        names = None if changed is None else [*changed]
        held = dict(await of_all(self._gateway, look, names))
        if due := await asyncio.to_thread(partial(issued.due, held, is_all=changed is None)):
            with self._bar("making keys and certificates", len(due)) as advance:
                await self._make_files(due, advance)
        is_new = await asyncio.to_thread(partial(issued.take, held, is_all=changed is None))
        certificates = await asyncio.to_thread(
            credentials.push_certificates,
            [one for one in issued.organisations if one["id"] in held],
        )
        for at in range(0, len(certificates), MOST):
            some = certificates[at : at + MOST]
            await self._gateway.run(partial(_register, some, self._clock.now_ms()))
        if is_new:
            await self._on_change()
        return issued.organisations

    async def _make_files(self, holders: Sequence[Held], advance: Advance) -> None:
        for line in await asyncio.to_thread(self._issued.make, holders, advance):
            self._guard.add("net.private_key", line)

    async def hand_out(self, organisation: str, held: Held) -> dict[str, Any]:
        """Make the files of a holder that are missing; return its entry of ``ready.json``."""
        if await asyncio.to_thread(self._issued.is_due, held):
            await self._make_files([held], unseen)
            await self.describe([organisation])
        return await asyncio.to_thread(credentials.entry, self._issued.path, held)


def unseen(_done: int) -> None:
    """Show nothing."""


def _prepare(state: State) -> None:
    faults.prepare(state)
    quirks.prepare(state)


def _register(issued: list[tuple[str, str, bytes]], now_ms: int, state: State) -> None:
    """Let the portal know the certificates that the world came with."""
    for organisation, topic, pem in issued:
        portal_of_push_certificates.register(state, organisation, topic, pem, now_ms)
