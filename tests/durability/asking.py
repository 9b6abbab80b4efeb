"""A client that asks one thing after the other, and notes what became of each."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

from simulator.core.messages import Exchange


class Client:
    """Asks for what there is not, so that the answer is 404 if it is recorded."""

    def __init__(self, ready: dict[str, Any], pad: int = 0) -> None:
        self._services = urlsplit(ready["http"]).port or 0
        self._control = urlsplit(ready["control"]).port or 0
        self._pad = "x." * (pad // 2)
        self._connection: HTTPConnection | None = None
        self.answered: dict[int, int] = {}
        """Number of each request -> status; those without an answer are not in it."""
        self.asked = 0

    def ask(self, count: int) -> Counter[int]:
        """Ask *count* times; return how often each status came. 0: there was no answer."""
        statuses: Counter[int] = Counter()
        for _ in range(count):
            number, self.asked = self.asked, self.asked + 1
            status = self._ask(f"/nothing/{number}?{self._pad}")
            statuses[status] += 1
            if status:
                self.answered[number] = status
        return statuses

    def _ask(self, target: str) -> int:
        connection = self._connection or HTTPConnection("127.0.0.1", self._services, timeout=30)
        try:
            connection.request("GET", target, headers={"User-Agent": "ExampleMDM/1"})
            answer = connection.getresponse()
            answer.read()
        except (OSError, HTTPException):
            connection.close()
            self._connection = None
            return 0
        self._connection = None if answer.will_close else connection
        if answer.will_close:
            connection.close()
        return answer.status

    def health(self) -> tuple[int, dict[str, Any]]:
        """Ask ``/readyz``."""
        connection = HTTPConnection("127.0.0.1", self._control, timeout=30)
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        found = answer.status, json.loads(answer.read())
        connection.close()
        return found

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def recorded(self) -> list[int]:
        """Return the numbers of what was answered as recorded."""
        return [number for number, status in self.answered.items() if status != 503]


@contextmanager
def load(ready: dict[str, Any], first: int, pause_s: float = 0) -> Iterator[Client]:
    """Ask for one thing after the other until the block ends; *first* so many before it begins."""
    client, ended = Client(ready), Event()

    def ask() -> None:
        while not ended.wait(pause_s):
            client.ask(10)

    client.ask(first)

    thread = Thread(target=ask)
    thread.start()
    try:
        yield client
    finally:
        ended.set()
        thread.join()
        client.close()


def numbers(exchanges: list[Exchange]) -> list[int]:
    """Return the numbers of the requests that are on record."""
    targets = [one.request.target for one in exchanges]
    return [int(one.partition("?")[0].rpartition("/")[2]) for one in targets]
