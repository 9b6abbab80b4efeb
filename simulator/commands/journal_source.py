"""Reading a data directory's journal, whether the simulator runs or not."""

import hashlib
import mmap
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from msgspec import Struct

from simulator import __version__, services
from simulator.commands.checked_hashes import CheckedHashes, CheckedPart
from simulator.commands.journal_ranges import MANY, MOST, add_ranges, check_ranges, processors
from simulator.commands.options import shared_data
from simulator.commands.progress import bar
from simulator.core.clock import Clock
from simulator.core.data_directory import (
    DATABASE,
    KEYS,
    LEDGER,
    read_keys,
    signed,
)
from simulator.core.files import PRIVATE, replacing
from simulator.core.messages import Exchange
from simulator.core.sealed_file import seal, unseal
from simulator.core.settings import Settings
from simulator.core.spool import FileSpool
from simulator.disclosure.formats.material import Material
from simulator.disclosure.judge.manifest import Manifest
from simulator.disclosure.judge.spans import JournalRange, RangeDisclosures
from simulator.disclosure.observe.observation import Observer
from simulator.disclosure.observe.records import Disclosure
from simulator.disclosure.observe.values import Fingerprinter
from simulator.disclosure.report import checkpoint
from simulator.disclosure.report.ledger import Ledger
from simulator.disclosure.report.origins import FOREIGN, NOVEL, Known, known_to
from simulator.disclosure.report.recognising import Recogniser
from simulator.disclosure.report.redaction import Level
from simulator.disclosure.report.report import Report
from simulator.disclosure.report.words import ENGLISH
from simulator.journal.chain import Chain, Evidence
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.reference import digest
from simulator.store.errors import StoreError
from simulator.store.opening import open_journal
from simulator.store.protocols import Journal
from simulator.store.reading import exchanges_through

TOOL = f"mdmsim {__version__}"
LARGE = 5_000
"""From so many exchanges on there is a progress bar, and the ledger is kept."""


class JournalLedger(Struct, frozen=True):
    """The ledger of a journal, and what it was made with."""

    journal: Journal
    ledger: Ledger
    evidence: Evidence
    observer: Observer
    catalogue: Catalogue
    known: Known
    data: Path | None = None
    """The data directory whose key signs; None: there is none."""

    def report(
        self,
        manifest: Manifest,
        redact: Level,
        *,
        strict: bool,
        language: str = ENGLISH,
        product: str | None = None,
    ) -> Report:
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
            language=language,
            product=product,
        )

    def material(self, report: Report, manifest: Manifest, width: int | None = None) -> Material:
        """Return what the formats write from."""
        return Material(
            report=report,
            manifest=manifest,
            catalogue=self.catalogue,
            observer=self.observer,
            exchanges=lambda: exchanges_through(self.journal, self.evidence.head.seq),
            origin=self.origin,
            recognise=Recogniser(self.ledger, self.known).records,
            exchange=self.journal.get,
            **({} if self.data is None else {"sign": partial(signed, self.data)}),
            width=width,
        )

    def part(self, span: JournalRange, manifest: Manifest) -> RangeDisclosures:
        """Return what was disclosed in a part of the journal."""
        ledger = Ledger(self.observer, self.catalogue, self.ledger.origins)
        return RangeDisclosures.of(span, self.journal.read, ledger, manifest, TOOL)

    def origin(self, disclosure: Disclosure, seq: int) -> str:
        """Return where the value of a record of exchange *seq* came from."""
        value = int(disclosure.fp, 16)
        found = self.ledger.origins.of(disclosure.concept, value, seq)
        issued = self.known(disclosure.concept) if found == NOVEL else None
        return FOREIGN if issued is not None and value not in issued else found


def today() -> date:
    """Return the day, by the wall clock."""
    return datetime.fromtimestamp(Clock().now_ms() / 1000, UTC).date()


def _added_up(
    journal: Journal,
    observer: Observer,
    catalogue: Catalogue,
    kept: "_Kept",
    hashes: CheckedHashes,
    source: "_Source",
    earlier: "Future[memoryview | None] | None",
) -> tuple[Ledger, Evidence]:
    """Return the ledger of all exchanges; of a large journal, it is kept for the next time."""
    made_with = " ".join((__version__, digest(catalogue), observer.key_id, _deletions(journal)))
    content = earlier and earlier.result()
    restored = content and _restored(content, journal, hashes, source, made_with, catalogue)
    ledger, chain = restored or (Ledger(observer, catalogue, spool=FileSpool), Chain())
    before, checked = ledger.exchanges, CheckedPart.by(chain)
    many = journal.last() - chain.seq >= source.many
    if many and not _added_in_ranges(journal, source, ledger, chain):
        ledger, chain = Ledger(observer, catalogue, spool=FileSpool), Chain()
    evidence = read(journal, ledger.add, chain)
    if ledger.exchanges - before >= LARGE and chain.link:
        with suppress(OSError):  # a directory that cannot be written is read anew each time
            kept.write(checkpoint.pieces(ledger, made_with, chain.seq, chain.link))
            checked = CheckedPart.by(chain)
    if checked.seq and not chain.earlier:
        hashes.write(checked)
    return ledger, evidence


