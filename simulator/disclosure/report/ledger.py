"""The ledger: all exchanges, added up. A projection of the journal that can be made again.

It knows no manifest: claims are laid over it when a report is made.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from simulator.core.memory_spool import MemorySpool
from simulator.core.messages import Exchange
from simulator.disclosure.concepts import CONCEPTS
from simulator.disclosure.observe.observation import Observer
from simulator.disclosure.observe.plans import Row
from simulator.disclosure.observe.records import Alike, Disclosure, ObservedRecord, Records
from simulator.disclosure.observe.values import EMPTY, text_of
from simulator.disclosure.redact.markers import parse_marker
from simulator.disclosure.report.devices import DEVICE, DeviceLedger
from simulator.disclosure.report.firsts import Firsts, Spool
from simulator.disclosure.report.groups import (
    ODD,
    SAMPLES,
    WRITTEN,
    ReceivedValues,
    Seen,
    Sent,
    SentExample,
)
from simulator.disclosure.report.hashing import stable
from simulator.disclosure.report.names import NAMES, may_name, words_in, words_of
from simulator.disclosure.report.origins import NOVEL, Origins
from simulator.disclosure.report.repeats import Repeat, Repeats
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.wire import parse_json

_WORDS = 65_536
"""Words of a group that are kept; names in later values are not looked for."""
_REFUSED = 400

_TextOf = Callable[[Disclosure], str | None]  # the value behind a record; None: it was sealed
SentKey = tuple[str, str, str, str, str, str]
ReceivedKey = tuple[str, str, str]


class Ledger:
    """Exchanges added up; memory grows with what is different, not with what is many."""

    def __init__(
        self,
        observer: Observer,
        catalogue: Catalogue,
        origins: Origins | None = None,
        *,
        is_part: bool = False,
        spool: Callable[[], Spool] = MemorySpool,
    ) -> None:
        """Start empty. *origins*: what was answered, if more is known of it than will be added.

        A part does not know what was answered before it; see `parts.join`. *spool* makes what
        different values are kept in, if they are very many.
        """
        self.spool = spool
        self.observer = observer
        self.catalogue = catalogue
        self.origins = origins or Origins(catalogue, spool)
        self._follows = origins is None
        self._tells_origins = not is_part
        self.issued = frozenset(
            one.concept for service in catalogue.services.values() for one in service.issues
        )
        self._sent: dict[SentKey, Sent] = {}
        self._repeats = Repeats()
        self.newest = -1
        """The highest number of an exchange so far."""
        self.received: dict[ReceivedKey, ReceivedValues] = {}
        self.connections: dict[tuple[str, str], Sent] = {}
        """What connections told beside their messages, by service and fact."""
        self.outcomes: Counter[tuple[str, str, int]] = Counter()
        """Exchanges by service, operation and status."""
        self.devices = DeviceLedger()
        self.exchanges = 0
        self.refused = 0
        self.unreadable = 0
        """Requests whose body could not be read."""
        self.truncated = 0
        """Requests of which a part is missing."""
        self.limits: tuple[str, ...] = ()
        """What whoever recorded the exchanges could not see, a sentence each."""
        self.first: tuple[int, int] = (0, 0)
        self.last: tuple[int, int] = (0, 0)
        """Number and time (ms) of the first and the last exchange; zeros if there is none."""

    @property
    def key_id(self) -> str:
        """Name of the key that the fingerprints were made with."""
        return self.observer.key_id

    def add(self, exchange: Exchange) -> None:
        """Add one recorded exchange; what devices told their server is kept apart."""
        if exchange.service == DEVICE:
            self.devices.add(exchange)
            return
        self._count(exchange)
        operation = self.catalogue.operations.get(exchange.operation)
        service = self.catalogue.services.get(exchange.service)
        parts = self.observer.parts(exchange.request, operation, service)
        # A number that is not higher than all before it is of an exchange that comes again,
        # and time 0 counts as none: neither is only counted, nor what was begun before it.
        if exchange.seq <= self.newest or exchange.at_ms <= 0:
            self._repeats.forget()
        self.newest = max(self.newest, exchange.seq)
        repeats = self._repeats.sent_with(exchange)
        unreadable = truncated = False
        for part in parts:
            known = repeats.get(id(part.form if isinstance(part, Alike) else part))
            if known is None or not known.again(exchange):
                known = self._look(part, exchange, self._texts(exchange, parts))
            elif isinstance(part, Alike):
                self._count_values(known, part.numbers, exchange.seq)
            unreadable = unreadable or known.unreadable
            truncated = truncated or known.truncated
        self.unreadable += unreadable
        self.truncated += unreadable and truncated
        if exchange.request.peer.first:
            self._connection(exchange)
        if self._follows:
            self.origins.answered_in_head(exchange)
        if operation is not None and exchange.response.status < _REFUSED:
            self._receive(exchange)

    def add_exported(self, exchange: Exchange, observed: Sequence[ObservedRecord]) -> None:
        """Add an exchange of which only the records are known, and perhaps their values.

        Whether a value was new to Apple cannot be told from then on.
        """
        self._tells_origins = False
        self._count(exchange)
        texts = {id(one): text for one, text in observed}
        look = self._look([one for one, _ in observed], exchange, lambda one: texts[id(one)])
        self.unreadable += look.unreadable
        self.truncated += look.truncated

    @property
    def sent(self) -> dict[SentKey, Sent]:
        """What was sent, by service, operation, part, place, decoder and concept."""
        self.flush()
        return self._sent

    def sent_group(self, service: str, operation: str, one: Disclosure, text: str | None) -> Sent:
        """Return a group that begins with the record *one*."""
        return Sent(service, operation, one, text, self.seen(), fresh=Firsts(self.spool))

    def seen(self) -> Seen:
        """Return what counts how often and when."""
        return Seen(values=Firsts(self.spool))

    def note_origin(self, group: Sent, value: int, origin: str) -> None:
        """Count where *value* came from, which is new in *group*."""
        if origin:
            group.origins[origin] += 1
        if origin == NOVEL and group.example.concept in self.issued:
            group.fresh.add(value, 0)

    def flush(self) -> None:
        """Add to the groups what was only counted up to now."""
        self._repeats.flush()

    def _look(self, part: Records, exchange: Exchange, text: _TextOf) -> Repeat:
        """Add the records of one piece of a request, one by one."""
        service, operation = exchange.service, exchange.operation
        groups: list[Sent] = []
        group: Sent | None = None
        place: tuple[str, str, str, str] | None = None
        for one in part:
            here = (one.part, one.generic, one.via, one.concept)
            if here != place:  # of a list, such as one of serial numbers, all go to one group
                place, key = here, (service, operation, *here)
                group = self._sent.get(key)
                if group is None:
                    group = self._sent[key] = self.sent_group(service, operation, one, text(one))
            assert group is not None  # noqa: S101 (for mypy)
            flags = one.flags
            if flags != group.example.flags and flags not in group.odd and len(group.odd) < ODD:
                group.odd[flags] = SentExample(one, text(one), exchange.seq)
            if one.concept in NAMES or may_name(one):
                self._note_words(group, one, text, exchange.seq)
            self._add(group, one, exchange)
            groups.append(group)
        look = Repeat(part, groups)
        if look.comes_again:
            self._repeats.note(exchange, look)
        return look

    def _count_values(self, known: Repeat, numbers: Sequence[Sequence[int]], seq: int) -> None:
        """Add the values of a piece of which the rest is counted."""
        for at, (group, values) in enumerate(zip(known.groups, numbers, strict=True)):
            known.more[at] += len(values) - 1
            if not self._tells_origins:
                group.seen.values.note(values, seq)
                continue
            for value in values:
                self._count_value(group, value, seq)

    def _count_value(self, group: Sent, value: int, seq: int) -> None:
        if group.seen.values.add(value, seq) and self._tells_origins:
            self.note_origin(group, value, self.origins.of(group.example.concept, value, seq))

    def _texts(self, exchange: Exchange, parts: Sequence[Records]) -> _TextOf:
        """Return what tells the value behind a record of *exchange*, which is read when asked."""
        texts: dict[int, str | None] = {}

        def text(one: Disclosure) -> str | None:
            if not texts:
                operation = self.catalogue.operations.get(exchange.operation)
                service = self.catalogue.services.get(exchange.service)
                found = self.observer.texts(exchange.request, operation, service)
                texts.update(zip(map(id, chain.from_iterable(parts)), found, strict=True))
            return texts[id(one)]

        return text

    def _note_words(self, group: Sent, one: Disclosure, text: _TextOf, seq: int) -> None:
        """Keep the words of a value that is a name, or that people write."""
        if int(one.fp, 16) in group.seen.values:
            return
        if one.concept in NAMES and self._follows:
            self.origins.add_names(words_of(text(one) or ""))
        elif len(group.words) < _WORDS and may_name(one):
            kept = text(one) if len(group.words) < WRITTEN else None
            example = SentExample(one, kept, seq)
            for word in words_in(text(one) or ""):
                group.words.setdefault(word, example)

    def _count(self, exchange: Exchange) -> None:
        status = exchange.response.status
        self.outcomes[exchange.service, exchange.operation, status] += 1
        self.exchanges += 1
        self.refused += status >= _REFUSED
        if self.exchanges == 1:
            self.first = (exchange.seq, exchange.at_ms)
        self.last = (exchange.seq, exchange.at_ms)

    def _connection(self, exchange: Exchange) -> None:
        for one, text in self.observer.connection(exchange.request):
            key = (exchange.service, one.at)
            group = self.connections.get(key)
            if group is None:
                group = self.sent_group(exchange.service, "", one, text)
                self.connections[key] = group
            self._add(group, one, exchange)

    def _receive(self, exchange: Exchange) -> None:
        operation = self.catalogue.operations[exchange.operation]
        if not operation.response or not exchange.response.body:
            return
        try:
            tree = parse_json(exchange.response.body)
        except ValueError:
            return
        for place, (row, values) in self.observer.received(tree, operation).items():
            if not values:
                continue
            key = (exchange.service, exchange.operation, place)
            group = self.received.get(key)
            if group is None:
                group = self._first_received(exchange, place, row, values[0])
                self.received[key] = group
            group.seen.note(exchange)
            group.seen.records += len(values) - 1
            if row.concept in NAMES and self._follows:
                for value in values:
                    self.origins.add_names(words_of(text_of(value)))
            if self.origins.follows(row.concept):
                stamps = self.observer.stamps(row.concept, values)
                group.seen.values.note(stamps, exchange.seq)
                if self._follows:
                    self.origins.answered(row.concept, stamps, exchange.seq, exchange.operation)
            else:
                different = dict.fromkeys(map(text_of, values))  # of a list, they are mostly alike
                group.seen.values.note(map(stable, different), exchange.seq)

    def _first_received(
        self, exchange: Exchange, place: str, row: Row, value: Any
    ) -> ReceivedValues:
        sealed = parse_marker(value) if isinstance(value, str) else None
        marker = sealed or self.observer.mark(row.concept, value)
        text = None if sealed or CONCEPTS[row.concept].sealed else text_of(value)
        return ReceivedValues(
            exchange.service, exchange.operation, place, row, marker, text, self.seen()
        )

    def _add(self, group: Sent, one: Disclosure, exchange: Exchange) -> None:
        group.seen.note(exchange)
        if one.shape not in EMPTY:
            self._count_value(group, int(one.fp, 16), exchange.seq)
        if one.flags:
            group.flags.update(one.flags)
        group.documented = group.documented and one.documented
        if one.clear not in group.samples and len(group.samples) < SAMPLES:
            group.samples[one.clear] = one
