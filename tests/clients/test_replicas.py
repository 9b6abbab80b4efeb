"""nanodep and nanomdm go on through HAProxy while the replicas behind it are restarted."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.balancer import DRAIN_S, NAMES, haproxy
from tests.clients.harness import MDMSIM, Simulator, environment, run, running, until
from tests.clients.nanodep import NAME, Nanodep, depserver
from tests.clients.nanomdm import Device, Identity, Nanomdm, nanomdm
from tests.ports import free_port
from tests.postgres import PostgresServer

pytestmark = pytest.mark.clients
UDID = "00008030-0Z0000000000501E"
MAGIC = "5B1C7F10-93AD-4A0E-9C0B-0D7A6B1C2E55"
STORE_KEY = "0Zstore-key-of-the-tests-0123456789"
EACH = 5
"""Answers that each client gets between two restarts, at least."""


class Replica:
    """One replica, with a data directory and ports of its own, which may be started again."""

    def __init__(self, folder: Path, url: str) -> None:
        self.url = url
        self._folder = folder
        folder.mkdir()
        ports = [f"--{name}-port={free_port()}" for name in ("tls", "http", "control", "proxy")]
        store = (f"--store={url}", f"--store-key={STORE_KEY}", f"--drain-s={DRAIN_S}")
        data = folder / "data"
        self._command = (*MDMSIM, "serve", f"--data={data}", *ports, *store)
        self._stack = ExitStack()
        self.simulator: Simulator
        self.start()

    def start(self) -> None:
        log = self._folder / "log"
        process = self._stack.enter_context(running(self._command, env=environment(), log=log))
        data = self._folder / "data"

        def probe() -> dict[str, Any] | None:
            assert process.poll() is None, f"mdmsim ended:\n{log.read_text()}"
            path = data / "ready.json"
            return json.loads(path.read_bytes()) if path.exists() else None

        self.simulator = Simulator(until(probe, "ready.json"), data, process)

    def kill(self) -> None:
        self.simulator.process.kill()
        self._stack.close()

    def stop(self) -> int | None:
        self._stack.close()
        return self.simulator.process.returncode


class Asking(threading.Thread):
    """Does something again and again, and keeps what came of it, until it is told to stop."""

    def __init__(self, work: Callable[[int], Any]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self.results: list[Any] = []
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.is_set():
            self.results.append(self._work(len(self.results)))


@pytest.fixture
def replicas(tmp_path: Path, postgres: PostgresServer) -> Iterator[list[Replica]]:
    url = postgres.new()
    with ExitStack() as stack:
        made = []
        for name in NAMES:
            made.append(Replica(tmp_path / name.lower(), url))
            stack.callback(made[-1].kill)
        yield made


@pytest.fixture
def cluster(replicas: list[Replica]) -> Iterator[Simulator]:
    """What clients see: one simulator, at the addresses of HAProxy."""
    one = replicas[0].simulator
    with haproxy([each.simulator.ready for each in replicas]) as ports:
        at = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        addresses = {
            "tls": [f"https://{at['TLS']}"],
            "http": f"http://{at['HTTP']}",
            "proxy": f"http://{at['PROXY']}",
            "control": f"http://{at['CONTROL']}",
        }
        yield replace(one, ready=one.ready | addresses)


@pytest.fixture
def nanodep(cluster: Simulator, tmp_path: Path) -> Iterator[Nanodep]:
    """A depserver and depsyncer that know the cluster as Apple."""
    home = tmp_path / "nanodep"
    home.mkdir()
    with depserver(home, cluster.ca, cluster.base("https")) as started:
        certificate = started.api("GET", f"/v1/tokenpki/{NAME}").body
        token = cluster.control("POST", f"/dep-servers/{cluster.server}/token", certificate)
        assert started.api("PUT", f"/v1/tokenpki/{NAME}", token).status == 200
        yield started


@pytest.fixture
def server(cluster: Simulator, tmp_path: Path) -> Iterator[Nanomdm]:
    """A nanomdm in which one device has enrolled."""
    home, identity = tmp_path / "nanomdm", Identity(UDID)
    home.mkdir()
    with nanomdm(home, cluster, identity.pem) as started:
        topic = started.take_push_certificate(cluster)
        device = Device(started.url, identity, UDID, topic, bytes(range(32)), MAGIC)
        cluster.control("POST", "/push-tokens/checkin", device.enrol())
        yield started


def test_nothing_that_they_ask_is_lost_while_replicas_roll(
    replicas: list[Replica], cluster: Simulator, nanodep: Nanodep, server: Nanomdm, tmp_path: Path
) -> None:
    devices = len(cluster.serials())

    def push(number: int) -> object:
        told = server.enqueue(UDID, "ProfileList", f"c-{number}")
        return told["status"][UDID].get("push_error", "pushed")

    def sync(_: int) -> int:
        (nanodep.home / "dep_names" / f"cursor.{NAME}").unlink(missing_ok=True)
        return len(nanodep.sync().devices)

    asking = [
        Asking(push),
        Asking(sync),
        Asking(lambda _: nanodep.apple("GET", "/account").status),
    ]
    for one in asking:
        one.start()
    for replica in replicas:
        wait_for_more(asking)
        assert replica.stop() == 0
        replica.start()
    wait_for_more(asking)
    for one in asking:
        one.stop.set()
        one.join(30)

    pushes, syncs, accounts = (one.results for one in asking)
    assert set(pushes) == {"pushed"}
    assert set(syncs) == {devices}
    assert set(accounts) == {200}
    assert cluster.answered(operation="apns.push") == [("apns.push", 200)] * len(pushes)
    assert len(cluster.exchanges(operation="dep.account")) >= len(accounts)
    assert {one["status"] for one in cluster.exchanges()} <= {200, 401}
    where = ("--store", replicas[0].url, "--store-key", STORE_KEY, "--data", str(tmp_path / "no"))
    report = run((*MDMSIM, "report", "--verify", *where), env=environment(), cwd=tmp_path)
    assert report.returncode == 0, report.stdout


def wait_for_more(asking: list[Asking]) -> None:
    """Wait until each client has a few more answers."""
    before = [len(one.results) for one in asking]

    def probe() -> bool | None:
        assert all(one.is_alive() for one in asking), "it ended by itself"
        had = zip(asking, before, strict=True)
        return all(len(one.results) >= then + EACH for one, then in had) or None

    until(probe, "answers")
