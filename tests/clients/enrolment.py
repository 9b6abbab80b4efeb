"""Serves the enrolment profile that leads devices to nanomdm, which has no such call itself."""

import plistlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

IDENTIFIER = "example.school.enrolment"
_PROFILE = "application/x-apple-aspen-config"


def enrolment_profile(*, server: str, topic: str, scep: str, challenge: str) -> bytes:
    """Return the profile: an identity by SCEP, and the MDM."""
    identity: dict[str, Any] = {
        "PayloadType": "com.apple.security.scep",
        "PayloadIdentifier": f"{IDENTIFIER}.scep",
        "PayloadUUID": "6E6B0E3B-7C0A-4C43-9B5C-0E4E2D1C0B01",
        "PayloadVersion": 1,
        "PayloadContent": {
            "URL": scep,
            "Challenge": challenge,
            "Key Type": "RSA",
            "Key Usage": 5,
            "Keysize": 2048,
            "Subject": [[["O", "School"]], [["CN", "%SerialNumber%"]]],
        },
    }
    mdm: dict[str, Any] = {
        "PayloadType": "com.apple.mdm",
        "PayloadIdentifier": f"{IDENTIFIER}.mdm",
        "PayloadUUID": "6E6B0E3B-7C0A-4C43-9B5C-0E4E2D1C0B02",
        "PayloadVersion": 1,
        "IdentityCertificateUUID": identity["PayloadUUID"],
        "ServerURL": server,
        "Topic": topic,
        "SignMessage": True,
        "AccessRights": 8191,
        "CheckOutWhenRemoved": True,
        "ServerCapabilities": ["com.apple.mdm.bootstraptoken"],
    }
    profile = {
        "PayloadType": "Configuration",
        "PayloadIdentifier": IDENTIFIER,
        "PayloadUUID": "6E6B0E3B-7C0A-4C43-9B5C-0E4E2D1C0B03",
        "PayloadVersion": 1,
        "PayloadDisplayName": "School",
        "PayloadContent": [identity, mdm],
    }
    return plistlib.dumps(profile)


@contextmanager
def serving(profile: bytes) -> Iterator[str]:
    """Serve *profile* to whoever posts, and yield the URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", _PROFILE)
            self.send_header("Content-Length", str(len(profile)))
            self.end_headers()
            self.wfile.write(profile)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name)
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/enrol"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
