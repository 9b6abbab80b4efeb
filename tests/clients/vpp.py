"""An MDM server of Apps and Books: its calls over real TLS, and its listener for notifications.

Like the other clients it imports nothing of the simulator.
"""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.clients.harness import WAIT_S, Simulator

AGENT = "ExampleMDM/1.0"
SECRET = "FAKE-notify-secret"


@dataclass
class Listener:
    """What the MDM server got on its notification URL."""

    url: str = ""
    status: int = 200
    got: "Queue[tuple[str, Any]]" = field(default_factory=Queue)

    def next(self) -> Any:
        """Return the next notification; fail if none comes, or if it lacks the secret."""
        try:
            secret, message = self.got.get(timeout=WAIT_S)
        except Empty:
            raise AssertionError(f"no notification within {WAIT_S} s") from None
        assert secret == f"Bearer {SECRET}"
        return message


def _certificate(folder: Path) -> Path:
    """Write a certificate of nobody known, with its key, and return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)  # noqa: TID251 (TLS has no other clock)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(1))
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    pem += key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "listener.pem"
    path.write_bytes(pem)
    return path


@contextmanager
def listening(folder: Path) -> Iterator[Listener]:
    """Listen for notifications, over TLS, until the end."""
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            listener.got.put((self.headers["Authorization"], json.loads(body)))
            self.send_response(listener.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(folder))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    listener.url = f"https://127.0.0.1:{server.server_address[1]}/hooks/vpp"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        server.server_close()


class Mdm:
    """The calls of an MDM server, to the URLs that the service config advertises."""

    def __init__(self, simulator: Simulator, http: httpx.Client) -> None:
        (place,) = simulator.ready["organisations"][0]["vpp_locations"]
        self.stoken: str = place["stoken"]
        self.base = simulator.base("https")
        self._http = http
        self.urls: dict[str, str] = self.get(f"{self.base}/mdm/v2/service/config")["urls"]

    def get(self, url: str, **query: Any) -> Any:
        """Read something of v2."""
        return self._told(self._http.get(url, params=query, headers=self._bearer()))

    def post(self, url: str, body: Any) -> Any:
        """Write something of v2."""
        return self._told(self._http.post(url, json=body, headers=self._bearer()))

    def old(self, name: str, **body: Any) -> Any:
        """Call v1."""
        url = f"{self.base}/mdm/{name}"
        return self._told(self._http.post(url, json={"sToken": self.stoken} | body))

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.stoken}"}

    @staticmethod
    def _told(answer: httpx.Response) -> Any:
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert "errorNumber" not in body, body
        return body

    def counts(self, adam_id: str) -> tuple[int, int, int, int]:
        """Return assigned, available, retired and total licences."""
        (row,) = self.get(self.urls["getAssets"], adamId=adam_id)["assets"]
        names = ("assignedCount", "availableCount", "retiredCount", "totalCount")
        assigned, available, retired, total = (row[name] for name in names)
        return assigned, available, retired, total


@contextmanager
def connected(simulator: Simulator, *, http2: bool = False) -> Iterator[Mdm]:
    """Connect over TLS, trusting the simulator's CA only."""
    trust = ssl.create_default_context(cafile=simulator.ca)
    with httpx.Client(
        verify=trust, trust_env=False, http2=http2, headers={"User-Agent": AGENT}
    ) as http:
        yield Mdm(simulator, http)
