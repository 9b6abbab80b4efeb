"""A simulator that is killed at any moment has lost nothing that it answered."""

import json
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event
from typing import Any

from click.testing import CliRunner

from simulator.cli import main
from simulator.directory import DATABASE
from simulator.messages import Exchange
from simulator.services.dep.assignment import PROFILE
from simulator.services.vpp.licences import ASSIGNMENT
from simulator.services.vpp.locations import location
from simulator.store.sqlite import Store
from tests.durability.load import MAKERS, Busy

ROUNDS = 20
MOST = 400
"""Answers after which a round ends at the latest."""
START_S = 60
FLAGS = ("--http-port", "0", "--control-port", "0", "--tls-port", "off", "--proxy-port", "off")
LENIENT = ("--push-auth", "none", "--unknown-tokens", "accept")
"""The clients have no certificates, and their devices never checked in."""


@contextmanager
def simulator(data: Path) -> Iterator[tuple[dict[str, Any], subprocess.Popen[bytes]]]:
    """Start a simulator of *data*, which gets killed at the end."""
    command = [sys.executable, "-m", "simulator", "serve", "--data", str(data), *FLAGS, *LENIENT]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if line.startswith(b"mdmsim ready "):
                    break
            yield json.loads((data / "ready.json").read_bytes()), process
        finally:
            process.kill()


def killed(data: Path, number: int) -> list[Busy]:
    """Keep a simulator busy until it is killed in the middle of it; return its clients."""
    enough = random.Random(number).randint(1, MOST)  # noqa: S311 (the same rounds in each run)
    with simulator(data) as (ready, process):
        clients = [make(ready, str(number)) for make in MAKERS]
        for client in clients:
            client.start()
        pause = Event()
        while min(len(client.answered) for client in clients) < min(enough, 20) or (
            sum(len(client.answered) for client in clients) < enough
        ):
            assert any(client.is_alive() for client in clients), "it ended by itself"
            pause.wait(0.001)
        process.send_signal(signal.SIGKILL)
    for client in clients:
        client.join(START_S)
    return clients


def journal_of(store: Store) -> list[Exchange]:
    """Return all that was recorded."""
    journal = store.journal()
    found: list[Exchange] = []
    with closing(journal):
        while batch := journal.read(found[-1].seq if found else 0, 1000):
            found += batch
    return found


def bodies(exchanges: list[Exchange], operation: str) -> list[dict[str, Any]]:
    """Return what was sent to *operation*."""
    return [json.loads(one.request.body) for one in exchanges if one.operation == operation]


def test_whatever_was_answered_is_in_the_journal_and_in_the_state(tmp_path: Path) -> None:
    data = tmp_path / "data"
    answered: set[str] = set()
    for number in range(ROUNDS):
        answered.update(*(client.answered for client in killed(data, number)))

    store = Store.open(data / DATABASE)
    exchanges = journal_of(store)
    with store.transaction() as state:
        home = state.of("demo")
        profiles = {one.body["profile"]["profile_name"] for one in home.scan(PROFILE, limit=10**6)}
        licences = location(home, "campus").kind(ASSIGNMENT)
        assigned = {one.body["serial"] for one in home.scan(licences, limit=10**6)}
    store.close()
    pushed = {one.request.header("apns-id") for one in exchanges if one.operation == "apns.push"}
    defined = bodies(exchanges, "dep.define")
    associated = bodies(exchanges, "vpp2.associate")
    named = {body["profile_name"] for body in defined}
    wanted = {serial for body in associated for serial in body["serialNumbers"]}
    verified = CliRunner().invoke(main, ["report", "--verify", "--data", str(data)])

    assert [one.seq for one in exchanges] == list(range(1, len(exchanges) + 1))
    assert len(answered) > ROUNDS
    assert answered <= pushed | named | wanted
    assert {one.response.status for one in exchanges} == {200}
    assert named == profiles
    assert wanted == assigned - {""}
    assert verified.exit_code == 0, verified.output
    assert f"{len(exchanges)} hashes checked" in verified.output
