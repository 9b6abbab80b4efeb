"""The documented schemas of commands, settings, payloads and declarations.

The files beside this one, of which ``commands.txt`` says how they are written,
hold facts of Apple's published schemas, and name their version.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from msgspec import Struct

from simulator.devices.models import IOS, MACOS, TVOS, VISIONOS, number_of

PLATFORMS = (IOS, MACOS, TVOS, VISIONOS)
ABSENT = "-"
ANY = "*"
"""The key that stands for any."""
TYPES = ("array", "boolean", "data", "date", "dictionary", "integer", "real", "string", "any")


class Presence(Struct, frozen=True):
    """Where on one platform something is documented to exist."""

    since: tuple[int, ...] = ()
    """Version of the operating system; empty: from the start."""
    flags: str = ""
    """As the file has them: ``s``, ``d``, ``u``, ``!``, ``m``."""


@dataclass(slots=True)
class Key:
    """One key of a command, or an item of an array."""

    type: str
    required: bool = False
    values: tuple[str, ...] = ()
    """The only values that are documented; empty: any."""
    on: Mapping[str, Presence | None] = field(default_factory=dict)
    """By platform: None where it does not exist; what is not named is as what it belongs to."""
    keys: dict[str, "Key"] = field(default_factory=dict)
    """The keys inside a dictionary, ``*`` for any."""
    item: "Key | None" = None
    """What an array holds."""


@dataclass(slots=True)
class Schema:
    """One command."""

    name: str
    right: int
    on: Mapping[str, Presence | None]
    root: Key = field(default_factory=lambda: Key("dictionary"))


@cache
def schemas() -> Mapping[str, Schema]:
    """Return the schemas by the command's name."""
    return {one.name: one for one in read(_text("commands.txt"))}


@cache
def payloads() -> Mapping[str, Schema]:
    """Return the schemas of profiles' payloads by their type."""
    return {one.name: one for one in read(_text("payloads.txt"))}


@cache
def items() -> Mapping[str, Schema]:
    """Return the schemas of the items of Settings by their name."""
    return {one.name: one for one in read(_text("settings.txt"))}


@cache
def declarations() -> Mapping[str, Schema]:
    """Return the schemas of declarations by their type."""
    return {one.name: one for one in read(_text("declarations.txt"))}


@cache
def known() -> frozenset[str]:
    """Return the names of all commands and declarations that are documented."""
    return frozenset((*schemas(), *declarations())) | {
        line for line in _text("known.txt").splitlines() if not line.startswith("#")
    }


def load() -> None:
    """Read the files, which are kept from then on; it blocks."""
    payloads()
    items()
    declarations()
    known()


def _text(name: str) -> str:
    return files("simulator.devices.judging").joinpath(name).read_text(encoding="utf-8")


def read(text: str) -> Iterator[Schema]:
    """Yield the schemas in *text*; ValueError names a line that is none."""
    current: Schema | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        name, *cells = line.split("|")
        try:
            if not name.startswith("."):
                if current is not None:
                    yield current
                current = Schema(name, int(cells[0]), _presences(cells[1:]))
            elif current is not None:
                _add(current.root, name, _key(cells))
            else:
                raise ValueError("a key stands before the first command")  # noqa: TRY301 (told with its line)
        except (ValueError, IndexError, KeyError) as error:
            raise ValueError(f"line {number}, {name}: {error}") from error
    if current is not None:
        yield current


def _key(cells: list[str]) -> Key:
    kind = cells[0].removesuffix("!")
    if kind not in TYPES:
        raise ValueError(f"{kind} is no type")
    values = tuple(cells[1].split()) if len(cells) > 1 else ()
    return Key(kind, cells[0].endswith("!"), values, _presences(cells[2:]))


def _presences(cells: list[str]) -> Mapping[str, Presence | None]:
    """Return what a line says of each platform; an empty cell says nothing."""
    return {
        platform: None if cell == ABSENT else _presence(cell)
        for platform, cell in zip(PLATFORMS, cells, strict=False)
        if cell
    }


def _presence(cell: str) -> Presence:
    version = cell.rstrip("sdum!").rstrip()
    return Presence(number_of(version), cell[len(version) :].strip())


def _add(root: Key, path: str, key: Key) -> None:
    """Put *key* where *path* leads, such as ``.Updates[].ProductKey``."""
    *outer, last = path.removeprefix(".").split(".")
    here = root
    for name in outer:
        here = _inside(here, name)
    if last.endswith("[]"):
        here.keys[last.removesuffix("[]")].item = key
    else:
        here.keys[last] = key


def _inside(key: Key, name: str) -> Key:
    found = key.keys[name.removesuffix("[]")]
    if not name.endswith("[]"):
        return found
    if found.item is None:
        raise ValueError(f"{name} has no line of its own")
    return found.item
