"""What one process does, several over one PostgreSQL do too, whichever of them is asked when.

The state machines of the services run again, each transaction in the replica that is next: so one
has always to see at once what another has done, and to believe nothing that it remembers.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from itertools import cycle
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from simulator.core.state import StoreAdmin
from simulator.pki.push import PushAuthority
from simulator.services.apns import pushes
from simulator.store.opening import open_store
from simulator.store.protocols import Journal
from tests.apple import Apple
from tests.postgres import PostgresServer
from tests.services.apns.conftest import authority
from tests.services.apns.conftest import make as make_apns
from tests.services.axm.test_state import Activities
from tests.services.dep.test_assignment import Life
from tests.services.dep.test_timeline import Lines
from tests.services.vpp.test_arithmetic import Licences

__all__ = ["authority"]
REPLICAS = 3
EXAMPLES = int(os.environ.get("INTERLEAVINGS", "3"))
"""Sequences of each machine; ``make replicas`` tries more."""
TURNS = st.lists(st.integers(0, REPLICAS - 1), min_size=1, max_size=7)


class Replicas:
    """A store that is several, over one database: each transaction is another one's turn."""

    peers = None
    commits_without_blocking = False

    def __init__(self, url: str) -> None:
        self._stores = [open_store(url) for _ in range(REPLICAS)]
        self.take_turns(range(REPLICAS))

    def take_turns(self, turns: Iterable[int]) -> None:
        self._turns: Iterator[int] = cycle(turns)

    def transaction(self) -> AbstractContextManager[StoreAdmin]:
        return self._stores[next(self._turns)].transaction()

    def journal(self) -> Journal:
        return self._stores[0].journal()

    def close(self) -> None:
        for one in self._stores:
            one.close()


def over(machine: Any, server: PostgresServer) -> RuleBasedStateMachine:
    """Return *machine*, of a simulator that is several replicas."""

    class Interleaved(machine):  # type: ignore[misc]  # whichever it is
        def make(self, **facts: Any) -> Apple:
            self.replicas = Replicas(server.new())
            made: Apple = machine.make(store=self.replicas, **facts)
            return made

        @rule(turns=TURNS)
        def go_on_in_another_order(self, turns: list[int]) -> None:
            self.replicas.take_turns(turns)

        def teardown(self) -> None:
            self.apple.__exit__()

    return Interleaved()


@pytest.mark.parametrize("machine", [Licences, Lines, Life, Activities])
def test_it_is_the_same_whoever_is_asked(machine: Any, postgres: PostgresServer) -> None:
    few = settings(max_examples=EXAMPLES, stateful_step_count=12, deadline=None)
    made: Any = partial(over, machine, postgres)
    run_state_machine_as_test(made, settings=few)


def test_a_push_takes_the_place_of_one_that_another_has_stored(
    postgres: PostgresServer, authority: PushAuthority
) -> None:
    apns = make_apns(authority, store=Replicas(postgres.new()))
    for number in range(REPLICAS):
        assert apns.push(apns_id=f"0f8fad5b-d9cb-469f-a165-70867728950{number}").status == 200

    waiting = apns.take()

    assert waiting is not None
    assert waiting.apns_id.endswith("2")
    assert apns.take() is None
    counted = apns.apple.home(pushes.counters)
    assert (counted["stored"], counted["coalesced"], counted["delivered"]) == (3, 2, 1)
