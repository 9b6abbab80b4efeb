"""micromdm's nanodep as its users run it: ``depserver`` beside ``depsyncer``, one storage."""

import json
import re
import subprocess
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any, Self

import pytest

from tests.clients.harness import (
    WAIT_S,
    Answer,
    Simulator,
    binary,
    call,
    environment,
    run,
    running,
    until,
)
from tests.ports import free_port

NAME = "school"
"""What nanodep calls a DEP server ("DEP name")."""
AGENT = "nanodep-tools/0"
"""User-Agent of nanodep's shell scripts, which call through its reverse proxy."""
_KEY = "nanodep"
_AUTHORIZATION = "Basic " + b64encode(f"depserver:{_KEY}".encode()).decode()
_STORAGE = ("-storage", "filekv", "-storage-dsn")
_FIELD = re.compile(r"(\w+)=(\S*)")

BOTH = pytest.mark.parametrize("scheme", ["https", "http"])
"""Marks a test that is to hold over HTTPS and over plain HTTP."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What depsyncer logged in one pass, by its ``key=value`` pairs."""

    text: str

    @property
    def pages(self) -> list[dict[str, str]]:
        """One entry per answered fetch or sync: ``phase more devices cursor``."""
        return [line for line in self._lines() if "more" in line]

    @property
    def devices(self) -> list[dict[str, str]]:
        """One entry per device record: ``serial_number op_type profile_status ...``."""
        return [line for line in self._lines() if "serial_number" in line]

    @property
    def events(self) -> list[tuple[str, str, str]]:
        """Serial number, operation and profile status of each record."""
        names = ("serial_number", "op_type", "profile_status")
        return [(line[names[0]], line[names[1]], line[names[2]]) for line in self.devices]

    def _lines(self) -> Iterator[dict[str, str]]:
        return (dict(_FIELD.findall(line)) for line in self.text.splitlines())


@dataclass(frozen=True, slots=True)
class Nanodep:
    """A running depserver, and depsyncer on the same storage."""

    url: str
    home: Path
    ca: str

    def api(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Call depserver's own API."""
        return call(method, f"{self.url}{path}", body, {"Authorization": _AUTHORIZATION})

    def point_at(self, base: str) -> None:
        """Have nanodep call *base*; depserver's proxy stays with the first that it has called."""
        # Without the slash at its end nanodep would resolve paths against the parent.
        config = json.dumps({"base_url": f"{base}/"}).encode()
        answer = self.api("PUT", f"/v1/config/{NAME}", config)
        assert answer.status == 200, answer.text

    def apple(self, method: str, path: str, body: Any = None) -> Answer:
        """Call Apple through depserver's reverse proxy, which logs in by itself."""
        headers = {"Authorization": _AUTHORIZATION, "User-Agent": AGENT}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json;charset=UTF8"
            content = json.dumps(body).encode()
        return call(method, f"{self.url}/proxy/{NAME}{path}", content, headers)

    def define(self, **profile: Any) -> str:
        """Define a profile and return its uuid."""
        facts = {"profile_name": "Pupils", "url": "https://mdm.school.example/enroll"}
        answer = self.apple("POST", "/profile", facts | profile)
        assert answer.status == 200, answer.text
        return str(answer.json["profile_uuid"])

    def sync(self, *flags: str) -> Pass:
        """Let depsyncer make one pass, with a log line for each device."""
        command = self._syncer(0, *flags)
        done = run(command, env=environment(self.ca), cwd=self.home)
        assert done.returncode == 0, done.stderr
        return Pass(done.stderr)

    def syncer(self, *flags: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """Keep depsyncer running; SIGHUP makes it sync at once."""
        command = self._syncer(24 * 3600, *flags)
        return running(command, env=environment(self.ca), log=self.home / "depsyncer.log")

    def _syncer(self, seconds: int, *flags: str) -> Sequence[str]:
        often = ("-duration", str(seconds), "-debug", "-debug-syncer")
        return (binary("depsyncer"), *_STORAGE, str(self.home), *often, *flags, NAME)

    @property
    def cursor(self) -> str:
        """The cursor that depsyncer stored."""
        return (self.home / "dep_names" / f"cursor.{NAME}").read_text()


@contextmanager
def depserver(home: Path, ca: str, base: str) -> Iterator[Nanodep]:
    """Run depserver with its storage in *home*, pointed at *base* instead of at Apple."""
    port = free_port()
    listen = ("-listen", f"127.0.0.1:{port}", "-api", _KEY)
    command = (binary("depserver"), *_STORAGE, str(home), *listen)
    nanodep = Nanodep(f"http://127.0.0.1:{port}", home, ca)
    log = home / "depserver.log"
    with running(command, env=environment(ca), log=log) as process:

        def probe() -> Answer | None:
            assert process.poll() is None, f"depserver ended:\n{log.read_text()}"
            try:
                return call("GET", f"{nanodep.url}/version")
            except ConnectionRefusedError:
                return None

        until(probe, "depserver")
        nanodep.point_at(base)
        yield nanodep


class Webhook:
    """Takes what depsyncer sends to its webhook: a context manager."""

    def __init__(self) -> None:
        self._events: Queue[dict[str, Any]] = Queue()
        events = self._events

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                events.put(json.loads(self.rfile.read(length)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name)
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,))
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, count: int) -> list[dict[str, Any]]:
        """Return the next *count* events, in no order: depsyncer sends them side by side."""
        return [self._events.get(timeout=WAIT_S) for _ in range(count)]


def assert_refused_nothing(simulator: Simulator) -> None:
    """Assert that nanodep's requests are as documented, and of the version that it sends."""
    exchanges = simulator.exchanges()
    refusals = [(one["operation"], one["findings"]) for one in exchanges if _refused(one)]

    assert refusals == []
    assert {one["protocol"]["sent"] for one in exchanges} == {"7"}
    assert {one["protocol"]["effective"] for one in exchanges} == {7}


def _refused(exchange: dict[str, list[dict[str, bool]]]) -> bool:
    return any(finding["refused"] for finding in exchange["findings"])
