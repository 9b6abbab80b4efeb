"""Plans: the rows of an operation, compiled to what the walk over a request looks up.

Longer than 300 lines: a plan is compiled from all kinds of rows, which refer to each other.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import unquote

from msgspec import Struct, field
from msgspec.structs import force_setattr, replace

from simulator.disclosure.concepts import CONCEPTS, QUERY, UNKNOWN, add_concepts
from simulator.disclosure.observe.inner import CARRIERS
from simulator.disclosure.observe.meanings import Meanings
from simulator.disclosure.redact.known import HEADERS, NAMES, PREFIXES
from simulator.disclosure.redact.telling import SECRET_NAME
from simulator.protocol.body_formats import BodyFormat
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.fields import Field, Integers, Object, Objects, Strings, Table, span, walk
from simulator.protocol.operations import Operation
from simulator.protocol.service import Service

CREDENTIAL, REQUIRED = "credential", "required"
"""Why something is inherent: see `Row.inherent`."""
Kind = Literal["scalar", "strings", "object", "objects", "table", "any"]


def _anything(_: Any) -> str:
    return ""


class Row(Struct, frozen=True):
    """What is known of one place."""

    name: str
    """Name on the wire."""
    concept: str
    documented: bool = True
    kind: Kind = "scalar"
    wrong_type: Callable[[Any], str] = _anything
    """Of it, or of each item of an array of plain values."""
    versions: str = ""
    span: tuple[int, int] = (0, 0)
    closed: frozenset[str] = frozenset()
    """The documented closed set, where there is one."""
    inner: Mapping[str, "Row"] = field(default_factory=dict)
    """The rows inside, by key; of a table of plain values: the one row, under ``""``."""
    decode: str = ""
    inherent: str = ""
    """Why no client can leave it out (a key of `judge.inherent.REASONS`); empty: it can."""
    misplaced: bool = False
    """Whether it is known by its name only, as its place is that of no row."""


class Stray(Struct, frozen=True):
    """A path parameter, to be found in a path that no operation has."""

    before: tuple[str, ...]
    """The segments before it, in lower case."""
    row: Row

    def fits(self, segments: Sequence[str]) -> bool:
        """Tell whether a path with these *segments* starts as this one does."""
        count = len(self.before)
        return len(segments) > count and all(
            wanted == unquote(sent).lower()
            for wanted, sent in zip(self.before, segments[:count], strict=True)
        )


class ObservationPlan(Struct, frozen=True):
    """All rows of one kind of message."""

    path: tuple[tuple[int, Row], ...] = ()
    """Path parameters with the number of their segment."""
    query: Mapping[str, Row] = field(default_factory=dict)
    headers: Mapping[str, Row] = field(default_factory=dict)
    cookies: Mapping[str, Row] = field(default_factory=dict)
    body: Mapping[str, Row] = field(default_factory=dict)
    body_secret: bool = True
    """Whether a row of the body may hold a secret or a URL."""
    certificate: bool = False
    """Whether the client may authenticate with a certificate."""
    likely_mistyped_paths: tuple[Stray, ...] = ()
    """Path parameters of the operations that a request to none of them may have meant."""
    body_format: BodyFormat = "json"
    names: Mapping[str, str] = field(default_factory=dict)
    """Concept by the name of a field that stands where no row has it."""
    matched: bool = False
    """Whether it is that of an operation."""
    sealed_headers: Mapping[str, str] = field(default_factory=dict)
    """Concepts of the header fields that are secret, by their names."""
    protocol_headers: frozenset[str] = frozenset()
    """Names of the header fields that serve the protocol only, such as ids of requests."""

    def __post_init__(self) -> None:
        """Look the fields up once."""
        found = {name: row.concept for name, row in self.headers.items()}
        secret = {name: one for name, one in found.items() if CONCEPTS[one].sealed}
        protocol = (name for name, concept in found.items() if concept == "protocol")
        force_setattr(self, "sealed_headers", secret)
        force_setattr(self, "protocol_headers", frozenset(protocol))


def compile_row(source: Field) -> Row:
    """Compile one row with those inside it."""
    kind: Kind = "scalar"
    wrong: Callable[[Any], str] = _anything
    inner: dict[str, Row] = {}
    closed: tuple[str, ...] = getattr(source, "values", ())
    if isinstance(source, Table):
        kind = "table"
        rows = {"": source.value} if source.value else {row.name: row for row in source.fields}
        inner = {name: compile_row(row) for name, row in rows.items()}
    elif isinstance(source, Object):
        kind = "objects" if isinstance(source, Objects) else "object"
        inner = {row.name: compile_row(row) for row in source.fields}
    elif isinstance(source, Strings | Integers):
        kind, wrong = "strings", source.wrong_item
    concept = source.concept or UNKNOWN
    if concept not in CONCEPTS:
        raise ValueError(f"field {source.name}: no concept is called {concept}")
    if kind == "table" and CONCEPTS[concept].sealed:
        raise ValueError(f"field {source.name}: keys of an object must be no secrets")
    return Row(
        source.name,
        concept,
        kind=kind,
        wrong_type=source.wrong_type if kind == "scalar" else wrong,
        versions=source.versions,
        span=span(source.versions),
        closed=frozenset(closed),
        inner=inner,
        decode=_decoder(source, concept),
    )


def _decoder(source: Field, concept: str) -> str:
    """Return the row's decoder; ValueError if it is none that its concept can have.

    What is inside a secret is read by its concept, whether the row says so or not.
    """
    decode: str = getattr(source, "decode", "")
    carrier = CARRIERS.get(concept)
    if decode not in ("", "x509", "csr", "json", carrier and carrier.via):
        raise ValueError(f"field {source.name}: {concept} cannot be decoded as {decode}")
    return decode


def _by_name(rows: Iterable[Field], place: str) -> dict[str, Row]:
    return {row.name: compile_row(row) for row in rows if row.place == place}


def _may_hold_secrets(rows: Iterable[Field]) -> bool:
    concepts = {row.concept for row in walk(tuple(rows)) if row.concept}
    return any(CONCEPTS[name].sealed or name + QUERY in CONCEPTS for name in concepts)


class Plans:
    """The plans of all operations, made once."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Compile *catalogue*; ValueError names a row with a concept that there is not."""
        for service in catalogue.services.values():
            add_concepts(service.concepts)
        requests = {
            name: _request_plan(operation, catalogue.services[operation.service])
            for name, operation in catalogue.operations.items()
        }
        self._responses = {
            name: _response_plan(operation, catalogue.services[operation.service])
            for name, operation in catalogue.operations.items()
        }
        meanings = Meanings(catalogue)
        self._requests = {
            name: replace(plan, names=meanings.of_operation(catalogue.operations[name]))
            for name, plan in requests.items()
        }
        likely_mistyped_paths = tuple(_strays(catalogue))
        self._services = {
            service.name: ObservationPlan(
                likely_mistyped_paths=likely_mistyped_paths,
                headers=_by_name(service.headers, "header"),
                certificate=service.client_certificates,
                names=meanings.of_service(service.name),
            )
            for service in catalogue.services.values()
        }
        self.names = {**NAMES, **_secret_names(catalogue)}
        """Concept by the name of a field that holds a secret wherever it stands."""
        everywhere: dict[str, Row] = {}
        for plan in self._services.values():
            everywhere = {**plan.headers, **everywhere}
        # Each service takes another credential there: it is told by its look.
        everywhere.pop("authorization", None)
        self._nowhere = ObservationPlan(
            likely_mistyped_paths=likely_mistyped_paths,
            headers=everywhere,
            names=meanings.everywhere,
        )

    def request(self, operation: Operation | None, service: Service | None) -> ObservationPlan:
        """Return the plan of a request; without a service, the headers of all services count."""
        if operation is not None:
            return self._requests[operation.name]
        return self._services[service.name] if service is not None else self._nowhere

    def response(self, operation: Operation | None, service: Service | None) -> ObservationPlan:
        """Return the plan of an answer."""
        if operation is not None:
            return self._responses[operation.name]
        return self._services[service.name] if service is not None else self._nowhere

    def unknown(self, plan: ObservationPlan, name: str) -> Row:
        """Return the row of a field of the body or query that is documented nowhere there."""
        secret, known = self.names.get(name), plan.names.get(name)
        concept = secret or known or UNKNOWN
        misplaced = known is not None and secret is None
        return Row(name, concept, documented=False, kind="any", misplaced=misplaced)

    def header(self, plan: ObservationPlan, name: str) -> Row:
        """Return the row of a header; *name* is in lower case."""
        row = plan.headers.get(name)
        if row is not None:
            return row
        concept, documented = HEADERS.get(name) or _by_prefix(name)
        if concept == UNKNOWN:
            concept = NAMES.get(name, UNKNOWN)
        return Row(name, concept, documented=documented)


