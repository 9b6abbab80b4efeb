"""Settings from their four sources: defaults, then the file, the environment and the flags."""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field, dataclass
from pathlib import Path
from typing import Any, get_type_hints

from simulator.core.settings import ROWS, ConfigurationError, Port, Settings

FILE = "mdmsim.toml"
"""The file that is read if it is there and no other is named."""
PREFIX = "MDMSIM_"
CONFIG = "MDMSIM_CONFIG"
"""Environment variable that names the file."""
HIGHEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Kind:
    """How the values of one type are read."""

    allowed: str
    """What may stand there, in words."""
    read: Callable[[Any], Any]
    """Takes text, or a value of TOML; ValueError if it is none of this kind."""
    many: bool = False
    """Whether it is a list: given more than once, or separated by commas."""


def _text(raw: Any) -> str:
    if not isinstance(raw, str):
        raise ValueError  # noqa: TRY004 (what is wrong is a file's content, not a caller's type)
    return raw


def _integer(raw: Any) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int | str):
        raise ValueError  # noqa: TRY004 (what is wrong is a file's content, not a caller's type)
    return int(raw)


def _port(raw: Any) -> Port:
    if isinstance(raw, str) and raw.strip().lower() == "off":
        return None
    port = _integer(raw)
    if not 0 <= port <= HIGHEST_PORT:
        raise ValueError
    return port


_PORT = "a number from 0 to 65535, or off"
_KINDS: dict[Any, Kind] = {
    str: Kind("a text", _text),
    int: Kind("a whole number", _integer),
    Port: Kind(_PORT, _port),
    tuple[Port, ...]: Kind(_PORT, _port, many=True),
    tuple[str, ...]: Kind("a text", _text, many=True),
}
_LEAST = {
    "session_ttl_s": 1,
    "session_rotation_s": 1,
    "oauth_window_s": 0,
    "journal_keep": 0,
    "body_limit": 1,
}
"""Smallest value of numbers that cannot be any."""
_ONE_OF = {"replacement_not_found": (400, 404)}
_TYPES = get_type_hints(Settings)
_BY_NAME = {row.name: row for row in ROWS}


def rows() -> Iterable[Field[Any]]:
    """Yield the settings that a user can set."""
    return _BY_NAME.values()


def kind(row: Field[Any]) -> Kind:
    """Return how the values of *row* are read."""
    return _KINDS.get(_TYPES[row.name], _KINDS[str])


def flag(name: str) -> str:
    """Return the command line's spelling of the setting *name*."""
    return "--" + name.replace("_", "-")


def load_settings(
    flags: Mapping[str, Any], environ: Mapping[str, str], config: str | None = None
) -> Settings:
    """Return the settings; what comes later wins: file, environment, flags.

    *flags* holds text, or lists of it, by the setting's name; what is None or
    an empty list is not set. *config* names the file; without it, MDMSIM_CONFIG
    does; without that, mdmsim.toml is read if it is there. ConfigurationError
    names the source, the value and what is allowed.
    """
    values = _from_file(config or environ.get(CONFIG))
    for name, row in _BY_NAME.items():
        variable = PREFIX + name.upper()
        if text := environ.get(variable):
            parts = text.split(",") if kind(row).many else text
            values[name] = _read(row, parts, f"environment variable {variable}")
        given = flags.get(name)
        if given is not None and given != ():
            values[name] = _read(row, given, flag(name))
    settings = Settings(**values)
    _check_ports(settings)
    return settings


def _from_file(named: str | None) -> dict[str, Any]:
    path = Path(named or FILE)
    if not named and not path.exists():
        return {}
    try:
        table = tomllib.loads(path.read_text())
    except OSError as error:
        why = f"cannot read the configuration file {path} ({error.strerror}): name another"
        raise ConfigurationError(f"{why} with --config") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from error
    unknown = sorted(table.keys() - _BY_NAME.keys())
    if unknown:
        known = ", ".join(_BY_NAME)
        raise ConfigurationError(f"{path}: no setting is called {unknown[0]!r}; there are: {known}")
    return {name: _read(_BY_NAME[name], raw, f"{path}, {name}") for name, raw in table.items()}


def _read(row: Field[Any], raw: Any, source: str) -> Any:
    """Return the value of *row* that is written as *raw* in *source*."""
    if not kind(row).many:
        return _read_one(row, raw, source)
    items = raw if isinstance(raw, list | tuple) else [raw]
    return tuple(_read_one(row, _strip(item), source) for item in items)


def _strip(item: Any) -> Any:
    return item.strip() if isinstance(item, str) else item


def _read_one(row: Field[Any], raw: Any, source: str) -> Any:
    choices = row.metadata["choices"] or _ONE_OF.get(row.name, ())
    least = _LEAST.get(row.name)
    allowed = kind(row).allowed
    if choices:
        allowed = "one of " + ", ".join(map(str, choices))
    elif least is not None:
        allowed = f"{allowed} from {least} on"
    try:
        value = kind(row).read(raw)
    except ValueError:
        raise ConfigurationError(f"{source}: {raw!r} is not {allowed}") from None
    if (choices and value not in choices) or (least is not None and value < least):
        raise ConfigurationError(f"{source}: {raw!r} is not {allowed}")
    return value


def _check_ports(settings: Settings) -> None:
    """Refuse ports that cannot work together."""
    services = [port for port in (*settings.tls_port, settings.http_port) if port is not None]
    if not services:
        raise ConfigurationError(
            "--tls-port and --http-port are both off: give one of them, so that there is a service"
        )
    fixed = [port for port in (*services, settings.control_port) if port]
    for port in fixed:
        if fixed.count(port) > 1:
            raise ConfigurationError(f"port {port} is given twice: choose another for one of them")
