"""What a format may write from: the report, and the exchanges that it was made of."""

from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from simulator.core.messages import Exchange
from simulator.core.settings import ConfigurationError
from simulator.disclosure.judge.manifest import Manifest
from simulator.disclosure.observe.observation import Observer
from simulator.disclosure.observe.records import Disclosure, ObservedRecord
from simulator.disclosure.report.devices import DEVICE
from simulator.disclosure.report.names import may_name
from simulator.disclosure.report.recognising import Recognise
from simulator.disclosure.report.report import Report
from simulator.protocol.catalogue import Catalogue


def _unsigned(_: bytes, content_type: str) -> str:
    raise ConfigurationError(
        f"{content_type} is signed with the key of a data directory: name one with --data"
    )


class Material(Struct, frozen=True, kw_only=True):
    """All that is at hand."""

    report: Report
    manifest: Manifest
    catalogue: Catalogue
    observer: Observer
    exchanges: Callable[[], Iterable[Exchange]]
    """Reads the journal again, oldest first, as long as somebody asks for more."""
    origin: Callable[[Disclosure, int], str]
    """Tells where the value of a record of an exchange came from; see ``origins``."""
    recognise: Recognise = list
    """Says what is known of values beside their exchange; see ``recognising``."""
    exchange: Callable[[int], Exchange | None] = lambda _: None
    """Reads one exchange by its number."""
    sign: Callable[[bytes, str], str] = _unsigned
    """Takes content and its media type; returns them in a signed envelope."""
    width: int | None = None
    """Columns of the terminal, if the report is for one."""

    def disclosing(self) -> Iterator[Exchange]:
        """Yield the exchanges with Apple: what devices tell their MDM server is none of them."""
        return (one for one in self.exchanges() if one.service != DEVICE)

    def observed(self, exchange: Exchange) -> list[ObservedRecord]:
        """Return what *exchange* disclosed; values in clear where they are shown or compared."""
        operation = self.catalogue.operations.get(exchange.operation)
        service = self.catalogue.services.get(exchange.service)
        records = self.observer.observe(exchange.request, operation, service)
        is_compared = any(map(may_name, records))
        if not is_compared and self.report.provenance.redaction not in ("partial", "clear"):
            return [(one, None) for one in records]
        texts = self.observer.texts(exchange.request, operation, service)
        observed = list(zip(records, texts, strict=True))
        return self.recognise(observed) if is_compared else observed
