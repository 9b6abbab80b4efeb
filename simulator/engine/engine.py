"""The engine: one request in, one finished exchange out, in one straight line.

Rule 1: no step calls back into an earlier one.
Rule 2: whatever happens, the exchange is recorded, and holds no secret.

Longer than 300 lines: it is one line, which is followed from its top to its end.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Protocol, cast

from msgspec.structs import replace

from simulator.core.messages import Exchange, Finding, Request, Response, named
from simulator.core.settings import Settings
from simulator.core.state import State
from simulator.core.steps import Steps, finished
from simulator.engine.compiled import CompiledOperation, compiled_operations
from simulator.engine.habits import note_habits
from simulator.engine.head_cache import HeadCache, HeadCheck, HeadFacts
from simulator.engine.labels import SESSION, START, labelled
from simulator.engine.late_records import LateRecord, PendingPage
from simulator.engine.preflight import nothing, unmatched
from simulator.engine.preparation import Prepared
from simulator.engine.readings import Reading, Readings
from simulator.faults.faults import FaultRegistry, delivered
from simulator.faults.generic import refused
from simulator.protocol.catalogue import Catalogue, Match
from simulator.protocol.items import held_back
from simulator.protocol.operations import (
    ApiError,
    Call,
    NeedsOutboundCall,
    NeedsPieces,
    Operation,
    OutboundCall,
)
from simulator.protocol.service import Service
from simulator.protocol.validation import Checked
from simulator.protocol.wire import Decoded
from simulator.store.errors import StoreError

LOG = logging.getLogger("mdmsim")
_NO_CALLS: Mapping[OutboundCall, str] = {}
_NOT_MEASURED = int
"""Returns 0."""
_INLINE_BODY_LIMIT = 16_384
"""Bytes of a body that is soon read, four times the largest of a push."""


class Sealer(Protocol):
    """What takes the secrets out of an exchange before it is stored."""

    def seal_request(
        self,
        request: Request,
        operation: Operation | None,
        service: Service | None,
        decoded: Decoded | None,
    ) -> Request:
        """Return *request* with each secret replaced by its fingerprint."""
        ...

    def sealing_response(
        self, response: Response, operation: Operation | None, service: Service | None
    ) -> Steps[Response]:
        """Return *response* with each secret replaced by its fingerprint."""
        ...


class Engine:
    """Answer requests by the rows of a catalogue. Holds no state of its own."""

    def __init__(
        self,
        catalogue: Catalogue,
        settings: Settings,
        secret: bytes,
        sealer: Sealer,
        authorities: object = None,
    ) -> None:
        """Compile the rows; *secret* is the data directory's key for tokens and cursors.

        *authorities* are handed to the handlers that issue certificates.
        """
        self.catalogue = catalogue
        self._settings = settings
        self._secret = secret
        self._sealer = sealer
        self._authorities = authorities
        self._fault_registry = FaultRegistry(catalogue, settings.seed)
        self._plans = compiled_operations(catalogue, settings.strictness)
        self._heads = {name: HeadCache(plan.enter) for name, plan in self._plans.items()}
        self._readings = Readings(catalogue, settings.body_limit)
        inline = [plan for plan in self._plans.values() if plan.operation.runs_inline]
        self._inline_starts = tuple(plan.start for plan in inline)

    def runs_inline(self, request: Request) -> bool:
        """Tell whether *request* is short enough for the event loop, going by path and size."""
        return (
            request.target.startswith(self._inline_starts)
            and len(request.body) <= _INLINE_BODY_LIMIT
        )

    def is_page(self, request: Request) -> bool:
        """Tell whether *request* is for as much as a list holds, by its rows, or as slow."""
        request, _, _ = labelled(request)
        match = self.catalogue.find(request.method, request.target, request.header("host") or "")
        found = match.operation
        return found is not None and (found.is_slow or self._plans[found.name].is_page)

    def process(
        self,
        request: Request,
        state: State,
        now_ms: int,
        completed_calls: Mapping[OutboundCall, str] = _NO_CALLS,
        prepared: Prepared | None = None,
        elapsed_us: Callable[[], int] = _NOT_MEASURED,
        lookups: dict[str, Any] | None = None,
        late: LateRecord | None = None,
    ) -> Response:
        """Answer *request* and record the exchange, all in the transaction of *state*.

        What was *prepared* beforehand is not done again. *elapsed_us* tells how long the request
        has been there. *lookups* keeps what is looked up for it in several transactions;
        *late* keeps a long page, which is then not complete and not recorded yet.
        Raise NeedsOutboundCall, and record nothing, if it needs a call that is not among
        *completed_calls*; NeedsPieces if others' work is to be done first.
        """
        if late is not None:
            state = late.noting(state)
        names, session, prefix = named(request.headers), "", ""
        if SESSION in names or request.target.startswith(START):
            request, session, prefix = labelled(request)
            names = named(request.headers)
        exchange = Exchange(now_ms, request, session=session)
        if prepared is not None and prepared.is_refused and self._fault_registry.armed(state):
            prepared = None  # a fault may look for what stands in the body
        decoded = None if prepared is None else prepared.decoded
        reading = self._readings.find(request, names, decoded)
        match = reading.match
        call = Call(
            exchange,
            request,
            now_ms,
            names,
            match.operation or nothing(match.service),
            self._settings,
            self._secret,
            state.of(""),
            path=match.path,
            pairs=reading.pairs,
            completed_calls=completed_calls,
            lookups=lookups,
            prefix=prefix,
            authorities=self._authorities,
        )
        if match.may_begin_anew:
            # Nothing may count twice, be it a fault or a request.
            with state.savepoint():
                exchange.response = self._answer(call, reading)
        else:
            exchange.response = self._answer(call, reading)
        response, sealed = exchange.response, None if prepared is None else prepared.sealed
        if call.items is None and late is None:
            finished(self._sealing(exchange, sealed, reading, elapsed_us))
            call.record(state)
            return response
        seal = partial(self._sealing, exchange, sealed, reading, elapsed_us)
        page = PendingPage(call, seal, partial(self._fail, call, reading))
        if late is not None and late.keep(page):
            return response
        finished(page.write_out())
        return page.record(state)

    def prepare(self, request: Request) -> Prepared:
        """Decode, check and seal *request*; `process` needs not do it then."""
        request, _, _ = labelled(request)
        reading = self._readings.find(request, named(request.headers))
        match, decoded = reading.match, reading.decoded
        operation, service = match.operation, match.service
        sealed = self._sealer.seal_request(request, operation, service, decoded)
        refused = False
        if operation is not None and service is not None and decoded.readable:
            _, version = service.version(self._scratch(request, match, None, 0))
            checked = self._plans[operation.name].check_body(decoded.tree, version)
            decoded = replace(decoded, checked=checked, checked_version=version)
            refused = service.judges_bodies and checked.error is not None
        return Prepared(decoded, refused, sealed)

    def recognises(self, request: Request, state: State, now_ms: int) -> bool:
        """Tell whether the head of *request* is that of a client, as far as the head can tell."""
        request, _, _ = labelled(request)
        match = self.catalogue.find(request.method, request.target, request.header("host") or "")
        if match.operation is None:
            return False
        recognise = self._plans[match.operation.name].recognise
        if recognise is None:
            return True
        try:
            recognise(self._scratch(request, match, state.of(""), now_ms))
        except ApiError:
            return False
        return True

    def _scratch(self, request: Request, match: Match, state: State | None, now_ms: int) -> Call:
        """Return a call whose exchange is not recorded."""
        return Call(
            Exchange(now_ms, request),
            request,
            now_ms,
            named(request.headers),
            match.operation or nothing(match.service),
            self._settings,
            self._secret,
            cast("State", state),
            path=match.path,
        )

    def _sealing(
        self,
        exchange: Exchange,
        sealed_request: Request | None,
        reading: Reading,
        elapsed_us: Callable[[], int],
    ) -> Steps[None]:
        """Have *exchange*, whose answer is made, be as it is recorded: without its secrets."""
        response, match = exchange.response, reading.match
        operation, service = match.operation, match.service
        if exchange.findings and service is not None:
            docs = (operation or service).docs
            exchange.findings = [replace(one, docs=one.docs or docs) for one in exchange.findings]
        exchange.took_us = elapsed_us()
        exchange.request = sealed_request or self._sealer.seal_request(
            exchange.request, operation, service, reading.decoded
        )
        sealed = yield from self._sealer.sealing_response(response, operation, service)
        exchange.response = sealed.for_record() if response.notify_topic else sealed

    def _answer(self, call: Call, reading: Reading) -> Response:
        service = reading.match.service
        if service is None:
            return unmatched(call.exchange, self.catalogue)
        call.exchange.service = service.name
        return _completed(call, self._respond(call, reading, service))

    def _fail(self, call: Call, reading: Reading, error: Exception) -> Response:
        """Answer *call*, whose items failed with *error*."""
        return _completed(call, _refuse(call, cast("Service", reading.match.service), error))

    def _respond(self, call: Call, reading: Reading, service: Service) -> Response:
        exchange, match = call.exchange, reading.match
        try:
            if match.operation is None:
                head: HeadFacts | HeadCheck = HeadCheck(None)
            else:
                exchange.operation = match.operation.name
                exchange.route = self._plans[exchange.operation].route
                head = self._heads[exchange.operation].find(call)
            head.receive(call, match, service)
            return self._handle(call, self._plans[exchange.operation], head, reading)
        except (NeedsOutboundCall, NeedsPieces, StoreError):
            raise
        except Exception as error:  # noqa: BLE001 (it is on record)
            return _refuse(call, service, error)

    def _handle(
        self,
        call: Call,
        plan: CompiledOperation,
        head: HeadFacts | HeadCheck,
        reading: Reading,
    ) -> Response:
        decoded = reading.decoded
        armed = self._fault_registry.armed(call.state)
        if armed and (row := self._fault_registry.apply(call, armed, decoded, late=False)):
            _recognise(call, plan, head)
            raise ApiError(row)
        checks = reading.checks(call, plan.check)
        if not (decoded.problem and plan.credential[0] == "body"):
            _authenticate(call, plan, head, checks.all)
        if armed and (row := self._fault_registry.apply(call, armed, decoded, late=True)):
            raise ApiError(row)
        if not checks.are_clean:
            _judge(call, plan, checks.all)
        plan.check_version(call)
        with call.state.savepoint():
            result = plan.operation.handler(call)
        message = plan.project(result, call.version)
        if plan.is_page:
            message, call.items = held_back(message)
        return plan.service.answer(call, message)


def _completed(call: Call, response: Response) -> Response:
    """Return *response* as it is sent; note what it shows of the client."""
    note_habits(call, response)
    return delivered(call, response) if call.exchange.faults else response


def _refuse(call: Call, service: Service, error: Exception) -> Response:
    """Answer with the row of *error*, or as a failure of our own, and note that."""
    exchange = call.exchange
    if isinstance(error, ApiError):
        exchange.error = error.row.code
        return refused(call, service, error.row)
    LOG.error("%s failed", call.operation.name, exc_info=error)
    text = "the simulator failed on this request: please report it with the log"
    exchange.findings.append(Finding("internal-error", "body", "", text, refused=True))
    exchange.error = service.broken.code
    return service.refuse(call, service.broken)


def _recognise(call: Call, plan: CompiledOperation, head: HeadFacts | HeadCheck) -> None:
    """Note who asked, if it can be told, of a request that a fault refuses anyway."""
    known = len(call.exchange.findings)
    with suppress(ApiError):
        _authenticate(call, plan, head, ())
    del call.exchange.findings[known:]


def _judge(call: Call, plan: CompiledOperation, checks: Sequence[Checked]) -> None:
    """Note what the checks of type, body and query found, and refuse for the first of it."""
    judges = plan.service.judges_bodies
    for checked in checks:
        found = checked.findings
        call.exchange.findings += (
            found if judges else [replace(one, refused=False) for one in found]
        )
    for checked in checks:
        if checked.error is not None and judges:
            raise ApiError(checked.error)


def _authenticate(
    call: Call, plan: CompiledOperation, head: HeadFacts | HeadCheck, checks: Sequence[Checked]
) -> None:
    """Recognise the client; if that fails, what else is wrong is on record but not the cause."""
    if not plan.operation.auth:
        return
    known = len(call.exchange.findings)
    try:
        call.principal = head.recognise(call) or plan.authenticate(call)
        if plan.admit is not None:
            plan.admit(call)
    except ApiError as error:
        part, at = plan.credential
        text = error.about or error.row.about
        if not any(one.refused for one in call.exchange.findings[known:]):
            call.note(Finding("auth-refused", part, at, text, refused=True))
        for checked in checks:
            call.exchange.findings += [replace(one, refused=False) for one in checked.findings]
        raise
    call.exchange.organisation = call.principal.organisation
    call.exchange.client = call.principal.client
    call.state = call.state.of(call.principal.organisation)
