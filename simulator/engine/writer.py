"""The writer: the thread that runs what waits, batch by batch, each in one transaction.

Whatever the store fails with, no job is left without an end: those of a batch that failed are
run one by one, and who cannot be recorded is told so.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import NoReturn

from simulator.core.clock import Clock
from simulator.engine.jobs import Job, RequestJob, Work
from simulator.engine.lanes import Lanes
from simulator.engine.replica import Replica
from simulator.engine.unrecorded import UnjournalledCount
from simulator.store.errors import StoreError
from simulator.store.protocols import Store

LOG = logging.getLogger("mdmsim")
BATCH_S = 0.05
"""Seconds after which a transaction takes no further job: else an answer waits for all of them."""
PAGES_S = 0.003
"""Seconds after which one of pages takes no further, and pieces of a page end: others wait."""
_NO_CONNECTION = {"unreachable", "crowded"}


class _UnjournalledError(Exception):
    """Undoes a transaction whose answer is given all the same."""


class Writer:
    """Run jobs in transactions of the store."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        unrecorded: UnjournalledCount,
        replica: Replica | None,
        done: Callable[[Sequence[Job]], None],
    ) -> None:
        """Tell *done*, on the writer's thread, which jobs have come to their end.

        *unrecorded* counts what could not be recorded; *replica* keeps in step with others.
        """
        self._store = store
        self._clock = clock
        self._unrecorded = unrecorded
        self._replica = replica
        self._done = done
        self._lanes = Lanes()
        """What waits."""
        self._thread = threading.Thread(target=self._run, name="mdmsim-writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def put(self, job: Job) -> None:
        """Have *job* run, after those of its lane that were put before."""
        self._lanes.put(job)

    def end(self) -> None:
        """Have the thread end once it has run what was put."""
        self._lanes.end()

    def join(self) -> None:
        """Wait for the end of the thread."""
        if self._thread.is_alive():
            self._thread.join()

    def commit(self, batch: Sequence[Job]) -> int:
        """Run jobs in one transaction, as many as there is time for; return how many those are.

        Raise what the store failed with. Any thread may call it while no other does.
        """
        unrecorded, done = self._unrecorded, 0
        until = monotonic() + (PAGES_S if batch[0].is_page else BATCH_S)
        with self._store.transaction() as state:
            if unrecorded.unjournalled:
                state.skip_sequence_numbers(unrecorded.unjournalled, at_ms=self._clock.now_ms())
            if self._replica is not None:
                self._replica.keep_time(state, batch)
            for job in batch:
                if done and monotonic() > until:
                    break
                job.run(state)
                done += not job.goes_on
                if job.has_two_turns:
                    break
            if self._replica is not None:
                self._replica.announce(state, batch[:done])
        unrecorded.unjournalled = 0
        if unrecorded.trouble and not all(isinstance(job, Work) for job in batch[:done]):
            unrecorded.trouble = None
        return done

    def _run(self) -> None:
        while batch := self._lanes.next():
            done = 0 if self._looks_on(batch[0]) else self._transact(batch)
            self._lanes.put_back(batch[done:])
            if done:
                self._done(batch[:done])

    @staticmethod
    def _looks_on(job: Job) -> bool:
        """Do some of what lies between the turns of *job*; return whether there may be more.

        Others have their turn after it. Whatever a look fails with, the record meets as well.
        """
        until = monotonic() + PAGES_S
        try:
            while job.look_on():
                if monotonic() > until:
                    return True
        except Exception:
            LOG.exception("a page could not be looked at")
        return False

    def _transact(self, batch: Sequence[Job]) -> int:
        """Run a batch, each job in its own transaction if need be; return how many were run."""
        try:
            return self.commit(batch)
        except Exception as error:  # noqa: BLE001 (whatever the store failed with)
            # After a lost connection, one after the other would wait for it; and some may be done.
            if len(batch) == 1 or (
                isinstance(error, StoreError) and error.reason in _NO_CONNECTION
            ):
                for job in batch:
                    self._fail(job, error)
            else:
                for job in batch:
                    while self._looks_on(job) or not self._transact([job]):
                        pass
            return len(batch)

    def _fail(self, job: Job, error: Exception) -> None:
        """Have *job* fail, or answered without a record if that is wanted."""
        job.failed = error
        if isinstance(job, Work):
            return
        self._unrecorded.failed(error)
        if self._unrecorded.serve:
            try:
                self._run_unjournalled(job)
            except _UnjournalledError:
                job.unjournalled = error
                self._unrecorded.unjournalled += job.outbound_call is None
            except Exception as again:  # noqa: BLE001 (whatever the store failed with)
                job.failed = again

    def _run_unjournalled(self, job: RequestJob) -> NoReturn:
        """Run a job and undo what it wrote; raise _UnjournalledError if there is an answer."""
        with self._store.transaction() as state:
            job.run(state)
            while self._looks_on(job):
                pass
            if job.goes_on:
                job.run(state)
            raise _UnjournalledError
