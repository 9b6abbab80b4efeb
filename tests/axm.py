"""A simulator without sockets whose organisation has API accounts, for Business or School."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from simulator.core.state import State
from simulator.services.axm import accounts
from simulator.services.axm.accounts import Account
from simulator.services.fleet import changes, servers
from tests.apple import AGENT, ORG, Answer, Apple, request

AUDIENCE = "https://account.apple.com/auth/oauth2/v2/token"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
BUSINESS = "api-business.apple.com"
SCHOOL = "api-school.apple.com"


def text(value: Any) -> str:
    """Return a segment of a JWT."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def sign(private: str, header: Any, claims: Any) -> str:
    """Return a JWT as clients sign it: ES256, R and S."""
    key = serialization.load_pem_private_key(private.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signed = f"{text(header)}.{text(claims)}"
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{text(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


class Axm(Apple):
    """The services with the API account ``api``; *org_type* ``edu`` makes it School's."""

    def __init__(self, org_type: str = "org", role: str = "ADMINISTRATOR", **settings: Any) -> None:
        self.org_type, self.role = org_type, role
        super().__init__(**settings)
        self.run(self._furnish)
        self._token = ""

    def _furnish(self, state: State) -> None:
        body = state.get("organisation", "acme")
        assert body is not None
        state.put("organisation", "acme", body.body | {"org_type": self.org_type})
        self.account = self.add_account(state)

    def add_account(self, state: State, org: str = "acme", identifier: str = "api") -> Account:
        """Add an API account."""
        return accounts.add(
            state,
            org,
            identifier,
            f"Account {identifier}",
            now_ms=self.now_ms,
            random_hex=self.random_hex,
            role=self.role,
        )

    @property
    def host(self) -> str:
        return SCHOOL if self.org_type == "edu" else BUSINESS

    def uuid(self, server: str = "a") -> str:
        """Return the id of a server as the API has it."""
        uuid: str = self.home(lambda home: servers.server(home, server))["uuid"]
        return uuid

    def assertion(
        self, account: Account | None = None, *, header: Any = None, **claims: Any
    ) -> str:
        """Return a good assertion; *header* and *claims* (None drops one) change it."""
        whose = account or self.account
        now_s = self.now_ms // 1000
        good = {
            "iss": whose.client_id,
            "sub": whose.client_id,
            "aud": AUDIENCE,
            "iat": now_s,
            "exp": now_s + 300,
            "jti": "1",
        } | claims
        good = {name: value for name, value in good.items() if value is not None}
        head = {"alg": "ES256", "kid": whose.current, "typ": "JWT"} | (header or {})
        return sign(whose.keys[whose.current]["private"], head, good)

    def parameters(self, account: Account | None = None, **changes: Any) -> dict[str, str]:
        """Return the parameters of a good token request."""
        whose = account or self.account
        good = {
            "grant_type": "client_credentials",
            "client_id": whose.client_id,
            "client_assertion_type": ASSERTION,
            "client_assertion": changes.pop("client_assertion", None) or self.assertion(whose),
            "scope": whose.scope,
        } | changes
        return {name: value for name, value in good.items() if value is not None}

    def ask_token(
        self,
        body: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
        path: str = "/auth/oauth2/v2/token",
        content_type: str | None = "application/x-www-form-urlencoded",
    ) -> Answer:
        """Request a token."""
        headers = [("Host", "account.apple.com"), ("User-Agent", AGENT)]
        if content_type:
            headers.append(("Content-Type", content_type))
        target = path + (f"?{urlencode(query)}" if query else "")
        content = urlencode(body).encode() if body else b""
        return self.send(request("POST", target, headers, content))

    def access_token(self, account: Account | None = None) -> str:
        """Return a new access token."""
        answer = self.ask_token(self.parameters(account))
        assert answer.status == 200, answer.text
        token: str = answer.json["access_token"]
        return token

    def api(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = "",
        headers: tuple[tuple[str, str], ...] = (),
        content: bytes | None = None,
        host: str = "",
        **query: Any,
    ) -> Answer:
        """Call the API as a good client would; *token* None sends none."""
        sent = [("Host", host or self.host), ("User-Agent", AGENT)]
        if token is not None:
            if not token:
                self._token = token = self._token or self.access_token()
            sent.append(("Authorization", f"Bearer {token}"))
        data = content if content is not None else b""
        if body is not None:
            data = json.dumps(body).encode()
        if data and not any(name == "Content-Type" for name, _ in headers):
            sent.append(("Content-Type", "application/json"))
        target = f"/v1{path}" + (f"?{urlencode(query)}" if query else "")
        return self.send(request(method, target, [*sent, *headers], data))

    def get(self, path: str, **query: Any) -> Any:
        """Return the document of a GET that succeeds."""
        answer = self.api("GET", path, **query)
        assert answer.status == 200, answer.text
        return answer.json

    def pages(self, path: str, **query: Any) -> list[Any]:
        """Return the items of all pages, by following nextCursor."""
        found, document = [], self.get(path, **query)
        while True:
            found += document["data"]
            cursor = document["meta"]["paging"].get("nextCursor")
            if cursor is None:
                return found
            document = self.get(path, **query, cursor=cursor)

    def order(self, kind: str, *serials: str, server: str | None = None, **more: Any) -> Answer:
        """Create an activity."""
        relationships: dict[str, Any] = {
            "devices": {"data": [{"type": "orgDevices", "id": serial} for serial in serials]}
        }
        if server is not None:
            data = {"type": "mdmServers", "id": self.uuid(server)}
            relationships["mdmServer"] = {"data": data}
        body = {
            "data": {
                "type": "orgDeviceActivities",
                "attributes": {"activityType": kind} | more,
                "relationships": relationships,
            }
        }
        return self.api("POST", "/orgDeviceActivities", body)

    def done(self, answer: Answer) -> Any:
        """Let the time of an activity pass; return its attributes."""
        assert answer.status == 201, answer.text
        self.advance(3)
        while not self.home(lambda home: changes.complete_due(home, self.now_ms)):
            pass
        path = f"/orgDeviceActivities/{answer.json['data']['id']}"
        return self.get(path)["data"]["attributes"]

    def error(self, answer: Answer) -> tuple[int, str, Any]:
        """Return status, code and source of a refusal."""
        (one,) = answer.json["errors"]
        assert one["status"] == str(answer.status)
        return answer.status, one["code"], one.get("source")


__all__ = ["ORG", "Axm"]
