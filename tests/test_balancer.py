"""Replicas behind HAProxy, by the configuration that ships."""

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.durability.running import journal_of, simulator, verified
from tests.postgres import PostgresServer

FOLDER = Path(__file__).parents[1] / "fixtures" / "examples" / "replicas"
NAMES = ("ONE", "TWO", "THREE")
WAIT_S = 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def haproxy(ready: list[dict[str, Any]]) -> Iterator[int]:
    """Run HAProxy after its own check, and yield its port for plain HTTP."""
    program = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("HAProxy is not installed here")
    ports = {name: free_port() for name in ("TLS", "HTTP", "CONTROL")}
    env = {**os.environ, **{f"{name}_BIND": f"127.0.0.1:{port}" for name, port in ports.items()}}
    for name, one in zip(NAMES, ready, strict=True):
        control = urlsplit(one["control"])
        env[f"{name}_HTTP"] = env[f"{name}_TLS"] = urlsplit(one["http"]).netloc
        env[f"{name}_CONTROL_HOST"] = str(control.hostname)
        env[f"{name}_CONTROL_PORT"] = str(control.port)
    command = (program, "-f", str(FOLDER / "haproxy.cfg"))
    checked = subprocess.run(
        (*command, "-c"), env=env, check=False, capture_output=True, timeout=20
    )
    assert (checked.returncode, checked.stderr) == (0, b""), checked.stderr.decode()
    with subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL) as process:
        try:
            yield ports["HTTP"]
        finally:
            process.kill()


class Asking(threading.Thread):
    """Asks again and again, each time on a new connection, until it is told to stop."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.statuses: list[int] = []
        self.unanswered = 0
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.is_set():
            with closing(HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)) as connection:
                try:
                    connection.request("GET", "/account")
                    self.statuses.append(connection.getresponse().status)
                except (OSError, HTTPException):
                    self.unanswered += 1


def test_the_compose_file_gives_what_the_configuration_asks_for() -> None:
    asked = set(re.findall(r"\$\{(\w+)\}", (FOLDER / "haproxy.cfg").read_text()))
    balancer = (FOLDER / "compose.yaml").read_text().partition("  balancer:")[2]
    given = set(re.findall(r"^      ([A-Z_]+):", balancer, re.MULTILINE))

    assert asked == given
    assert len(asked) == 15


def test_replicas_roll_behind_one_address(tmp_path: Path, postgres: PostgresServer) -> None:
    url = postgres.new()
    with ExitStack() as stack:
        running = [stack.enter_context(simulator(tmp_path, "--store", url)) for _ in NAMES]
        port = stack.enter_context(haproxy([ready for ready, _ in running]))
        asking = [Asking(port) for _ in range(3)]
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
    assert set(statuses) <= {401, 503}
    answered, unanswered = statuses.count(401), sum(one.unanswered for one in asking)
    assert answered <= len(exchanges) <= answered + unanswered
    assert report.exit_code == 0, report.output


def wait_for_more(asking: list[Asking]) -> None:
    """Wait until each has ten more answers that are on record."""
    pause, before = threading.Event(), [one.statuses.count(401) for one in asking]
    for _ in range(WAIT_S * 100):
        if all(one.statuses.count(401) > had + 9 for one, had in zip(asking, before, strict=True)):
            return
        pause.wait(0.01)
    raise AssertionError([(one.statuses[-5:], one.unanswered) for one in asking])
