"""A simulator without sockets: the engine over a store in memory, a clock that stands still."""

import atexit
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any, ClassVar, Self, TypeVar, cast
from urllib.parse import quote

from simulator import services
from simulator.auth import oauth1
from simulator.core.messages import Exchange, Peer, Request, Response, Tls
from simulator.core.settings import Settings
from simulator.core.state import Body, State, StoreAdmin
from simulator.core.timestamps import milliseconds
from simulator.disclosure.observe.observation import Observer
from simulator.disclosure.observe.values import Fingerprinter
from simulator.disclosure.redact.canary import spellings
from simulator.disclosure.redact.guard import SecretGuard
from simulator.engine.engine import Engine
from simulator.protocol.operations import NeedsOutboundCall, NeedsPieces, OutboundCall
from simulator.services import organisations
from simulator.services.dep import tokens
from simulator.services.dep.provisioning import PROVISIONING
from simulator.services.fleet import portal, servers
from simulator.services.organisations import ORGANISATION, identifiers
from simulator.store.opening import open_store
from simulator.store.protocols import Store
from simulator.store.sqlite.store import SqliteStore
from simulator.worlds import credentials

T = TypeVar("T")
START_MS = milliseconds("2026-03-01T12:00:00Z")
SECRET = b"s" * 32
KEY = b"disclosure-test-vectors-v1"
AGENT = "ExampleMDM/9.4.1 (build 7731; node=mdm-eu-3)"
ORG = {
    "id": "acme",
    "name": "Acme",
    "email": "it@acme.example",
    "phone": "+46 8 000 00 00",
    "address": "Storgatan 1",
    "org_id": "1234567",
    "org_type": "org",
    "org_version": "v2",
    "admin_id": "admin@acme.example",
}


def hardware(serial: str, **more: Any) -> Body:
    """Return the hardware of an invented iPad."""
    return {
        "serial_number": serial,
        "model": "iPad Air",
        "description": "IPAD AIR 11 WI-FI 128GB-USA",
        "color": "BLUE",
        "os": "iPadOS",
        "device_family": "iPad",
        "wifi_mac_address": "02:00:5E:00:53:01",
    } | more


class Said(dict[str, Any]):
    """A JSON object of an answer; asked for what it has not, it says what it has."""

    def __missing__(self, name: str) -> Any:
        raise AssertionError(f"the answer has no {name!r}, but {dict(self)}")


def read_json(text: str | bytes) -> Any:
    """Return the JSON of an answer; AssertionError shows one that is none."""
    try:
        return json.loads(text, object_hook=Said)
    except ValueError as error:
        raise AssertionError(f"the answer is no JSON: {text!r}") from error


@dataclass(frozen=True, slots=True)
class Answer:
    """A response and the exchange that was recorded of it."""

    response: Response
    exchange: Exchange

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def text(self) -> str:
        return self.response.body.decode()

    @property
    def json(self) -> Any:
        return read_json(self.response.body)

    @property
    def rules(self) -> list[str]:
        return [finding.rule for finding in self.exchange.findings]

    def header(self, name: str) -> str:
        return dict(self.response.headers).get(name, "")


