"""Loading a world into an empty database, and knowing whether it got to its end."""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from simulator.core.clock import Clock
from simulator.core.data_directory import Directory
from simulator.core.settings import Settings
from simulator.core.state import State, StoreAdmin
from simulator.services.organisations import all_organisations
from simulator.services.provisioning import Provisioning, Step
from simulator.store.opening import open_store
from simulator.store.protocols import Store
from simulator.worlds.depsim import with_constant_token
from simulator.worlds.organisations import World
from simulator.worlds.seeding import CHUNK, refuse_clashes, steps
from simulator.worlds.world import load_world

BRIEF = 50
"""Devices of a step that others are not to wait for long."""
KIND, KEY = "world", "loaded"
"""The entity that says which world was loaded."""


def generate_secret(digits: int) -> str:
    """Return as many random hex digits, fit for credentials."""
    return secrets.token_hex((digits + 1) // 2)[:digits]


def is_empty(state: StoreAdmin) -> bool:
    """Return whether a world is to be loaded; one that was loaded in part is removed.

    That was at the first start, so nobody has changed anything of it.
    """
    loaded = state.of("").get(KIND, KEY)
    if loaded is not None and not loaded.body["whole"]:
        state.wipe()
        return True
    return loaded is None and not all_organisations(state)


def load_steps(
    world: World,
    seed: int,
    now_ms: int,
    devices: int | None = None,
    provisionings: Iterable[Provisioning] | None = None,
    *,
    brief: bool = False,
    timeless: bool = True,
) -> Iterator[Step]:
    """Return what loads the world *world*, to be run one by one; each returns its share.

    *provisionings* are those of the services, all unless some are given. *brief*: no step may
    take long, though all of them take longer. *timeless* is as in
    `simulator.worlds.seeding.steps`. ConfigurationError if its devices cannot all be told apart.
    """
    sized = world if devices is None else world.resized(devices)
    refuse_clashes(sized, seed)
    return _pieces(sized, seed, now_ms, provisionings, brief=brief, timeless=timeless)


def _pieces(
    world: World,
    seed: int,
    now_ms: int,
    provisionings: Iterable[Provisioning] | None,
    *,
    brief: bool,
    timeless: bool,
) -> Iterator[Step]:
    def note(state: State, *, whole: bool) -> int:
        state.of("").put(KIND, KEY, {"name": world.name, "seed": seed, "whole": whole})
        return 0

    yield lambda state: note(state, whole=False)
    yield from steps(
        world,
        seed=seed,
        generate_secret=generate_secret,
        now_ms=now_ms,
        chunk=BRIEF if brief else CHUNK,
        bulk=not brief,
        provisionings=provisionings,
        timeless=timeless,
    )
    yield lambda state: note(state, whole=True)


def chosen_world(
    settings: Settings, provisionings: Sequence[Provisioning] | None = None, name: str = ""
) -> World:
    """Return the world *name*, else that of *settings*; as depsim its token is depsim's own.

    *provisionings* are those of the services, all unless some are given.
    """
    world = load_world(name or settings.world, provisionings)
    return with_constant_token(world) if settings.dialect == "depsim" else world


@contextmanager
def stopped(
    settings: Settings, provisionings: Sequence[Provisioning] | None = None
) -> Iterator[Store]:
    """Open the database of a data directory that nobody serves, with its world loaded.

    *provisionings* are those of the services, all unless some are given.
    """
    with ExitStack() as stack:
        directory = Directory(settings.data, shared=bool(settings.store))
        stack.callback(directory.release)
        store = open_store(settings.store or directory.database)
        stack.callback(store.close)
        with store.transaction() as state:
            empty = is_empty(state)
        if empty:
            world = chosen_world(settings, provisionings)
            now_ms = Clock().now_ms()
            for piece in load_steps(world, settings.seed, now_ms, provisionings=provisionings):
                with store.transaction() as state:
                    piece(state)
        yield store
