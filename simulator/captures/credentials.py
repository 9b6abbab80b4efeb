"""The credentials of a running simulator, in place of those of a captured request."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from msgspec.structs import replace

from simulator.auth import jose, oauth1
from simulator.captures.messages import NO_CONNECTION
from simulator.core.messages import Request, Response
from simulator.protocol.operations import Operation

_SESSION = "x-adm-auth-session"
_ACCOUNT = "account.apple.com"
_OF_LOGIN = frozenset(("host", "user-agent", "x-server-protocol-version"))
_TOKEN = "/auth/oauth2/v2/token"  # noqa: S105 (a path)
_AUDIENCE = "https://account.apple.com/auth/oauth2/v2/token"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_HOUR_S = 3600
Send = Callable[[Request], Response]


class LackingError(LookupError):
    """A credential that the simulator has none of."""


class Credentials:
    """Replaces credentials by kind, with those of the first organisation that has one."""

    def __init__(
        self, ready: Mapping[str, Any], send: Send, now_s: int, random_hex: Callable[[int], str]
    ) -> None:
        """Take what ``ready.json`` holds; *send* asks the simulator, to log in."""
        self._send, self._now_s, self._random_hex = send, now_s, random_hex
        self._of: dict[str, Mapping[str, Any] | None] = {
            name: next((one for org in ready["organisations"] for one in org.get(name, ())), None)
            for name in ("dep_servers", "vpp_locations", "push_topics", "axm_accounts")
        }
        self._session = self._access_token = ""

    def swapped(self, request: Request, operation: Operation) -> Request:
        """Return *request* with the simulator's credential, as far as the operation wants one.

        LackingError if the simulator has none of the kind.
        """
        named = operation.name, f"{operation.service} {operation.auth}"
        swap = next((_SWAPS[name] for name in named if name in _SWAPS), None)
        return request if swap is None else swap(self, request)

    def note(self, response: Response) -> None:
        """Go on with the session that a response names."""
        named = next((one for name, one in response.headers if name.lower() == _SESSION), "")
        self._session = named or _said(response, "auth_session_token") or self._session

    def _entry(self, name: str) -> Mapping[str, Any]:
        """Return an entry of ``ready.json``; LackingError if there is none."""
        found = self._of[name]
        if found is None:
            raise LackingError(f"the simulator has no {name.replace('_', ' ')}")
        return found

    def stoken(self) -> str:
        """Return the content token of a location."""
        return str(self._entry("vpp_locations")["stoken"])

    def signature(self, request: Request) -> str:
        """Return the Authorization header of a log-in to the enrolment service."""
        token = self._entry("dep_servers")["token"]
        url = f"https://{request.header('host')}{request.target.partition('?')[0]}"
        nonce = self._random_hex(16)
        return oauth1.authorization(request.method, url, token, now_s=self._now_s, nonce=nonce)

    def session(self, request: Request) -> str:
        """Return the session, begun as the captured client asks for other things."""
        if not self._session:
            kept = tuple(pair for pair in request.headers if pair[0].lower() in _OF_LOGIN)
            log_in = replace(request, method="GET", target="/session", headers=kept, body=b"")
            self.note(self._send(_with(log_in, "Authorization", self.signature(log_in))))
        return self._session

    def access_token(self) -> str:
        """Return an access token of the School and Business API."""
        if not self._access_token:
            headers = (("Host", _ACCOUNT), ("Content-Type", "application/x-www-form-urlencoded"))
            form = Request("POST", _TOKEN, headers, b"", "https", NO_CONNECTION)
            self._access_token = _said(self._send(self.token_request(form)), "access_token")
        return self._access_token

    def token_request(self, request: Request) -> Request:
        """Return a token request with an assertion of the simulator's account."""
        account = self._entry("axm_accounts")
        client = account["client_id"]
        claims = {
            "iss": client,
            "sub": client,
            "aud": _AUDIENCE,
            "iat": self._now_s,
            "exp": self._now_s + _HOUR_S,
            "jti": self._random_hex(32),
        }
        header = {"alg": "ES256", "kid": account["key_id"], "typ": "JWT"}
        signed = jose.sign(header, claims, Path(account["key"]).read_bytes())
        form = {
            "grant_type": "client_credentials",
            **dict(parse_qsl(request.body.decode("utf-8", "replace"))),
            "client_id": client,
            "client_assertion_type": _ASSERTION,
            "client_assertion": signed,
            "scope": account["scope"],
        }
        return replace(request, body=urlencode(form).encode())

    def push(self, request: Request) -> Request:
        """Return a push by the certificate, which the connection shows: without a token."""
        topic = self._entry("push_topics")["topic"]
        kept = tuple(pair for pair in request.headers if pair[0].lower() != "authorization")
        named = request.header("apns-topic") is not None
        request = replace(request, headers=kept)
        return _with(request, "apns-topic", topic) if named else request


_Swap = Callable[[Credentials, Request], Request]


def _in_header(name: str, value: Callable[[Credentials, Request], str]) -> _Swap:
    return lambda own, request: _with(request, name, value(own, request))


_BEARER = _in_header("Authorization", lambda own, _: f"Bearer {own.stoken()}")
_COOKIE = _in_header("Cookie", lambda own, _: f"itvt={own.stoken()}")
_ACCESS = _in_header("Authorization", lambda own, _: f"Bearer {own.access_token()}")
_SWAPS: Mapping[str, _Swap] = {
    "dep oauth": _in_header("Authorization", Credentials.signature),
    "dep session": _in_header("X-ADM-Auth-Session", Credentials.session),
    "vpp bearer": _BEARER,
    "vpp manage": _BEARER,
    "vpp cookie": _COOKIE,
    "vpp developer": _COOKIE,
    "vpp body": lambda own, request: _with_field(request, "sToken", own.stoken()),
    "vpp body_manage": lambda own, request: _with_field(request, "sToken", own.stoken()),
    "axm.token": Credentials.token_request,
    "axm token": _ACCESS,
    "axm business": _ACCESS,
    "apns credential": Credentials.push,
}
"""What is done to a request, by operation, or by service and way of authentication."""


def _said(response: Response, name: str) -> str:
    """Return a text of a JSON response; empty if there is none."""
    try:
        return str(json.loads(response.body)[name])
    except (ValueError, KeyError, TypeError):
        return ""


def _with(request: Request, name: str, value: str) -> Request:
    """Return *request* with one header field *name*, in the place of those that it has."""
    kept = tuple(pair for pair in request.headers if pair[0].lower() != name.lower())
    return replace(request, headers=(*kept, (name, value)))


def _with_field(request: Request, name: str, value: str) -> Request:
    """Return *request* with a field of its JSON body replaced; as it is, if that is none."""
    try:
        tree = json.loads(request.body or b"{}")
    except ValueError:
        return request
    if not isinstance(tree, dict):
        return request
    return replace(request, body=json.dumps(tree | {name: value}).encode())
