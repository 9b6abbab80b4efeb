"""What waits for the writer, in two lanes: pages, and all else, which does not wait for them.

A page of a thousand devices takes as long as a hundred pushes. So the writer takes of either
lane in turns, and of pages no more at once than take a moment: whoever asks for something brief
waits for one page at most, however many are wanted, and pages get on whatever else is wanted.
"""

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from queue import Empty, SimpleQueue

from simulator.engine.jobs import Job, Load

MAX_BATCH = 256
"""Most jobs in one transaction."""


class Lanes:
    """Jobs by lane, each lane in the order in which they came. `put` is for any thread."""

    def __init__(self) -> None:
        self._arriving: SimpleQueue[Job | None] = SimpleQueue()
        """None: there will be nothing any more."""
        self._brief: deque[Job] = deque()
        self._pages: deque[Job] = deque()
        self._ended = False
        self._pages_next = False
        """Whose turn it is, if there are jobs in both lanes."""

    def put(self, job: Job) -> None:
        """Add a job to its lane."""
        self._arriving.put(job)

    def end(self) -> None:
        """Let `next` return nothing once all that was put has been taken."""
        self._arriving.put(None)

    def next(self) -> Sequence[Job]:
        """Wait for jobs; return some of one lane, for one transaction. Empty: that was all."""
        self._sort()
        lane = self._brief
        if self._pages and (self._pages_next or not lane):
            lane = self._pages
        self._pages_next = lane is self._brief
        taken = list(islice(lane, MAX_BATCH))
        load = next((place for place, job in enumerate(taken) if isinstance(job, Load)), MAX_BATCH)
        taken = taken[: max(load, 1)]  # a load is alone in its transaction
        for _ in taken:
            lane.popleft()
        return taken

    def put_back(self, jobs: Sequence[Job]) -> None:
        """Have jobs that `next` returned last be the first of their lane again."""
        if jobs:
            lane = self._pages if jobs[0].is_page else self._brief
            lane.extendleft(reversed(jobs))

    def _sort(self) -> None:
        """Put what has arrived into its lane; wait if there is nothing else to do."""
        idle = not (self._brief or self._pages or self._ended)
        with suppress(Empty):
            while True:
                job = self._arriving.get(block=idle)
                idle = False
                if job is None:
                    self._ended = True
                else:
                    (self._pages if job.is_page else self._brief).append(job)
