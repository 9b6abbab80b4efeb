"""Large bodies are read in a process of their own.

Nobody waits for one then, and what it leaves behind in memory goes with the process.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from queue import SimpleQueue
from typing import Any

from simulator.core.messages import Request
from simulator.engine.preparation import TOO_SLOW, Prepared, whole

TIMEOUT_S = 30.0
"""How long one body may take."""
STOPPING = "the simulator stops, and reads no more bodies"
_ATTEMPTS = 2
"""A process that has grown ends by itself, which may be noticed only when it is asked again."""
Waiting = tuple[Request, Callable[[Prepared | None], None]]


class BodyReader:
    """The process, which starts with the first large body, and the thread that waits for it."""

    def __init__(
        self, module: str, configuration: Any, look: Callable[[bytes], object] = len
    ) -> None:
        """Run *module*, which is handed *configuration* first; see `simulator.body_process`.

        *look* is what is done with each body as it will be recorded, as it takes its time too.
        """
        self._module, self._configuration, self._look = module, configuration, look
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
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
        if self._closed:
            on_prepared(Prepared.unread(request.body, STOPPING))
            return
        if not self._thread.ident:
            self._thread.start()
        self._queue.put((request, on_prepared))

    def close(self) -> None:
        """End the process; what waits is not read."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._process.kill()
        self._queue.put(None)
        if self._thread.ident:
            self._thread.join()

    def _run(self) -> None:
        while (waiting := self._queue.get()) is not None:
            request, on_prepared = waiting
            on_prepared(self._prepare(request))
        self._stop()

    def _prepare(self, request: Request) -> Prepared | None:
        for _ in range(_ATTEMPTS):
            try:
                connection = self._connection or self._start()
            except OSError:  # there is no room for a process
                return None
            if self._closed or connection is None:
                break
            try:
                connection.send(request)
                if connection.poll(TIMEOUT_S):
                    prepared = whole(connection.recv(), request.body)
                    if prepared.sealed is not None:
                        self._look(prepared.sealed.body)
                    return prepared
            except (OSError, EOFError):
                self._stop()
            else:
                self._stop()
                break
        return Prepared.unread(request.body, STOPPING if self._closed else TOO_SLOW)

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
