"""mdmsim in a test suite: a simulator in this process, and a handle to steer and question it.

    with serving(strictness="strict") as mdmsim:
        run_my_server(dep_url=mdmsim.https, environment=mdmsim.environment)
        mdmsim.wait(operation="dep.assign")
        mdmsim.assert_only_declared()

The handle speaks the control API and nothing else, so `Mdmsim.of` does the
same for a simulator in another process or in a container. In a coroutine,
``async with Simulator(settings)`` runs one on the event loop that is there.
"""

import http.client
import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from msgspec import Struct, field

from simulator.core import ready_file
from simulator.testing.enrolment_service import EnrolmentService
from simulator.testing.simulated_device import SimulatedDevice

_PREFIX = "/api/v1"
_BREACHES = {
    "undeclared",
    "undocumented",
    "forbidden",
    "misplaced-credential",
    "secret-in-url",
}
"""Flags of what a client should not disclose."""
_TRUST = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


class ControlError(Exception):
    """The control API refused a call; the text is what it said, with method and path."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Mdmsim(Struct, frozen=True):
    """A running simulator, seen from a test."""

    ready: Mapping[str, Any]
    """What ``ready.json`` holds: addresses, credentials, organisations."""
    _mark: list[int] = field(default_factory=lambda: [0])
    """The last exchange that belongs to the test before."""

    @classmethod
    def of(cls, data: str | Path) -> "Mdmsim":
        """Return the simulator that serves the data directory *data*; LookupError if none does."""
        found = ready_file.read(Path(data) / ready_file.NAME)
        if found is None:
            raise LookupError(f"nothing serves {data}: start it with mdmsim serve --data {data}")
        return cls(found)

    @property
    def https(self) -> str:
        """Base URL of all services, in place of ``https://mdmenrollment.apple.com`` and so on."""
        return str(self.ready["tls"][0])

    @property
    def http(self) -> str:
        """The same without TLS."""
        return str(self.ready["http"])

    @property
    def ca(self) -> str:
        """Path of the CA certificate (PEM) that clients have to trust."""
        return str(self.ready["ca"])

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that lead a program with Apple's host names built in to us."""
        proxy = {"HTTPS_PROXY": str(self.ready["proxy"])}
        return proxy | dict.fromkeys(_TRUST, self.ca)

    @property
    def dep_token(self) -> dict[str, str]:
        """The first DEP server token: consumer key and secret, access token and secret, expiry."""
        return dict(self._organisation["dep_servers"][0]["token"])

    @property
    def dep_server(self) -> str:
        """Id of the DEP server that `dep_token` is for."""
        return str(self._organisation["dep_servers"][0]["id"])

    @property
    def push_topic(self) -> dict[str, str]:
        """The first push topic: ``topic``, and the paths ``certificate`` and ``key``."""
        found = dict(self._organisation["push_topics"][0])
        if found.get("written", True):
            return found
        return dict(self.control("GET", f"/push-topics/{quote(found['topic'])}/token"))

    @property
    def _organisation(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.ready["organisations"][0]
        return found

    def control(
        self, method: str, path: str, body: Any = None, /, timeout_s: float = 60, **query: Any
    ) -> Any:
        """Call the control API and return its JSON, or text where it answers with another type.

        *path* is below ``/api/v1``; *body* is sent as JSON, or as it is if it
        is bytes. ControlError tells what it refused.
        """
        parts = urlsplit(self.ready["control"])
        target = f"{_PREFIX}{path}{'?' + urlencode(query) if query else ''}"
        headers = {"Authorization": f"Bearer {self.ready['control_token']}"}
        if body is not None and not isinstance(body, bytes):
            body, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        host = parts.hostname or ""
        with closing(http.client.HTTPConnection(host, parts.port, timeout=timeout_s)) as connection:
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        said = json.loads(content) if "json" in answer.headers.get_content_type() else content
        if answer.status >= 400:  # noqa: PLR2004 (where refusals begin)
            raise ControlError(answer.status, f"{method} {path}: {_detail(said)}")
        return said.decode() if isinstance(said, bytes) else said

    def begin(self) -> None:
        """Take what has happened so far for another test's: the handle tells of what follows."""
        self._mark[0] = int(self.control("GET", "/exchanges", limit=1)["last"])

    def exchanges(self, **match: Any) -> list[dict[str, Any]]:
        """Return this test's exchanges, oldest first; *match* as in ``GET /exchanges``."""
        found: list[dict[str, Any]] = []
        after: int | None = self._mark[0]
        while after is not None:
            page = self.control("GET", "/exchanges", after=after, limit=1000, **match)
            found += page["exchanges"]
            after = page["next"]
        return found

    def golden(self, seq: int) -> dict[str, Any]:
        """Return exchange *seq* as a golden fixture, with names in place of secrets."""
        return dict(self.control("GET", f"/exchanges/{seq}/fixture"))

    def disclosures(self, **match: Any) -> list[dict[str, Any]]:
        """Return what this test's exchanges disclosed, each with its judgement."""
        return [
            one | {"seq": exchange["seq"], "operation": exchange["operation"]}
            for exchange in self.exchanges(**match)
            for one in self.control("GET", f"/exchanges/{exchange['seq']}/disclosures")[
                "disclosures"
            ]
        ]

    def assert_only_declared(self, *, allow: tuple[str, ...] = ()) -> None:
        """Fail if this test disclosed what nobody declared or documents, and say what.

        Without a manifest only what is undocumented or misplaced fails; what the
        protocol itself demands never does. *allow* names concepts, such as
        ``net.user_agent``, that are taken for declared.
        """
        found = {
            f"{one['operation'] or 'no operation'}: {one['part']} {one['at']} is {one['concept']}"
            f" of the {one['subject']} ({', '.join(one['flags'])}), exchange {one['seq']}"
            for one in self.disclosures()
            if _BREACHES & {*one["flags"]} - ({"undeclared"} if one["inherent"] else set())
            and one["concept"] not in allow
        }
        if found:
            raise AssertionError("disclosed, but not declared:\n  " + "\n  ".join(sorted(found)))

    def report(self, form: str = "text") -> str:
        """Return the disclosure report of everything in the journal."""
        told = self.control("GET", "/report", format=form)
        return told if isinstance(told, str) else json.dumps(told)

    def freeze(self, now: str | None = None) -> None:
        """Stop the simulator's clock, at *now* (``2026-01-05T10:00:00Z``) or where it is.

        *now* may be earlier than it was: time begins anew.
        """
        if now is not None:
            self.control("PUT", "/clock", {"mode": "real"})
        self.control("PUT", "/clock", {"mode": "frozen"} | ({} if now is None else {"now": now}))

    def advance(self, seconds: float) -> None:
        """Move the simulator's clock on."""
        self.control("PUT", "/clock", {"advance_s": seconds})

    def fault(self, outcome: str = "", /, **fault: Any) -> str:
        """Arm a fault and return its id: ``fault("dep.T_C_NOT_SIGNED", count=1)``.

        *fault* is what ``POST /faults`` takes, such as ``match``, ``count``,
        ``after`` and ``delivery``.
        """
        body = {"outcome": outcome, **fault} if outcome else fault
        return str(self.control("POST", "/faults", body)["id"])

    def wait(self, *, count: int = 1, timeout_s: float = 30, **match: Any) -> list[dict[str, Any]]:
        """Wait until *count* of this test's exchanges match, and return them.

        ControlError says what came near if they do not in time.
        """
        body = {"match": match, "count": count, "timeout_s": timeout_s, "after": self._mark[0]}
        answer = self.control("POST", "/exchanges/wait", body, timeout_s=timeout_s + 60)
        return list(answer["exchanges"])

    def verify(self, count: int | None = None, /, **match: Any) -> None:
        """Fail unless this test's exchanges match *count* times, or at all; say what came near."""
        wanted = {"min": 1} if count is None else count
        body = {"match": match, "count": wanted, "after": self._mark[0]}
        try:
            self.control("POST", "/exchanges/verify", body)
        except ControlError as error:
            raise AssertionError(str(error)) from None

    def reset(self) -> None:
        """Go back to the world as it was loaded, and to the wall clock; the journal stays.

        Credentials stay good, and no fault is armed any more.
        """
        self.control("POST", "/reset", {"brief": True})
        self.control("PUT", "/clock", {"mode": "real"})

    def add_devices(self, count: int) -> list[str]:
        """Buy invented devices for the first DEP server and return their serial numbers."""
        body = {"count": count, "server": self.dep_server}
        return list(self.control("POST", "/devices", body)["serial_numbers"])

    def device(self, serial: str = "", *, power_on: bool = True, **options: Any) -> SimulatedDevice:
        """Create a simulated device and turn it on: *serial*, or one that is bought for it.

        *options* are those of ``POST /simulated-devices``, such as ``origins``
        and ``trust``. It enrols by itself if the MDM server has assigned it a profile.
        """
        serial = serial or self.add_devices(1)[0]
        body = {"serial_numbers": [serial], "power_on": power_on, "options": options}
        self.control("POST", "/simulated-devices", body)
        return SimulatedDevice(self.control, serial)

    def assign_profile(self, serial: str, url: str, **profile: Any) -> str:
        """Assign a device of the first DEP server a profile that leads to *url*; return its id.

        It is done as an MDM server does it, by ``POST /profile``; *profile* is what
        Apple's profile may hold beside, such as ``await_device_configured=True``.
        """
        body = {"profile_name": "Test", "url": url, "devices": [serial]} | profile
        made = EnrolmentService(self.http, self.dep_token).call("POST", "/profile", body)
        if made["devices"][serial] != "SUCCESS":
            raise ControlError(409, f"the profile of {serial} was not assigned: {made['devices']}")
        return str(made["profile_uuid"])

    def act(self, serial: str, action: str, **arguments: Any) -> None:
        """Do to a device what the portal can, such as assign, move, release, throttle, activate."""
        self.control("POST", f"/devices/{quote(serial)}/{action}", arguments)


def _detail(said: Any) -> str:
    if isinstance(said, dict):
        return str(said.get("detail", said))
    return bytes(said).decode(errors="replace")
