"""``mdmsim store``: moving state and journal to another database, and the key of what is there."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click

from simulator.commands.journal_source import read
from simulator.commands.options import setting_options, settings
from simulator.commands.progress import bar
from simulator.core.data_directory import DATABASE, Directory
from simulator.core.settings import ConfigurationError
from simulator.journal.chain import Chain, ChainHead, Evidence
from simulator.store.opening import (
    copy_store,
    is_url,
    named,
    open_journal,
    open_store,
    shared_files,
    starting,
)

_INCOMPLETE = 3


@click.group("store")
def command() -> None:
    """Move state and journal between a data directory and PostgreSQL, or change its key."""


@command.command("copy")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@setting_options("store_key")
@click.pass_context
def copy(
    context: click.Context, /, source: str, target: str, config: str | None, **flags: Any
) -> None:
    """Copy state and journal from FROM to TO, and check the copy by its hash chain.

    Each is a data directory that nobody serves, or postgresql://USER@HOST:5432/DATABASE.
    TO must be empty, or not there. With MDMSIM_STORE_KEY, CA, keys and certificates are copied
    too, which PostgreSQL keeps encrypted. Without, go on with the same --data, or with a copy
    of its files.

    Exit code: 0 copied and whole, 2 usage error, 3 copied, but evidence was missing already.
    """
    if source == target:
        raise ConfigurationError("FROM and TO are the same")
    if not is_url(source) and not Path(source, DATABASE).exists():
        raise ConfigurationError(f"{source} is no data directory with a journal: name another")
    key = settings(config, **flags).store_key
    with (
        _held(source) as there,
        _held(target) as here,
        tempfile.TemporaryDirectory(prefix="mdmsim-") as passing,
    ):
        folder = next((Path(one) for one in (source, target) if not is_url(one)), Path(passing))
        if (kept := shared_files(there, key)) is not None:
            kept.fetch(folder)
        copy_store(there, here, partial(bar, "copying"))
        if (keeping := shared_files(here, key)) is not None:
            keeping.share(folder)
        head = _head(there)
        copied, evidence = _head(here), _evidence(here)
    if copied != head:
        raise ConfigurationError(f"{named(here)} differs from what it was copied from: remove it")
    click.echo(
        f"{evidence.checked} exchanges are in {named(here)}, "
        f"head is exchange {evidence.head.seq}, {evidence.head.link.hex()}"
    )
    if not evidence.complete:
        click.echo("evidence was missing before: mdmsim report --verify says what", err=True)
        context.exit(_INCOMPLETE)


@command.command("rekey")
@setting_options("store", "store_key")
@click.option(
    "--new-key",
    envvar="MDMSIM_NEW_STORE_KEY",
    required=True,
    help="The new key, better in MDMSIM_NEW_STORE_KEY: 32 random characters or more.",
)
def rekey(config: str | None, new_key: str, **flags: Any) -> None:
    """Encrypt CA, keys and certificates in --store by another key.

    Stop all replicas before, and start them with the new one as MDMSIM_STORE_KEY.
    """
    wanted = settings(config, **flags)
    files = shared_files(wanted.store, wanted.store_key)
    if files is None:
        raise ConfigurationError("only a store in PostgreSQL has a key: give --store")
    new = files.sealed_by(new_key, "MDMSIM_NEW_STORE_KEY")
    with starting(wanted.store):
        opened = files.opened()
        if not opened:
            raise ConfigurationError(
                f"{named(wanted.store)} keeps no keys: start a replica with MDMSIM_STORE_KEY first"
            )
        files.replace(opened, new)
    click.echo(f"{len(opened)} files in {named(wanted.store)} are encrypted by the new key")


@contextmanager
def _held(place: str) -> Iterator[Path | str]:
    """Yield where a database is; nobody serves a data directory in the block."""
    with ExitStack() as stack:
        if is_url(place):
            yield place
            return
        directory = Directory(place)
        stack.callback(directory.release)
        path = directory.path / DATABASE
        if path.exists():  # bring one of an earlier version up to date
            open_store(path).close()
        yield path


def _head(place: Path | str) -> ChainHead | None:
    with closing(open_journal(place)) as journal:
        return journal.head()


def _evidence(place: Path | str) -> Evidence:
    with closing(open_journal(place)) as reader, reader.at_one_moment() as journal:
        return read(journal, lambda _: None, Chain())
