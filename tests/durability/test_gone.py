"""A database that somebody deletes or replaces while it is in use: nothing is answered and lost."""

import shutil
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from simulator.core.data_directory import DATABASE
from simulator.store.errors import StoreError
from simulator.store.opening import open_store
from tests.durability.asking import Client
from tests.durability.running import simulator, verified
from tests.store.conftest import exchange


def replace(database: Path) -> None:
    other = database.with_name("other.db")
    open_store(other).close()
    other.replace(database)


@pytest.mark.parametrize("do", [Path.unlink, replace])
def test_nothing_is_committed_to_a_file_that_is_gone(
    tmp_path: Path, do: Callable[[Path], None]
) -> None:
    path = tmp_path / DATABASE
    with closing(open_store(path)) as store:
        with store.transaction() as state:
            state.record(exchange())
        do(path)

        for _ in range(2):
            with (
                pytest.raises(StoreError, match="deleted or replaced"),
                store.transaction() as state,
            ):
                state.record(exchange())


def test_a_data_directory_that_is_moved_is_written_on(tmp_path: Path) -> None:
    path, moved = tmp_path / "data" / DATABASE, tmp_path / "moved"
    path.parent.mkdir()
    with closing(open_store(path)) as store:
        path.parent.rename(moved)
        with store.transaction() as state:
            state.record(exchange())

    with closing(open_store(moved / DATABASE)) as store, closing(store.journal()) as journal:
        assert journal.count() == 1


def test_a_data_directory_that_is_deleted_is_told_to_clients_and_to_readyz(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy"
    with simulator(data) as (ready, process), closing(Client(ready)) as client:
        assert set(client.ask(3)) == {404}
        shutil.copytree(data, copy)
        (data / DATABASE).unlink()
        assert set(client.ask(3)) == {503}
        status, about = client.health()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0

    assert status == 503
    assert "deleted or replaced" in about["detail"]
    assert "start mdmsim again" in about["detail"]
    assert verified(copy).exit_code == 0
