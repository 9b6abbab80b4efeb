"""A disk that fails or is full: what is answered is on record and the other way round, and
all is well as soon as the disk is.
"""

import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.durability import shim
from tests.durability.asking import Client, numbers
from tests.durability.rooms import FILLER, room
from tests.durability.running import FLAGS, journal_of, simulator, verified
from tests.durability.shim import Shim

STOP_S = 5


def test_a_disk_that_was_full_is_served_from_again(tmp_path: Path) -> None:
    with room(tmp_path / "disk", "size=64m") as small:
        data = small.path / "data"
        small.fill(small.outside(small.path) / FILLER, leave=48_000_000)
        with simulator(data, room=small) as (ready, process):
            client = Client(ready, pad=6000)
            # So that the log has begun anew, and holds room of its own.
            before = client.ask(900)
            with small.full():
                while not client.ask(50)[503]:
                    assert client.asked < 20_000
                full = client.ask(600)
                unwell = client.health()
            well = client.health()
            after = client.ask(1200)
            client.close()
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOP_S) == 0
        kept = small.copy(tmp_path / "copy") / "data"

    assert set(before) == set(after) == {404}
    assert set(full) == {503}
    assert (unwell[0], well) == (503, (200, {"status": "ok"}))
    assert "make room" in unwell[1]["detail"]
    assert numbers(journal_of(kept)) == client.recorded()
    assert verified(kept).exit_code == 0


FAULTS = {
    "log-cannot-be-written": (shim.FAIL, shim.WRITE, shim.LOG, errno.EIO),
    "log-is-full": (shim.FAIL, shim.WRITE, shim.LOG, errno.ENOSPC),
    "log-is-written-in-part": (shim.SHORT, shim.WRITE, shim.LOG, errno.ENOSPC),
    "log-cannot-be-synced": (shim.FAIL, shim.SYNC, shim.LOG, errno.EIO),
    "database-cannot-be-written": (shim.FAIL, shim.WRITE, shim.DATABASE, errno.EIO),
    "database-is-full": (shim.FAIL, shim.WRITE, shim.DATABASE, errno.ENOSPC),
    "database-cannot-be-synced": (shim.FAIL, shim.SYNC, shim.DATABASE, errno.EIO),
    "nothing-can-be-synced": (shim.FAIL, shim.SYNC, shim.DATABASE | shim.LOG, errno.EIO),
}


@pytest.mark.parametrize(
    ("fault", "synchronous"),
    [
        *(pytest.param(fault, "normal", id=name) for name, fault in FAULTS.items()),
        *(
            pytest.param(fault, "full", id=f"{name}-full")
            for name, fault in FAULTS.items()
            if "sync" in name
        ),
    ],
)
def test_a_disk_that_failed_is_served_from_again(
    tmp_path: Path, fault: tuple[int, int, int, int], synchronous: str
) -> None:
    """So many are asked for meanwhile that the log is to be emptied more than once."""
    data, library = tmp_path / "data", Shim(tmp_path / "orders")
    flags = ("--synchronous", synchronous)
    with simulator(data, *flags, env=library.env) as (ready, process):
        client = Client(ready)
        before = client.ask(50)
        with library.armed(*fault):
            meanwhile = client.ask(1150)
            health = client.health()
        well = client.health()
        after = client.ask(100)
        client.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_S) == 0

    assert set(before) == set(after) == {404}
    assert set(meanwhile) <= {404, 503}
    assert health[0] == (503 if client.answered[1199] == 503 else 200)
    assert well == (200, {"status": "ok"})
    assert numbers(journal_of(data)) == client.recorded()
    assert verified(data).exit_code == 0


def test_what_was_refused_is_not_on_record_even_if_it_is_killed_then(tmp_path: Path) -> None:
    data, library = tmp_path / "data", Shim(tmp_path / "orders")
    flags = ("--synchronous", "full")
    with simulator(data, *flags, env=library.env) as (ready, process):
        client = Client(ready)
        client.ask(20)
        library.order(shim.FAIL, shim.SYNC, shim.LOG)
        refused = client.ask(5)
        client.close()
        process.send_signal(signal.SIGKILL)

    assert set(refused) == {503}
    assert numbers(journal_of(data)) == client.recorded() == list(range(20))
    assert verified(data).exit_code == 0


