"""micromdm as its users run it: a server whose API the tests call."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from tests.clients.harness import Answer, Simulator, binary, call, environment, running, until
from tests.ports import free_port

_KEY = "micromdm-test"
_AUTHORIZATION = "Basic " + b64encode(f"micromdm:{_KEY}".encode()).decode()


@dataclass(frozen=True, slots=True)
class Micromdm:
    """A running micromdm."""

    url: str
    log: Path

    def api(self, method: str, path: str, body: Any = None) -> Answer:
        """Call its API."""
        content = None if body is None else json.dumps(body).encode()
        return call(method, f"{self.url}{path}", content, {"Authorization": _AUTHORIZATION})

    def take_token(self, simulator: Simulator) -> None:
        """Have it show its certificate, and upload what the portal encrypts to it."""
        shown = self.api("GET", "/v1/dep-tokens").json["public_key"]
        pem = f"-----BEGIN CERTIFICATE-----\n{shown}\n-----END CERTIFICATE-----\n".encode()
        sealed = simulator.control("POST", f"/dep-servers/{simulator.server}/token", pem)
        answer = self.api("PUT", "/v1/dep-tokens", {"p7m_content": b64encode(sealed).decode()})
        assert answer.status == 200, answer.text


@contextmanager
def micromdm(
    home: Path, ca: str, flags: Sequence[str] = (), variables: Mapping[str, str] | None = None
) -> Iterator[Micromdm]:
    """Run micromdm in *home* until the end; *flags* and *variables* say where Apple is."""
    port = free_port()
    command = [
        *(binary("micromdm"), "serve", "-tls=false", "-http-addr", f"127.0.0.1:{port}"),
        *("-server-url", "https://mdm.example.com", "-api-key", _KEY),
        *("-config-path", str(home / "config"), "-filerepo", str(home)),
        *flags,
    ]
    log = home / "micromdm.log"
    with running(command, env=environment(ca) | dict(variables or {}), log=log) as process:
        server = Micromdm(f"http://127.0.0.1:{port}", log)

        def probe() -> bool | None:
            assert process.poll() is None, f"micromdm ended:\n{log.read_text()}"
            try:
                return server.api("GET", "/version").status == 200 or None
            except (OSError, HTTPException):
                return None

        until(probe, "micromdm")
        yield server
