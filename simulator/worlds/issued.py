"""The credentials that a running simulator tells of, and their files."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from simulator.core.data_directory import key_lines
from simulator.services.provisioning import Held, Making
from simulator.worlds import credentials
from simulator.worlds.credentials import HeldByList

Advance = Callable[[int], object]


class IssuedCredentials:
    """What ``ready.json`` says of organisations, kept as it is in the state.

    A key pair takes a twentieth of a second. So files are written at once for the first of each
    list, such as push topics, and for the others when somebody asks: until then their entries
    say ``"written": false``.
    """

    def __init__(
        self,
        path: Path,
        making: Making,
        at_once: int,
        around: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Take the data directory, what files are made with and in which block.

        *at_once* is for how many of each list they are made before anybody asks.
        """
        self.organisations: list[dict[str, Any]] = []
        """As in ``ready.json``."""
        self.path = path
        """The data directory."""
        self._places: dict[str, Counter[str]] = {}
        """How many holders of each list come before those of an organisation."""
        self._making = making
        self._at_once = at_once
        self._around = around

    def due(self, held: Mapping[str, HeldByList], *, is_all: bool) -> list[Held]:
        """Return of *held* those whose files are to be written at once, and are not there.

        *is_all* says that these are all organisations, here and in `take`.
        """
        if is_all:
            self._places = dict(_places(held))
        return [
            one
            for name in held.keys() & self._places.keys()
            for ready, rows in held[name].items()
            for one in rows[: max(self._at_once - self._places[name][ready], 0)]
            if self.is_due(one)
        ]

    def is_due(self, held: Held) -> bool:
        """Tell whether the files of *held* are still to be made."""
        return "written" in credentials.entry(self.path, held)

    def make(self, holders: Iterable[Held], advance: Advance = lambda _: None) -> list[str]:
        """Make the files of *holders* that are missing; return the lines of the new keys."""
        lines: list[str] = []
        with self._around():
            for held in holders:
                for file in credentials.make_files(self.path, self._making, held):
                    if file.suffix == ".key":
                        lines += key_lines(file).values()
                advance(1)
        return lines

    def take(self, held: Mapping[str, HeldByList], *, is_all: bool) -> bool:
        """Take over what organisations hold; return whether anything of it is new."""
        described = {name: self._described(name, lists) for name, lists in held.items()}
        before = self.organisations
        if is_all:
            self.organisations = [*described.values()]
        else:
            self.organisations = [described.get(one["id"], one) for one in before]
        return self.organisations != before

    def _described(self, organisation: str, lists: HeldByList) -> dict[str, Any]:
        return {"id": organisation} | {
            name: [credentials.entry(self.path, one) for one in rows]
            for name, rows in lists.items()
        }


def _places(held: Mapping[str, HeldByList]) -> Iterator[tuple[str, Counter[str]]]:
    """Yield each organisation with how many holders of each list come before its own."""
    before: Counter[str] = Counter()
    for name, lists in held.items():
        yield name, before.copy()
        before.update({ready: len(rows) for ready, rows in lists.items()})
