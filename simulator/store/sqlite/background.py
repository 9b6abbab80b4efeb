"""A thread for what is due beside the writer, so that no request pays for it."""

import logging
import threading
from collections.abc import Callable

LOG = logging.getLogger("mdmsim")
FIRST_PAUSE_S = 0.5
"""Pause after a failure; each further one in a row is twice as long."""
LONGEST_PAUSE_S = 10.0


class BackgroundWork:
    """The thread. It works whenever it is told to, and again after a failure, until `close`."""

    def __init__(self, name: str, work: Callable[[], None], about: str) -> None:
        """Call *work* when it is due, and warn with *about* when it fails again and again."""
        self._work = work
        self._about = about
        self._due = threading.Event()
        self._telling = threading.Lock()
        self.idle = threading.Event()
        """Whether all has been done that was due."""
        self.closing = threading.Event()
        """Whether *work* is to end soon."""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def tell(self) -> None:
        """Have it work, once more if it does already."""
        if self._due.is_set():
            return  # it was told, and has not begun since
        with self._telling:
            self.idle.clear()
            self._due.set()

    def close(self) -> None:
        """End the thread."""
        self.closing.set()
        self._due.set()
        self._thread.join()

    def _run(self) -> None:
        pause_s = 0.0
        while not self.closing.is_set():
            self._due.wait()
            self._due.clear()
            try:
                self._work()
            except Exception as error:  # noqa: BLE001 (nothing ends it: nobody would start it again)
                if pause_s == FIRST_PAUSE_S:
                    LOG.warning("%s: %s", self._about, error)
                pause_s = min(max(2 * pause_s, FIRST_PAUSE_S), LONGEST_PAUSE_S)
                self.closing.wait(pause_s)
                self._due.set()
            else:
                pause_s = 0.0
                with self._telling:
                    if not self._due.is_set():
                        self.idle.set()
