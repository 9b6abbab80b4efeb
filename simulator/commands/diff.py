"""``mdmsim diff``: what one run disclosed and another did not."""

import json
from http import HTTPStatus
from pathlib import Path

import click

from simulator import services
from simulator.commands.journal_source import books, today
from simulator.commands.options import RUN, is_journal, of_run, setting_options, settings
from simulator.commands.remote import get
from simulator.commands.report import detail
from simulator.core.settings import ConfigurationError, Settings
from simulator.disclosure.judge.difference import (
    DIFFERENCES,
    FORMATS,
    Difference,
    compare,
    exit_code,
)
from simulator.disclosure.judge.gate import INCOMPLETE
from simulator.disclosure.judge.lock import DisclosureLock
from simulator.disclosure.judge.manifest import load_manifest
from simulator.disclosure.judge.spans import JournalRange
from simulator.disclosure.report.rendering import as_dict
from simulator.store.opening import named


@click.command("diff")
@click.argument("old", type=RUN, required=False)
@click.argument("new", type=RUN, required=False)
@setting_options("store_key", "manifest", "fingerprint_key")
@click.option("--old", "old_span", metavar="SPAN", help="Only a part of OLD: FROM..TO.")
@click.option(
    "--new",
    "new_span",
    metavar="SPAN",
    help="Only a part of NEW. A position is the number of an exchange, or a time; ..120 and 121.. "
    "are all up to an exchange, and all after it.",
)
@click.option("--url", metavar="CONTROL", help="Ask a running simulator's control API instead.")
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), default="text", show_default=True
)
@click.option(
    "--fail-on",
    default="any",
    show_default=True,
    metavar="THRESHOLD",
    help=(
        "What makes the exit code 1, several with commas between: "
        f"{'; '.join(f'{name}: {about}' for name, about in DIFFERENCES.items())}."
    ),
)
@click.pass_context
def command(
    context: click.Context,
    /,
    old: Path | str | None,
    new: Path | str | None,
    old_span: str | None,
    new_span: str | None,
    url: str | None,
    form: str,
    fail_on: str,
    config: str | None,
    **flags: str,
) -> None:
    """Compare two runs: each a lock file, a report as JSON, a data directory or the database in it.

    It may be the URL of a store as well, as postgresql://USER@HOST/DATABASE.

    Without NEW, two parts of OLD: mdmsim diff ./mdmsim-data --old ..120 --new 121..

    Exit code: 0 no difference, 1 one that counts, 2 usage or manifest error, 3 evidence incomplete.
    """
    wanted = settings(config, **flags)
    exit_code((), fail_on)
    if url is not None:
        changes = _asked(url, old_span, new_span, paths=(old, new))
        incomplete: list[str | None] = []
    else:
        changes, incomplete = _compared(old, new, (old_span, new_span), wanted)
    click.echo(FORMATS[form](changes), nl=False)
    if incomplete:
        which = " and ".join(map(str, incomplete))
        click.echo(f"mdmsim: the evidence in {which} is incomplete", err=True)
        context.exit(INCOMPLETE)
    context.exit(exit_code(changes, fail_on))


def _compared(
    old: Path | str | None,
    new: Path | str | None,
    spans: tuple[str | None, str | None],
    wanted: Settings,
) -> tuple[list[Difference], list[str | None]]:
    """Return the changes, and the names of those whose evidence is incomplete."""
    if old is None or (new is None and None in spans):
        raise ConfigurationError("name what to compare: two runs, or one with --old and --new")
    new = new or old
    runs = ((old, _span("--old", spans[0])), (new, _span("--new", spans[1])))
    (before, old_whole), (after, new_whole) = (load(path, wanted, span) for path, span in runs)
    doubtful = {
        named(path): None for path, whole in ((old, old_whole), (new, new_whole)) if not whole
    }
    return compare(before, after, services.load()), list(doubtful)


def _span(name: str, text: str | None) -> JournalRange | None:
    try:
        return None if text is None else JournalRange.parse(text)
    except ValueError as error:
        raise ConfigurationError(f"{name}: {error}") from None


def _asked(
    url: str,
    old: str | None,
    new: str | None,
    *,
    paths: tuple[Path | str | None, Path | str | None],
) -> list[Difference]:
    """Return the changes that the control API at *url* finds between two parts of its journal."""
    if any(paths) or old is None or new is None:
        raise ConfigurationError("--url compares parts of one journal: give --old and --new alone")
    try:
        status, body = get(url, "/api/v1/diff", {"old": old, "new": new})
    except OSError as error:
        why = f"{url} does not respond ({error}): is it the control API of a running simulator?"
        raise ConfigurationError(why) from error
    if status != HTTPStatus.OK:
        raise ConfigurationError(f"{url}/api/v1/diff returns {status}{detail(body)}")
    found = json.loads(body)["changes"]
    return [Difference(**one | {"flags": tuple(one["flags"])}) for one in found]


def load(
    path: Path | str, wanted: Settings, span: JournalRange | None = None
) -> tuple[DisclosureLock, bool]:
    """Return the lock of a run, or of a part of it, and whether its evidence is complete."""
    if isinstance(path, str) or is_journal(path):
        manifest = load_manifest(wanted.manifest).on(today())
        with of_run(path, wanted) as chosen, books(chosen) as kept:
            report = kept.report(manifest, "names", strict=False)
            whole = report.verdict != "incomplete"
            lock = kept.part(span, manifest).lock if span else DisclosureLock.of(as_dict(report))
        return lock, whole
    if span is not None:
        raise ConfigurationError(f"{path} holds no exchanges, so no part of it: name a database")
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        why = f"cannot read {path} ({error.strerror}): name a lock or a data directory"
        raise ConfigurationError(why) from error
    except UnicodeDecodeError as error:
        why = f"{path} is no lock: name a lock, a report as JSON, or a data directory"
        raise ConfigurationError(why) from error
    if not text.lstrip().startswith("{"):
        return DisclosureLock.parse(text, str(path)), True
    try:
        report_ = json.loads(text)
        return DisclosureLock.of(report_), report_["verdict"] != "incomplete"
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path} is no report of mdmsim: make it again") from error
