"""What one push costs without sockets, and how much of it keeps secrets out of the journal.

The engine over a store on disk, 100 pushes in a transaction, by the process's own clock:
processor time, which what else runs on the machine changes least. Each case is measured
beside the same one without sealing and without the last look for secrets, by turns. Prints
the table and adds it to bench.json.
"""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from simulator.core.messages import Peer, Request, Response, Tls
from simulator.core.settings import Settings
from simulator.core.state import State
from simulator.core.steps import Steps
from simulator.disclosure.observe.values import Fingerprinter
from simulator.disclosure.redact.guard import SecretGuard
from simulator.engine.engine import Engine
from simulator.faults import faults
from simulator.protocol import quirks
from simulator.services.apns import registry, topics
from simulator.store.opening import open_store
from tests.apple import KEY, SECRET, Apple
from tests.bench.running import keep, show

TOPIC = "com.apple.mgmt.External.5f0e4a52-6d0b-4c8e-9a53-2b7f6c1d8e90"
BATCH, LOT = 100, 500
"""Pushes in a transaction, and between two looks at the clock."""
_PEER = Peer("127.0.0.1", 50000, 1, Tls("TLSv1.3", "c", "127.0.0.1", "h2"), first=False)


class _Unsealed:
    """Stands for the sealer and takes nothing out."""

    def seal_request(self, request: Request, *_: object) -> Request:
        return request

    def sealing_response(self, response: Response, *_: object) -> Steps[Response]:
        yield from ()
        return response


@dataclass(frozen=True, slots=True)
class PushCase:
    """One way in which pushes repeat."""

    name: str
    devices: int
    named: bool = False
    """Whether each push has an apns-id of its own."""


CASES = (
    PushCase("64 devices", 64),
    PushCase("64 devices, an apns-id each", 64, named=True),
    PushCase("5000 devices", 5000),
    PushCase("20000 devices", 20_000),
    PushCase("first pushes", 20_000),
)


@dataclass(slots=True)
class Line:
    """One engine with its store, and devices to push to."""

    apple: Apple
    case: PushCase
    taken: Iterator[int] = field(default_factory=count)

    @classmethod
    def of(cls, path: Path, case: PushCase, *, sealed: bool) -> "Line":
        """Enrol the devices of *case* in a store at *path*."""
        apple = Apple(push_auth="none")
        apple.store.close()
        known = apple.catalogue.services.values()
        guard = SecretGuard(known, Fingerprinter(KEY), apple.catalogue.long_names)
        apple.store = open_store(path, guard=guard if sealed else None)
        if not sealed:
            settings = Settings(push_auth="none")
            apple.engine = Engine(apple.catalogue, settings, SECRET, _Unsealed())
        line = cls(apple, case)
        apple.run(lambda state: topics.add(state, "acme", TOPIC))
        apple.run(faults.prepare)
        apple.run(quirks.prepare)
        apple.home(line._enrol)
        return line

    def _enrol(self, home: State) -> None:
        for number in range(self.case.devices):
            message = {
                "MessageType": "TokenUpdate",
                "Topic": TOPIC,
                "UDID": f"device-{number}",
                "Token": _token(number),
                "PushMagic": _magic(number),
            }
            registry.check_in(home, message, self.apple.now_ms)

    def push(self) -> float:
        """Push a lot; return microseconds for each."""
        requests = [self._request(next(self.taken)) for _ in range(LOT)]
        begun = time.process_time()
        for at in range(0, LOT, BATCH):
            with self.apple.store.transaction() as state:
                for one in requests[at : at + BATCH]:
                    self.apple.engine.process(one, state, self.apple.now_ms)
        return (time.process_time() - begun) / LOT * 1_000_000

    def _request(self, number: int) -> Request:
        device = number % self.case.devices
        body = b'{"mdm":"%s"}' % _magic(device).encode()
        fields = {
            "host": "127.0.0.1:8443",
            "user-agent": "bench",
            "apns-push-type": "mdm",
            "content-type": "application/json",
            "content-length": str(len(body)),
        }
        if self.case.named:
            fields["apns-id"] = f"123e4567-e89b-12d3-a456-{number:012d}"
        target = f"/3/device/{_token(device).hex()}"
        return Request("POST", target, tuple(fields.items()), body, "https", _PEER, "2")


def _token(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()


def _magic(number: int) -> str:
    return f"7E2C1A9B-55D1-4A60-8F0E-7B6C1D{number:06X}"


def prices(lots: int) -> dict[str, list[float]]:
    """Return microseconds of a push, by case, with and without sealing and the look for secrets."""
    found: dict[str, list[float]] = {}
    for case in CASES:
        with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
            lines = {
                name: Line.of(Path(directory, f"{sealed}.db"), case, sealed=sealed)
                for name, sealed in ((case.name, True), (f"{case.name}, unsealed", False))
            }
            for line in lines.values():
                stack.callback(line.apple.__exit__)
                for _ in range(1 if case is CASES[-1] else 1 + case.devices // LOT):
                    line.push()
            for _ in range(lots):
                sealed, bare = (found.setdefault(f"{name}, us", []) for name in lines)
                for took, line in zip((sealed, bare), lines.values(), strict=True):
                    took.append(line.push())
                share = found.setdefault(f"{case.name}, share of it, %", [])
                share.append(100 * (1 - bare[-1] / sealed[-1]))
    return found


def main() -> None:
    """Measure all cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lots", type=int, default=8)
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    wanted = parser.parse_args()
    found = prices(wanted.lots)
    show("a push without sockets, and what of it seals and looks for secrets", found)
    keep(wanted.output, "in_process", found)


if __name__ == "__main__":
    main()
