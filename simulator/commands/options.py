"""Options that commands share; all of them come from the settings table."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from simulator.core.configuration import CONFIG, FILE, choices, flag, is_many, load_settings, rows
from simulator.core.data_directory import DATABASE
from simulator.core.ready_file import NAME
from simulator.core.settings import Settings
from simulator.store.opening import is_url, shared_files
from simulator.store.shared_files import sharing

Function = TypeVar("Function", bound=Callable[..., Any])


def config_option(function: Function) -> Function:
    """Add ``--config``."""
    about = f"File with settings (default: {FILE}, if it is there). [{CONFIG}]"
    return click.option("--config", metavar="FILE", help=about)(function)


def host_option(function: Function) -> Function:
    """Add --host, for commands that read a capture."""
    about = (
        "Take this host for one of Apple's, such as a simulator's; loopback addresses are taken "
        "for a simulator anyway. May be given more than once."
    )
    return click.option("--host", "hosts", metavar="HOST", multiple=True, help=about)(function)


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


class _Run(click.ParamType[Path | str]):
    """A path, or the URL of a store."""

    name = "path"

    def convert(self, value: Any, *_: object) -> Path | str:
        """Return a path as one, and a URL as it is."""
        return value if is_url(value) else Path(value)


RUN = _Run()
"""The type of an argument that names a run: a file, a data directory, or a store by its URL."""


def is_journal(run: Path | str) -> bool:
    """Tell whether *run* has a journal: a data directory, the database in it, or a store's URL."""
    return isinstance(run, str) or run.is_dir() or run.name == DATABASE


@contextmanager
def of_run(run: Path | str, wanted: Settings) -> Iterator[Settings]:
    """Yield *wanted* for the journal of *run*, wherever `settings` say that there is another.

    The keys of a store come from itself, if there is what opens them, else from ``--data``.
    """
    if isinstance(run, Path):
        folder = run if run.is_dir() else run.parent
        yield replace(wanted, data=str(folder), store="")
    elif wanted.store_key:
        with tempfile.TemporaryDirectory(prefix="mdmsim-") as data:
            yield replace(wanted, data=data, store=run)
    else:
        yield replace(wanted, store=run)


def ready_file(settings: Settings) -> Path:
    """Return where a simulator with *settings* says how it is reached."""
    return Path(settings.ready_file or Path(settings.data) / NAME)