def _by_prefix(name: str) -> tuple[str, bool]:
    if SECRET_NAME.search(name):
        return UNKNOWN, False  # which is sealed
    found = (meaning for prefix, meaning in PREFIXES if name.startswith(prefix))
    return next(found, (UNKNOWN, False))


def _request_plan(operation: Operation, service: Service) -> ObservationPlan:
    segments = operation.path.split("/")
    path = tuple(
        (segments.index(f"{{{row.name}}}"), compile_row(row))
        for row in operation.request
        if row.place == "path"
    )
    rows = (*service.headers, *operation.request)
    body = tuple(row for row in operation.request if row.place == "body")
    compiled = _by_name(body, "body")
    part, at = service.credentials.get(operation.auth, ("", ""))
    if part == "body" and (name := at.removeprefix("/")) in compiled:
        compiled[name] = replace(compiled[name], inherent=CREDENTIAL)
    return ObservationPlan(
        path,
        _by_name(rows, "query"),
        _inherent(rows, "header"),
        _inherent(rows, "cookie"),
        compiled,
        _may_hold_secrets(body),
        body_format=operation.body_format,
        certificate=service.client_certificates,
        matched=True,
    )


def _inherent(rows: Iterable[Field], place: str) -> dict[str, Row]:
    """Compile the rows of *place*; a credential, or what is required, is inherent there."""
    required = {row.name for row in rows if row.place == place and row.required}
    return {
        name: replace(
            row,
            inherent=CREDENTIAL
            if CONCEPTS[row.concept].category == "credential"
            else REQUIRED
            if name in required
            else "",
        )
        for name, row in _by_name(rows, place).items()
    }