class Apple:
    """The services, with one organisation ``acme`` that has the DEP servers ``a`` and ``b``.

    A test's own are closed at its end (tests/conftest.py); elsewhere use ``with`` or `lasting`.
    """

    opened: ClassVar[list["Apple"]] = []
    """Those not closed yet, oldest first."""

    def __init__(
        self,
        store: Store | None = None,
        key: bytes = KEY,
        secret: bytes = SECRET,
        authorities: object = None,
        **settings: Any,
    ) -> None:
        """Keep the state in *store*, else in memory; *key* is that of the fingerprints."""
        self.catalogue = services.load()
        self.now_ms = START_MS
        known, names = self.catalogue.services.values(), self.catalogue.long_names
        self.guard = SecretGuard(known, Fingerprinter(key), names)
        self.guarded = store is None
        """Whether the store keeps secrets out of the journal."""
        self.store = store or open_store(None, guard=self.guard)
        self.observer = Observer(self.catalogue, Fingerprinter(key))
        self.engine = Engine(
            self.catalogue, Settings(**settings), secret, self.observer, authorities
        )
        self.recorded: list[Exchange] = []
        self.outbound_calls: list[OutboundCall] = []
        """What was asked of the outside."""
        self.unreachable = ""
        """Why the outside cannot be reached; empty: it can."""
        self._drawn = 0
        self._nonce = 0
        self.opened.append(self)
        self.run(self._seed)

    @classmethod
    def lasting(cls, **settings: Any) -> Self:
        """Open one that is closed as the process ends, whatever test asked for it."""
        made = cls(**settings)
        cls.opened.remove(made)
        atexit.register(made.store.close)
        return made

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.opened.remove(self)
        self.store.close()

    def leaks(self) -> list[str]:
        """Return which of the secrets that were issued stand in the journal, in any spelling."""
        if not (self.recorded and self.guarded):
            return []
        try:
            with closing(self.store.journal()) as journal:
                blob = b"\n".join(record for _, record in journal.raw())
        except sqlite3.ProgrammingError:
            return []  # the test has closed it itself
        return [
            f"{concept} of {len(secret)} characters ({spelling})"
            for secret, concept in self.guard.vault._concepts.items()
            for spelling, needle in _spellings(secret.decode()).items()
            if needle in blob
        ]

    def _seed(self, state: State) -> None:
        if state.has(ORGANISATION, ORG["id"]):
            return
        organisations.add_organisation(state, ORG)
        home = state.of("acme")
        for server_id in ("a", "b"):
            servers.add_server(home, server_id, f"Server {server_id}", random_hex=self.random_hex)
            self.issue(home, server_id)

    def issue(self, home: State, server_id: str) -> None:
        """Issue a new token for a server."""
        tokens.issue_token(home, "acme", server_id, now_ms=self.now_ms, random_hex=self.random_hex)

    def random_hex(self, digits: int) -> str:
        """Return digits that differ each time."""
        self._drawn += 1
        return f"{self._drawn:x}".rjust(digits, "0")[-digits:]

    def run(self, work: Callable[[StoreAdmin], T]) -> T:
        """Run *work* in a transaction, seen from no organisation; first what it needs."""
        while True:
            try:
                with self.store.transaction() as state:
                    return work(state)
            except NeedsPieces as pending:
                piece = pending.piece
            while not self.run(piece):
                pass

    @contextmanager
    def counting(self, *, reads: bool = False) -> Iterator[list[int]]:
        """Yield the list that gets how many rows of the database each transaction writes.

        *reads*: how many hundred steps its virtual machine takes, be it that nothing is written.
        """
        store, counts, steps = cast("SqliteStore", self.store), list[int](), count()
        begin, db = store.transaction, store._connection

        def done() -> int:
            return next(steps) if reads else db.total_changes

        @contextmanager
        def transaction() -> Iterator[Any]:
            before = done()
            with begin() as state:
                yield state
            counts.append(done() - before)

        if reads:
            db.set_progress_handler(lambda: next(steps) < 0, 100)
        store.transaction = transaction  # type: ignore[method-assign]
        yield counts
        store.transaction = begin  # type: ignore[method-assign]
        if reads:
            db.set_progress_handler(None, 0)

    def home(self, work: Callable[[State], T]) -> T:
        """Run *work* in a transaction, seen from the organisation."""
        return self.run(lambda state: work(state.of("acme")))

    def add(self, *serials: str, server: str = "a", events: bool = False, **more: Any) -> None:
        """Add devices to a server."""
        rows = [(hardware(serial, **more), self.now_ms) for serial in serials]
        self.home(
            lambda home: portal.add_devices(
                home, rows, server=server, by="admin@acme.example", events=events
            )
        )

    def token(self, server: str = "a") -> Body:
        """Return the newest server token."""
        found = self.home(lambda home: tokens.current_token(home, server))
        assert found is not None, f"the server {server} has no token"
        return found

    def advance(self, seconds: float) -> None:
        """Move time."""
        self.now_ms += round(seconds * 1000)

    def send(
        self,
        request: Request,
        known: Mapping[OutboundCall, str] | None = None,
        lookups: dict[str, Any] | None = None,
    ) -> Answer:
        """Answer one request as the gateway would."""
        lookups = {} if lookups is None else lookups
        outbound_call, piece, response = None, None, None
        with self.store.transaction() as state:
            recorder = _Recorder(state, self.recorded)
            try:
                response = self.engine.process(
                    request, recorder, self.now_ms, known or {}, lookups=lookups
                )
            except NeedsOutboundCall as pending:
                outbound_call = pending.outbound_call
            except NeedsPieces as pending:
                piece = pending.piece
        if piece is not None:
            while not self.run(piece):
                pass
            return self.send(request, known, lookups)
        if outbound_call is not None:
            self.outbound_calls.append(outbound_call)
            calls = {**(known or {}), outbound_call: self.unreachable}
            return self.send(request, calls, lookups)
        assert response is not None
        return Answer(response, self.recorded[-1])

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        session: str | None = None,
        version: int | str | None = 10,
        **more: Any,
    ) -> Answer:
        """Call an operation of DEP as a good client would."""
        headers: list[tuple[str, str]] = [("Host", "mdmenrollment.apple.com")]
        if session is not None:
            headers.append(("X-ADM-Auth-Session", session))
        if version is not None:
            headers.append(("X-Server-Protocol-Version", str(version)))
        headers.append(("User-Agent", AGENT))
        content = b"" if body is None else json.dumps(body).encode()
        if content:
            headers.append(("Content-Type", "application/json;charset=UTF8"))
        return self.send(request(method, path, headers, content, **more))

    def oauth(self, server: str = "a", /, **changes: str | None) -> str:
        """Return a good Authorization header; *changes* replace or (None) drop parameters."""
        return self.oauth_of(self.token(server), **changes)

    def oauth_of(self, token: Body, /, **changes: str | None) -> str:
        """Return a good Authorization header for a server token; *changes* as in `oauth`."""
        self._nonce += 1
        parameters = {
            "oauth_consumer_key": token["consumer_key"],
            "oauth_token": token["access_token"],
            "oauth_signature_method": "HMAC-SHA1",
            "oauth_timestamp": str(self.now_ms // 1000),
            "oauth_nonce": f"{self._nonce:08x}",
            "oauth_version": "1.0",
        }
        merged = {name: value for name, value in (parameters | changes).items() if value}
        merged.setdefault(
            "oauth_signature",
            oauth1.sign(
                "GET",
                "https://mdmenrollment.apple.com/session",
                merged.items(),
                consumer_secret=token["consumer_secret"],
                token_secret=token["access_secret"],
            ),
        )
        return authorization(merged)

    def log_in(self, header: str | None = None, version: int | None = 10) -> Answer:
        """Call GET /session."""
        headers = [("Host", "mdmenrollment.apple.com"), ("User-Agent", AGENT)]
        if version is not None:
            headers.append(("X-Server-Protocol-Version", str(version)))
        headers.append(("Authorization", self.oauth() if header is None else header))
        return self.send(request("GET", "/session", headers))

    def session(self, server: str = "a") -> str:
        """Log in and return the session token."""
        answer = self.log_in(self.oauth(server))
        assert answer.status == 200, answer.text
        token: str = answer.json["auth_session_token"]
        return token


_spellings = lru_cache(maxsize=4096)(spellings)


@contextmanager
def closing_opened() -> Iterator[None]:
    """Close at the end every `Apple` that was opened within; none may have recorded its secrets."""
    before, leaked = len(Apple.opened), []
    try:
        yield
    finally:
        while len(Apple.opened) > before:
            one = Apple.opened.pop()
            leaked += one.leaks()
            one.store.close()
        assert leaked == []


class _Recorder:
    """A state that also hands over what it records."""

    def __init__(self, state: State, recorded: list[Exchange]) -> None:
        self._state = state
        self._recorded = recorded

    def of(self, organisation: str) -> "_Recorder":
        return _Recorder(self._state.of(organisation), self._recorded)

    def record(self, exchange: Exchange) -> int:
        self._recorded.append(exchange)
        return self._state.record(exchange)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._state, name)


def authorization(parameters: Mapping[str, str]) -> str:
    """Return an OAuth header of *parameters*."""
    joined = ", ".join(f'{name}="{quote(value, safe="")}"' for name, value in parameters.items())
    return f"OAuth {joined}"


def request(
    method: str,
    target: str,
    headers: list[tuple[str, str]],
    body: bytes = b"",
    **more: Any,
) -> Request:
    """Return a request over TLS."""
    tls = Tls("TLSv1.3", "TLS_AES_128_GCM_SHA256", "mdmenrollment.apple.com")
    peer = Peer("127.0.0.1", 50000, 1, tls)
    facts: dict[str, Any] = {"scheme": "https", "peer": peer} | more
    return Request(method, target, tuple(headers), body, **facts)


def described(state: State) -> list[dict[str, Any]]:
    """Return the organisations with their DEP servers, as ``ready.json`` has them."""
    return [
        {"id": one, "dep_servers": [each.entry for each in held["dep_servers"]]}
        for one in identifiers(state)
        for held in (credentials.holders((PROVISIONING,), state, one),)
    ]
