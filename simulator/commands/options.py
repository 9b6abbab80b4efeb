"""Options that commands share; all of them come from the settings table."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from simulator.core.configuration import CONFIG, FILE, choices, flag, is_many, load_settings, rows
from simulator.core.ready_file import NAME
from simulator.core.settings import Settings
from simulator.store.opening import shared_files
from simulator.store.shared_files import sharing

Function = TypeVar("Function", bound=Callable[..., Any])


def config_option(function: Function) -> Function:
    """Add ``--config``."""
    about = f"File with settings (default: {FILE}, if it is there). [{CONFIG}]"
    return click.option("--config", metavar="FILE", help=about)(function)


def setting_options(*names: str) -> Callable[[Function], Function]:
    """Add the options of the settings *names*, or of all, and ``--config``.

    Whoever reads a store may need what opens its keys.
    """
    if "store" in names:
        names = (*names, "store_key")

    def add(function: Function) -> Function:
        function = config_option(function)
        for row in reversed([row for row in rows() if not names or row.name in names]):
            option = click.option(
                flag(row.name),
                row.name,
                metavar=_metavar(row.default, choices(row)),
                multiple=is_many(row),
                help=f"{row.metadata['about']} {_default(row.default)}",
            )
            function = option(function)
        return function

    return add


def _metavar(default: Any, values: tuple[Any, ...]) -> str:
    if values:
        return "|".join(map(str, values))
    first = default[0] if isinstance(default, tuple) and default else default
    return "NUMBER" if isinstance(first, int) else "TEXT"


def _default(default: Any) -> str:
    """Return the end of a help text: the default, where there is one to tell."""
    if default in ("", ()):
        return ""
    items = default if isinstance(default, tuple) else (default,)
    return f"[{', '.join('off' if item is None else str(item) for item in items)}]"


def settings(config: str | None, **flags: Any) -> Settings:
    """Return the settings of this call."""
    return load_settings(flags, os.environ, config)


@contextmanager
def shared_data(settings: Settings) -> Iterator[Path]:
    """Yield the data directory: it has what replicas share, and they what is made in the block."""
    path = Path(settings.data).absolute()
    with sharing(shared_files(settings.store, settings.store_key), path):
        yield path


def ready_file(settings: Settings) -> Path:
    """Return where a simulator with *settings* says how it is reached."""
    return Path(settings.ready_file or Path(settings.data) / NAME)
