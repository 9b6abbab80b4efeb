"""A simulator that is told to stop while it is busy answers what it took, and keeps all of it."""

import signal
from collections import Counter
from pathlib import Path
from threading import Event

from tests.durability.load import MAKERS, Licences, Profiles, Pushes
from tests.durability.running import journal_of, simulator, verified

STOP_S = 5
ENOUGH = 300
"""Answers after which it is told to stop."""


def test_sigterm_under_load_loses_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with simulator(data) as (ready, process):
        clients = [make(ready, "7") for make in MAKERS]
        for client in clients:
            client.start()
        pause = Event()
        while sum(len(client.answered) for client in clients) < ENOUGH:
            pause.wait(0.001)
        process.send_signal(signal.SIGTERM)
        status = process.wait(STOP_S)
    for client in clients:
        client.join(STOP_S)

    exchanges = journal_of(data)
    pushed = [
        one.request.header("apns-id") or "" for one in exchanges if one.operation == "apns.push"
    ]
    answered = {type(client): sorted(client.answered) for client in clients}
    operations = Counter(one.operation for one in exchanges)
    assert status == 0
    assert [client.gone for client in clients if isinstance(client, Pushes)] == [True]
    # Nothing that was answered is missing, and nothing was taken without an answer.
    assert answered[Pushes] == sorted(pushed)
    assert len(answered[Profiles]) == operations["dep.define"]
    assert len(answered[Licences]) == operations["vpp2.associate"]
    assert [one.seq for one in exchanges] == list(range(1, len(exchanges) + 1))
    assert {one.response.status for one in exchanges} == {200}
    assert verified(data).exit_code == 0
    assert not (data / "ready.json").exists()
