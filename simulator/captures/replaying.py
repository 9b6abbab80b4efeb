"""Replaying: captured requests, sent to a running simulator, and how its responses differ."""

import http.client
import ssl
from collections.abc import Iterable
from contextlib import closing
from urllib.parse import urlsplit

from msgspec import Struct, field

from simulator.captures.credentials import Credentials, LackingError
from simulator.captures.shapes import Shape, ShapeDifference, differences, shape_of
from simulator.core.messages import Request, Response
from simulator.disclosure.formats.har import tables
from simulator.protocol.catalogue import Catalogue, Match

_OF_CONNECTIONS = frozenset(
    (
        "connection",
        "content-encoding",
        "content-length",
        "accept-encoding",
        "transfer-encoding",
        "keep-alive",
        "te",
        "upgrade",
    )
)
"""Header fields that are about one connection, and are made anew."""
_TIMEOUT_S = 30


class Captured(Struct, frozen=True):
    """A request, and what is known of the response that was captured."""

    number: int
    request: Request
    """With its body as it was before any content coding."""
    status: int
    """0 if no response was captured: then none is compared."""
    shape: Shape | None
    """None if the body was not captured."""


class Line(Struct):
    """How responses to one operation differ from the captured ones, and where that was seen."""

    operation: str
    difference: ShapeDifference
    exchanges: list[int] = field(default_factory=list)
    """Numbers of the captured exchanges."""

    def __str__(self) -> str:
        return f"{self.operation}: {self.difference}"


class Simulation:
    """A running simulator, as a client with its push certificate sees it."""

    def __init__(self, url: str, tls: ssl.SSLContext) -> None:
        parts = urlsplit(url)
        self.url = url
        self._address = (parts.hostname or "", parts.port or 443)
        self._tls = tls

    def send(self, request: Request) -> Response:
        """Return the response to *request*; ValueError if it cannot be sent as it is."""
        host, port = self._address
        with closing(
            http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_S, context=self._tls)
        ) as connection:
            try:
                connection.putrequest(
                    request.method, request.target, skip_host=True, skip_accept_encoding=True
                )
                for name, value in request.headers:
                    if name.lower() not in _OF_CONNECTIONS:
                        connection.putheader(name, value.encode())
                if request.body:
                    connection.putheader("Content-Length", str(len(request.body)))
                connection.endheaders(request.body or None)
                answered = connection.getresponse()
                body = answered.read()
            except http.client.HTTPException as error:
                raise ValueError(f"{type(error).__name__}: {error}") from None
        return Response(answered.status, tuple(answered.getheaders()), body)


class Replay:
    """Sends captured requests one after the other, and adds up the differences."""

    def __init__(
        self, catalogue: Catalogue, simulation: Simulation, credentials: Credentials
    ) -> None:
        self._catalogue, self._simulation, self._credentials = catalogue, simulation, credentials
        self._lines: dict[tuple[str, ShapeDifference], Line] = {}
        self.sent = 0
        self.unsent: list[str] = []
        """Requests that were not sent, and why."""

    @property
    def lines(self) -> list[Line]:
        """Return the differences, by operation and place."""
        return [
            self._lines[key] for key in sorted(self._lines, key=lambda key: (key[0], key[1].at))
        ]

    def send(self, captured: Captured) -> Response | None:
        """Send one request and compare the response; None if it cannot be sent."""
        request, match = captured.request, self._catalogue.match(captured.request)
        if request.problem:
            self.unsent.append(f"exchange {captured.number}: a part of it was not captured")
            return None
        try:
            if match.operation is not None:
                request = self._credentials.swapped(request, match.operation)
            response = self._simulation.send(request)
        except (LackingError, ValueError) as error:
            self.unsent.append(f"exchange {captured.number}: {error}")
            return None
        self._credentials.note(response)
        self.sent += 1
        self._compare(captured, match, response)
        return response

    def _compare(self, captured: Captured, match: Match, response: Response) -> None:
        operation = match.operation
        found: Iterable[ShapeDifference]
        if not captured.status:
            return
        if response.status != captured.status:
            about = f"{captured.status} -> {response.status}"
            found = [ShapeDifference("status", "", about)]
        elif captured.shape is None:
            found = ()
        else:
            keyed = tables(operation.response) if operation else frozenset[str]()
            found = differences(captured.shape, shape_of(response.body, keyed))
        name = operation.name if operation else f"{captured.request.method} of no operation"
        for one in found:
            line = self._lines.setdefault((name, one), Line(name, one))
            line.exchanges.append(captured.number)
