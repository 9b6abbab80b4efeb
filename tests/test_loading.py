"""Loading a world, to its end or not."""

from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from simulator.core.settings import Settings
from simulator.services.organisations import all_organisations
from simulator.store.opening import open_store
from simulator.worlds.loading import generate_secret, is_empty, load_steps, stopped
from simulator.worlds.world import load_world


def test_a_new_database_is_empty_until_a_world_is_loaded() -> None:
    with closing(open_store(None)) as store, store.transaction() as state:
        before = is_empty(state)
        devices = sum(piece(state) for piece in load_steps(load_world("demo"), 1, 0))
        after = is_empty(state)

    assert (before, after) == (True, False)
    assert devices == load_world("demo").size()


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_of_a_world_that_was_loaded_in_part_nothing_stays(steps: int) -> None:
    with closing(open_store(None)) as store, store.transaction() as state:
        for piece in islice(load_steps(load_world("demo"), 1, 0), steps):
            piece(state)

        assert is_empty(state)
        assert all_organisations(state) == []
        devices = sum(piece(state) for piece in load_steps(load_world("demo"), 1, 0))

    assert devices == load_world("demo").size()


def test_a_database_that_nobody_serves_has_its_world(tmp_path: Path) -> None:
    with stopped(Settings(data=str(tmp_path))) as store, store.transaction() as state:
        assert not is_empty(state)


@pytest.mark.parametrize("digits", [1, 40, 96])
def test_credentials_get_as_many_digits_as_asked_for(digits: int) -> None:
    made = generate_secret(digits)

    assert len(made) == digits
    assert int(made, 16) >= 0
    assert digits == 1 or generate_secret(digits) != made
