"""Asking the control API of a running simulator."""

import http.client
import os
from collections.abc import Mapping
from contextlib import closing
from urllib.parse import urlencode, urlsplit

from simulator.core.settings import ConfigurationError

TOKEN = "MDMSIM_CONTROL_TOKEN"  # noqa: S105 (the variable's name)
"""Environment variable with the token that is wanted where the port is not on loopback."""


def get(
    url: str, path: str, query: Mapping[str, str] | None = None, *, timeout_s: float = 30
) -> tuple[int, bytes]:
    """Return status and body of the answer to GET *path*, as `ask` does."""
    return ask("GET", url, f"{path}?{urlencode(query)}" if query else path, timeout_s=timeout_s)


def ask(
    method: str,
    url: str,
    target: str,
    body: bytes | None = None,
    *,
    token: str = "",
    timeout_s: float = 30,
) -> tuple[int, bytes]:
    """Return status and body of the answer to *method* *target* below the control API's *url*.

    The token of the environment counts before *token*. OSError if nobody
    answers; ConfigurationError if *url* is none. No proxy is asked, whatever
    the environment says: it may well be the simulator's own.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme != "http" or not parts.hostname or port == -1:
        raise ConfigurationError(f"--url: {url!r} is not a URL such as http://127.0.0.1:8081")
    token = os.environ.get(TOKEN) or token
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    target = f"{parts.path.rstrip('/')}{target}"
    with closing(http.client.HTTPConnection(parts.hostname, port, timeout=timeout_s)) as connection:
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        except http.client.HTTPException as error:
            raise OSError(f"the response is not HTTP: {type(error).__name__}") from error
