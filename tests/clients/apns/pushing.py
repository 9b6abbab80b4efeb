"""How tests push with a real APNs client: a job in, what the client understood out.

Each client is a small program over one library. It reads a job (where APNs is,
which certificate to show, what to push, all of it over one client object) from
the JSON file that is its argument, and writes the results as JSON, in the order
of the pushes.
"""

import hashlib
import json
import plistlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.clients.harness import WAIT_S, Simulator, environment, run

JOB = "job.json"
Header = str | int


@dataclass(frozen=True, slots=True)
class Push:
    """One push: device token, payload, and the ``apns-…`` headers that the client shall send."""

    token: str
    payload: Mapping[str, Any]
    headers: Mapping[str, Header] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """What the client understood of one answer; what it does not tell is empty.

    *timestamp* is in milliseconds, *error* what the client says when it got no answer.
    """

    status: int = 0
    id: str = ""
    reason: str = ""
    timestamp: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Client:
    """A program that pushes.

    *command* is asked for when the program runs: it fails if that is not installed.
    """

    name: str
    command: Callable[[], Sequence[str]]
    variables: Callable[[], Mapping[str, str]] = dict


@dataclass(frozen=True, slots=True)
class Device:
    """A device as its MDM server knows it after the check-in."""

    udid: str
    topic: str
    token: str
    magic: str

    @property
    def wake(self) -> dict[str, str]:
        """The payload that makes the device contact its server."""
        return {"mdm": self.magic}

    def push(self, **headers: Header) -> Push:
        """Return a push to this device; ``apns_id=…`` names the header ``apns-id``."""
        return Push(self.token, self.wake, named(headers))


def named(headers: Mapping[str, Header]) -> dict[str, Header]:
    """Return *headers* with hyphens for underscores."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass(frozen=True, slots=True)
class Provider:
    """One MDM server with one push certificate, at a running simulator."""

    simulator: Simulator
    folder: Path

    @property
    def credential(self) -> dict[str, str]:
        """The topic's entry of ``ready.json``."""
        given: dict[str, str] = self.simulator.ready["organisations"][0]["push_topics"][0]
        return given

    @property
    def topic(self) -> str:
        return self.credential["topic"]

    @property
    def host(self) -> str:
        """Where APNs is, without the port."""
        return urlsplit(self.simulator.base("https")).hostname or ""

    def _check_in(self, message: Mapping[str, Any]) -> dict[str, Any]:
        body = plistlib.dumps(message)
        answer: dict[str, Any] = json.loads(
            self.simulator.control("POST", "/push-tokens/checkin", body)
        )
        return answer

    def enrol(self, name: str = "one", topic: str = "") -> Device:
        """Check a new device in; *topic* is the provider's unless another is given.

        Everything else about the device follows from *name*.
        """
        token = hashlib.sha256(name.encode()).digest()
        device = Device(f"udid-{name}", topic or self.topic, token.hex(), f"magic-{name}")
        answer = self._check_in(
            {
                "MessageType": "TokenUpdate",
                "Topic": device.topic,
                "UDID": device.udid,
                "Token": token,
                "PushMagic": device.magic,
            }
        )
        assert answer["token"] == device.token
        return device

    def check_out(self, device: Device) -> None:
        """Let *device* leave the MDM server: its token is no longer registered."""
        self._check_in({"MessageType": "CheckOut", "Topic": device.topic, "UDID": device.udid})

    def throttle(self, device: Device) -> None:
        """Have APNs find that *device* gets too many pushes."""
        self.simulator.control("POST", f"/push-tokens/{device.token}/throttle", {"seconds": 3600})

    def add_topic(self) -> str:
        """Add a push topic that the provider's certificate does not open."""
        return str(self.simulator.control("POST", "/push-topics", {})["topic"])

    def revoke(self) -> None:
        """Have Apple revoke the push certificate."""
        self.simulator.control("POST", f"/push-topics/{self.topic}/revoke")

    def send(
        self,
        client: Client,
        *pushes: Push,
        at_once: bool = False,
        certificate: bool = True,
        packed: str = "",
    ) -> list[Result]:
        """Send *pushes* with *client*: one after the other, or all *at_once*.

        *packed* names the form of PKCS #12 that it is to load.
        """
        job = {
            "address": self.host,
            "port": urlsplit(self.simulator.base("https")).port,
            "ca": self.simulator.ca,
            "at_once": at_once,
            "pushes": [asdict(push) for push in pushes],
            **(self._files() if certificate else {}),
            **(
                {"packed": self.credential[packed], "pkcs12": self.credential[packed]}
                if packed
                else {}
            ),
        }
        (self.folder / JOB).write_text(json.dumps(job))
        env = {**environment(self.simulator.ca), **client.variables()}
        done = run([*client.command(), JOB], env=env, cwd=self.folder)
        assert done.returncode == 0, done.stderr
        results = [Result(**found) for found in json.loads(done.stdout)]
        assert len(results) == len(pushes), done.stdout
        return results

    def _files(self) -> dict[str, str]:
        """Return certificate, key, and both in one file, as some libraries want them."""
        joined = self.folder / "joined.pem"
        pair = (self.credential["certificate"], self.credential["key"])
        joined.write_text("".join(Path(one).read_text() for one in pair))
        return {"certificate": pair[0], "key": pair[1], "joined": str(joined)} | {
            name: self.credential[name] for name in ("pkcs12", "pkcs12_password")
        }

    def pushed(self) -> list[dict[str, Any]]:
        """Return the journal's lines about pushes, oldest first."""
        return self.simulator.exchanges(operation="apns.push")

    def last(self) -> dict[str, Any]:
        """Return the last push as the journal shows it whole, without secrets."""
        seq = self.pushed()[-1]["seq"]
        exchange: dict[str, Any] = self.simulator.control("GET", f"/exchanges/{seq}")
        return exchange

    def last_headers(self) -> dict[str, str]:
        """Return the headers of the last push as it arrived."""
        return dict(self.last()["request"]["headers"])

    def woken(self, device: Device, action: Callable[[], object]) -> Any:
        """Return the first push that *device*, listening, gets once *action* is done."""
        control = urlsplit(self.simulator.ready["control"])
        with closing(
            HTTPConnection(control.hostname or "", control.port, timeout=WAIT_S)
        ) as stream:
            stream.request("GET", f"/api/v1/push-tokens/{device.token}/events")
            response = stream.getresponse()
            assert response.status == 200, response.read()
            action()
            for line in response:
                if line == b"event: push\n":
                    return json.loads(response.readline().removeprefix(b"data:"))
        raise AssertionError("the stream ended without a push")
