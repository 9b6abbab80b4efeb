"""One operation, compiled, and what is wrong with a request for it."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import Any

from msgspec import Struct

from simulator.core.messages import Finding
from simulator.core.settings import Strictness
from simulator.protocol import validation
from simulator.protocol.body_formats import CONTENT_TYPES
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.fields import Objects, Table, span
from simulator.protocol.head import NOBODY, Principal, RequestHead
from simulator.protocol.operations import ApiError, Call, Operation
from simulator.protocol.projection import projector
from simulator.protocol.service import Service
from simulator.protocol.validation import Checked, refuses
from simulator.protocol.wire import Decoded

_AUTHORIZATION = ("header", "authorization")


class RequestChecks(Struct, frozen=True):
    """What the rows of an operation say of a request."""

    all: tuple[Checked, ...]
    are_clean: bool
    """Whether none of them found anything."""
    query: Mapping[str, Any]
    """The values that passed, as `Call.query`."""
    body: Mapping[str, Any]

    @classmethod
    def of(
        cls, checks: Iterable[Checked], query: Mapping[str, Any], body: Mapping[str, Any]
    ) -> "RequestChecks":
        """Sum *checks* up."""
        found = tuple(checks)
        return cls(found, not any(one.findings for one in found), query, body)


class CompiledOperation(Struct, frozen=True):
    """One operation, compiled."""

    operation: Operation
    service: Service
    check_body: Callable[[Any, int], Checked]
    check_query: Callable[..., Checked]
    project: Callable[[Any, int], Any]
    versions: tuple[int, int]
    recognise: Callable[[RequestHead], Principal] | None
    enter: Callable[[RequestHead], Principal] | None
    """Recognises the client, and does what else goes by the head before the handler."""
    authenticate: Callable[[Call], Principal]
    admit: Callable[[Call], None] | None
    start: str
    """What each of its paths starts with."""
    route: str
    credential: tuple[str, str]
    """Part and place of the credential; what is in the body must be readable first."""
    is_page: bool
    """Whether it answers a list or a table, whose length is the client's to choose."""

    @classmethod
    def of(
        cls, catalogue: Catalogue, operation: Operation, strictness: Strictness
    ) -> "CompiledOperation":
        """Compile the rows of *operation*; ValueError if its service has no such authentication."""
        service = catalogue.services[operation.service]
        if operation.auth not in {"", *service.recognise, *service.authenticate}:
            raise ValueError(
                f"{operation.name}: {service.name} cannot authenticate by {operation.auth}"
            )
        if operation.read_head is not None and operation.auth not in service.recognise:
            raise ValueError(f"{operation.name} reads the head, but does not authenticate by it")
        recognise = service.recognise.get(operation.auth)
        if recognise is None and operation.auth in service.admit_by_head:
            raise ValueError(
                f"{operation.name} does not authenticate by the head, but admits by it"
            )
        return cls(
            operation,
            service,
            validation.body_checker(
                operation,
                service.malformed,
                strictness,
                partial(catalogue.answered, service.name),
            ),
            validation.query_checker(operation, service.malformed, strictness),
            projector(operation.response, service.newest),
            span(operation.versions),
            recognise,
            _entering(recognise, service.admit_by_head.get(operation.auth)),
            service.authenticate.get(operation.auth, _nobody),
            service.admit.get(operation.auth),
            operation.path.partition("{")[0],
            operation.route,
            service.credentials.get(operation.auth, _AUTHORIZATION),
            not operation.runs_inline
            and any(isinstance(row, Objects | Table) for row in operation.response),
        )

    def check(self, call: Call, decoded: Decoded) -> RequestChecks:
        """Check type, body and query of *call*; nothing is refused yet.

        What it finds follows from the body, its type, the query, the version and the rows.
        """
        query = self.check_query(call.pairs, call.version)
        checks = [query]
        sent = bool(call.request.body)
        if sent and self.service.judges_bodies:
            checks.insert(0, self._check_type(call))
        if decoded.problem:
            checks.insert(1, self._unreadable(decoded))
            return RequestChecks.of(checks, query.values, {})
        if decoded.coded:
            text = "Apple's pages name no content coding for requests: send the body as it is"
            checks.insert(1, self._noted(call, "content-coded", "content-encoding", text))
        # An empty form is a form without pairs, as everything may stand in the query.
        nothing: dict[str, Any] | None = {} if self.operation.body_format == "form" else None
        if decoded.checked_version == call.version:
            body = decoded.checked
        else:
            body = self.check_body(decoded.tree if sent else nothing, call.version)
        checks.append(body)
        return RequestChecks.of(checks, query.values, body.values)

    def _check_type(self, call: Call) -> Checked:
        sent = call.header("content-type")
        right = CONTENT_TYPES[self.operation.body_format]
        if sent is None:
            text = f"send Content-Type: {right[0]}"
            return self._noted(call, "content-type-missing", "content-type", text)
        if sent.partition(";")[0].strip().lower() in right:
            return Checked({})
        strictness = call.settings.strictness
        refused = strictness == "strict" or (strictness == "apple" and self.operation.json_only)
        text = f"the body must be {right[0]}"
        finding = Finding("content-type", "header", "content-type", text, refused=refused)
        return Checked({}, (finding,), self.service.wrong_type if refused else None)

    def _unreadable(self, decoded: Decoded) -> Checked:
        finding = Finding(decoded.problem, "body", "", decoded.about, refused=True)
        errors = {
            "body-too-large": self.service.too_large,
            "body-unread": self.service.too_large,
            "content-encoding": self.service.wrong_type,
        }
        return Checked({}, (finding,), errors.get(decoded.problem, self.service.malformed))

    def check_version(self, call: Call) -> None:
        """Note that the protocol version in effect does not know the operation, if so."""
        low, high = self.versions
        if not call.version or low <= call.version <= high:
            return
        versions = self.operation.versions
        refused = refuses("operation-version", call.settings.strictness)
        text = f"the operation is known to protocol versions {versions}: send a higher one"
        at = "x-server-protocol-version"
        finding = Finding(
            "operation-version", "header", at, text, refused=refused, versions=versions
        )
        call.note(finding)
        if refused:
            raise ApiError(self.service.not_found, text)

    def _noted(self, call: Call, rule: str, header: str, text: str) -> Checked:
        refused = refuses(rule, call.settings.strictness)
        finding = Finding(rule, "header", header, text, refused=refused)
        return Checked({}, (finding,), self.service.malformed if refused else None)


@cache
def compiled_operations(
    catalogue: Catalogue, strictness: Strictness
) -> Mapping[str, CompiledOperation]:
    """Compile all operations of *catalogue*, by name; once for all simulators of a process."""
    return {
        name: CompiledOperation.of(catalogue, operation, strictness)
        for name, operation in catalogue.operations.items()
    }


def _entering(
    recognise: Callable[[RequestHead], Principal] | None,
    admit: Callable[[RequestHead, Principal], None] | None,
) -> Callable[[RequestHead], Principal] | None:
    if recognise is None or admit is None:
        return recognise

    def enter(head: RequestHead) -> Principal:
        principal = recognise(head)
        admit(head, principal)
        return principal

    return enter


def _nobody(_: Call) -> Principal:
    return NOBODY
