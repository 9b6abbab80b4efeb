"""Apps and Books at its limits: the largest request there can be, and very many assignments.

The limits are those that the service config tells. As many apps as one request
may name are bought through the control API and assigned to as many users and as
many devices as it may name; that event is asked about until it is complete. Two
such requests leave 100,000 assignments in the first location, which are then
listed page by page; the other rounds have a location each. All calls are those of
an MDM server of v2, over TLS. Prints the rounds and adds them to bench.json.
"""

import argparse
import json
import ssl
import statistics
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from tests.bench.running import keep, resident_mb, serving, show

BASE = "/mdm/v2"
EDGE = 10
"""Pages of which the median is taken at the beginning and at the end."""
FIRST = 2
"""Rounds in the client's own location, in which nothing is taken back."""
STORE_ID = 1_955_000_000
PATIENCE_S = 120
Rows = dict[str, list[float]]


class Client:
    """An MDM server of one location, on one connection."""

    def __init__(self, ready: dict[str, Any], place: dict[str, Any]) -> None:
        self._place = place
        self._control = ready["control"]
        address = urlsplit(ready["tls"][0])
        context = ssl.create_default_context(cafile=ready["ca"])
        self.connection = HTTPSConnection(
            address.hostname or "", address.port, timeout=PATIENCE_S, context=context
        )
        self.limits = self.ask("GET", "/service/config")[0]["limits"]

    def ask(self, method: str, path: str, body: Any = None) -> tuple[Any, float]:
        """Return what was answered, and the seconds that it took."""
        headers = {
            "Authorization": f"Bearer {self._place['stoken']}",
            "Content-Type": "application/json",
            "User-Agent": "bench/1",
        }
        sent = None if body is None else json.dumps(body)
        begun = time.perf_counter()
        self.connection.request(method, BASE + path, sent, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        taken = time.perf_counter() - begun
        found = json.loads(content)
        if answer.status != 200 or "errorNumber" in found:
            raise SystemExit(f"{method} {path} was answered {answer.status}: {content[:200]!r}")
        return found, taken

    def done(self, path: str, body: Any) -> tuple[int, float]:
        """Have something done; return how many tasks that were, and the seconds until they were."""
        begun = time.perf_counter()
        event = self.ask("POST", path, body)[0]["eventId"]
        status: dict[str, Any] = {"eventStatus": "PENDING"}
        while status["eventStatus"] == "PENDING":
            status = self.ask("GET", f"/status?eventId={event}")[0]
        taken = time.perf_counter() - begun
        if status["eventStatus"] != "COMPLETE":
            raise SystemExit(f"{path} has ended so: {json.dumps(status)[:300]}")
        return int(status["numCompleted"]), taken

    def buy(self, number: int, quantity: int) -> str:
        """Put an app into the store and buy licences of it, as people do; return its store id."""
        adam_id = str(STORE_ID + number)
        product = {"adam_id": adam_id, "name": f"Bench {number}"}
        order = {"location": self._place["id"], "product": product, "quantity": quantity}
        portal(self._control, "/assets", order)
        return adam_id

    def pages(self) -> tuple[int, list[float]]:
        """List all assignments; return how many there are, and the seconds of each page."""
        seconds: list[float] = []
        count = 0
        index: int | None = 0
        while index is not None:
            page, taken = self.ask("GET", f"/assignments?pageIndex={index}")
            seconds.append(taken)
            count += page["size"]
            index = page.get("nextPageIndex")
        return count, seconds


def portal(control: str, path: str, body: Any) -> Any:
    """Return what a call of the control API answers."""
    headers = {"Content-Type": "application/json"}
    request = Request(f"{control}/api/v1{path}", json.dumps(body).encode(), headers)  # noqa: S310 (ours)
    with urlopen(request) as answer:  # noqa: S310 (ours)
        return json.load(answer)


def another(ready: dict[str, Any], number: int) -> Client:
    """Return the MDM server of a new location."""
    made = portal(ready["control"], "/vpp-locations", {"name": f"Bench {number}"})
    path = f"/vpp-locations/{made['id']}/token"
    return Client(ready, portal(ready["control"], path, {}))


@dataclass(frozen=True, slots=True)
class Largest:
    """The largest requests that there can be in a location: of users, devices and apps."""

    users: list[str]
    serials: list[str]
    apps: int

    @classmethod
    def of(cls, limits: dict[str, int]) -> "Largest":
        """Make them of what the service config tells."""
        users = [f"bench-{number}" for number in range(limits["maxClientUserIds"])]
        serials = [f"0ZBENCH{number:05}" for number in range(limits["maxSerialNumbers"])]
        return cls(users, serials, limits["maxAssets"])

    @property
    def tasks(self) -> int:
        """How many assignments one makes."""
        return self.apps * (len(self.users) + len(self.serials))

    def register(self, client: Client) -> None:
        """Have the users registered, as many in a request as there may be."""
        size = client.limits["maxUsers"]
        for at in range(0, len(self.users), size):
            part = [{"clientUserId": user} for user in self.users[at : at + size]]
            client.done("/users/create", {"users": part})

    def associate(self, client: Client, number: int) -> tuple[float, dict[str, Any]]:
        """Have the request with *number* done, for which apps are bought; return seconds and it."""
        quantity = len(self.users) + len(self.serials)
        apps = [client.buy(number * self.apps + one, quantity) for one in range(self.apps)]
        assets = [{"adamId": app} for app in apps]
        body = {"assets": assets, "clientUserIds": self.users, "serialNumbers": self.serials}
        return self._whole(client, "/assets/associate", body), body

    def disassociate(self, client: Client, body: dict[str, Any]) -> float:
        """Have taken back what `associate` has asked; return the seconds."""
        return self._whole(client, "/assets/disassociate", body)

    def _whole(self, client: Client, path: str, body: dict[str, Any]) -> float:
        count, seconds = client.done(path, body)
        if count != self.tasks:
            raise SystemExit(f"{path}: {count} of {self.tasks} assignments were changed")
        return seconds


def assign(ready: dict[str, Any], client: Client, rounds: int) -> tuple[Largest, Rows]:
    """Assign: in the location of *client* twice, then in new ones; return how, and the rows."""
    wanted = Largest.of(client.limits)
    wanted.register(client)
    given = [wanted.associate(client, number)[0] for number in range(FIRST)]
    taken = []
    for number in range(FIRST, rounds):
        with closing((other := another(ready, number)).connection):
            wanted.register(other)
            seconds, body = wanted.associate(other, number)
            given.append(seconds)
            taken.append(wanted.disassociate(other, body))
    speeds = [wanted.tasks / seconds for seconds in given]
    return wanted, {
        "associate, s": given,
        "assignments made /s": speeds,
        "disassociate, s": taken,
    }


def enumerated(client: Client, rounds: int) -> tuple[int, Rows]:
    """List all assignments so many times; return how many there are, and the rows."""
    lists = [client.pages() for _ in range(rounds)]
    begun, ended = zip(*(_edges(seconds) for _, seconds in lists), strict=True)
    return lists[0][0], {
        "listed /s": [count / sum(seconds) for count, seconds in lists],
        "first pages, ms": [one * 1000 for one in begun],
        "last pages, ms": [one * 1000 for one in ended],
        "last page / first": [last / first for first, last in zip(begun, ended, strict=True)],
    }


def _edges(seconds: list[float]) -> tuple[float, float]:
    """Return the medians of the first and of the last pages; the very last may be short."""
    whole = seconds[:-1] or seconds
    return statistics.median(whole[:EDGE]), statistics.median(whole[-EDGE:])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    rounds = parser.parse_args().rounds
    if rounds <= FIRST:
        parser.error(f"--rounds must be more than {FIRST}: only later ones take back")
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder, "data")) as (process, ready),
    ):
        client = Client(ready, ready["organisations"][0]["vpp_locations"][0])
        with closing(client.connection):
            largest, assigning = assign(ready, client, rounds)
            count, listing = enumerated(client, rounds)
            resident = resident_mb(process)
    show(f"associate of the largest request, {largest.tasks} assignments", assigning)
    show(f"{count} assignments listed page by page", listing)
    print(f"{'resident afterwards, MiB':34}{resident:10.1f}")
    figures = {"assignments": count, **assigning, **listing, "resident_mb": resident}
    keep(parser.parse_args().output, "licences", figures)


if __name__ == "__main__":
    main()
