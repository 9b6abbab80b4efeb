"""The short way to seal the calls that clients make most.

It takes a request only where it can tell at a glance that the long way would
seal nothing but whole header values, whole path parameters and whole strings
of the body; the result is the same.
"""

import re
from dataclasses import dataclass
from typing import Any

from simulator.core.messages import Headers, Request
from simulator.disclosure.concepts import CONCEPTS, QUERY
from simulator.disclosure.observe.flags import never_flagged
from simulator.disclosure.observe.inner import CARRIERS
from simulator.disclosure.observe.plans import Plan, Row
from simulator.disclosure.observe.values import Fingerprinter
from simulator.disclosure.redact.known import CREDENTIALS, NO_RECORD
from simulator.disclosure.redact.markers import OPENING
from simulator.protocol.wire import Decoded, JsonObject

_STRUCTURED = frozenset(("authorization", "cookie"))
_NEEDLES = (OPENING, *dict.fromkeys(needle for needle, _, _ in CREDENTIALS))
_telling = re.compile("|".join(map(re.escape, _NEEDLES))).search
"""Finds what makes a text worth a closer look."""
_telling_bytes = re.compile("|".join(map(re.escape, ("\\", *_NEEDLES))).encode()).search
"""The same in a body; a backslash may hide the others."""
_WHOLE = frozenset(
    name
    for name, concept in CONCEPTS.items()
    if concept.sealed
    and never_flagged(name)
    and name not in CARRIERS
    and name + QUERY not in CONCEPTS
)
"""Concepts whose values are sealed as a whole, with nothing to be said of them."""
_KNOWN_HEADERS = 1024
"""Sets of header fields whose sealed form is kept: clients repeat them."""
_KNOWN_RESTS = 4096
"""Targets and bodies whose sealed form is kept: a device is pushed to again and again."""
_SMALL = 512
"""Bytes of a body that is kept."""


@dataclass(frozen=True, slots=True)
class _Fields:
    """The header fields of a request, looked at."""

    sealed: Headers
    secrets: tuple[str, ...]
    rest: str
    """All other values."""


@dataclass(frozen=True, slots=True)
class _Rest:
    """Target and body of a request, sealed."""

    target: str
    body: bytes
    secrets: tuple[str, ...]
    """What was sealed: where the header fields hold it too, they are for the long way."""


class _CloserLookError(Exception):
    """The short way does not do."""


