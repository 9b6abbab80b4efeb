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
        session = self._send("GET", "/session", {"Authorization": self._signed("/session")})
        headers = {"X-ADM-Auth-Session": session["auth_session_token"]}
        return self._send(method, path, headers, body)

    def _signed(self, path: str) -> str:
        parameters = {
            "oauth_consumer_key": self._token["consumer_key"],
            "oauth_token": self._token["access_token"],
            "oauth_signature_method": "HMAC-SHA1",
            "oauth_timestamp": str(int(time.time())),  # noqa: TID251 (a client has no other)
            "oauth_nonce": secrets.token_hex(16),
            "oauth_version": "1.0",
        }
        parameters["oauth_signature"] = oauth1.sign(
            "GET",
            f"{self._url}{path}",
            parameters.items(),
            consumer_secret=self._token["consumer_secret"],
            token_secret=self._token["access_secret"],
        )
        values = (f'{name}="{oauth1.encode(value)}"' for name, value in parameters.items())
        return f"OAuth {', '.join(values)}"

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
