"""Large bodies are read in a process of their own.

Nobody waits for one then, and what it leaves behind in memory goes with the process.
"""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from queue import SimpleQueue
from time import monotonic
from typing import Any, NamedTuple, TypeVar

from simulator.core.messages import Request, named
from simulator.engine.preparation import (
    BUSY,
    LARGE,
    TOO_SLOW,
    BusyError,
    DecodedBody,
    Decoding,
    Prepared,
    whole,
)

TIMEOUT_S = 20.0
"""How long one body may take."""
WAIT_S = 30.0
"""How long one waits for its turn, and is read."""
MOST_WAITING = 256
"""Bodies that wait for one process; more are not read."""
ENDED = "what reads large bodies has ended over this one: send less at once"
STOPPING = "the simulator stops, and reads no more bodies"
_ATTEMPTS = 2
"""A process that has grown ends by itself, which may be noticed only when it is asked again."""
_SHORT = 1024 * 1024
"""Bytes of a body that need not wait for longer ones."""


T = TypeVar("T")


class _Waiting(NamedTuple):
    """One body that waits for its turn."""

    sent: Request | Decoding
    on_reply: Callable[[Any], None]
    """Takes what the process replied."""
    on_unread: Callable[[str], None]
    """Takes why it was not read; nothing, if there is no room for a process."""
    since_s: float


class BodyReader:
    """The process, which starts with the first large body, and the thread that waits for it."""

    def __init__(
        self,
        module: str,
        configuration: Any,
        look: Callable[[bytes], object] = len,
        *,
        timeout_s: float = TIMEOUT_S,
        wait_s: float = WAIT_S,
    ) -> None:
        """Run *module*, which is handed *configuration* first; see `simulator.body_process`.

        *look* is what is done with each body as it will be recorded, as it takes its time too.
        *timeout_s* is how long one body may take, *wait_s* how long it may wait and take.
        """
        self._module, self._configuration, self._look = module, configuration, look
        self._timeout_s, self.wait_s = timeout_s, wait_s
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="mdmsim-bodies", daemon=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection[Any, Any] | None = None
        self._lock = threading.Lock()
        self._closed = False

    @property
    def process_id(self) -> int | None:
        """That of the process; None while there is none."""
        process = self._process
        return None if process is None else process.pid

    def submit(self, request: Request, on_prepared: Callable[[Prepared | None], None]) -> None:
        """Have *request* prepared; see `Preparer`. Call it on one thread only."""

        def on_reply(reply: Prepared) -> None:
            prepared = whole(reply, request.body)
            if prepared.sealed is not None:
                self._look(prepared.sealed.body)
            on_prepared(prepared)

        def on_unread(why: str) -> None:
            on_prepared(Prepared.unread(request.body, why) if why else None)

        self._put(_Waiting(request, on_reply, on_unread, monotonic()))

    async def read(self, read: Callable[[bytes], T], content: bytes) -> T:
        """Return what *read*, a function of a module, makes of *content*.

        ValueError as it raises, BusyError if it waits too long. What is short is read at once.
        """
        if len(content) <= LARGE:
            return read(content)
        loop, decoding = asyncio.get_running_loop(), Decoding(read, content)
        done: asyncio.Future[DecodedBody | str] = loop.create_future()

        def settle(result: DecodedBody | str) -> None:
            if not done.done():
                done.set_result(result)

        def tell(result: DecodedBody | str) -> None:
            loop.call_soon_threadsafe(settle, result)

        self._put(_Waiting(decoding, tell, tell, monotonic()))
        try:
            async with asyncio.timeout(self.wait_s):
                result = await done
        except TimeoutError:
            result = BUSY
        if result == "":
            result = await asyncio.to_thread(decoding.run)
        if isinstance(result, str):
            raise BusyError(result)
        if result.problem:
            raise ValueError(result.problem)
        tree: T = result.tree
        return tree

    def close(self) -> None:
        """End the process; what waits is not read."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._process.kill()
        self._queue.put(None)
        if self._thread.ident:
            self._thread.join()

    def _put(self, waiting: _Waiting) -> None:
        if self._closed or self._queue.qsize() >= MOST_WAITING:
            waiting.on_unread(STOPPING if self._closed else BUSY)
            return
        if not self._thread.ident:
            self._thread.start()
        self._queue.put(waiting)

    def _run(self) -> None:
        while (waiting := self._queue.get()) is not None:
            if monotonic() - waiting.since_s > self.wait_s:
                waiting.on_unread(BUSY)
            else:
                self._read(waiting)
        self._stop()

    def _read(self, waiting: _Waiting) -> None:
        why = ENDED
        for _ in range(_ATTEMPTS):
            try:
                connection = self._connection or self._start()
            except OSError:  # there is no room for a process
                waiting.on_unread("")
                return
            if self._closed or connection is None:
                break
            try:
                connection.send(waiting.sent)
                replied = connection.poll(self._timeout_s)
                reply = connection.recv() if replied else None
            except (OSError, EOFError):
                self._stop()
                continue
            if replied:
                waiting.on_reply(reply)
                return
            self._stop()
            why = TOO_SLOW
            break
        waiting.on_unread(STOPPING if self._closed else why)

    def _start(self) -> "Connection[Any, Any] | None":
        """Start the process; None if it is too late for that."""
        ours, theirs = Pipe()
        with self._lock:
            if self._closed:
                ours.close()
                theirs.close()
                return None
            try:
                self._process = subprocess.Popen(  # noqa: S603 (ours)
                    [sys.executable, "-P", "-m", self._module, str(theirs.fileno())],
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                    pass_fds=(theirs.fileno(),),
                    stdin=subprocess.DEVNULL,
                )
            except OSError:
                ours.close()
                raise
            finally:
                theirs.close()
        self._connection = ours
        ours.send(self._configuration)
        return ours

    def _stop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class BodyLanes:
    """Two processes: what is short waits for nothing that is long, or may be once unpacked."""

    def __init__(self, short: BodyReader, long: BodyReader) -> None:
        """Have bodies of up to a MiB read by *short*, others by *long*."""
        self._short, self._long = short, long
        self.wait_s = max(short.wait_s, long.wait_s)

    def submit(self, request: Request, on_prepared: Callable[[Prepared | None], None]) -> None:
        """Have *request* prepared; see `Preparer`."""
        packed = "content-encoding" in named(request.headers)
        lane = self._long if packed or len(request.body) > _SHORT else self._short
        lane.submit(request, on_prepared)

    def close(self) -> None:
        """Read no more."""
        self._short.close()
        self._long.close()