class QuickSealer:
    """Seals what it can tell at a glance."""

    def __init__(self, fingerprinter: Fingerprinter) -> None:
        self._fingerprinter = fingerprinter
        self._known: dict[tuple[int, Headers], _Fields | None] = {}
        self._rests: dict[tuple[int, str, bytes], _Rest] = {}

    def seal(self, request: Request, content: Decoded | None, plan: Plan) -> Request | None:
        """Seal *request* if the short way does, else return None."""
        if request.problem or plan.strays or "?" in request.target or plan.body_format != "json":
            return None
        try:
            return self._seal(request, content, plan)
        except _CloserLookError:
            return None

    def _seal(self, request: Request, content: Decoded | None, plan: Plan) -> Request:
        target, body = request.target, request.body
        fields = self._fields(request.headers, plan)
        for secret in fields.secrets:
            if secret in target or secret.encode("utf-8", "replace") in body:
                raise _CloserLookError
        sealed = self._rest(target, body, _object(content) if body else {}, plan)
        for secret in sealed.secrets:
            if secret in fields.rest:
                raise _CloserLookError
        # As dataclasses.replace does, which takes four times as long.
        return Request(
            request.method,
            sealed.target,
            fields.sealed,
            sealed.body,
            request.scheme,
            request.peer,
            request.http,
        )

    def _rest(self, target: str, body: bytes, tree: dict[str, Any], plan: Plan) -> _Rest:
        key = (id(plan), target, body)
        known = self._rests.get(key)
        if known is not None:
            return known
        found = self._look_at_rest(target, body, tree, plan)
        if len(body) <= _SMALL:
            if len(self._rests) >= _KNOWN_RESTS:
                self._rests.clear()
            self._rests[key] = found
        return found

    def _look_at_rest(self, target: str, body: bytes, tree: dict[str, Any], plan: Plan) -> _Rest:
        route, secrets = target, []
        if plan.path:
            route, value, concept = _parameter(target, plan)
            if value in route or value.encode() in body:
                raise _CloserLookError
            target = route + self._fingerprinter.text(concept, value)
            secrets.append(value)
        if _telling(route):
            raise _CloserLookError
        if body:
            body = self._body(tree, body, plan, route, secrets)
        return _Rest(target, body, tuple(secrets))

    def _fields(self, headers: Headers, plan: Plan) -> _Fields:
        key = (id(plan), headers)
        if key not in self._known:
            if len(self._known) >= _KNOWN_HEADERS:
                self._known.clear()
            self._known[key] = self._look_at(headers, plan)
        found = self._known[key]
        if found is None:
            raise _CloserLookError
        return found

    def _look_at(self, headers: Headers, plan: Plan) -> _Fields | None:
        secrets, others, sealed = [], [], list(headers)
        for index, (sent, value) in enumerate(headers):
            row = plan.headers.get(sent) or plan.headers.get(sent.lower())
            if row is None:
                if sent.lower() not in NO_RECORD:
                    return None
                others.append(value)
            elif row.name in _STRUCTURED or _is_carried(row.concept):
                return None
            elif CONCEPTS[row.concept].sealed:
                secrets.append(value)
                sealed[index] = (sent, str(self._fingerprinter.mark(row.concept, value)))
            else:
                others.append(value)
        rest = "\n".join(others)
        if _telling(rest):
            return None
        if any(not value or value in rest for value in secrets):
            return None
        return _Fields(tuple(sealed) if secrets else headers, tuple(secrets), rest)

    def _body(
        self, tree: dict[str, Any], body: bytes, plan: Plan, route: str, secrets: list[str]
    ) -> bytes:
        """Seal a body that holds only plain values of known fields; add those sealed to *secrets*.

        *route* is the path without its parameter.
        """
        if _telling_bytes(body):
            raise _CloserLookError
        sealed = body
        for name, value in tree.items():
            row = plan.body.get(name)
            if row is None or not _is_plain(value):
                raise _CloserLookError
            if not plan.body_secret:
                continue
            if row.decode or _is_carried(row.concept):
                raise _CloserLookError
            if CONCEPTS[row.concept].sealed:
                raw = _whole(value, row)
                if value in route or body.count(raw) != 1:
                    raise _CloserLookError
                secrets.append(value)
                marker = self._fingerprinter.text(row.concept, value).encode()
                sealed = sealed.replace(b'"%s"' % raw, b'"%s"' % marker)
        return sealed


def _parameter(target: str, plan: Plan) -> tuple[str, str, str]:
    """Return what stands before the only parameter, at the end of the path; it; its concept."""
    (index, row), *more = plan.path
    start, slash, value = target.rpartition("/")
    if more or start.count("/") + 1 != index or row.concept not in _WHOLE:
        raise _CloserLookError
    if not value or "%" in value or not value.isascii():
        raise _CloserLookError
    return start + slash, value, row.concept


def _object(content: Decoded | None) -> dict[str, Any]:
    """Return the object that a body consists of."""
    if content is None or content.coded or not content.readable:
        raise _CloserLookError
    tree = content.tree
    if not isinstance(tree, dict) or isinstance(tree, JsonObject):
        raise _CloserLookError
    return tree


def _whole(value: object, row: Row) -> bytes:
    """Return the bytes of a secret that is a text and nothing more."""
    if not isinstance(value, str) or not value or row.concept not in _WHOLE:
        raise _CloserLookError
    return value.encode()


def _is_carried(concept: str) -> bool:
    return concept + QUERY in CONCEPTS or concept in CARRIERS


def _is_plain(value: object) -> bool:
    if isinstance(value, list):
        return not any(isinstance(item, dict | list) for item in value)
    return not isinstance(value, dict)
