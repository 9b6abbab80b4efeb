"""Settings from their four sources: defaults, then the file, the environment and the flags."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import Field
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from msgspec import Meta, ValidationError, convert

from simulator.core.settings import ROWS, ConfigurationError, Port, Settings

FILE = "mdmsim.toml"
"""The file that is read if it is there and no other is named."""
PREFIX = "MDMSIM_"
CONFIG = "MDMSIM_CONFIG"
"""Environment variable that names the file."""

_TYPES = get_type_hints(Settings, include_extras=True)
"""What a setting's values are: this says what may be written, in words and to the reader."""
_BY_NAME = {row.name: row for row in ROWS}


def rows() -> Iterable[Field[Any]]:
    """Yield the settings that a user can set."""
    return _BY_NAME.values()


def is_many(row: Field[Any]) -> bool:
    """Return whether *row* is a list: given more than once, or separated by commas."""
    return get_origin(_TYPES[row.name]) is tuple


def choices(row: Field[Any]) -> tuple[Any, ...]:
    """Return the values that *row* may have, where there are only so many."""
    kind = _TYPES[row.name]
    return get_args(kind) if get_origin(kind) is Literal else ()


def _item(row: Field[Any]) -> Any:
    """Return the type of one value of *row*."""
    return get_args(_TYPES[row.name])[0] if is_many(row) else _TYPES[row.name]


def _allowed(kind: Any) -> str:
    """Return what a value of type *kind* is, in words."""
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(map(str, get_args(kind)))
    if kind == Port:
        return "a number from 0 to 65535, or off"
    if kind is str:
        return "a text"
    least = [one.ge for one in getattr(kind, "__metadata__", ()) if isinstance(one, Meta)]
    return f"a whole number from {least[0]} on" if least else "a whole number"


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
            parts = text.split(",") if is_many(row) else text
            values[name] = _read(row, parts, f"environment variable {variable}")
        given = flags.get(name)
        if given is not None and given != ():
            values[name] = _read(row, given, flag(name))
    settings = Settings(**values)
    _check_ports(settings)
    _check_store(settings)
    if not settings.data:  # as of a variable of the shell that is not set
        raise ConfigurationError("--data is empty: name a directory, or :memory: to keep nothing")
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
    """Return the value of *row* that is written as *raw* in *source*: text, or what TOML has."""
    if not is_many(row):
        return _read_one(row, raw, source)
    items = raw if isinstance(raw, list | tuple) else [raw]
    return tuple(_read_one(row, _strip(item), source) for item in items)


def _strip(item: Any) -> Any:
    return item.strip() if isinstance(item, str) else item


def _read_one(row: Field[Any], raw: Any, source: str) -> Any:
    kind = _item(row)
    if kind == Port and isinstance(raw, str) and raw.strip().lower() == "off":
        return None
    try:
        # Text becomes a number where one is wanted: flags and variables have nothing else.
        return convert(raw, kind, strict=kind is str)
    except ValidationError:
        raise ConfigurationError(f"{source}: {raw!r} is not {_allowed(kind)}") from None


def _check_store(settings: Settings) -> None:
    """Refuse a store that is no URL, without a quote: it may hold a password."""
    if settings.store and not settings.store.startswith(("postgresql://", "postgres://")):
        raise ConfigurationError(
            "--store is no URL that begins with postgresql://: leave it out to keep all in --data"
        )


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
