"""Reading a data directory's journal, whether the simulator runs or not."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from simulator import __version__, services
from simulator.clock import Clock
from simulator.commands.progress import bar
from simulator.directory import DATABASE, KEYS, read_keys
from simulator.disclosure.evidence import Chain, Evidence
from simulator.disclosure.formats.material import Material
from simulator.disclosure.ledger import Ledger
from simulator.disclosure.manifest import Manifest
from simulator.disclosure.observation import Observer
from simulator.disclosure.origins import FOREIGN, NOVEL, Known, known_to
from simulator.disclosure.records import Disclosure
from simulator.disclosure.redaction import Level
from simulator.disclosure.report import Report
from simulator.disclosure.values import Fingerprinter
from simulator.messages import Exchange
from simulator.protocol.catalogue import Catalogue
from simulator.settings import Settings
from simulator.store.journal import SqliteJournal

TOOL = f"mdmsim {__version__}"
LARGE = 5_000
"""From so many exchanges on there is a progress bar."""
BATCH = 500
"""Exchanges that are read at a time."""


@dataclass(frozen=True, slots=True)
class Books:
    """The ledger of a journal, and what it was made with."""

    journal: SqliteJournal
    ledger: Ledger
    evidence: Evidence
    observer: Observer
    catalogue: Catalogue
    known: Known

    def report(self, manifest: Manifest, redact: Level, *, strict: bool) -> Report:
        """Judge it all by *manifest*."""
        return Report.build(
            self.ledger,
            manifest,
            self.catalogue,
            tool=TOOL,
            evidence=self.evidence,
            known=self.known,
            redact=redact,
            strict=strict,
        )

    def material(self, report: Report, manifest: Manifest, width: int) -> Material:
        """Return what the formats write from."""
        return Material(
            report=report,
            manifest=manifest,
            catalogue=self.catalogue,
            observer=self.observer,
            exchanges=lambda: exchanges(self.journal),
            origin=self.origin,
            width=width,
        )

    def origin(self, one: Disclosure, seq: int) -> str:
        """Return where the value of a record of exchange *seq* came from."""
        value = int(one.fp, 16)
        found = self.ledger.origins.of(one.concept, value, seq)
        issued = self.known(one.concept) if found == NOVEL else None
        return FOREIGN if issued is not None and value not in issued else found


def today() -> date:
    """Return the day, by the wall clock."""
    return datetime.fromtimestamp(Clock().now_ms() / 1000, UTC).date()


@contextmanager
def books(settings: Settings) -> Iterator[Books]:
    """Open the journal of a data directory, and add it all up."""
    data = Path(settings.data)
    catalogue = services.load()
    with closing(SqliteJournal.open(data / DATABASE)) as journal:
        keys = read_keys(data / KEYS, settings.fingerprint_key)
        observer = Observer(catalogue, Fingerprinter(keys.fingerprint))
        ledger = Ledger(observer, catalogue)
        evidence = read(journal, ledger.add)
        known = known_to(catalogue, journal.scan, observer.stamp)
        yield Books(journal, ledger, evidence, observer, catalogue, known)


def read(journal: SqliteJournal, add: Callable[[Exchange], None]) -> Evidence:
    """Hand all exchanges to *add*, with a progress bar if they are many; return the evidence."""
    last, done, chain = journal.last(), 0, Chain()
    with bar("reading the journal", last, shown=last >= LARGE) as advance:
        for batch in journal.walk(chain):
            for exchange in batch:
                add(exchange)
            advance(chain.seq - done)
            done = chain.seq
    return journal.evidence(chain)


def exchanges(journal: SqliteJournal) -> Iterator[Exchange]:
    """Yield all exchanges that can be read, oldest first."""
    for batch in journal.walk(Chain(), BATCH):
        yield from batch


def verify(data: Path) -> Evidence:
    """Return what the hash chain of a data directory says."""
    with closing(SqliteJournal.open(data / DATABASE)) as journal:
        return read(journal, lambda _: None)
