"""A simulator that is killed at any moment has lost nothing that it answered."""

import json
import random
import signal
from pathlib import Path
from threading import Event
from typing import Any

from simulator.core.data_directory import DATABASE
from simulator.core.messages import Exchange
from simulator.services.dep.assignment import PROFILE
from simulator.services.vpp.domain.licences import ASSIGNMENT
from simulator.services.vpp.domain.locations import location
from simulator.store.opening import open_store
from tests.durability.load import MAKERS, Busy
from tests.durability.running import journal_of, simulator, verified

ROUNDS = 20
MOST = 400
"""Answers after which a round ends at the latest."""
START_S = 60


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


def bodies(exchanges: list[Exchange], operation: str) -> list[dict[str, Any]]:
    """Return what was sent to *operation*."""
    return [json.loads(one.request.body) for one in exchanges if one.operation == operation]


def test_whatever_was_answered_is_in_the_journal_and_in_the_state(tmp_path: Path) -> None:
    data = tmp_path / "data"
    answered: set[str] = set()
    for number in range(ROUNDS):
        answered.update(*(client.answered for client in killed(data, number)))

    prove(data, answered)
    assert len(answered) > ROUNDS


def prove(data: Path, answered: set[str], place: str = "") -> None:
    """Prove that whatever was *answered* is on record, and was done once."""
    exchanges = journal_of(data, place)
    store = open_store(place or data / DATABASE)
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
    report = verified(data, place)

    assert [one.seq for one in exchanges] == list(range(1, len(exchanges) + 1))
    assert answered <= pushed | named | wanted
    assert {one.response.status for one in exchanges} == {200}
    assert named == profiles
    assert wanted == assigned - {""}
    assert report.exit_code == 0, report.output
    assert f"{len(exchanges)} hashes checked" in report.output