def _strays(catalogue: Catalogue) -> Iterable[Stray]:
    """Return the first parameter of each path, where a fixed segment stands before it."""
    found = {}
    for operation in catalogue.operations.values():
        fixed, brace, rest = operation.path.partition("/{")
        before = tuple(fixed.lower().split("/"))
        for row in operation.request:
            if (
                brace
                and len(before) > 1
                and row.place == "path"
                and rest.startswith(f"{row.name}}}")
            ):
                found[before] = Stray(before, replace(compile_row(row), documented=False))
    return found.values()


def _response_plan(operation: Operation, service: Service) -> ObservationPlan:
    return ObservationPlan(
        headers=_by_name(service.headers, "header"),
        body=_by_name(operation.response, "body"),
        body_secret=_may_hold_secrets(operation.response),
    )


def _secret_names(catalogue: Catalogue) -> dict[str, str]:
    """Return the names of request fields that hold a secret wherever the catalogue knows them."""
    rows = [
        row
        for operation in catalogue.operations.values()
        for row in walk(operation.request)
        if row.place not in ("header", "cookie", "path") and row.concept
    ]
    harmless = {row.name for row in rows if not CONCEPTS[row.concept].sealed}
    return {row.name: row.concept for row in rows if row.name not in harmless}


@lru_cache(maxsize=4)
def compiled(catalogue: Catalogue) -> Plans:
    """Return the plans of *catalogue*, made once; ValueError as of `Plans`."""
    return Plans(catalogue)
