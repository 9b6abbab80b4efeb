"""The ledger of a running simulator, kept up to date exchange by exchange."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from aiohttp import web

from simulator import __version__
from simulator.control.parts import Parts
from simulator.core.messages import Exchange
from simulator.core.spool import FileSpool
from simulator.disclosure.formats.material import Material
from simulator.disclosure.judge.manifest import Manifest
from simulator.disclosure.judge.spans import JournalRange, RangeDisclosures
from simulator.disclosure.observe.records import Disclosure, ObservedRecord
from simulator.disclosure.report.ledger import Ledger
from simulator.disclosure.report.lines import order_by_place, sent_line
from simulator.disclosure.report.origins import FOREIGN, NOVEL, Known, known_to
from simulator.disclosure.report.recognising import Recogniser
from simulator.disclosure.report.redaction import Level
from simulator.disclosure.report.report import Report
from simulator.disclosure.report.rows import ledger_row
from simulator.disclosure.report.words import ENGLISH
from simulator.journal.chain import Chain, Cut
from simulator.store.protocols import Journal
from simulator.store.reading import BATCH, exchanges_through, in_pieces

T = TypeVar("T")
_TOOL = f"mdmsim {__version__}"
SMALL = 20_000
"""Up to so many exchanges, each report looks at all hashes again; beyond, at the new ones."""


class LedgerService:
    """The ledger so far: what was added once is not read again. For any thread but the loop's."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._ledger, self._chain = self._empty()
        self._cuts: list[Cut] = []
        """What had been deleted when this was begun."""
        self._known: tuple[int, Known] | None = None

    def report(
        self,
        manifest: Manifest,
        redact: Level,
        *,
        strict: bool,
        verify: bool,
        language: str = ENGLISH,
        product: str | None = None,
    ) -> Report:
        """Add what has happened since, and judge it all by *manifest*.

        The hashes of new exchanges are always checked; with *verify*, or while
        there are few, all are.
        """
        parts = self._parts
        with self._nearly() as whole:
            chain = self._chain
            if verify or chain.checked <= SMALL:
                chain = Chain()
                for _ in in_pieces(whole, chain, whole.last()):
                    pass
            with whole.at_one_moment() as journal:
                if self._catch_up(journal):
                    chain = self._chain  # it looked at all hashes at this moment
                for _ in journal.walk(chain):
                    pass
                evidence = journal.evidence(chain)
                known = self._known_now(journal)
            return Report.build(
                self._ledger,
                manifest,
                parts.catalogue,
                tool=_TOOL,
                evidence=evidence,
                known=known,
                redact=redact,
                strict=strict,
                language=language,
                product=product,
            )

    def manifest(self) -> Manifest:
        """Return the manifest of the settings as it is today, by the simulator's clock."""
        return self._parts.manifest.on(self.today())

    def today(self) -> date:
        """Return the day, by the simulator's clock."""
        return datetime.fromtimestamp(self._parts.clock.now_ms() / 1000, UTC).date()

    def material(
        self,
        manifest: Manifest,
        redact: Level,
        *,
        strict: bool,
        verify: bool,
        language: str = ENGLISH,
        product: str | None = None,
    ) -> Material:
        """Return what the formats write from: `report`, and the exchanges up to now."""
        parts = self._parts
        report = self.report(
            manifest, redact, strict=strict, verify=verify, language=language, product=product
        )
        return Material(
            report=report,
            manifest=manifest,
            catalogue=parts.catalogue,
            observer=parts.observer,
            exchanges=lambda: exchanges_through(parts.journal, report.evidence.head_exchange),
            origin=lambda one, seq: self.origins(seq, [one])[0],
            recognise=self.recognised,
            exchange=parts.journal.get,
            sign=parts.sign,
        )

    def rows(self, match: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the rows of the ledger by place; *match* narrows the exchanges they are of."""
        parts = self._parts
        with self._nearly() as whole:
            part = self._part(whole, match) if match else None
            with whole.at_one_moment() as journal:
                self._catch_up(journal)
                known = self._known_now(journal)
            ledger, manifest = part or self._ledger, self.manifest()
            found = []
            for group in ledger.sent.values():
                line = sent_line(
                    group, ledger, manifest, parts.catalogue, "partial", gate=False,
                    known=known,
                )  # fmt: skip
                found.append((order_by_place(line), ledger_row(line, group)))
        return [row for _, row in sorted(found, key=lambda pair: pair[0])]

    def part(self, span: JournalRange) -> RangeDisclosures:
        """Return what was disclosed in a part of the journal."""
        parts = self._parts
        with self._nearly() as journal:
            ledger = Ledger(parts.observer, parts.catalogue, self._ledger.origins)
            return RangeDisclosures.of(span, journal.read, ledger, self.manifest(), _TOOL)

    def origins(self, seq: int, records: list[Disclosure]) -> list[str]:
        """Return where the value of each record of exchange *seq* came from."""
        with self._nearly() as whole, whole.at_one_moment() as journal:
            self._catch_up(journal)
            known = self._known_now(journal)
            found = []
            for one in records:
                value = int(one.fp, 16)
                origin = self._ledger.origins.of(one.concept, value, seq)
                issued = known(one.concept) if origin == NOVEL else None
                foreign = issued is not None and value not in issued
                found.append(FOREIGN if foreign else origin)
        return found

    def recognised(self, observed: Iterable[ObservedRecord]) -> list[ObservedRecord]:
        """Return the records of an exchange with what is known of their values beside it."""
        with self._nearly() as whole, whole.at_one_moment() as journal:
            self._catch_up(journal)
            return Recogniser(self._ledger, self._known_now(journal)).records(observed)

    def _part(self, journal: Journal, match: Mapping[str, str]) -> Ledger:
        """Return a ledger of the exchanges that *match*."""
        parts = self._parts
        ledger = Ledger(parts.observer, parts.catalogue, self._ledger.origins)
        while batch := journal.read(ledger.last[0], BATCH, match):
            for exchange in batch:
                ledger.add(exchange)
        return ledger

    @contextmanager
    def _nearly(self) -> Iterator[Journal]:
        """Yield the journal once all but its newest exchanges are added.

        That may take many seconds. In one moment of the database its write-ahead log would grow
        meanwhile, and a database in memory could not be written.
        """
        journal = self._parts.journal
        with self._lock, journal.limit_put_off():
            self._begin(journal)
            self._add(in_pieces(journal, self._chain, journal.last()))
            yield journal

    def _catch_up(self, journal: Journal) -> bool:
        """Add the exchanges that are new; tell whether it began anew, as some were deleted."""
        begun = self._begin(journal)
        self._add(journal.walk(self._chain))
        return begun

    def _begin(self, journal: Journal) -> bool:
        """Begin anew if exchanges were deleted since; tell whether it did."""
        if (cuts := journal.cuts()) == self._cuts:
            return False
        self._ledger, self._chain = self._empty()
        self._cuts = cuts
        return True

    def _empty(self) -> tuple[Ledger, Chain]:
        return Ledger(self._parts.observer, self._parts.catalogue, spool=FileSpool), Chain()

    def _add(self, batches: Iterable[Sequence[Exchange]]) -> None:
        for batch in batches:
            for exchange in batch:
                self._ledger.add(exchange)

    def _known_now(self, journal: Journal) -> Known:
        """Return what tells the values that the world holds, looked up once per change."""
        parts = self._parts
        revision = journal.revision()
        if self._known is None or self._known[0] != revision:
            known = known_to(parts.catalogue, journal.scan, parts.observer.stamps)
            self._known = (revision, known)
        return self._known[1]


BOOKS: web.AppKey[LedgerService] = web.AppKey("books", LedgerService)
