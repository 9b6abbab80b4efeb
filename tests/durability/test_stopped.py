"""A simulator that is told to stop while it is busy answers what it took, and keeps all of it."""

import signal
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

from tests.durability.load import MAKERS, Licences, Profiles, Pushes
from tests.durability.running import journal_of, simulator, verified

STOP_S = 5
ENOUGH = 300
"""Answers after which it is told to stop."""
LISTENERS = 300


@contextmanager
def listening(ready: dict[str, Any]) -> Iterator[list[socket.socket]]:
    """Open streams of pushes and events; yield them once all have begun."""
    port = urlsplit(ready["control"]).port or 0
    about = f"Host: 127.0.0.1\r\nAuthorization: Bearer {ready['control_token']}\r\n\r\n"
    with ExitStack() as stack:
        opened = []
        for number in range(LISTENERS):
            name = f"push-tokens/{number:064x}/events" if number % 2 else "events"
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            one.sendall(f"GET /api/v1/{name} HTTP/1.1\r\n{about}".encode())
            opened.append(one)
        for one in opened:
            assert one.recv(15) == b"HTTP/1.1 200 OK"
        yield opened


def test_sigterm_under_load_loses_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with (
        (tmp_path / "log").open("wb") as log,
        simulator(data, log=log) as (ready, process),
        listening(ready) as streams,
    ):
        clients = [make(ready, "7") for make in MAKERS]
        for client in clients:
            client.start()
        pause = Event()
        while sum(len(client.answered) for client in clients) < ENOUGH:
            pause.wait(0.001)
        process.send_signal(signal.SIGTERM)
        for one in streams[::3]:  # some leave by themselves
            one.close()
        status = process.wait(STOP_S)
    assert (tmp_path / "log").read_text() == ""
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
