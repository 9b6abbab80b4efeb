"""Observing: every value that left the client, as one record each.

The rules are those of disclosure.md 4.1. An `Observer` is made once; it reads
requests as the journal holds them, that is with their secrets sealed.

Longer than 300 lines: the rules of one record refer to each other.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from msgspec.structs import replace

from simulator.core.messages import Headers, Peer, Request, Response
from simulator.core.steps import Steps, finished
from simulator.disclosure.concepts import UNKNOWN
from simulator.disclosure.observe.bodies import PlainBodies
from simulator.disclosure.observe.certificates import CLIENT, client_leaves
from simulator.disclosure.observe.connections import connection_records
from simulator.disclosure.observe.flags import is_personal
from simulator.disclosure.observe.leaf import ObservedValue
from simulator.disclosure.observe.leaves import Reader
from simulator.disclosure.observe.plans import CREDENTIAL, ObservationPlan, Row, compiled
from simulator.disclosure.observe.records import Disclosure, Records, opaque_record, record_of
from simulator.disclosure.observe.response_observation import collect
from simulator.disclosure.observe.sealed_forms import SealedForms
from simulator.disclosure.observe.values import Fingerprinter, text_of
from simulator.disclosure.redact.hiding import resolve
from simulator.disclosure.redact.markers import OPENING, Marker, parse_body_marker, parse_marker
from simulator.disclosure.redact.scrubbing import Scrubber
from simulator.disclosure.redact.sealer import RequestSealer, ResponseSealer
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.operations import Operation
from simulator.protocol.service import Service
from simulator.protocol.wire import Decoded, decode

__all__ = ["Disclosure", "Observer"]

BODY_LIMIT = 8_388_608
"""Bytes of a coded body that are read where nobody has decoded it before."""
VERSION_HEADER = "x-server-protocol-version"
_KNOWN_HEADERS = 1024
"""Sets of header fields whose records are kept."""
_SHORT_BODY = 256
"""Bytes of a body whose records are worth keeping."""
_CUT = ("truncated", "too-large")


class Observer:
    """Observe and seal the messages of one catalogue."""

    def __init__(self, catalogue: Catalogue, fingerprinter: Fingerprinter) -> None:
        """Compile the rows; ValueError names a row whose concept does not exist."""
        self._catalogue = catalogue
        self._plans = compiled(catalogue)
        self._fingerprinter = fingerprinter
        self._scrubber = Scrubber(self._plans.names, fingerprinter)
        self._sealer = RequestSealer(self._plans, fingerprinter, self._scrubber)
        self._response_sealer = ResponseSealer(self._plans, fingerprinter, self._scrubber)
        self._plain_bodies = PlainBodies(fingerprinter)
        self._sealed_paths, self._sealed_bodies = SealedForms(), SealedForms()
        self._known_bodies: dict[tuple[int, int, bytes], tuple[Disclosure, ...] | None] = {}
        self._known_headers: dict[tuple[int, int, Headers], tuple[Disclosure, ...] | None] = {}
        self._latest_headers: dict[tuple[int, int], tuple[Headers, tuple[Disclosure, ...]]] = {}
        """Of each plan and version those that were met last, which mostly come next."""

    @property
    def key_id(self) -> str:
        """Name of the fingerprint key."""
        return self._fingerprinter.key_id

    def mark(self, concept: str, value: Any) -> Marker:
        """Return the figures of one value: shape, length, fingerprint."""
        return self._fingerprinter.mark(concept, value)

    def stamp(self, concept: str, value: Any) -> int:
        """Return the fingerprint of an answered value as a number, be it sealed or not."""
        text = text_of(value)
        if (sealed := parse_marker(text)) is not None:
            return int(sealed.fp, 16)
        return self._fingerprinter.numbers(concept, (text,))[0]

    def stamps(self, concept: str, values: Sequence[Any]) -> list[int]:
        """Return what `stamp` does of each value."""
        texts = [*map(text_of, values)]
        if OPENING in "".join(texts):
            return [self.stamp(concept, value) for value in values]
        return self._fingerprinter.numbers(concept, texts)

    def connection(self, request: Request) -> list[tuple[Disclosure, str]]:
        """Return what the connection of *request* told, once: records and their values."""
        return connection_records(request, self._fingerprinter)

    def observe(
        self,
        request: Request,
        operation: Operation | None,
        service: Service | None,
        decoded: Decoded | None = None,
        *,
        version: int | None = None,
        sealed: bool = True,
    ) -> list[Disclosure]:
        """Return what *request* disclosed, in order: TLS, path, query, headers, body.

        What the client showed while it set up TLS goes with the first request
        of the connection.

        *operation* and *service* may be None: a request to nowhere has disclosed
        as well. The protocol *version* is read from its header unless given; 0
        means that there is none. With *sealed* the request is one that
        `seal_request` gave, else one from the wire, whose body is *decoded*
        here unless it was before.
        """
        plan = self._plans.request(operation, service)
        number = version_of(request, plan) if version is None else version
        if sealed:
            return list(chain.from_iterable(self._observe_recorded(request, plan, number)))
        reader = Reader(self._plans, plan, sealed=False)
        start = self._connection_records(request.peer, plan, number)
        leaves = [*reader.target(request.target), *reader.headers(request.headers)]
        content = decoded or _decode(request, operation)
        opaque: list[Disclosure] = []
        if opaque_flags := flags_of_opaque(request, content):
            body = content.content
            fp = self._fingerprinter.fingerprint(UNKNOWN, body)
            opaque = [opaque_record(len(body), fp, opaque_flags)]
        elif content.readable:
            leaves += reader.body(content.tree, content.content)
        return [*start, *self._records(resolve(leaves), number), *opaque]

    def _connection(self, peer: Peer) -> tuple[list[ObservedValue], list[Disclosure]]:
        """Return the leaves of the client's certificate, or its one record.

        They are settled on their own: the certificate is no secret, and is
        stored as it is, so nothing in it may depend on the rest of the request.
        """
        der = peer.tls.client_certificate if peer.tls and peer.first else b""
        if not der:
            return [], []
        leaves = client_leaves(der)
        if leaves is None:
            fp = self._fingerprinter.fingerprint(UNKNOWN, der)
            return [], [opaque_record(len(der), fp, ("undocumented",), "tls", CLIENT)]
        return resolve(leaves), []

    def _connection_records(
        self, peer: Peer, plan: ObservationPlan, version: int
    ) -> list[Disclosure]:
        shown, unreadable = self._connection(peer)
        records = self._records(shown, version)
        if plan.certificate:
            records = [
                replace(one, inherent=CREDENTIAL) if one.documented else one for one in records
            ]
        return [*records, *unreadable]

    def parts(
        self, request: Request, operation: Operation | None, service: Service | None
    ) -> tuple[Records, ...]:
        """Return what `observe` does of a recorded request, in pieces.

        A piece that is a tuple has come before, or may come again: the same
        object each time. Of one that is `Alike` that is true of its form. The
        others are lists. No two of them hold records of the same part of the
        request.
        """
        plan = self._plans.request(operation, service)
        return self._observe_recorded(request, plan, version_of(request, plan))

    def _observe_recorded(
        self, request: Request, plan: ObservationPlan, version: int
    ) -> tuple[Records, ...]:
        peer, target = request.peer, request.target
        start = self._connection_records(peer, plan, version) if peer.first and peer.tls else []
        headers = self._headers(request.headers, plan, version)
        if headers is not None and "?" not in target:
            body = self._body(request, plan, version)
            path = None if body is None else self._path(target, plan, version)
            if body is not None and path is not None:
                return ([*start, *path] if start else path), headers, body
        reader = Reader(self._plans, plan, sealed=True)
        front = list(reader.target(target))
        leaves, opaque = self._recorded_body(request, reader)
        if headers is None:  # what the headers say is not to be judged on its own
            leaves = [*front, *reader.headers(request.headers), *leaves]
            return ([*start, *self._records(resolve(leaves), version), *opaque],)
        records = self._records(resolve([*front, *leaves]), version)
        before = sum(one.part in {"path", "query"} for one in records)
        return [*start, *records[:before]], headers, [*records[before:], *opaque]

    def _path(self, target: str, plan: ObservationPlan, version: int) -> Records | None:
        """Return the records of a path; None if one is to be compared with the body."""
        if not plan.path and not plan.likely_mistyped_paths:
            return ()
        if (known := self._sealed_paths.records(target, plan, version)) is not None:
            return known
        leaves = list(Reader(self._plans, plan, sealed=True).target(target))
        if any(is_personal(leaf) or (leaf.secret and not leaf.marker) for leaf in leaves):
            return None
        leaves = resolve(leaves)
        records = self._records(leaves, version)
        self._sealed_paths.learn(target, plan, version, leaves, records)
        return records

    def _headers(
        self, headers: Headers, plan: ObservationPlan, version: int
    ) -> tuple[Disclosure, ...] | None:
        """Return the records of recorded headers, which are mostly those of an earlier request.

        None if they hold a person's data, which is compared with the body.
        """
        sort = id(plan), version
        latest = self._latest_headers.get(sort)
        if latest is not None and latest[0] == headers:  # half of what a hash of them takes
            return latest[1]
        key = (*sort, headers)
        if (known := self._known_headers.get(key)) is not None:
            self._latest_headers[sort] = headers, known
            return known
        if key in self._known_headers:
            return None
        leaves = resolve(Reader(self._plans, plan, sealed=True).headers(headers))
        personal = any(is_personal(leaf) for leaf in leaves)
        found = None if personal else tuple(self._records(leaves, version))
        if len(self._known_headers) >= _KNOWN_HEADERS:
            self._known_headers.clear()
        self._known_headers[key] = found
        return found

    def _body(self, request: Request, plan: ObservationPlan, version: int) -> Records | None:
        """Return the records of a recorded body that is plain, or short and mostly came before.

        None if it may hold a person's data or a URL, which are compared with
        the rest of the request.
        """
        key = (id(plan), version, request.body)
        if (known := self._known_bodies.get(key)) is not None:
            return known
        if key in self._known_bodies:
            return None
        short = len(request.body) <= _SHORT_BODY
        text = request.body.decode("latin-1") if short else ""  # whatever the bytes mean
        if short and (alike := self._sealed_bodies.records(text, plan, version)) is not None:
            return alike
        plain = self._plain_bodies.records(request.body, plan, version)
        if plain is not None or not short:
            return plain
        leaves, opaque = self._recorded_body(request, Reader(self._plans, plan, sealed=True))
        found = None
        if not any(is_personal(leaf) or leaf.via.startswith("url-") for leaf in leaves):
            leaves = resolve(leaves)
            found = (*self._records(leaves, version), *opaque)
            self._sealed_bodies.learn(text, plan, version, leaves, found)
        if len(self._known_bodies) >= _KNOWN_HEADERS:
            self._known_bodies.clear()
        self._known_bodies[key] = found
        return found

    def _recorded_body(
        self, request: Request, reader: Reader
    ) -> tuple[list[ObservedValue], list[Disclosure]]:
        """Return the leaves of a recorded body, or its one record."""
        if not request.body:
            return [], []
        marker = parse_body_marker(request.body)
        if marker is not None:
            return [], [opaque_record(marker.length, marker.fp, marker.flags)]
        try:
            return [*reader.undecoded_body(request.body)], []
        except ValueError:
            fp = self._fingerprinter.fingerprint(UNKNOWN, request.body)
            return [], [opaque_record(len(request.body), fp, ("undocumented",))]

    def texts(
        self, request: Request, operation: Operation | None, service: Service | None
    ) -> list[str | None]:
        """Return the values behind the records of a recorded request, as text.

        One for each record that `observe` gives, in the same order; None where
        the value was sealed.
        """
        reader = Reader(self._plans, self._plans.request(operation, service), sealed=True)
        body, opaque = self._recorded_body(request, reader)
        leaves = [*reader.target(request.target), *reader.headers(request.headers), *body]
        start, unreadable = self._connection(request.peer)
        return [
            *(text_of(leaf.value) for leaf in start),
            *(None for _ in unreadable),
            *(None if leaf.hidden else text_of(leaf.value) for leaf in resolve(leaves)),
            *(None for _ in opaque),
        ]

    def answer_rows(self, operation: str) -> Mapping[str, Row]:
        """Return the rows of an operation's answer; none if there is no such operation."""
        known = self._catalogue.operations.get(operation)
        return self._plans.response(known, None).body if known else {}

    def received(self, tree: Any, operation: Operation) -> dict[str, tuple[Row, list[Any]]]:
        """Return the values of a decoded answer by generic place, with the row of each place."""
        found: dict[str, tuple[Row, list[Any]]] = {}
        if isinstance(tree, dict):
            collect(tree, self._plans.response(operation, None).body, "", found)
        return found

    def _records(self, leaves: Iterable[ObservedValue], version: int) -> list[Disclosure]:
        return [record_of(leaf, version, self._fingerprinter) for leaf in leaves]

    def seal_request(
        self,
        request: Request,
        operation: Operation | None,
        service: Service | None,
        decoded: Decoded | None = None,
    ) -> Request:
        """Return *request* as it may be stored: secrets replaced by markers.

        `observe` gives the same records of it as of the original. The body of a
        stored request has its content coding undone.
        """
        plan = self._plans.request(operation, service)
        content = decoded or _decode(request, operation)
        return self._sealer.request(request, content, flags_of_opaque(request, content), plan)

    def seal_response(
        self, response: Response, operation: Operation | None, service: Service | None
    ) -> Response:
        """Do `sealing_response` at once."""
        return finished(self.sealing_response(response, operation, service))

    def sealing_response(
        self, response: Response, operation: Operation | None, service: Service | None
    ) -> Steps[Response]:
        """Return *response* as it may be stored: secrets replaced by markers."""
        plan = self._plans.response(operation, service)
        return self._response_sealer.response(response, plan)


def _decode(request: Request, operation: Operation | None) -> Decoded:
    return decode(request, BODY_LIMIT, None if operation is None else operation.read_body)


def flags_of_opaque(request: Request, content: Decoded) -> tuple[str, ...]:
    """Return the flags of the one record of a body that cannot be read; none if it can."""
    if request.problem in _CUT or content.problem in {"body-too-large", "body-unread"}:
        return ("undocumented", "truncated")
    return ("undocumented",) if content.content and content.problem else ()


def version_of(request: Request, plan: ObservationPlan) -> int:
    """Return the protocol version that the request says it speaks; 1 if it says none."""
    if VERSION_HEADER not in plan.headers:
        return 0
    sent = (request.header(VERSION_HEADER) or "1").strip()
    return int(sent[:9]) if sent.isascii() and sent.isdigit() else 1
