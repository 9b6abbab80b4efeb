"""The sealers: they seal requests and responses, and remember what comes again.

A client repeats its header fields, and a device is pushed to again and again. So
the head of a request and the rest of it are sealed as requests of their own, each
once, as long as neither holds what is secret in the other.
"""

import re
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from simulator.core.memo import DEVICES, Memo, RepeatMemo
from simulator.core.messages import Headers, Request, Response
from simulator.core.steps import Steps
from simulator.disclosure.observe.plans import ObservationPlan, Plans
from simulator.disclosure.observe.values import Fingerprinter
from simulator.disclosure.redact.scrubbing import Scrubber
from simulator.disclosure.redact.sealing import (
    Sealed,
    seal_answer_headers,
    seal_request,
    sealing_answer,
)
from simulator.protocol.wire import Decoded

_HEADS = 1024
"""Sets of header fields that are remembered."""
_SMALL = 512
"""Bytes of a body that is remembered."""
_LEAST = 4
"""Shorter secrets are equal to other text by chance."""
_EMPTY = Decoded(b"")
_NUMBER = re.compile(r"[0-9]{1,19}|[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
"""A number such as a time, or a UUID: too short a run to be text in another encoding."""
_NUMBER_MARK = "<number>"
"""Stands for a number; no client's is equal to it."""


class _Rest(Struct):
    """What is beside the header fields of a request."""

    sealed: Sealed
    beside: Sealed | None = None
    """The head that it was last found to share no secret with."""


class RequestSealer:
    """Seals the requests of one catalogue."""

    def __init__(self, plans: Plans, fingerprinter: Fingerprinter, scrubber: Scrubber) -> None:
        self._plans, self._fingerprinter, self._scrubber = plans, fingerprinter, scrubber
        # A plan is known by its identity: it stays as long as the catalogue does.
        self._heads: Memo[tuple[int, Headers], Sealed] = Memo(_HEADS)
        self._heads_with_numbers: Memo[tuple[int, Headers], Sealed] = Memo(_HEADS)
        """Apart from the others, as they may be as many as there are requests."""
        self._rests: RepeatMemo[tuple[int, str, bytes], _Rest] = RepeatMemo(DEVICES)

    def request(
        self, request: Request, content: Decoded, opaque: tuple[str, ...], plan: ObservationPlan
    ) -> Request:
        """Seal *request*; *opaque* holds the flags of a body that cannot be read, if so."""
        if opaque or content.coded:
            return self._sealed(request, content, opaque, plan).request
        head = self._head(request, plan)
        rest = self._rest(request, content, plan)
        if rest.beside is not head:
            if head.is_personal or _shares(head, rest.sealed) or _shares(rest.sealed, head):
                return self._sealed(request, content, opaque, plan).request
            rest.beside = head
        alone = rest.sealed.request
        # As msgspec.structs.replace does, which takes four times as long.
        return Request(
            request.method,
            alone.target,
            head.request.headers,
            alone.body,
            request.scheme,
            request.peer,
            request.http,
            request.problem,
            request.problem_about,
        )

    def _head(self, request: Request, plan: ObservationPlan) -> Sealed:
        """Return the header fields, sealed."""
        key = (id(plan), request.headers)
        found = self._heads.get(key) or self._heads_with_numbers.get(key)
        if found is None:
            alone = replace(request, target="", body=b"")
            numbers = _numbers(request.headers, plan)
            if numbers:
                found, heads = self._numbered(alone, numbers, plan), self._heads_with_numbers
            else:
                found, heads = _notable(self._sealed(alone, _EMPTY, (), plan)), self._heads
            heads.keep(key, found)
        return found

    def _numbered(self, alone: Request, numbers: dict[int, str], plan: ObservationPlan) -> Sealed:
        """Return the header fields, sealed, some of which hold *numbers*, by their places.

        A number is neither secret nor personal, so that what is sealed beside one stays the same
        beside another, unless it is itself the secret of another field.
        """
        without = _placed(alone.headers, dict.fromkeys(numbers, _NUMBER_MARK))
        sealed = self._head(replace(alone, headers=without), plan)
        if any(secret in number for secret in sealed.secrets for number in numbers.values()):
            return _notable(self._sealed(alone, _EMPTY, (), plan))
        return Sealed(
            replace(sealed.request, headers=_placed(sealed.request.headers, numbers)),
            sealed.secrets,
            "\n".join((sealed.said, *numbers.values())),
            sealed.is_personal,
        )

    def _rest(self, request: Request, content: Decoded, plan: ObservationPlan) -> _Rest:
        """Return what is beside the header fields, sealed."""
        key = (id(plan), request.target, request.body)
        found = self._rests.get(key)
        if found is None:
            sealed = self._sealed(replace(request, headers=()), content, (), plan)
            found = _Rest(_notable(sealed))
            if len(request.body) <= _SMALL:
                self._rests.keep(key, found)
        return found

    def _sealed(
        self, request: Request, content: Decoded, opaque: tuple[str, ...], plan: ObservationPlan
    ) -> Sealed:
        return seal_request(
            request, content, opaque, self._plans, plan, self._fingerprinter, self._scrubber
        )


class ResponseSealer:
    """Seals the responses of one catalogue."""

    def __init__(self, plans: Plans, fingerprinter: Fingerprinter, scrubber: Scrubber) -> None:
        self._plans, self._fingerprinter, self._scrubber = plans, fingerprinter, scrubber
        self._heads: Memo[tuple[int, Headers], Headers] = Memo(_HEADS)
        """Header fields, sealed, by the plan's identity and the fields as they go out."""

    def response(self, response: Response, plan: ObservationPlan) -> Steps[Response]:
        """Seal *response*: session tokens in headers, secrets and URL queries in the body."""
        headers, body = response.headers, response.body
        for name, _ in headers:
            if name.lower() in plan.sealed_headers:
                key = (id(plan), headers)
                headers = self._heads.get(key) or self._head(key, plan)
                break
        if body and plan.body_secret:
            body = yield from sealing_answer(
                body, self._plans, plan, self._fingerprinter, self._scrubber
            )
        if body is response.body and headers == response.headers:
            return response
        # As msgspec.structs.replace does, which takes four times as long.
        return Response(
            response.status,
            headers,
            body,
            response.close,
            response.goaway,
            response.streams,
            response.silent,
            response.notify_topic,
            response.delivery,
            response.announces_streams,
        )

    def _head(self, key: tuple[int, Headers], plan: ObservationPlan) -> Headers:
        return self._heads.keep(key, seal_answer_headers(key[1], plan, self._fingerprinter))


def _numbers(headers: Headers, plan: ObservationPlan) -> dict[int, str]:
    """Return the numbers in fields that serve the protocol only, by the places of the fields."""
    names = plan.protocol_headers
    return {
        place: value
        for place, (name, value) in enumerate(headers)
        if name in names and _NUMBER.fullmatch(value)
    }


def _placed(headers: Headers, values: Mapping[int, str]) -> Headers:
    """Return *headers* with other values at some places."""
    return tuple([(name, values.get(place, value)) for place, (name, value) in enumerate(headers)])


def _notable(sealed: Sealed) -> Sealed:
    """Return *sealed* without the secrets that would be equal to other text by chance."""
    return replace(sealed, secrets=[one for one in sealed.secrets if len(one) >= _LEAST])


def _shares(one: Sealed, other: Sealed) -> bool:
    """Tell whether *other* says what is secret in *one*."""
    return any(secret in other.said for secret in one.secrets)
