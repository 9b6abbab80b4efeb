"""A client of the enrolment service (DEP), for suites whose server under test is none."""

import http.client
import json
import secrets
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from simulator.auth import oauth1

_VERSION = "9"


class EnrolmentService:
    """Calls the enrolment service at *url*, plain HTTP, with the values of a server token."""

    def __init__(self, url: str, token: Mapping[str, str]) -> None:
        self._url = url
        self._token = token

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Log in, make one call, and return its JSON; ValueError with the answer if refused."""
        signed = oauth1.authorization(
            "GET",
            f"{self._url}/session",
            self._token,
            now_s=int(time.time()),  # noqa: TID251 (a client has no other)
            nonce=secrets.token_hex(16),
        )
        session = self._send("GET", "/session", {"Authorization": signed})
        headers = {"X-ADM-Auth-Session": session["auth_session_token"]}
        return self._send(method, path, headers, body)

    def _send(self, method: str, path: str, headers: Mapping[str, str], body: Any = None) -> Any:
        parts = urlsplit(self._url)
        content = None if body is None else json.dumps(body).encode()
        about = {
            "User-Agent": "mdmsim-testing/1",
            "X-Server-Protocol-Version": _VERSION,
            "Content-Type": "application/json",
        }
        with closing(http.client.HTTPConnection(parts.hostname or "", parts.port)) as connection:
            connection.request(method, path, content, {**about, **headers})
            answer = connection.getresponse()
            said = answer.read()
        if answer.status >= 400:  # noqa: PLR2004 (where refusals begin)
            raise ValueError(f"{method} {path}: {answer.status} {said.decode(errors='replace')}")
        return json.loads(said)
