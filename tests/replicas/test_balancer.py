"""Replicas behind HAProxy, by the configuration that ships."""

import re
import signal
import threading
from contextlib import ExitStack, closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tests.balancer import DRAIN_S, FOLDER, NAMES, WAIT_S, haproxy
from tests.durability.running import journal_of, simulator, verified
from tests.postgres import PostgresServer


class Asking(threading.Thread):
    """Asks again and again, on new connections or on one that *stays*, until it is told to stop."""

    def __init__(self, port: int, *, stays: bool = False) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.stays = stays
        self.statuses: list[int] = []
        self.unanswered = 0
        self.stop = threading.Event()

    def run(self) -> None:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)) as connection:
            while not self.stop.is_set():
                try:
                    connection.request("GET", "/account")
                    response = connection.getresponse()
                    response.read()
                    self.statuses.append(response.status)
                except (OSError, HTTPException):
                    self.unanswered += 1
                    connection.close()
                if not self.stays:
                    connection.close()


def test_the_compose_file_gives_what_the_configuration_asks_for() -> None:
    asked = set(re.findall(r"\$\{(\w+)\}", (FOLDER / "haproxy.cfg").read_text()))
    balancer = (FOLDER / "compose.yaml").read_text().partition("  balancer:")[2]
    given = set(re.findall(r"^      ([A-Z_]+):", balancer, re.MULTILINE))

    assert asked == given
    assert len(asked) == 19


def test_replicas_roll_behind_one_address(tmp_path: Path, postgres: PostgresServer) -> None:
    url = postgres.new()
    with ExitStack() as stack:
        running = [
            stack.enter_context(simulator(tmp_path, "--store", url, "--drain-s", str(DRAIN_S)))
            for _ in NAMES
        ]
        ports = stack.enter_context(haproxy([ready for ready, _ in running]))
        asking = [Asking(ports["HTTP"], stays=number == 0) for number in range(3)]
        for one in asking:
            one.start()
        for _, process in running[:2]:
            wait_for_more(asking)
            process.send_signal(signal.SIGTERM)
            assert process.wait(WAIT_S) == 0
        wait_for_more(asking)
        for one in asking:
            one.stop.set()
            one.join(WAIT_S)
    exchanges = journal_of(tmp_path, url)
    report = verified(tmp_path, url)

    statuses = [status for one in asking for status in one.statuses]
    assert set(statuses) == {401}
    assert [one.unanswered for one in asking] == [0, 0, 0]
    assert len(exchanges) == len(statuses)
    assert report.exit_code == 0, report.output


def wait_for_more(asking: list[Asking]) -> None:
    """Wait until each has ten more answers that are on record."""
    pause, before = threading.Event(), [one.statuses.count(401) for one in asking]
    for _ in range(WAIT_S * 100):
        if all(one.statuses.count(401) > had + 9 for one, had in zip(asking, before, strict=True)):
            return
        pause.wait(0.01)
    raise AssertionError([(one.statuses[-5:], one.unanswered) for one in asking])
