"""``mdmsim judge``: captured traffic, evaluated like the simulator's own."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import click

from simulator import services
from simulator.captures.evaluation import Evaluation
from simulator.captures.opening import open_capture
from simulator.captures.transcript import Transcript
from simulator.commands.journal_source import JournalLedger, books, read, today
from simulator.commands.options import (
    RUN,
    host_option,
    is_journal,
    of_run,
    setting_options,
    settings,
    shared_data,
)
from simulator.commands.progress import bar
from simulator.commands.report_options import ReportOptions, deliver, report_options
from simulator.core.data_directory import DATABASE, KEYS, MEMORY, Directory, read_keys
from simulator.core.settings import ConfigurationError, Settings
from simulator.core.spool import FileSpool
from simulator.disclosure.judge.manifest import load_manifest
from simulator.disclosure.observe.observation import Observer
from simulator.disclosure.observe.values import Fingerprinter
from simulator.disclosure.redact.guard import SecretGuard
from simulator.disclosure.report.ledger import Ledger
from simulator.disclosure.report.origins import Scan, known_to
from simulator.store.opening import open_journal, open_store

_OF_REQUESTS = ("har", "jsonl")
"""Formats that are written from the requests themselves."""
_LARGE = 4_000_000
"""Bytes of a capture from which on a progress bar is shown."""


@click.command("judge")
@click.argument("file", type=RUN)
@setting_options("store_key", "manifest", "fingerprint_key")
@report_options
@host_option
@click.option(
    "--data",
    metavar="DIR|URL",
    type=RUN,
    help="Data directory or store of the simulator that was captured: its key gives the same "
    "fingerprints, and what its world does not hold is foreign.",
)
@click.pass_context
def command(
    context: click.Context,
    /,
    file: Path | str,
    hosts: tuple[str, ...],
    data: Path | str | None,
    config: str | None,
    **flags: Any,
) -> None:
    """Report what FILE discloses: a HAR, mitmproxy's flows, a data directory, or its database.

    It may be the URL of a store as well, as postgresql://USER@HOST/DATABASE.

    A HAR or jsonl that mdmsim exported is evaluated again by what it says of each value.

    What went to Apple's hosts is read by the same rows as live requests, and reported as by
    mdmsim report; exchanges are numbered in the order of the file. Nothing of it is kept.

    Exit code: 0 clean, 1 findings, 2 usage or manifest error, 3 evidence incomplete.
    """
    options = ReportOptions.take(flags)
    wanted = settings(config, **flags)
    manifest = load_manifest(wanted.manifest).on(today())
    if isinstance(file, str) or is_journal(file):
        with of_run(file, wanted) as chosen, books(chosen) as kept:
            code = deliver(kept, manifest, options)
    else:
        with _captured(file, wanted, hosts, data, options.form) as kept:
            code = deliver(kept, manifest, options)
    context.exit(code)


@contextmanager
def _captured(
    file: Path, wanted: Settings, hosts: tuple[str, ...], data: Path | str | None, form: str
) -> Iterator[JournalLedger]:
    """Write the capture in *file* into a journal that is gone at the end, and add it all up."""
    capture, catalogue = open_capture(file), services.load()
    with ExitStack() as stack:
        held = Directory(MEMORY)
        stack.callback(held.release)
        scan: Scan = lambda *_: ()  # noqa: E731 (a world that holds nothing)
        keys, folder = held.keys(wanted.fingerprint_key), None
        if data is not None:
            chosen = stack.enter_context(of_run(data, wanted))
            folder = stack.enter_context(shared_data(chosen))
            keys = read_keys(folder / KEYS, wanted.fingerprint_key)
            place = chosen.store or folder / DATABASE
            scan = stack.enter_context(closing(open_journal(place))).scan
        fingerprinter = Fingerprinter(keys.fingerprint)
        observer = Observer(catalogue, fingerprinter)
        evaluation = Evaluation(catalogue, observer, wanted, hosts)
        guard = SecretGuard(catalogue.services.values(), fingerprinter, catalogue.long_names)
        for kind, places in guard.kinds.items():
            for name, concept in places:
                for secret in scan(kind, name):
                    guard.add(concept, secret)
        journal_file = held.path / DATABASE
        with closing(open_store(journal_file, guard=guard)) as store:
            transcript = Transcript(file, capture)
            ledger = Ledger(observer, catalogue, spool=FileSpool)
            with bar(f"reading {file.name}", capture.size, shown=capture.size > _LARGE) as advance:
                transcript.write(
                    evaluation,
                    store,
                    advance,
                    lambda one: ledger.add_exported(one.exchange, one.observed),
                )
        if transcript.without_request and form in _OF_REQUESTS:
            raise ConfigurationError(
                f"--format {form} holds the requests, which {file} does not: evaluate an export of "
                "--redact clear"
            )
        ledger.limits = tuple(transcript.limits(evaluation))
        for line in (transcript, *ledger.limits):
            click.echo(f"mdmsim: {line}", err=True)
        journal = stack.enter_context(closing(open_journal(journal_file)))
        evidence = read(journal, ledger.add)
        # An entry that cannot be read is a request of which everything is missing.
        ledger.truncated += len(transcript.invalid)
        known = known_to(catalogue, scan, observer.stamps)
        yield JournalLedger(journal, ledger, evidence, observer, catalogue, known, folder)