PHASES = {
    "log-write": (shim.WRITE, shim.LOG, 40),
    "log-write-in-the-middle": (shim.WRITE, shim.LOG, 43),
    "log-sync": (shim.SYNC, shim.LOG, 3),
    "checkpoint-write": (shim.WRITE, shim.DATABASE, 0),
    "checkpoint-write-in-the-middle": (shim.WRITE, shim.DATABASE, 17),
    "checkpoint-sync": (shim.SYNC, shim.DATABASE, 0),
}


@pytest.mark.parametrize("phase", list(PHASES.values()), ids=list(PHASES))
def test_a_simulator_killed_in_any_phase_has_lost_nothing(
    tmp_path: Path, phase: tuple[int, int, int]
) -> None:
    operations, files, skip = phase
    data, library = tmp_path / "data", Shim(tmp_path / "orders")
    with simulator(data, env=library.env) as (ready, process):
        client = Client(ready, pad=2000)
        client.ask(100)
        library.order(shim.KILL, operations, files, skip=skip)
        while not client.ask(1)[0]:
            assert client.asked < 10_000
        client.close()
        assert process.wait(STOP_S) == -signal.SIGKILL
    with simulator(data) as (ready, process):
        again = Client(ready)
        again.asked = client.asked
        assert set(again.ask(50)) == {404}
        again.close()

    on_record = numbers(journal_of(data))
    # The one that was under way may be there without an answer.
    assert set(on_record) - {client.asked - 1} == {*client.answered, *again.answered}
    assert verified(data).exit_code == 0


@pytest.mark.parametrize("skip", [0, 5, 60, 140])
def test_a_first_start_that_was_killed_is_begun_again(tmp_path: Path, skip: int) -> None:
    """From 60 on, while a world is loaded."""
    data, library = tmp_path / "data", Shim(tmp_path / "orders")
    library.order(shim.KILL, shim.WRITE, shim.DATABASE | shim.LOG, skip=skip)
    command = [sys.executable, "-m", "simulator", "serve", "--data", str(data), *FLAGS]
    killed = subprocess.run(command, env=library.env, check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    with simulator(data) as (ready, _):
        client = Client(ready)
        statuses = client.ask(3)
        client.close()

    assert statuses == {404: 3}
    assert [one["id"] for one in ready["organisations"]] == ["demo"]
    assert verified(data).exit_code == 0


@pytest.mark.parametrize("options", ["size=16k", "size=64k", "size=256k", "nr_inodes=4"])
def test_a_first_start_without_room_ends_with_one_line(tmp_path: Path, options: str) -> None:
    with room(tmp_path / "disk", options) as small:
        data = small.path / "data"
        command = [*small.command, sys.executable, "-m", "simulator", "serve"]
        ended = subprocess.run(
            [*command, "--data", str(data), *FLAGS], check=False, capture_output=True, text=True
        )

    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert ended.stderr.startswith("mdmsim: ")
    assert "make room" in ended.stderr


def test_a_disk_without_inodes_is_served_from(tmp_path: Path) -> None:
    with room(tmp_path / "disk", "size=64m,nr_inodes=200") as small:
        data = small.path / "data"
        with simulator(data, room=small) as (ready, process):
            client = Client(ready)
            number = 0
            with pytest.raises(OSError, match="No space"):  # noqa: PT012 (it fails when it is full)
                while True:
                    (small.outside(data) / f"file{number}").touch()
                    number += 1
            statuses, health = client.ask(1200), client.health()
            client.close()
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOP_S) == 0
        kept = small.copy(tmp_path / "copy") / "data"

    assert (set(statuses), health[0]) == ({404}, 200)
    assert numbers(journal_of(kept)) == client.recorded()
    assert verified(kept).exit_code == 0
