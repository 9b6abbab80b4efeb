"""Worlds that were loaded before, as database files that are copied instead.

Kept is what follows from a world and a seed alone, such as devices, people and apps: no credential,
no key, no time of loading. So whoever reads a file learns what ``mdmsim world show`` tells him, and
two simulators that begin with the same file have no secret in common. Files are for their owner
only, appear whole or not at all, and carry a checksum in their names: one that is damaged, or that
others could have written, is not used.
"""

import hashlib
import os
import shutil
import stat
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from simulator.core.data_directory import MEMORY
from simulator.core.settings import Settings
from simulator.services.provisioning import Provisioning
from simulator.store.errors import StoreError
from simulator.store.opening import copied
from simulator.store.protocols import Copied, Store
from simulator.worlds.loading import chosen_world
from simulator.worlds.organisations import World

LEAST = 2000
"""Devices below which copying saves nothing."""
MOST_BYTES = 1024**3
"""Of all files together; those that were not used for the longest time go first."""
OFF = "off"
_PACKAGE = Path(__file__).parents[1]
_OURS = f"{_PACKAGE.name}."
_CHUNK = 1 << 20
_UNFINISHED, _STALE_S = "unfinished-", 3600
"""How a folder is named in which a file is being written, and when nobody writes there any more."""


class CachedWorld:
    """What one world with one seed always begins with."""

    def __init__(self, folder: Path, world: World, seed: int) -> None:
        """Take the folder, which is made when there is something to keep."""
        self.devices = sum(devices.count for _, devices in world.timeless_lists())
        self._folder = folder
        text = repr((seed, world.organisations, sorted(_program()))).encode()
        self._key = hashlib.sha256(text).hexdigest()[:32]
        """Stands for what this very program makes of them."""

    def find(self) -> Path | None:
        """Return the file that is kept and whole; None if there is none."""
        for path in sorted(self._folder.glob(f"{self._key}-*.db")):
            with suppress(OSError):
                if _is_ours(path) and path.stem == f"{self._key}-{_checksum(path)}":
                    return path
                path.unlink()
        return None

    def read(self, found: Path | None, store: Copied) -> bool:
        """Have *store*, which is empty, begin with what was *found*; False if that was nothing."""
        if found is None:
            return False
        try:
            store.read_copy(found)
            os.utime(found)
        except (OSError, StoreError):
            return False
        return True

    def write(self, store: Copied) -> None:
        """Keep what *store* holds, if there is room; that it fails does not matter."""
        with suppress(OSError, StoreError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=self._folder) as place:
                made = Path(place, "new.db")
                made.touch(0o600)
                store.write_copy(made)
                size = made.stat().st_size
                if size <= MOST_BYTES:
                    self._make_room(MOST_BYTES - size)
                    made.replace(self._folder / f"{self._key}-{_checksum(made)}.db")

    def _make_room(self, most: int) -> None:
        """Remove what was kept before, and what was used longest ago but for *most* bytes.

        Likewise what somebody who was killed has left.
        """
        for place in self._folder.glob(f"{_UNFINISHED}*"):
            if place.stat().st_mtime < time.time() - _STALE_S:  # noqa: TID251 (as files are dated)
                shutil.rmtree(place, ignore_errors=True)
        found = [(path.stat(), path) for path in self._folder.glob("*.db")]
        kept = 0
        for status, path in sorted(found, key=lambda one: one[0].st_mtime, reverse=True):
            kept += status.st_size
            if kept > most or path.name.startswith(self._key):
                path.unlink(missing_ok=True)


class Kept(NamedTuple):
    """The world that a store in memory is to be loaded with, and what is kept of it."""

    world: World
    cached: CachedWorld | None = None
    """None: nothing is, nor is to be."""
    file: Path | None = None
    """The whole file that was found."""


class Beginning(NamedTuple):
    """How an empty store begins."""

    world: World
    keep: Callable[[], None] | None = None
    """Keeps what is timeless of the world, once it is written; None: nothing is to be kept."""
    devices: int = 0
    """So many it holds already, with all that is timeless."""


def look(settings: Settings, provisionings: Sequence[Provisioning]) -> Kept:
    """Return the world of *settings*, and what is kept of it; no store need be open yet.

    ConfigurationError if that is no sound world.
    """
    world = chosen_world(settings, provisionings)
    cached = found_cache(settings, world, provisionings)
    return Kept(world, cached, None if cached is None else cached.find())


def begin(kept: Kept, store: Store) -> Beginning:
    """Have the new *store* begin with what is *kept*."""
    cached, whole = kept.cached, copied(store)
    if cached is None or whole is None:
        return Beginning(kept.world)
    if cached.read(kept.file, whole):
        return Beginning(kept.world, devices=cached.devices)
    return Beginning(kept.world, keep=partial(cached.write, whole))


def found_cache(
    settings: Settings, world: World, provisionings: Iterable[Provisioning]
) -> CachedWorld | None:
    """Return what is kept of *world*, or where it is to be kept.

    None if that is off, or saves nothing: of a data directory the second start is quick anyway.
    Nor if one of *provisionings* is added from elsewhere and writes of it, as nobody would know
    whether that program is still the same.
    """
    folder = _folder(settings.world_cache)
    if settings.data != MEMORY or folder is None:
        return None
    if any(not one.seed_timeless.__module__.startswith(_OURS) for one in provisionings):
        return None
    found = CachedWorld(folder, world, settings.seed)
    return found if found.devices >= LEAST else None


def _folder(setting: str) -> Path | None:
    """Return where files are kept: *setting*, or else where this machine keeps caches.

    None if it says that none are, or nobody is at home.
    """
    if setting == OFF:
        return None
    if setting:
        return Path(setting)
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if given.is_absolute():  # others are to be ignored (XDG Base Directory Specification)
        return given / "mdmsim" / "worlds"
    with suppress(RuntimeError):
        return Path.home() / ".cache" / "mdmsim" / "worlds"
    return None


def _program() -> Iterator[tuple[str, int, int]]:
    """Yield what tells this program's modules from those of another version, or of a change."""
    for path, _, names in os.walk(_PACKAGE):
        for name in names:
            if name.endswith(".py"):
                status = os.stat(os.path.join(path, name))  # noqa: PTH116,PTH118 (a thousand files)
                yield f"{path}/{name}", status.st_size, status.st_mtime_ns


def _is_ours(path: Path) -> bool:
    status = path.stat()
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _checksum(path: Path) -> str:
    found = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found = zlib.crc32(chunk, found)
    return f"{found:08x}"