class _Source(Struct, frozen=True):
    """Where the journal is, for processes that read ranges of it."""

    place: Path | str
    key: bytes
    """That of fingerprints."""
    observer: Observer
    processes: int
    many: int


def _added_in_ranges(journal: Journal, source: _Source, ledger: Ledger, chain: Chain) -> bool:
    """Add up in several processes what is behind *chain*; see `add_ranges`."""
    left = journal.last() - chain.seq
    with bar("reading the journal", left) as advance:
        return add_ranges(
            journal, source.place, source.key, ledger, source.observer, chain,
            source.processes, source.many, advance,
        )  # fmt: skip


def _deletions(journal: Journal) -> str:
    """Return what tells one list of deletions from another; nothing if it cannot be read."""
    try:
        return hashlib.sha256(repr(journal.cuts()).encode()).hexdigest()
    except StoreError:
        return ""


class _Kept(Struct, frozen=True):
    """The file that a ledger is kept in, bound to the data directory by its key."""

    path: Path
    key: bytes

    def read(self) -> memoryview | None:
        """Return what `write` was given; None if there is nothing, or something else."""
        try:
            with self.path.open("rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError):  # the latter if it is empty
            return None
        return unseal(self.key, LEDGER, memoryview(mapped))

    def write(self, content: Sequence[bytes | memoryview]) -> None:
        with replacing(self.path, PRIVATE) as file:
            file.write(seal(self.key, LEDGER, content))
            file.writelines(content)


def _restored(
    content: memoryview,
    journal: Journal,
    hashes: CheckedHashes,
    source: _Source,
    made_with: str,
    catalogue: Catalogue,
) -> tuple[Ledger, Chain] | None:
    """Return the ledger that was kept, if the hashes of all that it holds are still right."""
    restored = checkpoint.load(content, made_with, source.observer, catalogue, FileSpool)
    if not restored:
        return None
    if (known := hashes.chain(restored.seq, restored.link)) is not None:
        return restored.ledger, known
    chain = Chain()
    processes = source.processes if restored.seq >= source.many else 1
    with suppress(StoreError):
        check_ranges(journal, source.place, chain, restored.seq, processes)
    whole = chain.link == restored.link and chain.seq == restored.seq
    return (restored.ledger, chain) if whole else None


@contextmanager
def books(
    settings: Settings, *, fresh: bool = False, processes: int | None = None, many: int = MANY
) -> Iterator[JournalLedger]:
    """Open the journal of a data directory, and add it all up.

    With *fresh* nothing of an earlier time is used. From *many* new exchanges on it is done by so
    many *processes*; None: one for each processor.
    """
    with (
        shared_data(settings) as data,
        closing(open_journal(settings.store or data / DATABASE)) as journal,
        ThreadPoolExecutor(1) as beside,
    ):
        keys = read_keys(data / KEYS, settings.fingerprint_key)
        kept = _Kept(data / LEDGER, keys.secret)
        # To prove 60 MB of it takes as long as to load the services, and leaves Python to them.
        earlier = None if fresh else beside.submit(kept.read)
        catalogue = services.load()
        observer = Observer(catalogue, Fingerprinter(keys.fingerprint))
        place = settings.store or data / DATABASE
        hashes = CheckedHashes.begin(data, keys.secret, place)
        with journal.at_one_moment() as now:
            count = min(processes or processors(), MOST)
            source = _Source(place, keys.fingerprint, observer, count, many)
            ledger, evidence = _added_up(now, observer, catalogue, kept, hashes, source, earlier)
            known = known_to(catalogue, now.scan, observer.stamps)
        yield JournalLedger(journal, ledger, evidence, observer, catalogue, known, data)


def read(journal: Journal, add: Callable[[Exchange], None], chain: Chain | None = None) -> Evidence:
    """Hand exchanges to *add*, with a progress bar if they are many; return the evidence.

    All of them, or those after the ones that *chain* has looked at.
    """
    chain = chain or Chain()
    last, done = journal.last(), chain.seq
    with bar("reading the journal", last - done, shown=last - done >= LARGE) as advance:
        for batch in journal.walk(chain):
            for exchange in batch:
                add(exchange)
            advance(chain.seq - done)
            done = chain.seq
    return journal.evidence(chain)


def verify(settings: Settings, heads: Collection[bytes] = ()) -> Evidence:
    """Return what the hash chain of a journal says; it must go through *heads*."""
    place = settings.store or Path(settings.data) / DATABASE
    with closing(open_journal(place)) as reader, reader.at_one_moment() as journal:
        return read(journal, lambda _: None, Chain(heads))
