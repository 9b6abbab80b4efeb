"""Writing a capture into a journal, and what has to be said about it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from simulator.captures.evaluation import Evaluation
from simulator.captures.messages import Advance, Capture, Entry, ExportedExchange, Invalid, Message
from simulator.core.messages import Exchange
from simulator.core.settings import ConfigurationError
from simulator.store.protocols import Store

_BATCH = 500
"""Entries that are written in one transaction."""
_BATCH_BYTES = 8 * 1024 * 1024
"""Bytes of bodies after which a transaction ends, so that memory does not follow their length."""
_NAMED = 10
"""Hosts, and invalid entries, that are named; the others are counted."""
NOT_CAPTURED = (
    "a capture does not show: the client's certificate, server name and TLS version, HTTP/2 "
    "settings, which connection a request came by"
)


NOT_EXPORTED = (
    "an export without requests does not show: what was received, whether values were new to "
    "Apple, what connections told, the hash chain; a jsonl leaves out requests that disclosed "
    "nothing"
)


class Transcript:
    """The messages of a capture that went to Apple's hosts, as a journal."""

    def __init__(self, path: Path, capture: Capture) -> None:
        self._path, self._capture = path, capture
        self.entries = 0
        self.recorded = 0
        """Exchanges that were written."""
        self.exported = 0
        """Those of them that come from a journal of ours."""
        self.without_request = 0
        """Exchanges of an export that holds no requests."""
        self.invalid: list[Invalid] = []

    def write(
        self,
        evaluation: Evaluation,
        store: Store,
        advance: Advance,
        on_exported: Callable[[ExportedExchange], None],
    ) -> None:
        """Write all exchanges into *store*; ConfigurationError if there are none.

        *on_exported* is told those of which only what they disclosed is known.
        """
        for batch in batches(self._capture.entries(advance)):
            with store.transaction() as state:
                for entry in batch:
                    self.entries += 1
                    if isinstance(entry, Invalid):
                        self.invalid.append(entry)
                        continue
                    if isinstance(entry, ExportedExchange):
                        on_exported(entry)
                        self.without_request += 1
                        continue
                    exchange: Exchange | None = None
                    if isinstance(entry, Message):
                        exchange = evaluation.exchange(entry, state)
                    else:
                        exchange = entry
                        self.exported += 1
                    if exchange is not None:
                        state.record(exchange)
                        self.recorded += 1
        if not self.recorded and not self.without_request:
            raise ConfigurationError(f"{self._path}: {self._nothing(evaluation)}")

    def _nothing(self, evaluation: Evaluation) -> str:
        if self.invalid:
            return f"none of its {self.entries} entries can be used: {listed(self.invalid)}"
        if not self.entries:
            return "is empty: capture what the client sends first"
        others = counted(evaluation.hosts.others)
        return (
            f"none of its {self.entries} requests went to Apple's hosts ({others}): if one of "
            "these is a simulator, name it with --host"
        )

    def __str__(self) -> str:
        return (
            f"{self._path}: {self._capture.kind} with {self.entries} entries, of which "
            f"{self.recorded + self.without_request} went to Apple's hosts"
        )

    def limits(self, evaluation: Evaluation) -> Iterator[str]:
        """Yield what a reader of the report has to know that it does not show, a line each."""
        if evaluation.hosts.simulated:
            yield f"taken for a simulator's: {counted(evaluation.hosts.simulated)}"
        if evaluation.hosts.others:
            yield f"skipped, as they went to other hosts: {counted(evaluation.hosts.others)}"
        if self.invalid:
            yield f"skipped, as they are invalid: {listed(self.invalid)}"
        if self.without_request:
            yield NOT_EXPORTED
        if self.exported < self.recorded:
            yield NOT_CAPTURED
        if evaluation.cut:
            yield f"requests of which a part was not captured: {evaluation.cut}"
        if evaluation.unanswered:
            yield f"requests whose response was not captured: {evaluation.unanswered}"
        if evaluation.bodiless:
            yield f"responses whose body was not captured: {evaluation.bodiless}"


def batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Yield *entries* in lists of up to 500, or of a little over 8 MiB of bodies."""
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        batch.append(entry)
        if isinstance(entry, Message | Exchange):
            size += len(entry.request.body) + len(entry.response.body)
        if len(batch) >= _BATCH or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def counted(hosts: Counter[str]) -> str:
    """Return the hosts with their requests, most first, up to ten."""
    found = [f"{host} {count}" for host, count in hosts.most_common(_NAMED)]
    more = len(hosts) - len(found)
    return ", ".join(found) + (f" and {more} more hosts" if more else "")


def listed(invalid: list[Invalid]) -> str:
    """Return the invalid entries with why they are, up to ten."""
    found = [f"entry {one.number} ({one.why})" for one in invalid[:_NAMED]]
    more = len(invalid) - len(found)
    return ", ".join(found) + (f" and {more} more" if more else "")
