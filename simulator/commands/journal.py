"""``mdmsim journal``: what is kept of the record, and for how long."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import click

from simulator.commands.options import setting_options, settings
from simulator.core.clock import Clock
from simulator.core.data_directory import DATABASE, drop_ledger
from simulator.core.settings import ConfigurationError, Settings
from simulator.core.timestamps import milliseconds
from simulator.store.opening import open_journal, open_store
from simulator.store.protocols import Journal, Store

_AGE = re.compile(r"(\d{1,6})([hdw])")
_UNITS = {"h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
_MEGABYTE = 1_000_000


@click.group("journal")
def command() -> None:
    """Delete exchanges from the journal. That they were deleted stays on record.

    It may run while the simulator does. Deleted bytes are overwritten; the
    file keeps its size and fills up again.
    """


@command.command("prune")
@setting_options("data", "store")
@click.option(
    "--before",
    metavar="WHEN",
    help="Delete what is older: 2026-01-31, 2026-01-31T10:00:00Z, or an age such as 30d, 12h, 4w.",
)
@click.option("--keep", metavar="NUMBER", type=click.IntRange(0), help="Keep the newest ones only.")
@click.option(
    "--max-mb", metavar="NUMBER", type=click.IntRange(0), help="Keep the newest up to this size."
)
def prune(
    config: str | None,
    before: str | None,
    keep: int | None,
    max_mb: int | None,
    **flags: str,
) -> None:
    """Delete the oldest exchanges."""
    if [before, keep, max_mb].count(None) != 2:  # noqa: PLR2004 (one of three)
        raise ConfigurationError("name one of --before, --keep and --max-mb")
    moment = _moment(before) if before is not None else None

    def match(journal: Journal) -> Mapping[str, object]:
        if moment is not None:
            return {"before_ms": moment}
        if keep is not None:
            return {"through": journal.last() - keep}
        return {"through": journal.fitting((max_mb or 0) * _MEGABYTE)}

    wanted = settings(config, **flags)
    _report(_deleted(wanted, [match], "prune"), wanted)


@command.command("delete")
@setting_options("data", "store")
@click.option("--exchange", "numbers", metavar="NUMBER", type=int, multiple=True)
@click.option("--organisation", metavar="ID", help="Delete what was said for one organisation.")
@click.option("--all", "everything", is_flag=True, help="Delete all exchanges.")
def delete(
    config: str | None,
    numbers: tuple[int, ...],
    organisation: str | None,
    everything: bool,
    **flags: str,
) -> None:
    """Delete some exchanges, or all."""
    if [bool(numbers), organisation is not None, everything].count(True) != 1:
        raise ConfigurationError("name one of --exchange, --organisation and --all")
    wanted = settings(config, **flags)
    matches: list[Mapping[str, object]] = [{"exchange": number} for number in numbers]
    if organisation is not None:
        matches = [{"organisation": organisation}]
    _report(_deleted(wanted, [_constant(one) for one in matches or [{}]], "delete"), wanted)


def _moment(text: str) -> int:
    """Return the milliseconds of a date, a time stamp, or an age before now."""
    if age := _AGE.fullmatch(text):
        return Clock().now_ms() - int(age[1]) * _UNITS[age[2]]
    try:
        return milliseconds(text if "T" in text else f"{text}T00:00:00Z")
    except ValueError:
        raise ConfigurationError(
            f"--before: {text!r} is no time: write 2026-01-31, 2026-01-31T10:00:00Z or 30d"
        ) from None


def _place(wanted: Settings) -> Path | str:
    return wanted.store or Path(wanted.data) / DATABASE


@contextmanager
def _opened(wanted: Settings) -> Iterator[tuple[Store, Journal]]:
    path = _place(wanted)
    if isinstance(path, Path) and not path.exists():
        raise ConfigurationError(
            f"there is no journal at {path}: run mdmsim serve first, or give another --data"
        )
    with closing(open_store(path)) as store, closing(store.journal()) as journal:
        yield store, journal


Match = Callable[[Journal], Mapping[str, object]]
"""Chooses what to delete, once the journal is open."""


def _constant(match: Mapping[str, object]) -> Match:
    return lambda _: match


def _deleted(wanted: Settings, matches: Iterable[Match], reason: str) -> int:
    with _opened(wanted) as (store, journal):
        chosen = [match(journal) for match in matches]
        with store.transaction() as state:
            now_ms = Clock().now_ms()
            count = sum(state.forget(match, at_ms=now_ms, reason=reason) for match in chosen)
        drop_ledger(wanted.data)
        return count


def _report(count: int, wanted: Settings) -> None:
    with closing(open_journal(_place(wanted))) as journal:
        left = journal.count()
    click.echo(f"deleted {count} exchanges, which is on record; {left} are left")
