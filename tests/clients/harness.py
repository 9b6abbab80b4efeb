"""What tests with real clients share: processes, plain HTTP calls, a running simulator.

Nothing here imports the simulator: it is used as its users use it, as a
command with a control API and a ``ready.json``.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from threading import Event
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import pytest

T = TypeVar("T")
BINARIES = "MDMSIM_CLIENTS_BIN"
MDMSIM = (sys.executable, "-m", "simulator")
WAIT_S = 60
"""How long anything that has to happen may take; much longer than it does, as machines are busy."""
STOP_S = 5
"""How long the simulator, or a client, may take to end."""
POLL_S = 0.02
_TRUST = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
)
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


def binary(name: str) -> str:
    """Return the path of the client *name*, or fail with what is to be done."""
    folder = os.environ.get(BINARIES)
    if not folder:
        pytest.fail(f"{BINARIES} is not set: run these tests with `make clients`")
    path = Path(folder) / name
    if not path.is_file():
        pytest.fail(f"{path} does not exist: `make clients` installs it")
    return str(path)


def environment(ca: Path | str | None = None) -> dict[str, str]:
    """Return this process's environment, but trusting *ca* only and without proxies or settings."""
    unwanted = {*_TRUST, *_PROXIES}
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.upper() not in unwanted and not name.startswith(("MDMSIM_", "NANODEP_"))
    }
    return kept | ({} if ca is None else {"SSL_CERT_FILE": str(ca)})


def run(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path, timeout_s: float = WAIT_S
) -> subprocess.CompletedProcess[str]:
    """Run *command* to its end and return what it wrote, whatever its exit code."""
    return subprocess.run(
        command, env=env, cwd=cwd, capture_output=True, text=True, timeout=timeout_s, check=False
    )


@contextmanager
def running(
    command: Sequence[str], *, env: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run *command* in the folder of *log*, which takes its output; end it with SIGTERM."""
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, env=env, cwd=log.parent, stdout=output, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            yield process
            stop(process)
        finally:
            process.kill()


def stop(process: subprocess.Popen[bytes]) -> None:
    """End *process* with SIGTERM, unless it has ended; it may take 5 s."""
    process.send_signal(signal.SIGTERM)
    process.wait(STOP_S)


def until(probe: Callable[[], T | None], what: str) -> T:
    """Return what *probe* finds as soon as it finds something; fail if that takes too long."""
    deadline = time.monotonic() + WAIT_S
    pause = Event()
    while (found := probe()) is None:
        assert time.monotonic() < deadline, f"{what}: not within {WAIT_S} s"
        pause.wait(POLL_S)
    return found


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered."""

    status: int
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise AssertionError(f"{self.status}, and no JSON: {self.text!r}") from error


def call(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Send one request to *url* (plain HTTP, no proxy) and return the answer."""
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    with closing(HTTPConnection(parts.hostname or "", parts.port, timeout=WAIT_S)) as connection:
        connection.request(method, target, body, dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, response.read())


@dataclass(frozen=True, slots=True)
class Simulator:
    """A running simulator, as a user sees it."""

    ready: dict[str, Any]
    data: Path
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Ask it to end, and wait for that."""
        stop(self.process)

    @property
    def ca(self) -> str:
        return str(self.ready["ca"])

    @property
    def server(self) -> str:
        """Id of the demo world's only DEP server."""
        return str(self.ready["organisations"][0]["dep_servers"][0]["id"])

    @property
    def token(self) -> dict[str, str]:
        token: dict[str, str] = self.ready["organisations"][0]["dep_servers"][0]["token"]
        return token

    def base(self, scheme: str) -> str:
        """Return the base URL of the services."""
        return str(self.ready["tls"][0] if scheme == "https" else self.ready["http"])

    def control(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Call the control API with JSON, or with bytes as they are; fail if it refuses."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        mark = f"?{urlencode(query)}" if query else ""
        headers = {} if isinstance(body, bytes) else {"Content-Type": "application/json"}
        answer = call(method, f"{self.ready['control']}/api/v1{path}{mark}", content, headers)
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.text}"
        return answer.body if isinstance(body, bytes) else answer.json

    def exchanges(self, **match: Any) -> list[dict[str, Any]]:
        """Return the journal, oldest first, as far as it matches."""
        found: list[dict[str, Any]] = []
        page: dict[str, Any] = {"next": 0}
        while page["next"] is not None:
            page = self.control("GET", "/exchanges", after=page["next"], limit=1000, **match)
            found += page["exchanges"]
        return found

    def answered(self, **match: Any) -> list[tuple[str, int]]:
        """Return operation and status of each exchange that matches."""
        return [(one["operation"], one["status"]) for one in self.exchanges(**match)]

    def judged(self, operation: str) -> dict[str, str]:
        """Return for each concept that *operation* disclosed the claim that declares it."""
        claims: dict[str, str] = {}
        for exchange in self.exchanges(operation=operation):
            page = self.control("GET", f"/exchanges/{exchange['seq']}/disclosures")
            claims |= {one["concept"]: one["declared"] for one in page["disclosures"]}
        return claims

    def add(self, count: int) -> list[str]:
        """Add invented devices to the DEP server, and return their serial numbers."""
        body = {"count": count, "server": self.server}
        added: list[str] = self.control("POST", "/devices", body)["serial_numbers"]
        return added

    def serials(self) -> list[str]:
        """Return the serial numbers of all devices."""
        found: list[str] = []
        page: dict[str, Any] = {"next": ""}
        while page["next"] is not None:
            page = self.control("GET", "/devices", after=page["next"], limit=1000)
            found += [device["serial_number"] for device in page["devices"]]
        return found

    def act(self, serial: str, action: str, **arguments: Any) -> None:
        """Do what the portal, or the device itself, can do to a device."""
        self.control("POST", f"/devices/{serial}/{action}", arguments)

    def device(self, serial: str) -> dict[str, Any]:
        """Return a device as the control API shows it."""
        found: dict[str, Any] = self.control("GET", f"/devices/{serial}")
        return found


@contextmanager
def serving(
    data: Path, log: Path, flags: Sequence[str] = (), *, mdmsim: Sequence[str] = MDMSIM
) -> Iterator[Simulator]:
    """Run ``mdmsim serve`` on free ports until the end; it must end by itself, with 0."""
    ports = [f"--{name}-port=0" for name in ("tls", "http", "control", "proxy")]
    command = [*mdmsim, "serve", "--data", str(data), *ports, *flags]
    with running(command, env=environment(), log=log) as process:

        def probe() -> dict[str, Any] | None:
            assert process.poll() is None, f"mdmsim ended:\n{log.read_text()}"
            path = data / "ready.json"
            return json.loads(path.read_bytes()) if path.exists() else None

        yield Simulator(until(probe, "ready.json"), data, process)
    assert process.returncode == 0, log.read_text()
