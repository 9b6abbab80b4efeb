"""Captured messages as exchanges of a journal: matched, checked and redacted by the same rows.

No service is asked: nothing is authenticated, no handler runs, and the response is the
one that was captured.
"""

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address

from msgspec.structs import replace

from simulator.captures.messages import Message
from simulator.core.messages import Exchange, Finding, named
from simulator.core.settings import Settings
from simulator.core.state import State
from simulator.disclosure.observe.observation import Observer
from simulator.engine.compiled import compiled_operations
from simulator.engine.labels import labelled
from simulator.engine.preflight import nothing, receive
from simulator.protocol.catalogue import Catalogue, Match
from simulator.protocol.operations import ApiError, Call
from simulator.protocol.wire import Decoded, decode, query_pairs


class HostFilter:
    """Tells the requests to Apple's hosts, and to simulators, from others."""

    def __init__(self, catalogue: Catalogue, hosts: Iterable[str]) -> None:
        """Take *hosts* for Apple's too, beside those of the catalogue and loopback addresses."""
        self._hosts = {name for one in catalogue.services.values() for name in one.hosts}
        self._hosts |= {host.lower().partition(":")[0] for host in hosts}
        self.others: Counter[str] = Counter()
        """Requests to other hosts, by host."""
        self.simulated: Counter[str] = Counter()
        """Requests to loopback addresses, by host."""

    def takes(self, message: Message) -> bool:
        """Tell whether *message* went to Apple's hosts, by its URL or its Host header."""
        sent = (message.request.header("host") or "").lower().partition(":")[0]
        if {message.host, sent} & self._hosts:
            return True
        counted = self.simulated if _is_loopback(message.host) else self.others
        counted[message.host] += 1
        return counted is self.simulated


class Evaluation:
    """Makes exchanges of the messages that went to Apple's hosts."""

    def __init__(
        self, catalogue: Catalogue, observer: Observer, settings: Settings, hosts: Iterable[str]
    ) -> None:
        """Take *hosts* for Apple's too, as `HostFilter` does."""
        self._catalogue, self._observer, self._settings = catalogue, observer, settings
        self._plans = compiled_operations(catalogue, settings.strictness)
        self.hosts = HostFilter(catalogue, hosts)
        self.cut = self.unanswered = self.bodiless = 0
        """Requests of which a part is missing, or the response, or its body."""

    def exchange(self, message: Message, state: State) -> Exchange | None:
        """Return the exchange of *message*, without its secrets; None if its host is another."""
        if not self.hosts.takes(message):
            return None
        self.cut += bool(message.request.problem)
        self.unanswered += not message.response.status
        self.bodiless += message.bodiless
        request, session, _ = labelled(message.request)
        match = self._catalogue.match(request)
        decoded = self._decoded(message, match)
        exchange = Exchange(message.at_ms, request, session=session, response=message.response)
        if match.service is not None:
            exchange.service = match.service.name
            self._check(exchange, match, decoded, state)
        operation, service = match.operation, match.service
        exchange.request = self._observer.seal_request(request, operation, service, decoded)
        exchange.response = self._observer.seal_response(message.response, operation, service)
        return exchange

    def _decoded(self, message: Message, match: Match) -> Decoded:
        request = message.request
        read = None if match.operation is None else match.operation.read_body
        if not message.coded or not request.body:
            return decode(request, self._settings.body_limit, read)
        plain = tuple(pair for pair in request.headers if pair[0].lower() != "content-encoding")
        decoded = decode(replace(request, headers=plain), self._settings.body_limit, read)
        return replace(decoded, coded=True)

    def _check(self, exchange: Exchange, match: Match, decoded: Decoded, state: State) -> None:
        """Note what the rows find; that anything was refused for it is not known."""
        request, operation = exchange.request, match.operation
        if operation is not None:
            exchange.operation, exchange.route = operation.name, operation.route
        call = Call(
            exchange,
            request,
            exchange.at_ms,
            named(request.headers),
            operation or nothing(match.service),
            self._settings,
            b"",
            state,
            path=match.path,
            pairs=query_pairs(request.target),
        )
        found: list[Finding] = []
        with suppress(ApiError):
            if match.service is not None:
                receive(call, match, match.service)
            if operation is not None:
                plan = self._plans[operation.name]
                found = [one for each in plan.check(call, decoded).all for one in each.findings]
                plan.check_version(call)
        docs = (operation or match.service or nothing(None)).docs
        exchange.findings = [
            replace(one, refused=False, docs=one.docs or docs)
            for one in (*exchange.findings, *found)
        ]


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
